"""What moves when the laser's actuator moves: tells swapped photodiodes and a wrong polarity."""

from drivers.stcl.loss import Loss
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import Sweep

MOVED = 0.4
"""A peak has moved when it went this share of what was expected, or more."""


def judge_probe(
    before: Sweep, after: Sweep, stroke_v: float, settings: StclSettings
) -> Loss | None:
    """Name the wiring fault that explains two sweeps with `stroke_v` more on the laser's actuator.

    None when the peaks in the slave's trace, and no others, moved as the actuator's slope says.
    """
    expected = settings.ratio_per_v * stroke_v * settings.spacing
    master = _shift(
        [p.position for p in before.rising.masters], [p.position for p in after.rising.masters]
    )
    slave = _shift(
        [p.position for p in before.rising.slaves], [p.position for p in after.rising.slaves]
    )
    if master is None or slave is None:
        return Loss("peak count", "no peak in one of the traces of the rising ramp")
    if abs(master) > MOVED * abs(expected) and abs(slave) < MOVED * abs(expected):
        return Loss(
            "swapped photodiodes",
            "the laser's actuator moves the peaks of photodiode 1, not of 2: the photodiodes are "
            "swapped",
        )
    if -slave / expected > MOVED:
        return Loss(
            "ramp polarity",
            "the slave's peak moves against the calibrated direction: the ramp's polarity is wrong "
            "(or the sign of ratio_per_v)",
        )
    if slave / expected < MOVED:
        return Loss(
            "actuator",
            f"the slave's peak moved {slave / expected:.2f} of the expected stroke: is OUT2 "
            "connected to the laser's piezo?",
        )
    return None


def _shift(before: list[float], after: list[float]) -> float | None:
    """Mean shift of peaks to their nearest successors."""
    if not before or not after:
        return None
    shifts = [min((b - a for b in after), key=abs) for a in before]
    # A peak that left the ramp finds a far one: the smallest shift belongs to one that stayed.
    return min(shifts, key=abs)
