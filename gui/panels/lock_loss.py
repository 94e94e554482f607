"""Why the lock was lost, as `lock:reason` tells it: the name of the test, then the words."""

from dataclasses import dataclass

WIRING = ("sidebands", "swapped photodiodes", "ramp polarity", "actuator")
"""Somebody has to look at the cables; a relock does not help."""
NAMES = (
    *WIRING, "peak count", "master spacing", "height", "width", "jump", "cavity jump", "rail",
    "stale", "power drop", "mode", "landing", "board",
)  # fmt: skip
"""Tests of the software lock. The firmware lock gives a reason without a name."""


@dataclass(frozen=True)
class LockLoss:
    """`name` is empty when the lock names no test."""

    name: str
    text: str

    @property
    def wiring(self) -> bool:
        return self.name in WIRING


def lock_loss(reason: str) -> LockLoss:
    """Take 'power drop: the slave's peak fell to 40 %' apart."""
    name, colon, text = reason.partition(": ")
    if colon and name in NAMES:
        return LockLoss(name, text)
    return LockLoss("", reason)
