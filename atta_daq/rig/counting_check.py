"""A run calibrates its counting from its own frames; here that is held against what the camera and
the trap showed when they were calibrated by themselves.

The counts are right either way, as a run counts with its own numbers. What has moved since is news:
a register that ages, a trap whose light or vacuum is not what it was.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from atta_daq.calibration.dated import Calibrated
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.measured import Measured
from atta_daq.rig.calibrations_in_use import Entry

LEAST_SIGMA = 4.0
"""Standard errors of the difference, both errors together."""


@dataclass(frozen=True)
class _Compared:
    name: str
    now: Measured
    then: tuple[Calibrated, ...]
    """The calibrated numbers that `expected` rests on; the oldest dates the comparison."""
    expected: float
    least: float
    """Relative change below which nothing is said: it may come with the day."""
    advice: str


def what_moved(
    found: CountingCalibration, em_gain: int, entries: Iterable[Entry]
) -> tuple[str, ...]:
    """What differs from its calibration, each in a sentence.

    `found`: of the run's frames, `em_gain`: the gain set for them, `entries`: the calibrations in
    use. What was never calibrated is not compared.
    """
    numbers = {entry.key: entry.number for entry in entries if entry.number is not None}
    compared: list[_Compared] = []
    scale, conversion = numbers.get("em_gain_scale"), numbers.get("electrons_per_adu")
    if scale is not None and conversion is not None:
        compared.append(
            _Compared(
                "camera: the EM gain", found.adu_per_electron, (scale, conversion),
                em_gain * scale.value / conversion.value, 0.05,
                "the register may have aged; atta-daq calibrate camera",
            )
        )  # fmt: skip
    if (light := numbers.get("electrons_per_atom_s")) is not None:
        compared.append(
            _Compared(
                "camera: the light of an atom", found.electrons_per_atom, (light,),
                light.value * found.exposure_s, 0.15,
                "see to power and detuning of the 811-nm light, the focus and the window; then "
                "atta-daq calibrate dwell",
            )
        )  # fmt: skip
    if (dwell := numbers.get("dwell_s")) is not None:
        compared.append(
            _Compared(
                "trap: the stay of an atom", found.dwell_s, (dwell,), dwell.value, 0.25,
                "see to the vacuum of the trap and its light; then atta-daq calibrate dwell",
            )
        )  # fmt: skip
    return tuple(said for one in compared if (said := _said(one)))


def _said(one: _Compared) -> str:
    ratio = one.now.value / one.expected
    error = math.hypot(one.now.error / one.now.value, *(c.relative_error for c in one.then)) * ratio
    sigma = abs(ratio - 1.0) / error
    if sigma < LEAST_SIGMA or abs(ratio - 1.0) < one.least:
        return ""
    made = min((number.made for number in one.then if number.made is not None), default=None)
    when = "" if made is None else f" of {made:%Y-%m-%d}"
    return (
        f"{one.name} is {100.0 * ratio:.0f} % of its calibration{when} ({sigma:.0f} standard "
        f"errors). The run counts with what it found itself; {one.advice}"
    )
