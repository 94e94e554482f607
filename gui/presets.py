"""Presets: setpoints kept under a name, and the safe order in which to go back to them. Pure.

A preset moves setpoints, sidebands, trap and shutter. It switches neither seed nor amplifier:
'Light on' does that, in its own order. What was not known when the preset was kept (stale, not
set) is not in it, and what is not in it is not touched.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from atta_daq.client.rig_info import RigInfo
from gui.model.readings import Readings

Setting = float | bool
Setpoints = dict[str, Setting]
"""Setpoint by the name of its reading."""


@dataclass(frozen=True)
class Quantity:
    """A setpoint that a preset may hold."""

    name: str
    """Its reading."""
    text: str
    unit: str = ""
    decimals: int = 0
    limits: str = ""
    """Name of its limits in `RigInfo.limits`; empty for none."""
    words: tuple[str, str] = ("", "")
    """What False and True mean; empty for a number."""

    def shown(self, value: Setting | None) -> str:
        """As the operator reads it; '–' for what is not known."""
        if value is None:
            return "–"
        if self.words[0]:
            return self.words[bool(value)]
        if self.name == TRAP:
            return f"{value:.0f}Kr" if value else "blank"
        return f"{value:.{self.decimals}f} {self.unit}"

    def same(self, first: Setting, second: Setting) -> bool:
        """Equal as far as the setpoint resolves."""
        return abs(float(first) - float(second)) < 0.6 * 10.0**-self.decimals


AMPLIFIER, SEED = "amplifier:current_set", "amplifier:seed_current_set"
DETUNING, TRAP, SHUTTER = "light:detuning_set", "trap:isotope", "light:shutter"
SIDEBAND_ON = "sideband:on"
SIDEBAND_FREQUENCY, SIDEBAND_POWER = "sideband:frequency", "sideband:power"

QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        Quantity(SEED, "Seed current", "mA", 2, "amplifier:seed_current"),
        Quantity(AMPLIFIER, "Amplifier current", "mA", 1, "amplifier:current"),
        Quantity(DETUNING, "Detuning from 84Kr", "MHz", 2, "light:detuning"),
        Quantity(SIDEBAND_FREQUENCY, "Sideband frequency", "MHz", 4, "sideband:frequency"),
        Quantity(SIDEBAND_POWER, "Sideband RF power", "dBm", 2, "sideband:power"),
        Quantity(SIDEBAND_ON, "Sidebands", words=("off", "on")),
        Quantity(TRAP, "Trap isotope"),
        Quantity(SHUTTER, "819 nm on the atoms", words=("blocked", "on")),
    )
}
ISOTOPES = (0, 81, 83, 84, 85)


@dataclass(frozen=True)
class Row:
    """A difference between now and the preset."""

    quantity: Quantity
    now: Setting | None
    """None when the rig does not tell."""
    then: Setting
    problem: str = ""
    """Why it cannot be applied; empty when it can."""


@dataclass(frozen=True)
class Step:
    """One command that applies one or more rows."""

    text: str
    command: str
    arguments: dict[str, Any]


def present(readings: Readings) -> Setpoints:
    """Where everything stands now, as far as it is known."""
    known = {name: _known(readings, name) for name in QUANTITIES}
    return {name: value for name, value in known.items() if value is not None}


def read_presets(kept: object) -> dict[str, Setpoints]:
    """Presets from the settings; what is not one (an edited file) is left out."""
    if not isinstance(kept, Mapping):
        return {}
    return {
        str(name): {
            key: value
            for key, value in setpoints.items()
            if key in QUANTITIES and isinstance(value, bool | int | float) and math.isfinite(value)
        }
        for name, setpoints in kept.items()
        if isinstance(setpoints, Mapping)
    }


def differences(preset: Setpoints, readings: Readings) -> list[Row]:
    """What would change, in the order of `QUANTITIES`; unknown present values count as another."""
    rows: list[Row] = []
    for name, quantity in QUANTITIES.items():
        if name not in preset:
            continue
        now, then = _known(readings, name), preset[name]
        if now is None or not quantity.same(now, then):
            rows.append(Row(quantity, now, then, _problem(quantity, then, readings.rig)))
    return rows


def steps(rows: Iterable[Row], unseeded_ceiling_ma: float, amplifier_now_ma: float) -> list[Step]:
    """The commands for `rows`, in the safe order.

    Light off the atoms first; amplifier down before the seed; seed before the amplifier goes up;
    light on the atoms last. A seed current that goes down needs the amplifier at its ceiling or
    below: it is brought there first, when the preset moves it anyway. The station verifies the
    seed before it raises the amplifier, whatever is asked.
    """
    wanted = {row.quantity.name: row for row in rows}
    ordered: list[Step] = []
    if SHUTTER in wanted and not wanted[SHUTTER].then:
        ordered.append(_pumping(False))
    raise_to: float | None = None
    if AMPLIFIER in wanted:
        target = float(wanted[AMPLIFIER].then)
        lowest = target
        if SEED in wanted and _goes_down(wanted[SEED]):
            lowest = min(target, unseeded_ceiling_ma)
        # An unknown present current is above everything: going down is always safe.
        now = amplifier_now_ma if math.isfinite(amplifier_now_ma) else math.inf
        if lowest < now:
            ordered.append(_amplifier(lowest))
            now = lowest
        raise_to = target if target > now else None
    if SEED in wanted:
        current_ma = float(wanted[SEED].then)
        text = f"Seed current to {wanted[SEED].quantity.shown(current_ma)}"
        ordered.append(Step(text, "seed_current", {"current_ma": current_ma}))
    ordered += _sideband(wanted)
    if DETUNING in wanted:
        detuning_mhz = float(wanted[DETUNING].then)
        text = f"Detuning to {wanted[DETUNING].quantity.shown(detuning_mhz)}"
        ordered.append(Step(text, "move_light", {"detuning_mhz": detuning_mhz}))
    if TRAP in wanted:
        isotope = int(wanted[TRAP].then)
        text = f"Trap to {wanted[TRAP].quantity.shown(isotope)}"
        ordered.append(Step(text, "trap", {"isotope": isotope}))
    if raise_to is not None:
        ordered.append(_amplifier(raise_to))
    if SHUTTER in wanted and wanted[SHUTTER].then:
        ordered.append(_pumping(True))
    return ordered


def _known(readings: Readings, name: str) -> Setting | None:
    value = readings.value(name)
    if value.stale or value.value is None:
        return None
    if QUANTITIES[name].words[0]:
        return bool(value.value)
    number = readings.number(name)
    if not math.isfinite(number) or (name == TRAP and number < 0.0):
        return None
    return number


def _problem(quantity: Quantity, then: Setting, rig: RigInfo | None) -> str:
    if quantity.name == TRAP and then not in ISOTOPES:
        return "no isotope of the trap"
    limits = rig.limits.get(quantity.limits) if rig and quantity.limits else None
    if limits and not limits[0] <= then <= limits[1]:
        return f"allowed: {limits[0]:g} to {limits[1]:g} {quantity.unit}"
    return ""


def _goes_down(row: Row) -> bool:
    return row.now is None or row.then < row.now


def _amplifier(current_ma: float) -> Step:
    text = f"Amplifier current to {QUANTITIES[AMPLIFIER].shown(current_ma)}"
    return Step(text, "amplifier_current", {"current_ma": current_ma})


def _pumping(on: bool) -> Step:
    return Step("819 nm on the atoms" if on else "819 nm blocked", "pumping", {"on": on})


def _sideband(wanted: Mapping[str, Row]) -> list[Step]:
    arguments: dict[str, Any] = {}
    for name, argument in (
        (SIDEBAND_FREQUENCY, "frequency_mhz"),
        (SIDEBAND_POWER, "power_dbm"),
        (SIDEBAND_ON, "on"),
    ):
        if name in wanted:
            arguments[argument] = wanted[name].then
    if not arguments:
        return []
    parts = [
        wanted[name].quantity.shown(wanted[name].then)
        for name in (SIDEBAND_FREQUENCY, SIDEBAND_POWER, SIDEBAND_ON)
        if name in wanted
    ]
    return [Step(f"Sidebands to {', '.join(parts)}", "sideband", arguments)]
