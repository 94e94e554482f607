"""Seed and tapered amplifier: setpoints beside readbacks, and the order that keeps it alive."""

from typing import Any

from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from gui.context import Context
from gui.model.output import output_missing
from gui.panels.guards import GuardsList
from gui.panels.light_order import INPUTS, STEPS, amplifier_refusal, light_order
from gui.panels.ramp import Ramp
from gui.panels.scrolled import ScrolledPanel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.setpoint_row import SetpointRow
from gui.widgets.short_button import short_button
from gui.widgets.words import set_role, show_stale, words
from gui.widgets.wrapping import WrappingRow
from gui.words import sentence

SWITCHES = ("seed", "amplifier", "light")
SWITCHES_PLACE = 2
"""In the head: below the steps and what comes next."""


class AmplifierPanel(ScrolledPanel):
    """Switches, currents, powers, and the chain of steps over them."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ramp = Ramp()
        self.steps = [Badge(context.theme, "") for _ in STEPS]
        self.next = words(role="")
        self.head.addLayout(flowing(*self.steps, spacing_px=2))
        self.head.addWidget(self.next)
        self.switches = WrappingRow()
        self.switches.add(*(_Switches(context, name) for name in SWITCHES))
        self.head.addWidget(self.switches)
        self.output = Badge(context.theme, "")
        self.output.mark(True)
        self.unguarded = Badge(context.theme, "Guard")
        self.missing = words(role="wrong")
        self.head.addLayout(flowing(self.output, self.unguarded))
        self.head.addWidget(self.missing)
        self.seed = SetpointRow(
            self, "Seed current", "mA", 2, _seed_current,
            limits="amplifier:seed_current", readback=Readback(self, "amplifier:seed_current"),
        )  # fmt: skip
        self.amplifier = SetpointRow(
            self, "Amplifier current", "mA", 1, _amplifier_current,
            limits="amplifier:current", readback=Readback(self, "amplifier:current"),
            check=lambda value: amplifier_refusal(context.readings, value), watched=INPUTS,
        )  # fmt: skip
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setAccessibleName("ramp of the amplifier current")
        self._minimum = words()
        self.body.addWidget(self.seed)
        self.body.addWidget(self.amplifier)
        self.body.addWidget(self.bar)
        powers = QGridLayout()
        powers.setVerticalSpacing(2)
        powers.setColumnStretch(1, 1)
        powers.addWidget(QLabel("Seed power"), 0, 0)
        powers.addWidget(Readback(self, "amplifier:seed_power"), 0, 1)
        powers.addWidget(self._minimum, 1, 0, 1, 2)
        powers.addWidget(QLabel("Output power"), 2, 0)
        powers.addWidget(Readback(self, "amplifier:output_power"), 2, 1)
        self.body.addLayout(powers)
        self.protection = Badge(context.theme, "Box guard")
        self.health = words()
        self.guards = GuardsList(context)
        self.watchdog = words()
        self.body.addWidget(self.health)
        self.body.addWidget(self.protection)
        self.body.addWidget(self.watchdog)
        self.body.addWidget(self.guards)
        self.body.addLayout(flowing(short_button(context, "protection.read", "Read guards")))
        self.body.addStretch(1)
        self.amplifier.field.sent.connect(self._on_sent)
        self.amplifier.field.state_changed.connect(self._on_answer)
        self.follow(self._show_order, *INPUTS, "amplifier:current_set", "run:state")
        self.follow(self._show_setpoints, "amplifier:seed_current_set", "amplifier:current_set")
        self.follow(self._show_ramp, "amplifier:on", "amplifier:current", "amplifier:current_set")
        self.follow(self._show_output, "station:alarms", "run:state")
        self.follow(self._show_box, "amplifier:protected", "amplifier:health", "station:alarms")
        self.follow(self._show_watchdog, "station:watchdog", "station:watchdog_look")
        self._asked: object = None
        self.follow(self._ask_guards, "amplifier:protected")
        context.actions.bind("protection.read", self.guards.read)

    def _keep_whole(self) -> None:
        super()._keep_whole()
        self._place_switches()

    def _switches_px(self) -> int:
        return self.switches.heightForWidth(self.width()) + self.head.spacing()

    def _movable_px(self) -> int:
        return self._switches_px() if self.switches.parentWidget() is self else 0

    def _place_switches(self) -> None:
        """In the head, always in sight; in a dock too low for that they scroll with the rest."""
        layout, switches = self.layout(), self.switches
        if layout is None:
            return
        in_head = bool(self._movable_px())
        needed = layout.minimumHeightForWidth(self.width())
        if not in_head:
            needed += self._switches_px()
        if in_head == (needed <= self.height()):
            return
        if in_head:
            self.head.removeWidget(switches)
            self.body.insertWidget(0, switches)
        else:
            self.body.removeWidget(switches)
            self.head.insertWidget(SWITCHES_PLACE, switches)

    def _show_order(self) -> None:
        order = light_order(self.context.readings)
        for index, (badge, step) in enumerate(zip(self.steps, STEPS, strict=True)):
            look = (step.unknown, Tone.STALE) if order is None else order.look(index)
            badge.show_state(*look)
            badge.mark(order is not None and index == order.present)
        if order is None:
            stale = self.context.readings.value("amplifier:current").message
            text = f"The amplifier's state is not known: {stale or 'a reading is missing'}."
        else:
            ramp = self._ramp_now()
            text = order.next_step(
                in_run=self.context.state.under_way, ramps_to_ma=None if ramp is None else ramp[1]
            )
            self._minimum.setText(f"at least {order.seed_power_min_mw:g} mW to be verified")
        if text != self.next.text():
            self.next.setText(text)
        wrong = order is None or order.unsafe or order.broken
        set_role(self.next, "wrong" if wrong else "")

    def _show_setpoints(self) -> None:
        number = self.context.readings.number
        self.seed.field.show_value(number("amplifier:seed_current_set"))
        self.amplifier.field.show_value(number("amplifier:current_set"))

    def _on_sent(self, target: float) -> None:
        self._ramp.sent(target)
        self._show_ramp()
        self._show_order()

    def _on_answer(self) -> None:
        if not self.amplifier.field.waits:
            self._ramp.answered()
            self._show_ramp()
            self._show_order()

    def _ramp_now(self) -> tuple[float, float] | None:
        """Share of the way and target, mA; None while nothing ramps."""
        readings = self.context.readings
        current, setpoint = (
            readings.number(name) for name in ("amplifier:current", "amplifier:current_set")
        )
        on = readings.flag("amplifier:on")
        return self._ramp.update(current, setpoint) if on else None

    def _show_ramp(self) -> None:
        ramp = self._ramp_now()
        self.bar.setVisible(ramp is not None)
        if ramp is None:
            return
        share, target = ramp
        current = self.context.readings.number("amplifier:current")
        self.bar.setValue(round(100.0 * share))
        self.bar.setFormat(f"{current:.0f} mA, to {target:.0f} mA")

    def _show_box(self) -> None:
        readings = self.context.readings
        protected, health = (
            readings.value(name) for name in ("amplifier:protected", "amplifier:health")
        )
        unguarded = not protected.stale and not protected.value
        self.unguarded.setVisible(unguarded)
        self.protection.setVisible(not unguarded)
        if protected.stale:
            self.protection.show_state("unknown", Tone.STALE, protected.message)
        elif protected.value:
            self.protection.show_state("armed", Tone.OK, "the box itself ends a seedless pump")
        else:
            self.unguarded.show_state(
                "NOT ARMED", Tone.DANGER, "nothing stops the amplifier when the seed dies"
            )
        text = "unknown" if health.stale else readings.text("amplifier:health")
        self.health.setText(f"Health: {text or 'no message'}")
        self.health.setToolTip(health.message)
        plain = "muted" if text.lower() in ("", "ok") else ""
        set_role(self.health, "wrong" if output_missing(readings) else plain)
        show_stale(self.health, health.stale)

    def _show_output(self) -> None:
        """Too little light for the current: what a destroyed amplifier looks like."""
        text = output_missing(self.context.readings)
        self.output.setVisible(bool(text))
        self.missing.setVisible(bool(text))
        if text:
            self.output.show_state("NO OUTPUT", Tone.DANGER, text)
            # All of it stands in the log; here it would push the setpoints out of sight.
            fault = text.partition(". ")[0]
            todo = "press STOP" if self.context.state.under_way else "switch the light off"
            self.missing.setText(f"{sentence(fault)} The amplifier may be damaged: {todo}.")
            self.missing.setToolTip(text)

    def _show_watchdog(self) -> None:
        readings = self.context.readings
        slowest, look = (
            readings.number(name) for name in ("station:watchdog", "station:watchdog_look")
        )
        stale = readings.value("station:watchdog").stale
        acted = slowest > 0.0
        said = f"slowest reaction {slowest:.0f} ms" if acted else "has not had to act"
        looks = f"; longest time between two looks {look:.0f} ms" if look > 0.0 else ""
        self.watchdog.setText(f"Station's watchdog: {'unknown' if stale else said + looks}")
        show_stale(self.watchdog, stale)

    def _ask_guards(self) -> None:
        """When the panel comes up, and whenever the box says something else of its guard."""
        value = self.context.readings.value("amplifier:protected")
        state = None if value.stale else value.value
        if state == self._asked:
            return
        self._asked = state
        if state is None:
            self.guards.forget(f"The guards are not known: {value.message}.")
        else:
            self.guards.read()


class _Switches(QWidget):
    """On above off, equally wide: so three devices stand in two lines of a narrow dock."""

    def __init__(self, context: Context, device: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for state in ("on", "off"):
            button = context.actions.button(f"{device}.{state}")
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            column.addWidget(button)


def _seed_current(value: float) -> tuple[str, dict[str, Any]]:
    return "seed_current", {"current_ma": value}


def _amplifier_current(value: float) -> tuple[str, dict[str, Any]]:
    return "amplifier_current", {"current_ma": value}
