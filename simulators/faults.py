"""What can go wrong on the way between an instrument and its driver."""

from dataclasses import dataclass
from typing import Literal, get_args

WireFaultKind = Literal["no_reply", "late", "garbled", "half", "dropped", "refused", "frozen"]
WIRE_FAULTS: tuple[str, ...] = get_args(WireFaultKind)


@dataclass
class WireFault:
    """One fault of a connection, in force until cleared or until `left` replies had it.

    no_reply  the instrument acts, its replies are lost
    late      replies come `delay_s` of wall time late, in order
    garbled   some characters of each reply are wrong, its line ends are not
    half      replies stop in the middle
    dropped   every connection is cut once; new ones work
    refused   every connection is cut, and new ones at once
    frozen    bytes are taken and neither acted upon nor answered; acted upon when cleared
    """

    kind: WireFaultKind
    left: int | None = None
    delay_s: float = 3.0

    def __post_init__(self) -> None:
        if self.kind not in WIRE_FAULTS:
            raise ValueError(f"no wire fault {self.kind!r}: {', '.join(WIRE_FAULTS)}")
        if self.left is not None and self.left < 1:
            raise ValueError(f"count must be 1 or more, got {self.left}")
        if not 0.0 <= self.delay_s < 3600.0:
            raise ValueError(f"delay_s must be within 0 and 3600 s, got {self.delay_s}")
