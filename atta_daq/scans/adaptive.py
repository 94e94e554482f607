"""What a scan file may ask for beyond evenly spread dwells: adaptive time, and an early end."""

import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from atta_daq.scans.definition import Part, ScanDefinition

INCREASE = "increase"
_COUNTED = (81, 85)


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class _Aim(_Model):
    part: int | None = Field(default=None, ge=1)
    """Which part of the file, counted from 1; left out: its only counted part, or its only part."""
    parameter: str = Field(examples=["position_mhz"])
    """Of the part's fit, or 'increase': at the scan's point nearest to `at`."""
    at: float | None = None
    """With 'increase': where on the part's first axis, in its unit."""


class Adaptive(_Aim):
    """Counting time goes where it lowers the error of one fitted number most.

    First every point of the part gets `floor_s`; each following block is chosen from the fit.
    """

    floor_s: float = Field(gt=0.0)
    """Counting time that each point gets at least; also the shortest visit of a chosen block."""
    total_s: float | None = Field(default=None, gt=0.0)
    """Counting time of the part in all; left out: as much as without [adaptive]."""
    seed: int = Field(default=1, ge=0)
    """Of the choices."""


class StopWhen(_Aim):
    """The scan ends early, as complete, when a fitted number is known well enough."""

    uncertainty: float | None = Field(default=None, gt=0.0)
    """Wanted standard error, in the parameter's unit."""
    relative_uncertainty: float | None = Field(default=None, gt=0.0)
    """Wanted standard error over the value."""
    total_s: float | None = Field(default=None, gt=0.0)
    """Ends it, too: so much counting time of the part."""

    @model_validator(mode="after")
    def _something(self) -> "StopWhen":
        if self.uncertainty is None and self.relative_uncertainty is None and self.total_s is None:
            raise ValueError("give `uncertainty`, `relative_uncertainty` or `total_s`")
        return self


def part_number(aim: _Aim, parts: "tuple[Part, ...]") -> int:
    """Index of the part that is meant. Raises ValueError when that is not clear."""
    if aim.part is not None:
        if aim.part > len(parts):
            raise ValueError(f"`part` is {aim.part}, but the scan has {len(parts)}")
        return aim.part - 1
    counted = [i for i, part in enumerate(parts) if part.isotope in _COUNTED]
    found = counted or list(range(len(parts)))
    if len(found) > 1:
        raise ValueError("give `part`: the scan has several that could be meant")
    return found[0]


def parameters_of(part: "Part") -> tuple[str, ...]:
    """Names that the fit of a part can be asked for."""
    quantities = {axis.quantity for axis in part.axes}
    if not quantities:
        return ("background", INCREASE)
    if quantities == {"power_mw"}:
        return ("background", "asymptote", "rabi_scale", INCREASE)
    names = ("background", "amplitude", "position_mhz", "rabi_scale", "doppler_rms_mhz", INCREASE)
    return names if "detuning_mhz" in quantities else tuple(n for n in names if n != "position_mhz")


def wanted_point(aim: _Aim, part: "Part") -> int | None:
    """Point of the part (counted from 0) whose increase is wanted; None for a parameter.

    The nearest on the first axis; of several with that value the last, as the others of a product
    are at their last values.
    """
    if aim.parameter != INCREASE or not part.axes:
        return None
    assert aim.at is not None
    first, *others = (axis.grid() for axis in part.axes)
    inner = math.prod(len(grid) for grid in others)
    nearest = min(range(len(first)), key=lambda i: abs(first[i] - aim.at))  # type: ignore[operator]
    return nearest * inner + inner - 1


def require_sound(definition: "ScanDefinition") -> None:
    """Raises ValueError for adaptive time or an early end that the scan cannot have."""
    for aim, name in ((definition.adaptive, "adaptive"), (definition.stop_when, "stop_when")):
        if aim is None:
            continue
        try:
            _require_aim(aim, definition.parts)
        except ValueError as error:
            raise ValueError(f"[{name}]: {error}") from error
    if definition.adaptive is not None:
        adaptive = definition.adaptive
        part = definition.parts[part_number(adaptive, definition.parts)]
        floor_s, total_s = floor_total_s(adaptive, part), total_s_of(adaptive, part)
        if floor_s > total_s:
            raise ValueError(
                f"[adaptive]: the floor takes {floor_s:g} s of counting, more than the {total_s:g} "
                "s in all; lower `floor_s` or give a larger `total_s`"
            )


def _require_aim(aim: _Aim, parts: "tuple[Part, ...]") -> None:
    part = parts[part_number(aim, parts)]
    names = parameters_of(part)
    if aim.parameter not in names:
        raise ValueError(
            f"the fit of this part has no '{aim.parameter}'; give one of {', '.join(names)}"
        )
    wants_place = aim.parameter == INCREASE and bool(part.axes)
    if wants_place and aim.at is None:
        raise ValueError("give `at`: where on the axis the increase is wanted")
    if aim.at is not None and not wants_place:
        raise ValueError(f"`at` belongs to an increase on an axis, not to '{aim.parameter}'")
    if isinstance(aim, Adaptive):
        if part.isotope not in _COUNTED:
            raise ValueError(
                f"{part.isotope}Kr is measured by loading; adaptive time is for counted isotopes"
            )
        if part.pumping == "off" or not (
            part.axes or part.pumping == "abba" or part.reference_every
        ):
            raise ValueError("the part never compares two settings: there is nothing to choose")


def floor_of(adaptive: Adaptive, part: "Part") -> "Part":
    """The part as its floor round takes it: once, every dwell scaled so that a point's is the
    floor."""
    assert part.dwell_s is not None
    scale = adaptive.floor_s / part.dwell_s

    def scaled(dwell_s: float | None) -> float | None:
        return None if dwell_s is None else dwell_s * scale

    return part.model_copy(
        update={
            "dwell_s": adaptive.floor_s,
            "dwell_off_s": scaled(part.dwell_off_s),
            "reference_dwell_s": scaled(part.reference_dwell_s),
            "repeats": 1,
        }
    )


def counting_s(part: "Part") -> float:
    """Counting time of a part as the file lays it out (s)."""
    assert part.dwell_s is not None
    points = math.prod(len(axis.grid()) for axis in part.axes)
    off_s = part.dwell_off_s or part.dwell_s
    if part.pumping == "abba":
        return part.repeats * points * 2.0 * (part.dwell_s + off_s)
    references = points // part.reference_every if part.reference_every else 0
    each_s = part.reference_dwell_s or part.dwell_s
    return part.repeats * (points * part.dwell_s + references * each_s)


def floor_total_s(adaptive: Adaptive, part: "Part") -> float:
    """Counting time of the floor round (s)."""
    return counting_s(floor_of(adaptive, part))


def total_s_of(adaptive: Adaptive, part: "Part") -> float:
    """Counting time of the part in all (s)."""
    return adaptive.total_s if adaptive.total_s is not None else counting_s(part)
