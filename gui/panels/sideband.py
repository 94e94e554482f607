"""The sideband generator, and how the light is shared among carrier and sidebands."""

import math
from typing import Any

from gui.context import Context
from gui.panels.scrolled import ScrolledPanel
from gui.panels.sideband_lines import CARRIER_ONLY, LinesPicture, Shares, shares
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.setpoint import SetpointField
from gui.widgets.setpoint_row import SetpointRow
from gui.widgets.words import show_stale, words
from gui.words import sentence

CHECK_REFERENCE = "check the reference input of the synthesiser"


class SidebandPanel(ScrolledPanel):
    """Frequency and power of the RF, and what they make of the light as one types."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.rf = Badge(context.theme, "RF")
        self.synthesiser = Badge(context.theme, "Synthesiser")
        self.advice = words(role="wrong")
        self.head.addLayout(flowing(self.rf, self.synthesiser))
        self.head.addWidget(self.advice)
        self.frequency = SetpointRow(
            self, "Frequency", "MHz", 4, _frequency,
            limits="sideband:frequency", readback=Readback(self, "sideband:frequency"),
        )  # fmt: skip
        self.power = SetpointRow(
            self, "RF power", "dBm", 2, _power,
            limits="sideband:power", readback=Readback(self, "sideband:power"),
        )  # fmt: skip
        self.picture = LinesPicture(context.theme)
        self.numbers = words(role="")
        self.state = words()
        self.body.addWidget(self.frequency)
        self.body.addWidget(self.power)
        self.body.addLayout(
            flowing(*(context.actions.button(name) for name in ("sideband.on", "sideband.off")))
        )
        self.body.addWidget(self.state)
        self.body.addWidget(self.picture)
        self.body.addWidget(self.numbers)
        self.body.addStretch(1)
        for row in (self.frequency, self.power):
            row.field.edited.connect(self._show_lines)
            row.field.sent.connect(self._show_lines)
        self.follow(self._show_setpoints, "sideband:frequency", "sideband:power")
        self.follow(self._show_lines, "sideband:frequency", "sideband:power", "sideband:on",
                    "station:rig")  # fmt: skip
        self.follow(self._show_states, "sideband:on", "sideband:locked")

    def _show_setpoints(self) -> None:
        readings = self.context.readings
        self.frequency.field.show_value(readings.number("sideband:frequency"))
        self.power.field.show_value(readings.number("sideband:power"))

    def _show_states(self) -> None:
        readings = self.context.readings
        idle = ("not locked", Tone.OFF, "with the RF off it need not be locked")
        unlocked = ("UNLOCKED", Tone.DANGER, CHECK_REFERENCE)
        for badge, name, yes, no in (
            (self.rf, "sideband:on", ("on", Tone.OK, ""), ("off", Tone.OFF, "")),
            (self.synthesiser, "sideband:locked", ("locked", Tone.OK, ""),
             unlocked if readings.flag("sideband:on") else idle),
        ):  # fmt: skip
            value = readings.value(name)
            unknown = ("unknown", Tone.STALE, "")
            word, tone, why = unknown if value.stale else yes if value.value else no
            badge.show_state(word, tone, value.message or why)
        wrong = self.synthesiser.tone is Tone.DANGER
        self.advice.setText(sentence(CHECK_REFERENCE) if wrong else "")
        self.advice.setVisible(wrong)

    def _show_lines(self) -> None:
        rig, readings = self.context.readings.rig, self.context.readings
        fields = (self.frequency.field, self.power.field)
        frequency, power = (_wanted(field) for field in fields)
        edited = any(field.is_edited for field in fields)
        rf = readings.value("sideband:on")
        if rig is None or not (math.isfinite(frequency) and math.isfinite(power)):
            self._show(CARRIER_ONLY, 0.0, "No prediction: a setpoint is missing or wrong.")
            return
        predicted = shares(power, rig.eom_v_pi_v)
        if edited:
            self._show(predicted, frequency, "Preview with the RF on, not sent yet:", preview=True)
        elif rf.value:
            text = "As it was when last heard of:" if rf.stale else "Predicted from Vπ:"
            self._show(predicted, frequency, text, stale=rf.stale)
        else:
            text = (
                "RF off when last heard of." if rf.stale else "RF off: all light is in the carrier."
            )
            self._show(CARRIER_ONLY, frequency, text, stale=rf.stale)

    def _show(
        self, predicted: Shares, frequency: float, state: str, *,
        preview: bool = False, stale: bool = False,
    ) -> None:  # fmt: skip
        self.picture.show_lines(predicted, frequency, preview=preview, stale=stale)
        self.state.setText(state)
        show_stale(self.numbers, stale)
        show_stale(self.state, stale)
        rig = self.context.readings.rig
        v_pi = f", Vπ {rig.eom_v_pi_v:g} V" if rig else ""
        self.numbers.setText(
            f"J0² {_percent(predicted.carrier)}   J1² 2 × {_percent(predicted.first)}\n"
            f"J2² 2 × {_percent(predicted.second)}   beyond {_percent(predicted.beyond)}\n"
            f"Depth β {predicted.depth:.3f} rad{v_pi}"
        )


def _wanted(field: SetpointField) -> float:
    """The value that stands in a field; nan when it is wrong."""
    value = field.edit if field.is_edited else field.value
    return math.nan if value is None else value


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _frequency(value: float) -> tuple[str, dict[str, Any]]:
    return "sideband", {"frequency_mhz": value}


def _power(value: float) -> tuple[str, dict[str, Any]]:
    return "sideband", {"power_dbm": value}
