"""SCPI as a Thorlabs ITC4000 speaks it: its numbers, its error queue, MIN and MAX.

Source: Series 4000 SCPI Programmers Reference Manual v3.3 (queue, codes, numbers).
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from simulators.scpi import (
    ILLEGAL_VALUE,
    NOT_A_NUMBER,
    OUT_OF_RANGE,
    UNDEFINED_HEADER,
    ScpiError,
    ScpiInstrument,
    header_pattern,
    number,
)

QUEUE_LENGTH = 10
QUEUE_OVERFLOW = (-350, "Error queue overflow")
_BASES = {"#H": 16, "#Q": 8, "#B": 2}


class ErrorQueue(deque[tuple[int, str]]):
    """Ten errors; what comes when it is full overwrites the last one by 'overflow'."""

    def append(self, error: tuple[int, str]) -> None:
        if len(self) >= QUEUE_LENGTH:
            self[-1] = QUEUE_OVERFLOW
        else:
            super().append(error)


@dataclass(frozen=True)
class Setpoint:
    """A number that can be set: its unit and where it may lie, which may depend on others."""

    unit: str
    read: Callable[[], float]
    write: Callable[[float], None]
    low: Callable[[], float]
    high: Callable[[], float]
    default: float = 0.0
    suffixes: tuple[int, ...] = (1,)
    """Numeric suffixes of its header that mean it."""


class ItcScpi(ScpiInstrument):
    """A box of the series: a query that is not understood stays unanswered."""

    def __init__(self, identity: str) -> None:
        super().__init__(identity)
        self._errors = ErrorQueue()
        self._points: list[tuple[re.Pattern[str], Setpoint]] = []

    def power_up(self) -> None:
        """The error queue does not survive the mains switch (it does survive *RST)."""
        self._errors.clear()

    def setpoint(self, header: str, point: Setpoint) -> None:
        """`header <number>`, `header?`, `header? MIN|MAX|DEF`; only its suffixes are served."""
        self._points.append((header_pattern(f"{header}?"), point))

        def checked(suffixes: tuple[int, ...]) -> None:
            if any(suffix not in point.suffixes for suffix in suffixes):
                raise ScpiError(*UNDEFINED_HEADER)

        def put(suffixes: tuple[int, ...], arguments: list[str]) -> None:
            checked(suffixes)
            point.write(self._value(arguments[0], point))

        def get(suffixes: tuple[int, ...], _arguments: list[str]) -> str:
            checked(suffixes)
            return formatted(point.read())

        self.on(header, 1, put)
        self.on(f"{header}?", 0, get)

    def _value(self, text: str, point: Setpoint) -> float:
        extreme = _EXTREMES.get(text.strip().upper())
        if extreme is not None:
            return extreme(point)
        value = itc_number(text, point.unit)
        if not point.low() <= value <= point.high():
            raise ScpiError(*OUT_OF_RANGE)
        return value

    def _execute_one(self, message: str) -> str | bytes | None:
        header, _, rest = message.partition(" ")
        extreme = _EXTREMES.get(rest.strip().upper())
        if header.endswith("?") and extreme is not None:
            for pattern, point in self._points:
                if pattern.fullmatch(":" + header.removeprefix(":")):
                    return formatted(extreme(point))
        return super()._execute_one(message)

    def _next_error(self) -> str:
        code, text = self._errors.popleft() if self._errors else (0, "No error")
        return f'{code:+d},"{text}"'


_EXTREMES: dict[str, Callable[[Setpoint], float]] = {
    **dict.fromkeys(("MIN", "MINIMUM"), lambda point: point.low()),
    **dict.fromkeys(("MAX", "MAXIMUM"), lambda point: point.high()),
    **dict.fromkeys(("DEF", "DEFAULT"), lambda point: point.default),
}


def formatted(value: float) -> str:
    """A number as the boxes answer it."""
    return f"{value:.8E}"


def itc_number(text: str, unit: str) -> float:
    """A number with k, m or u before its unit or alone, or `#H`, `#Q`, `#B`. Raises ScpiError."""
    word = text.strip().upper()
    if word[:2] in _BASES:
        try:
            return float(int(word[2:], _BASES[word[:2]]))
        except ValueError:
            raise ScpiError(*NOT_A_NUMBER) from None
    unit = unit.upper()
    units = {unit: 1.0}
    for prefix, factor in (("K", 1e3), ("M", 1e-3), ("U", 1e-6)):
        units[prefix] = units[prefix + unit] = factor
    return number(text, units)


def word_of(text: str, words: dict[str, str]) -> str:
    """Short or long form of one of `words` (long to short). Raises ScpiError."""
    wanted = text.strip().upper()
    for long, short in words.items():
        if wanted in (long, short):
            return short
    raise ScpiError(*ILLEGAL_VALUE)
