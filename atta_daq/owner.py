"""Who writes: a lock file that names its owner and falls open when the owner dies.

The operating system holds the lock and drops it with the process, however it ends; a process id
alone could have been given to somebody else. The file's text (JSON: pid, host, since_utc_s,
purpose) is for the message only.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

# Windows locks byte ranges and forbids reading them; lock one byte far behind the text.
_LOCK_OFFSET = 1 << 30
# `is_held` takes the lock for an instant; do not mistake that for an owner.
_TRIES = 5
_RETRY_S = 0.01


class AlreadyOwned(Exception):
    """Another live process owns what was asked for: a run or a rig."""


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock."""

    pid: int
    host: str
    since_utc_s: float
    purpose: str

    def __str__(self) -> str:
        return f"{self.purpose} (process {self.pid} on {self.host})"


class OwnerLock:
    """Exclusive ownership of a folder or a rig, from `acquire` to `release` or death."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def acquire(
        self, purpose: str, utc_s: float, sleep: Callable[[float], None] = time.sleep
    ) -> Owner:
        """Take the lock. Raises `AlreadyOwned`, naming the owner, when a live process has it, and
        OSError; it is free again then."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._take(descriptor, sleep)
            owner = Owner(os.getpid(), socket.gethostname(), utc_s, purpose)
            _sign(descriptor, owner)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return owner

    def _take(self, descriptor: int, sleep: Callable[[float], None]) -> None:
        for _ in range(_TRIES):
            if _try_lock(descriptor):
                return
            sleep(_RETRY_S)
        owner = read_owner(self.path)
        raise AlreadyOwned(f"{self.path}: held by {owner or 'a process that did not sign'}")

    def release(self) -> None:
        """Give the lock back. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _sign(descriptor: int, owner: Owner) -> None:
    """Over what the last owner wrote: a full disk has room for that much."""
    text = json.dumps(asdict(owner)).encode()
    os.write(descriptor, text)
    os.ftruncate(descriptor, len(text))


def read_owner(path: Path) -> Owner | None:
    """The last process that signed the lock file, alive or not; None without a signature."""
    try:
        return Owner(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """True when a live process holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCK_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
