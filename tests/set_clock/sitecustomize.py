"""Loaded by a process under libfaketime, before anything else.

libfaketime 0.9.10 takes the absolute times of `clock_nanosleep(CLOCK_MONOTONIC)` for faked ones
even when it leaves that clock alone; Python's `time.sleep` is the only caller here.
"""

import select
import time


def sleep(seconds: float) -> None:
    """As `time.sleep`, by another system call."""
    if seconds < 0.0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), seconds)


time.sleep = sleep
