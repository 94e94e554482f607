"""Keeps a process that runs for months from growing.

Python: what a run leaves behind (engine, counters, their tables) refers to itself in circles. It is
some hundred objects with many megabytes in arrays; the collector counts objects, and with all that
a station has loaded it would look for them after some eighty runs.

The C library, where it is glibc: it gives every thread a heap of its own, and memory that is free
in one of them serves no other and is not given back. The frames of a station pass through two dozen
threads, and after a week most of its memory was free and held.
"""

import ctypes
import gc
from functools import cache

HEAPS = 2
_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""


def few_heaps() -> bool:
    """Let all threads share a few heaps: to be called before there is a second thread. Whether the
    C library knows of it."""
    libc = _glibc()
    return libc is not None and libc.mallopt(_ARENA_MAX, HEAPS) == 1


def loaded() -> None:
    """What is there now is there for good: no collection looks at it again, which would hold up
    every thread for a tenth of a second."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Find what nothing but itself refers to, and give what is free back to the system; takes some
    milliseconds after `loaded`. What the callers' variables refer to stays."""
    gc.collect()
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
    return libc if hasattr(libc, "gnu_get_libc_version") else None
