"""The order in which the light comes on, in steps and in words.

The station and the drivers enforce it; the window explains it and does not send what they would
refuse.
"""

import math
from dataclasses import dataclass

from atta_daq.client.rig_info import RigInfo
from gui.model.readings import Readings
from gui.theme.palettes import Tone


@dataclass(frozen=True)
class Step:
    """A step in words: taken, not taken, and while nobody knows."""

    taken: str
    missing: str
    unknown: str


STEPS = (
    Step("interlock closed", "interlock OPEN", "interlock unknown"),
    Step("emission", "no emission", "emission unknown"),
    Step("seed on", "seed off", "seed unknown"),
    Step("seed verified", "seed not verified", "seed power unknown"),
    Step("amplifier on", "amplifier off", "amplifier unknown"),
    Step("raised", "not raised", "current unknown"),
)
INTERLOCK, RAISED = 0, len(STEPS) - 1
INPUTS = (
    "amplifier:interlock_open",
    "amplifier:emission",
    "amplifier:seed_on",
    "amplifier:seed_power",
    "amplifier:on",
    "amplifier:current",
    "station:rig",
)
"""The readings that decide."""


@dataclass(frozen=True)
class LightOrder:
    """Which steps are taken, which is the present one, what comes next."""

    done: tuple[bool, ...]
    """One for each of `STEPS`."""
    seed_power_mw: float
    ceiling_ma: float
    seed_power_min_mw: float
    seed_operating_ma: float

    @property
    def present(self) -> int:
        """The last step of the unbroken chain; -1 before the first."""
        return next((i for i, done in enumerate(self.done) if not done), len(STEPS)) - 1

    @property
    def unsafe(self) -> bool:
        """The amplifier is raised and the seed is not verified."""
        return self.done[RAISED] and not self.done[3]

    @property
    def broken(self) -> bool:
        """Something is on although a step before it is missing."""
        return any(self.done[self.present + 1 :])

    def look(self, index: int) -> tuple[str, Tone]:
        """Word and tone of a step."""
        if self.done[index]:
            unsafe = self.unsafe and index == RAISED
            return STEPS[index].taken, Tone.DANGER if unsafe else Tone.OK
        if index == INTERLOCK:
            tone = Tone.DANGER
        else:
            tone = Tone.WARNING if any(self.done[index:]) else Tone.OFF
        return STEPS[index].missing, tone

    def next_step(self, *, in_run: bool = False, ramps_to_ma: float | None = None) -> str:
        """What can be done now, and what keeps the amplifier down. In a run the switches are the
        run's, and STOP is the operator's. `ramps_to_ma`: where the current is on its way to."""
        light_off = "Press STOP" if in_run else "Switch the light off"
        stays = (
            f"Amplifier stays at or below {self.ceiling_ma:g} mA until the seed gives "
            f"{self.seed_power_min_mw:g} mW."
        )
        if self.unsafe:
            return (
                f"The amplifier is above {self.ceiling_ma:g} mA without a verified seed: "
                f"{'press STOP' if in_run else 'switch it off'} now."
            )
        match self.present:
            case -1 if self.broken:
                return f"The interlock is open, but something is still on. {light_off} first."
            case -1:
                return "Next: close the interlock of the laser head. Nothing comes on before."
            case 0 if self.broken:
                return f"No emission, but something is still on. {light_off} first."
            case 0:
                return "Next: turn the key and press the emission button at the box."
            case 1:
                return f"Next: seed on. {stays}"
            case 2:
                return (
                    f"Next: raise the seed current, {self.seed_operating_ma:g} mA is usual: the "
                    f"seed gives {_mw(self.seed_power_mw)}. {stays}"
                )
            case 3:
                return f"Next: amplifier on; it starts at or below {self.ceiling_ma:g} mA."
            case 4:
                return (
                    f"Next: raise the amplifier current; the seed gives "
                    f"{_mw(self.seed_power_mw)}, enough for any."
                )
            case _:
                ramps = f"Ramping to {ramps_to_ma:.0f} mA." if ramps_to_ma is not None else ""
                off = (
                    "A run is under way: press STOP to switch the light off."
                    if in_run
                    else "It goes off in reverse: amplifier first, then seed."
                )
                return f"{ramps or 'The light is up.'} {off}"

    def refusal(self, current_ma: float) -> str:
        """Why the amplifier cannot go to a current; empty when it can."""
        if current_ma <= self.ceiling_ma:
            return ""
        above = f"Above {self.ceiling_ma:g} mA the seed must be verified"
        if not self.done[2]:
            return f"{above}: it is off"
        if not self.done[3]:
            return (
                f"{above}: it gives {_mw(self.seed_power_mw)}, "
                f"{self.seed_power_min_mw:g} mW are needed"
            )
        return ""


def light_order(readings: Readings) -> LightOrder | None:
    """From the readings; None when one of them is missing or stale, or the rig is not known."""
    rig = readings.rig
    if rig is None or any(readings.value(name).stale for name in INPUTS):
        return None
    return order_of(
        rig,
        interlock_closed=not readings.flag("amplifier:interlock_open"),
        emission=readings.flag("amplifier:emission"),
        seed_on=readings.flag("amplifier:seed_on"),
        seed_power_mw=readings.number("amplifier:seed_power"),
        amplifier_on=readings.flag("amplifier:on"),
        current_ma=readings.number("amplifier:current"),
    )


def order_of(
    rig: RigInfo, *, interlock_closed: bool, emission: bool, seed_on: bool, seed_power_mw: float,
    amplifier_on: bool, current_ma: float,
) -> LightOrder:  # fmt: skip
    """From plain values. A seed power that is no number verifies nothing."""
    verified = seed_on and seed_power_mw >= rig.seed_power_min_mw
    raised = amplifier_on and current_ma > rig.unseeded_ceiling_ma
    return LightOrder(
        (interlock_closed, emission, seed_on, verified, amplifier_on, raised),
        seed_power_mw, rig.unseeded_ceiling_ma, rig.seed_power_min_mw, rig.seed_operating_ma,
    )  # fmt: skip


def amplifier_refusal(readings: Readings, current_ma: float) -> str:
    """Why the amplifier cannot go to a current now; empty when it can."""
    rig, order = readings.rig, light_order(readings)
    if order is not None:
        return order.refusal(current_ma)
    if rig is None:
        return "The station has not told the rig's limits yet"
    if current_ma <= rig.unseeded_ceiling_ma:
        return ""
    return f"Above {rig.unseeded_ceiling_ma:g} mA the seed must be verified: its reading is stale"


def power_mw(rig: RigInfo, current_ma: float) -> float:
    """Power in front of the source at an amplifier current: 0 below threshold."""
    return max(rig.slope_mw_per_ma * (current_ma - rig.threshold_ma), 0.0)


def current_ma(rig: RigInfo, power: float) -> float:
    """Amplifier current for a power in front of the source."""
    return rig.threshold_ma + power / rig.slope_mw_per_ma


def kept_power_mw(readings: Readings) -> float:
    """The power setpoint that the amplifier's setpoint stands for, within the calibrated range;
    nan while it is not known. For commands that move the detuning and keep the power."""
    rig = readings.rig
    setpoint = readings.number("amplifier:current_set")
    if rig is None or not math.isfinite(setpoint):
        return math.nan
    # The box resolves the current more coarsely than the end of the range is given.
    return min(round(power_mw(rig, setpoint), 3), rig.full_power_mw)


def _mw(power: float) -> str:
    return f"{power:.3g} mW" if math.isfinite(power) else "no known power"
