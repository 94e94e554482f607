"""Room that a run holds back for its own end.

HDF5 that was refused a write cannot close its file: the next call fails too, and the process may
die with it (seen: a segmentation fault at exit on a full file system). With room given back, the
same file flushes and closes cleanly, and the journal takes its stop document.
"""

import os
from contextlib import suppress
from pathlib import Path

from atta_daq.archive.errors import WriteFailed

FILE = ".ballast"
BYTES = 4 << 20
"""Unwritten frames, chunks in HDF5's cache and its metadata are 2 MB at most; the rest is the
journal's."""


class Ballast:
    """A file that takes up room until it is dropped."""

    def __init__(self, path: Path, size: int = BYTES) -> None:
        """Raises `WriteFailed` when there is no such room."""
        self.path = path
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                _fill(descriptor, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            self.drop()
            raise WriteFailed(
                f"{path.parent}: no room for a run, not even for {size / 1e6:.0f} MB ({error}); "
                "free the disk"
            ) from error

    def drop(self) -> None:
        """Give the room back. Idempotent."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _fill(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    # A file system may keep zeros without any room.
    block = os.urandom(1 << 16)
    for _ in range(0, size, len(block)):
        os.write(descriptor, block)
    os.fsync(descriptor)
