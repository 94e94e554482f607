"""A process whose wall clock a test sets, as an operator or NTP would; its steady clock is real."""

import os
import time
from pathlib import Path

HOOK = Path(__file__).parent / "set_clock"


def library() -> Path | None:
    """libfaketime of the Debian package `faketime`; None where it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return found[0] if found else None


class FakedClock:
    """The clock of the processes that are started with its `environment`."""

    def __init__(self, folder: Path, utc_s: float) -> None:
        self._file = folder / "clock-offset"
        self._offset_s = utc_s - time.time()
        self._write()

    def environment(self, zone: str) -> dict[str, str]:
        """For a process in a time zone."""
        preload = library()
        assert preload is not None
        path = os.pathsep.join([str(HOOK), os.environ.get("PYTHONPATH", "")])
        return {
            **os.environ,
            "LD_PRELOAD": str(preload),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else compiled code is found too old, and compiled again with wrong dates.
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": path,
            "TZ": zone,
        }

    def now_s(self) -> float:
        """What it shows."""
        return time.time() + self._offset_s

    def set_by(self, seconds: float) -> None:
        """Set it forward or back; within a second every process sees it."""
        self._offset_s += seconds
        self._write()

    def _write(self) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{self._offset_s:+.3f}\n")
        os.replace(beside, self._file)
