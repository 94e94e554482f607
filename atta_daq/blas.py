"""How many threads the linear algebra of numpy and scipy takes.

OpenBLAS cuts a large matrix into pieces by the number of its threads, and adds them up in another
order: the last digits of a fit would depend on the processors of the computer, and on whether
somebody has set OMP_NUM_THREADS, as dask does for its workers.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import scipy

_NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads")
"""Of the functions, in the libraries that the wheels of numpy and scipy bring."""

_mutex = threading.Lock()
_before: list[tuple[int, ...]] = []
"""How many there were when each of those that are inside came in; the first one's come back."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on the caller's thread alone. It holds for the whole process, until the last
    of those that asked for it has left.

    Nothing changes for a numpy or scipy that was built with another BLAS.
    """
    with _mutex:
        _before.append(threads() if not _before else _before[0])
        _set((1,) * len(_before[0]))
    try:
        yield
    finally:
        with _mutex:
            before = _before.pop()
            if not _before:
                _set(before)


def threads() -> tuple[int, ...]:
    """How many each of the libraries takes now; empty where none is known."""
    return tuple(get() for _, get in _libraries())


def _set(numbers: tuple[int, ...]) -> None:
    for (put, _), number in zip(_libraries(), numbers, strict=True):
        put(number)


@cache
def _libraries() -> tuple[tuple[Callable[[int], object], Callable[[], int]], ...]:
    """Setter and getter of each."""
    found = []
    for package in (np, scipy):
        inside = Path(package.__path__[0])
        beside = inside.parent / f"{package.__name__}.libs"
        for path in sorted([*beside.glob("*openblas*"), *inside.glob(".dylibs/*openblas*")]):
            # Loaded already: this is the library that the package calls.
            library = ctypes.CDLL(str(path))
            for name in _NAMES:
                put = getattr(library, name.format("set"), None)
                get = getattr(library, name.format("get"), None)
                if put is not None and get is not None:
                    found.append((put, get))
    return tuple(found)
