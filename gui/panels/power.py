"""Power of the 819-nm light in front of the source."""

import math
from typing import Any

from PySide6.QtCore import Qt

from gui.context import Context
from gui.link.values import Value
from gui.panels.light_order import (
    INPUTS,
    amplifier_refusal,
    current_ma,
    kept_power_mw,
)
from gui.panels.power_meter import PowerMeterPart
from gui.panels.scrolled import ScrolledPanel
from gui.widgets.big_number import BigNumber
from gui.widgets.readback import Readback, shown
from gui.widgets.setpoint_row import SetpointRow
from gui.widgets.words import show_stale, words
from gui.words import true_minus

UNIT = "\u00a0mW\u2060/\u2060mA"
"""With a fixed space and word joiners: a line must not end before or inside a unit."""


class PowerPanel(ScrolledPanel):
    """The power, its setpoint in mW, and the amplifier current that it needs."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.number = BigNumber(context.theme, "power in front of the source")
        self.head.addWidget(self.number)
        self.row = SetpointRow(
            self, "Power setpoint", "mW", 1, self._command, limits="light:power",
            check=self._check, watched=(*INPUTS, "light:detuning_set"),
        )  # fmt: skip
        self.conversion = words(role="")
        self.body.addWidget(self.row)
        self.detuning = Readback(self, "light:detuning_set", _kept)
        self.detuning.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.detuning.setWordWrap(True)
        self.body.addWidget(self.detuning)
        self.body.addWidget(self.conversion)
        self.body.addWidget(
            words(
                "The number on top is the amplifier's own monitor times the calibration; the meter "
                "below sees what happens behind it."
            )
        )
        self.meter = PowerMeterPart(self)
        self.body.addWidget(self.meter)
        self.body.addStretch(1)
        self.row.field.edited.connect(self._show_conversion)
        self.follow(self._show_power, "light:power")
        self.follow(self._show_setpoint, "amplifier:current_set", "station:rig")

    def _show_power(self) -> None:
        value = self.context.readings.value("light:power")
        self.number.show_text(shown("light:power", value), stale=value.stale, why=value.message)

    def _show_setpoint(self) -> None:
        self.row.field.show_value(kept_power_mw(self.context.readings))
        self._show_conversion()

    def _show_conversion(self) -> None:
        rig, field = self.context.readings.rig, self.row.field
        setpoint = self.context.readings.value("amplifier:current_set")
        show_stale(self.conversion, setpoint.stale and not field.is_edited)
        if rig is None:
            self.conversion.setText("The station has not told its calibration yet.")
            return
        line = f"{rig.slope_mw_per_ma:g}{UNIT} above {rig.threshold_ma:g} mA"
        power = field.typed
        if not math.isfinite(power):
            self.conversion.setText(f"Calibration: {line}.")
            return
        verb = "would need" if field.is_edited else "needs"
        self.conversion.setText(f"{power:.1f} mW {verb} {current_ma(rig, power):.1f} mA: {line}.")

    def _check(self, power: float) -> str:
        rig = self.context.readings.rig
        return amplifier_refusal(self.context.readings, current_ma(rig, power)) if rig else ""

    def _command(self, power: float) -> tuple[str, dict[str, Any]]:
        return "move_light", {"power_mw": power}


def _kept(value: Value) -> str:
    if not isinstance(value.value, int | float) or not math.isfinite(value.value):
        return "The detuning is not known."
    return true_minus(f"The detuning stays at {round(value.value, 2):g} MHz.")
