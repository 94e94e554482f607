"""Timeouts that a test provokes, on a line whose other exchanges may take as long as they need."""

from collections.abc import Iterator
from contextlib import contextmanager

from drivers.visa_line import VisaLine

PATIENT_S = 2.0
"""For a real exchange: a computer with other work may need most of it."""


@contextmanager
def impatient(line: VisaLine, timeout_s: float = 0.15) -> Iterator[None]:
    """Within, an answer that does not come is soon given up. The connection stays the same."""
    kept_ms = line._timeout_ms
    _set(line, round(1e3 * timeout_s))
    try:
        yield
    finally:
        _set(line, kept_ms)


def _set(line: VisaLine, timeout_ms: int) -> None:
    line._timeout_ms = timeout_ms
    if line._session is not None:
        line._session.timeout = timeout_ms
