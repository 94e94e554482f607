"""The reference cell: modulation-transfer error signal of the stable isotopes on IN1."""

from drivers.interfaces import Trace
from drivers.redpitaya import BoardInstrument

ERROR_SIGNAL_INPUT = 1


class RedPitayaReferenceCell(BoardInstrument):
    """Error signal of the 84Kr reference cell at the laser's present frequency."""

    def make_safe(self) -> None:
        """The cell drives nothing; a running record ends with an error."""
        self._board.cancel()

    def read_signal(self, duration_s: float) -> Trace:
        """Error signal (V) from now on for `duration_s` (at most 8.59 s), 8192 samples or more;
        averaged by the caller."""
        return self._board.record(ERROR_SIGNAL_INPUT, duration_s)
