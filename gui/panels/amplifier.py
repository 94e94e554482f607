"""Seed and tapered amplifier: setpoints beside readbacks, and the order that keeps it alive."""

import math
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.context import Context
from gui.model.output import output_missing
from gui.panels.guards import GuardsList
from gui.panels.light_order import (
    INPUTS,
    STEPS,
    UNDONE,
    UNKNOWN,
    amplifier_refusal,
    light_order,
)
from gui.panels.ramp import Ramp
from gui.panels.scrolled import ScrolledPanel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.setpoint_row import SetpointRow
from gui.widgets.short_button import short_button
from gui.widgets.words import set_role, show_stale, words

SEED_SCATTER_MA = 0.5
"""The box tells the seed current that flows, not its setpoint: by this much it may differ."""

HEAD_LINES = 18
"""A panel of fewer lines of text in height has no room for the switches in its head."""


class AmplifierPanel(ScrolledPanel):
    """Switches, currents, powers, and the chain of steps over them.

    What has to be seen or reached in trouble stands in the head: the steps, too little output, a
    guard of the box that is not armed, and the switches.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ramp = Ramp()
        self.steps = [Badge(context.theme, "") for _ in STEPS]
        self.next = words(role="")
        self.head.addLayout(flowing(*self.steps, spacing_px=2))
        self.head.addWidget(self.next)
        self.output = Badge(context.theme, "Output")
        self.disarmed = Badge(context.theme, "Guard")
        self.missing = words(role="wrong")
        self.head.addLayout(flowing(self.output, self.disarmed))
        self.head.addWidget(self.missing)
        self.switches = QWidget()
        self.switches.setLayout(
            flowing(*(self._switch(of) for of in ("seed", "amplifier", "light")))
        )
        self.head.addWidget(self.switches)
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
        self.protection = Badge(context.theme, "Box's guard")
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
        self.follow(self._show_order, *INPUTS)
        self.follow(self._show_seed, "amplifier:seed_current", "amplifier:seed_on")
        self.follow(self._show_setpoint, "amplifier:current_set")
        self.follow(self._show_ramp, "amplifier:current", "amplifier:current_set")
        self.follow(self._show_output, "station:alarms")
        self.follow(self._show_box, "amplifier:protected", "amplifier:health", "station:alarms")
        self.follow(self._show_watchdog, "station:watchdog", "station:watchdog_look")
        self._asked: object = None
        self.follow(self._ask_guards, "amplifier:protected")
        context.actions.bind("protection.read", self.guards.read)
        context.theme.changed.connect(self._place_switches)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_switches()

    def _place_switches(self) -> None:
        """In the head; first in the scrolled part where a head of large text would fill all."""
        roomy = self.height() > HEAD_LINES * self.fontMetrics().height()
        if roomy == (self.head.indexOf(self.switches) >= 0):
            return
        (self.body if roomy else self.head).removeWidget(self.switches)
        if roomy:
            self.head.addWidget(self.switches)
        else:
            self.body.insertWidget(0, self.switches)

    def _switch(self, of: str) -> QWidget:
        """On above off; side by side the six would take another line of the head."""
        pair = QWidget()
        column = QVBoxLayout(pair)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        for name in (f"{of}.on", f"{of}.off"):
            button = self.context.actions.button(name)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            column.addWidget(button)
        return pair

    def _show_order(self) -> None:
        order = light_order(self.context.readings)
        for index, badge in enumerate(self.steps):
            if order is None:
                badge.show_state(UNKNOWN[index], Tone.STALE)
                badge.mark(False)
            elif order.done[index]:
                unsafe = order.unsafe and STEPS[index] == "raised"
                badge.show_state(STEPS[index], Tone.DANGER if unsafe else Tone.OK)
                badge.mark(index == order.present)
            else:
                badge.show_state(UNDONE[index], Tone.OFF if index else Tone.DANGER)
                badge.mark(False)
        if order is None:
            stale = self.context.readings.value("amplifier:current").message
            text = f"The amplifier's state is not known: {stale or 'a reading is missing'}."
        else:
            text = order.next_step()
            self._minimum.setText(f"at least {order.seed_power_min_mw:g} mW to be verified")
        if text != self.next.text():
            self.next.setText(text)
        set_role(self.next, "wrong" if order is None or order.broken else "")

    def _show_seed(self) -> None:
        readings = self.context.readings
        measured = readings.number("amplifier:seed_current")
        if not readings.flag("amplifier:seed_on") or not math.isfinite(measured):
            return
        known = self.seed.field.value
        if math.isnan(known) or abs(measured - known) > SEED_SCATTER_MA:
            self.seed.field.show_value(round(measured, 1))

    def _show_setpoint(self) -> None:
        self.amplifier.field.show_value(self.context.readings.number("amplifier:current_set"))

    def _on_sent(self, target: float) -> None:
        self._ramp.sent(target)
        self._show_ramp()

    def _on_answer(self) -> None:
        if not self.amplifier.field.waits:
            self._ramp.answered()
            self._show_ramp()

    def _show_ramp(self) -> None:
        readings = self.context.readings
        known = not readings.value("amplifier:current").stale
        self.bar.setEnabled(known)
        on = readings.flag("amplifier:on")
        current, setpoint = (
            readings.number(name) for name in ("amplifier:current", "amplifier:current_set")
        )
        ramp = self._ramp.update(current, setpoint) if on else None
        # Without a ramp its room is better given to the rows below.
        self.bar.setVisible(ramp is not None or not known)
        if ramp is None:
            self.bar.setValue(0)
            self.bar.setFormat("no ramp" if known else "ramp unknown")
            return
        share, target = ramp
        self.bar.setValue(round(100.0 * share))
        self.bar.setFormat(f"{current:.0f} mA, to {target:.0f} mA")

    def _show_box(self) -> None:
        readings = self.context.readings
        protected, health = (
            readings.value(name) for name in ("amplifier:protected", "amplifier:health")
        )
        disarmed = not protected.stale and not protected.value
        self.disarmed.setVisible(disarmed)
        if disarmed:
            why = "the box's own guard: nothing stops the amplifier when the seed dies"
            self.disarmed.show_state("NOT ARMED", Tone.DANGER, why)
        if protected.stale:
            self.protection.show_state("unknown", Tone.STALE, protected.message)
        elif protected.value:
            self.protection.show_state("armed", Tone.OK, "the box itself ends a seedless pump")
        else:
            self.protection.show_state(
                "NOT ARMED", Tone.DANGER, "nothing stops the amplifier when the seed dies"
            )
        text = "unknown" if health.stale else readings.text("amplifier:health")
        self.health.setText(f"Health: {text or 'no message'}")
        self.health.setToolTip(health.message)
        show_stale(self.health, health.stale)
        plain = "muted" if text.lower() in ("", "ok") else ""
        set_role(self.health, "wrong" if output_missing(readings) else plain)

    def _show_output(self) -> None:
        """Too little light for the current: what a destroyed amplifier looks like."""
        text = output_missing(self.context.readings)
        self.output.setVisible(bool(text))
        self.missing.setVisible(bool(text))
        if text:
            self.output.show_state("MISSING", Tone.DANGER, text)
            # The whole text is the tool tip: here it would push the readings out of sight.
            found = text.partition(". ")[0].rpartition(": ")[2]
            self.missing.setText(
                f"{found}: the amplifier may be damaged. Switch the light off and look with a "
                "power meter."
            )
            self.missing.setToolTip(text)

    def _show_watchdog(self) -> None:
        readings = self.context.readings
        slowest, look = (
            readings.number(name) for name in ("station:watchdog", "station:watchdog_look")
        )
        acted = slowest > 0.0
        said = f"slowest reaction {slowest:.0f} ms" if acted else "has not had to act"
        if math.isnan(slowest):
            said = "unknown"
        looks = f"; longest time between two looks {look:.0f} ms" if look > 0.0 else ""
        self.watchdog.setText(f"Station's watchdog: {said}{looks}")
        show_stale(self.watchdog, readings.value("station:watchdog").stale)

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


def _seed_current(value: float) -> tuple[str, dict[str, Any]]:
    return "seed_current", {"current_ma": value}


def _amplifier_current(value: float) -> tuple[str, dict[str, Any]]:
    return "amplifier_current", {"current_ma": value}
