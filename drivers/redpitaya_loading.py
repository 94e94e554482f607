"""The loading detector: photodiodes on the trap and the gate of the 810-nm quench light.

One Red Pitaya: OUT1 gates the quench light (high quenches), IN1 sees the 877.9-nm photodiode,
IN2 the 811-nm photodiode.
"""

from drivers.errors import OutOfRange
from drivers.interfaces import Trace
from drivers.redpitaya import LONGEST_RECORD_S, BoardInstrument, PulseTrain
from drivers.twice import tried_twice

BURST_LIGHT_INPUT = 1
TRAP_LIGHT_INPUT = 2


class RedPitayaLoadingDetector(BoardInstrument):
    """Bursts at 877.9 nm for 83Kr, the initial slope at 811 nm for 84Kr."""

    def make_safe(self) -> None:
        """Quench light off, tried twice, the second time on a new line; a running record ends with
        an error."""
        self._board.cancel()
        tried_twice(self._board.output_off)

    def quench_bursts(self, bursts: int, load_s: float, quench_s: float) -> Trace:
        """`bursts` + 1 quench pulses of `quench_s` with `load_s` of darkness between them.

        The first clears the trap.

        The trace (877.9-nm light, V) starts with the rising edge of the first pulse. Raises
        OutOfRange when the pattern is longer than the board's buffer (8.59 s).
        """
        if bursts < 1 or not load_s > 0.0 or not quench_s > 0.0:
            raise OutOfRange(
                self.name,
                f"{bursts} bursts of {load_s:g} s loading and {quench_s:g} s quenching",
                "all three must be positive",
            )
        period_s = load_s + quench_s
        pattern_s = bursts * period_s + quench_s
        self._require_fits(pattern_s)
        return self._board.record(
            BURST_LIGHT_INPUT, pattern_s, PulseTrain(bursts + 1, period_s, quench_s)
        )

    def loading_slope(self, clear_s: float, record_s: float) -> Trace:
        """One quench pulse of `clear_s`; the trace (811-nm light, V) starts with its rising edge
        and lasts at least `clear_s + record_s`."""
        if not clear_s > 0.0 or not record_s > 0.0:
            raise OutOfRange(
                self.name,
                f"clearing for {clear_s:g} s and recording for {record_s:g} s",
                "both must be positive",
            )
        pattern_s = clear_s + record_s
        self._require_fits(pattern_s)
        return self._board.record(TRAP_LIGHT_INPUT, pattern_s, PulseTrain(1, pattern_s, clear_s))

    def _require_fits(self, pattern_s: float) -> None:
        if pattern_s > LONGEST_RECORD_S:
            raise OutOfRange(
                self.name,
                f"a pattern of {pattern_s:g} s does not fit into {LONGEST_RECORD_S:.2f} s",
                "take fewer bursts or shorter times",
            )
