"""What can go wrong on the way between an instrument and its driver."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

WireFaultKind = Literal[
    "no_reply", "late", "garbled", "half", "wrong_unit", "dropped", "refused", "frozen", "restarted"
]
WIRE_FAULTS: tuple[str, ...] = get_args(WireFaultKind)
LATE_S = 3.0
BOOT_S = 0.5
_REAL = re.compile(rb"(?<![\w.:])[+-]?\d+(?:\.(\d*)(?:[eE][+-]?\d+)?|[eE][+-]?\d+)(?![\w.:])")


@dataclass
class WireFault:
    """One fault of a connection, in force until cleared or until `left` replies had it.

    no_reply    the instrument acts, its replies are lost
    late        replies come `delay_s` of wall time late, in order
    garbled     some characters of each reply are wrong, its line ends are not
    half        replies stop in the middle
    wrong_unit  every real number of a reply is `factor` times what it should be
    dropped     every connection is cut once; new ones work
    refused     every connection is cut, and new ones at once
    frozen      bytes are taken and neither acted upon nor answered; acted upon when cleared
    restarted   power off and on: settings as at power-up, error queues empty, connections cut,
                and new ones refused until it has booted, `delay_s` of wall time later
    """

    kind: WireFaultKind
    left: int | None = None
    delay_s: float = LATE_S
    factor: float = 1000.0

    def __post_init__(self) -> None:
        if self.kind not in WIRE_FAULTS:
            raise ValueError(f"no wire fault {self.kind!r}: {', '.join(WIRE_FAULTS)}")
        if self.left is not None and self.left < 1:
            raise ValueError(f"count must be 1 or more, got {self.left}")
        if not 0.0 <= self.delay_s < 3600.0:
            raise ValueError(f"delay_s must be within 0 and 3600 s, got {self.delay_s}")
        if not 0.0 < abs(self.factor) < 1e12:
            raise ValueError(f"factor must not be 0 and below 1e12, got {self.factor}")


def in_another_unit(reply: bytes, factor: float) -> bytes:
    """`reply` with every real number multiplied by `factor`.

    Reals are numbers with a point or an exponent, as instruments write quantities; bare integers
    are counts, flags and codes, and have no unit. Of a definite-length block (IEEE 488.2) the
    samples are multiplied, big-endian float32 as the rig's digitisers send them.
    """
    if reply.startswith(b"#") and reply[1:2].isdigit():
        start = 2 + int(reply[1:2])
        size = int(reply[2:start] or b"0")
        if size % 4 == 0 and len(reply) >= start + size:
            samples = np.frombuffer(reply[start : start + size], ">f4") * np.float32(factor)
            return reply[:start] + samples.astype(">f4").tobytes() + reply[start + size :]

    def multiplied(match: re.Match[bytes]) -> bytes:
        value = float(match[0]) * factor
        if b"e" in match[0].lower():
            return f"{value:.9E}".encode()
        # A real keeps its point: some protocols tell it from an integer by that.
        return f"{value:.{max(1, len(match[1] or b''))}f}".encode()

    return _REAL.sub(multiplied, reply)
