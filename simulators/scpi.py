"""The part of SCPI that the simulated boxes speak: headers, arguments, the error queue.

Headers follow SCPI-1999 vol. 1, 6.2: short form in capitals, either form accepted in any case,
optional nodes in brackets, `#` a numeric suffix (1 if left out), `;` between commands. A query
that fails is not answered: its error goes to the queue, as on the real boxes.
"""

import math
import re
from collections import deque
from collections.abc import Callable, Mapping

from simulators.wire import LineSession, Link

Handler = Callable[[tuple[int, ...], list[str]], str | bytes | None]


class ScpiError(Exception):
    """A refusal that goes into the error queue."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


UNDEFINED_HEADER = (-113, "Undefined header")
MISSING_PARAMETER = (-109, "Missing parameter")
PARAMETER_COUNT = (-115, "Unexpected number of parameters")
NOT_A_NUMBER = (-104, "Data type error")
OUT_OF_RANGE = (-222, "Data out of range")
ILLEGAL_VALUE = (-224, "Illegal parameter value")
STALE = (-230, "Data corrupt or stale")


def _node(text: str) -> str:
    suffix = ""
    if text.endswith("#"):
        text, suffix = text[:-1], r"(\d{0,2})"
    short = "".join(c for c in text if not c.islower())
    return f"(?:{re.escape(short)}|{re.escape(text)}){suffix}"


def header_pattern(header: str) -> re.Pattern[str]:
    """Regular expression for a header such as `SOURce#:FREQuency[:FIXed]`."""
    if header.startswith("*"):
        return re.compile(re.escape(header), re.IGNORECASE)
    pattern = ""
    for part in re.findall(r"\[[^\]]+\]|[^:\[\]]+", header):
        if part.startswith("["):
            pattern += f"(?::{_node(part[1:-1].removeprefix(':'))})?"
        elif part == "?":
            pattern += re.escape(part)
        else:
            pattern += f":{_node(part)}"
    return re.compile(pattern, re.IGNORECASE)


def number(text: str, units: Mapping[str, float] | None = None) -> float:
    """A finite number, with an optional unit that multiplies it. Raises ScpiError."""
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z%]*)\s*", text)
    if match is None:
        raise ScpiError(*NOT_A_NUMBER)
    unit = match[2].upper()
    if unit and unit not in (units or {}):
        raise ScpiError(-131, "Invalid suffix")
    value = float(match[1]) * ((units or {})[unit] if unit else 1.0)
    if not math.isfinite(value):
        raise ScpiError(*OUT_OF_RANGE)
    return value


def limited(text: str, low: float, high: float, units: Mapping[str, float] | None = None) -> float:
    """A number within [low, high]. Raises ScpiError."""
    value = number(text, units)
    if not low <= value <= high:
        raise ScpiError(*OUT_OF_RANGE)
    return value


def boolean(text: str) -> bool:
    """ON, OFF, 1 or 0. Raises ScpiError."""
    word = text.strip().upper()
    if word in ("ON", "1"):
        return True
    if word in ("OFF", "0"):
        return False
    raise ScpiError(*ILLEGAL_VALUE)


def choice(text: str, allowed: tuple[str, ...]) -> str:
    """One of the words in `allowed`. Raises ScpiError."""
    word = text.strip().upper()
    if word not in allowed:
        raise ScpiError(*ILLEGAL_VALUE)
    return word


class ScpiInstrument:
    """A box with a table of commands and one error queue for all who talk to it."""

    QUEUE_LENGTH = 16

    def __init__(self, identity: str) -> None:
        self._commands: list[tuple[re.Pattern[str], int, Handler]] = []
        self._errors: deque[tuple[int, str]] = deque(maxlen=self.QUEUE_LENGTH)
        self.on("*IDN?", 0, lambda _s, _a: identity)
        self.on("*CLS", 0, lambda _s, _a: self._errors.clear())
        self.on("*STB?", 0, lambda _s, _a: "4" if self._errors else "0")
        self.on("*OPC?", 0, lambda _s, _a: "1")
        self.on("SYSTem:ERRor[:NEXT]?", 0, lambda _s, _a: self._next_error())
        self.on("SYSTem:ERRor:COUNt?", 0, lambda _s, _a: str(len(self._errors)))

    def on(self, header: str, arguments: int, handler: Handler) -> None:
        """Let `handler(suffixes, arguments)` answer to `header` with so many arguments; a header
        may be given once for each number of them."""
        self._commands.append((header_pattern(header), arguments, handler))

    def power_up(self) -> None:
        """Power off and on: an empty error queue, and whatever the box adds."""
        self._errors.clear()

    def execute(self, line: bytes) -> bytes:
        """Act on one line; the joined answers of its queries, or nothing."""
        answers: list[bytes] = []
        text = line.decode("ascii", errors="replace")
        for message in text.split(";"):
            if message.strip():
                try:
                    answer = self._execute_one(message.strip())
                except ScpiError as error:
                    self._errors.append((error.code, error.text))
                    continue
                if answer is not None:
                    answers.append(answer if isinstance(answer, bytes) else answer.encode())
        return b";".join(answers)

    def _execute_one(self, message: str) -> str | bytes | None:
        header, _, rest = message.partition(" ")
        arguments = [a.strip() for a in rest.split(",")] if rest.strip() else []
        if not header.startswith("*"):
            header = ":" + header.removeprefix(":")
        refusal = UNDEFINED_HEADER
        for pattern, count, handler in self._commands:
            match = pattern.fullmatch(header)
            if match is None:
                continue
            if len(arguments) == count:
                return handler(tuple(int(group or 1) for group in match.groups()), arguments)
            refusal = MISSING_PARAMETER if len(arguments) < count else PARAMETER_COUNT
        raise ScpiError(*refusal)

    def _next_error(self) -> str:
        code, text = self._errors.popleft() if self._errors else (0, "No error")
        return f'{code},"{text}"'


class ScpiSession(LineSession):
    """One connection to a box; `end` terminates its answers."""

    def __init__(self, link: Link, instrument: ScpiInstrument, end: bytes) -> None:
        super().__init__(link)
        self._instrument = instrument
        self._end = end

    def line(self, line: bytes) -> bytes:
        answer = self._instrument.execute(line)
        return answer + self._end if answer else b""
