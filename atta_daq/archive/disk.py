"""Putting bytes on the disk so that they are there after a crash."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path


def is_full(error: BaseException | None) -> bool:
    """The disk, or the share of it that the user may take, has no room left: it may have again."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync(descriptor: int) -> None:
    """Return when the file's bytes have reached the medium.

    macOS answers `fsync` from the drive's cache; F_FULLFSYNC does not.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_file(path: Path) -> None:
    """The same for a file that somebody else has written and closed."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut. Windows has no such call and no need."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it that are missing, so that it survives a power cut: what is
    written into it is no safer than its name. Raises OSError."""
    missing = list(takewhile(lambda path: not path.is_dir(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader finds the old or the new content, never a part."""
    data = content.encode() if isinstance(content, str) else content
    with written_whole(path) as beside:
        beside.touch(0o644)  # however much more the umask would allow
        beside.write_bytes(data)
    return path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name beside `path` for a library that writes files itself: what it has written and closed
    there takes the place of `path`, whole and on the medium, or, when anything is raised, is gone.

    What processes that died left of the same file goes first: it may be as large as the file.
    """
    _remove_leftovers(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        sync_file(beside)
        os.replace(beside, path)
    finally:
        # On a full disk a part of a file would take the room that others need.
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def _remove_leftovers(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        number = left.name.split(".")[-2]
        if number.isdigit() and not _lives(int(number)):
            with suppress(OSError):
                left.unlink()


def _lives(pid: int) -> bool:
    """On Windows it need not be known: a file that is open cannot be deleted there."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
