"""Seed and tapered amplifier of the 819-nm light."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drivers.interfaces.base import Instrument, Range


@dataclass(frozen=True)
class AmplifierLimits:
    """The envelope inside which seed and amplifier may move."""

    seed_current_ma: Range
    amplifier_current_ma: Range
    unseeded_ceiling_ma: float
    """Highest amplifier current without a verified seed."""
    seed_power_min_mw: float
    """Seed power at the amplifier's input below which it counts as unseeded."""
    seed_reading_max_age_s: float = 1.0
    """A seed-power reading older than this (wall time) is no verification."""
    ramp_step_ma: float = 50.0
    ramp_interval_s: float = 0.02


@dataclass(frozen=True)
class AmplifierStatus:
    """One reading of seed and amplifier, all read in the same poll."""

    seed_on: bool
    seed_current_set_ma: float
    """Setpoint as the box holds it, with the seed off too."""
    seed_current_ma: float
    """What flows."""
    seed_power_mw: float
    amplifier_on: bool
    amplifier_current_set_ma: float
    amplifier_current_ma: float
    output_power_mw: float
    interlock_open: bool
    emission_enabled: bool
    """Key and emission button allow light."""
    seed_protection_armed: bool
    """The box's own guard against an unseeded amplifier is active."""
    message: str
    """The box's own health text."""


@dataclass(frozen=True)
class Guard:
    """One guard of the amplifier, as it stands now."""

    fault: str
    """What it guards against."""
    by: str
    """Who guards: the driver, a setting of a box, a wire."""
    state: str
    """How it stands, in words."""
    armed: bool
    remedy: str = ""
    """What to do when it is not armed."""


@dataclass(frozen=True)
class GuardTrial:
    """One provocation of the box's own guards at a harmless current. Wall times."""

    passed: bool
    current_ma: float
    """Amplifier current while its seed was taken away."""
    trip_s: float
    """From the command that took the seed away until the amplifier was read as off: what
    passed at most, the wire included. inf when it stayed on."""
    allowed_s: float
    by: str
    """What the box says that tripped; empty when it does not say."""
    take_down_s: float
    """How long the driver itself takes to bring the amplifier down and off."""
    how: str
    """What took the seed away: 'seed off'."""
    guards: tuple[str, ...]
    """Who may have acted. One: it is proved; several: which of them did is not told."""


class TaperedAmplifier(Instrument, Protocol):
    """Seed diode and tapered amplifier, never pumped unseeded.

    Order on: seed, then amplifier; off: amplifier, then seed. The driver enforces it.
    """

    def status(self) -> AmplifierStatus: ...

    def set_seed_current(self, current_ma: float) -> None: ...

    def seed_on(self) -> None: ...

    def seed_off(self) -> None:
        """Refused with `InterlockOpen` while the amplifier is above its unseeded ceiling."""
        ...

    def amplifier_on(self) -> None:
        """Switch the amplifier on, at its unseeded ceiling or below."""
        ...

    def amplifier_off(self) -> None:
        """Ramp down, then off."""
        ...

    def set_amplifier_current(self, current_ma: float) -> None:
        """Ramp to `current_ma`; above the unseeded ceiling only with a verified, fresh seed."""
        ...

    def guards(self) -> tuple[Guard, ...]:
        """Who guards the amplifier against what, read from the box now."""
        ...

    def exercise_guard(self, seed_current_ma: float) -> tuple[GuardTrial, ...]:
        """Provoke the box's own guards, one by one where that can be, at a current that is harmless
        without seed.

        Refused with `InterlockOpen` unless seed and amplifier are off; both are off afterwards,
        however it ends.
        """
        ...


@runtime_checkable
class CommandedAmplifier(Protocol):
    """An amplifier that tells what it was told: the watchdog holds its readings against it."""

    def commanded_ma(self) -> float | None:
        """The current that the box was last told and has kept (mA); None while a current is on its
        way, after an 'off', and before the first one."""
        ...
