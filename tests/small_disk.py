"""A file system of a stated size that a test can fill."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs at `folder`, as large as `mount` understands `size`; skips where none may be."""
    folder.mkdir(parents=True)
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> None:
    """Take all but `leave` bytes of the file system."""
    free = shutil.disk_usage(folder).free
    if free > leave:
        with (folder / FILLER).open("ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), free - leave)


def empty(folder: Path) -> None:
    """Give back what `fill` took."""
    (folder / FILLER).unlink()
