"""The reference cell: modulation-transfer error signal of the stable isotopes on IN1."""

import time
from collections.abc import Callable

from drivers.interfaces import Identity, Trace
from drivers.redpitaya import RedPitaya

ERROR_SIGNAL_INPUT = 1


class RedPitayaReferenceCell:
    """Error signal of the 84Kr reference cell at the laser's present frequency."""

    def __init__(
        self,
        name: str,
        resource: str,
        *,
        timeout_s: float = 2.0,
        poll_s: float = 0.003,
        margin_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = RedPitaya(
            name,
            resource,
            timeout_s=timeout_s,
            poll_s=poll_s,
            margin_s=margin_s,
            sleep=sleep,
            monotonic=monotonic,
        )

    @property
    def name(self) -> str:
        return self._board.name

    def connect(self) -> Identity:
        return self._board.connect()

    def close(self) -> None:
        self._board.line.close()

    def make_safe(self) -> None:
        """The cell drives nothing; a running record ends with an error."""
        self._board.cancel()

    def read_signal(self, duration_s: float) -> Trace:
        """Error signal (V) from now on for `duration_s` (at most 8.59 s), 8192 samples or more;
        averaged by the caller."""
        return self._board.record(ERROR_SIGNAL_INPUT, duration_s)
