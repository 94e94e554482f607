"""Putting bytes on the disk so that they are there after a crash."""

import os
import sys
from pathlib import Path


def sync(descriptor: int) -> None:
    """Return when the file's bytes have reached the medium.

    macOS answers `fsync` from the drive's cache; F_FULLFSYNC does not.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut. Windows has no such call and no need."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader finds the old or the new content, never a part."""
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            sync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except BaseException:
        # On a full disk a part of a file would take the room that others need.
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return path
