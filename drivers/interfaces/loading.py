"""The photodiode at the trap, which a digitiser records."""

from typing import Protocol

from drivers.interfaces.base import Instrument
from drivers.interfaces.trace import Trace


class LoadingDetector(Instrument, Protocol):
    """Photodiode on the trap, with the gate of the 810-nm quench light on the same box."""

    def quench_bursts(self, bursts: int, load_s: float, quench_s: float) -> Trace:
        """`bursts` + 1 quench pulses of `quench_s` with `load_s` of darkness between them; the
        first clears the trap.

        The trace (877.9-nm light, V) starts with the rising edge of the first pulse.
        """
        ...

    def loading_slope(self, clear_s: float, record_s: float) -> Trace:
        """One quench pulse of `clear_s`; the trace (811-nm light, V) starts with its rising
        edge and lasts at least `clear_s + record_s`."""
        ...
