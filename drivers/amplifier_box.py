"""What the envelope of a tapered amplifier needs of a box, whoever made it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from drivers.interfaces import Guard


@dataclass(frozen=True)
class SeedReading:
    """Seed diode: is it emitting, and what reaches the amplifier (mW)."""

    on: bool
    power_mw: float


@dataclass(frozen=True)
class AmplifierReading:
    """Amplifier: is it switched on, and its currents (mA)."""

    on: bool
    current_set_ma: float
    current_ma: float

    @property
    def level_ma(self) -> float:
        """The current that may flow: 0 when off."""
        return max(self.current_set_ma, self.current_ma) if self.on else 0.0


@dataclass(frozen=True)
class SeedTaken:
    """A way to take the seed away from the amplifier, and who sees that."""

    how: str
    """'seed off'."""
    delays_s: Mapping[str, float]
    """The box's guards that see it, and after which time each switches the amplifier off."""
    act: Callable[[], None]


class AmplifierBox(ABC):
    """Reads, writes and switches seed and amplifier, without any judgement."""

    @abstractmethod
    def _read_seed(self) -> SeedReading: ...

    @abstractmethod
    def _wire_of_seed(self) -> AbstractContextManager[object]:
        """Keeps the seed's wire to this thread, for as long as one reading of it takes."""

    @abstractmethod
    def _read_seed_current_ma(self) -> float: ...

    @abstractmethod
    def _write_seed_current(self, current_ma: float) -> None: ...

    @abstractmethod
    def _switch_seed(self, on: bool) -> None:
        """Switch and read back; raise `DriverError` unless it is confirmed."""

    @abstractmethod
    def _read_amplifier(self) -> AmplifierReading: ...

    @abstractmethod
    def _write_amplifier_current(self, current_ma: float) -> None: ...

    @abstractmethod
    def _switch_amplifier(self, on: bool) -> None:
        """Switch and read back; raise `DriverError` unless it is confirmed."""

    def _wait_until_ready(self) -> bool:
        """Return when the amplifier may be switched on (its cooler, say); True if that was waited
        for or may have been. Raises `InterlockOpen` when it does not come so far."""
        return False

    @abstractmethod
    def _switch_amplifier_off_blindly(self) -> None:
        """Send 'off' to a box that does not answer. Never raises."""

    @abstractmethod
    def _amplifier_emits(self) -> bool: ...

    @abstractmethod
    def _check_guard(self) -> None:
        """Raise `InterlockOpen` unless the box itself guards against an unseeded amplifier."""

    @abstractmethod
    def _box_guards(self) -> list[Guard]:
        """The guards outside this program, read from the box."""

    @abstractmethod
    def _ways_to_take_seed(self, seed_current_ma: float) -> tuple[SeedTaken, ...]:
        """How the guards of the box are provoked, so that each acts alone where that can be.

        Asked with the amplifier off and the seed on at `seed_current_ma`, which may be left at
        another current.
        """

    @abstractmethod
    def _trip_cause(self) -> str:
        """What the box says that switched the amplifier off; empty when it does not say."""
