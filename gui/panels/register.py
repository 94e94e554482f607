"""The EMCCD's multiplication register: what protects it now, and what has gone through it."""

import math
from dataclasses import dataclass

from gui.model.readings import Readings
from gui.theme.palettes import Tone

REGISTER = (
    "camera:dose", "camera:dose_total", "camera:trip", "camera:gain", "camera:stable",
    "trap:isotope",
)  # fmt: skip
"""Readings that `register_state` and the dose are made from."""
ABUNDANT = (83, 84)
"""1e10 times more atoms than those that are counted: the station allows no gain on them."""


@dataclass(frozen=True)
class RegisterState:
    word: str
    tone: Tone
    why: str


def register_state(readings: Readings) -> RegisterState:
    """Tripped, working under guard, or why gain would be refused."""
    trip, gain, stable = (
        readings.value(name) for name in ("camera:trip", "camera:gain", "camera:stable")
    )
    if gain.stale:
        return RegisterState("unknown", Tone.STALE, gain.message)
    if readings.text("camera:trip") and not trip.stale:
        return RegisterState("TRIPPED", Tone.DANGER, readings.text("camera:trip"))
    if gain.value:
        why = "two frames with more than 0.1 % of saturated pixels take the gain away"
        return RegisterState("guarded", Tone.OK, why)
    if not stable.stale and not stable.value:
        return RegisterState("too warm", Tone.WARNING, "gain is refused until the sensor is cold")
    isotope = readings.value("trap:isotope").value
    if isotope in ABUNDANT:
        return RegisterState(
            f"no gain on {isotope}Kr", Tone.OFF, "the trap is on an abundant isotope"
        )
    return RegisterState("idle", Tone.OFF, "no gain: nothing is multiplied")


def charge(nanocoulomb: float) -> str:
    """'12.3 nC', '4.56 µC'; a dash while it is not known."""
    if not math.isfinite(nanocoulomb):
        return "–"
    for unit in ("nC", "µC"):
        if abs(nanocoulomb) < 1000.0:
            return f"{nanocoulomb:.3g} {unit}"
        nanocoulomb /= 1000.0
    return f"{nanocoulomb:.3g} mC"
