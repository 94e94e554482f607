"""Is there room for the data? Below the rig file's floor a run waits, and says what to free."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from atta_daq.archive.run_folder import run_folders

LOOK_S = 1.0
"""Wall time between two looks at the disk."""
AGAIN = 1.1
"""Of the floor must be free before a run goes on: one that frees little is not to go on and off."""
LARGEST = 3
GB = 1e9


class DiskWatch:
    """`fault` may be asked from any thread, as often as one likes."""

    def __init__(
        self,
        folder: Path,
        floor_gb: float,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: wall time."""
        self._folder = folder
        self._floor = floor_gb * GB
        self._free_bytes = free_bytes
        self._now = now
        self._looked_s = float("-inf")
        self._reason = ""
        self._mutex = threading.Lock()

    def fault(self) -> str:
        """Why no run may go on, and what to free; '' while there is room."""
        with self._mutex:
            now_s = self._now()
            if now_s - self._looked_s >= LOOK_S:
                self._looked_s = now_s
                self._look()
            return self._reason

    def _look(self) -> None:
        try:
            free = self._free_bytes(self._folder)
        except OSError as error:
            self._reason = f"disk: {self._folder} cannot be looked at ({error}): is it mounted?"
            return
        needed = self._floor * (AGAIN if self._reason else 1.0)
        if free >= needed:
            self._reason = ""
        elif not self._reason:
            # Said once: a number that changes with every look would be a new reason each time.
            self._reason = (
                f"disk: {free / GB:.2f} GB free in {self._folder.resolve()}, less than "
                f"faults.disk_free_min_gb = {self._floor / GB:g}; free {self._to_free(free):.2f} GB"
                f"{self._largest()}"
            )

    def _to_free(self, free: int) -> float:
        return max(0.0, AGAIN * self._floor - free) / GB

    def _largest(self) -> str:
        """The largest runs there, as what could be moved away."""
        sizes = sorted(
            ((_size(folder), folder.name) for folder in run_folders(self._folder)), reverse=True
        )[:LARGEST]
        if not sizes:
            return ""
        named = ", ".join(f"{name} ({size / GB:.2f} GB)" for size, name in sizes)
        return f": move runs away that are stored elsewhere too; the largest are {named}"


def _size(folder: Path) -> int:
    """Bytes of what is in a run's folder; 0 of one that is being moved away just now."""
    total = 0
    try:
        paths = list(folder.iterdir())
    except OSError:
        return 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError:
            # A file that is being replaced just now.
            continue
    return total
