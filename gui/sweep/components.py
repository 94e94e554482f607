"""Where the hyperfine components stand in the picture, and where their names fit; no Qt."""

from collections.abc import Sequence
from dataclasses import dataclass

from atta_daq.physics.hyperfine import components

WEAKEST = 0.01
"""Share of the line below which a component is not marked."""


@dataclass(frozen=True)
class Mark:
    """One component in the picture."""

    name: str
    x: float
    """On the drawn axis, MHz."""
    as_set_mhz: float
    """Where a scan meets it."""
    strength: float
    """Share of the whole line."""


def marks(isotope: int, doppler_mhz: float, at_rest: bool) -> tuple[Mark, ...]:
    """Components of an isotope from left to right.

    `doppler_mhz` is the detuning as set less that at rest.
    """
    found = [
        Mark(
            component.name,
            component.total_mhz + (0.0 if at_rest else doppler_mhz),
            component.total_mhz + doppler_mhz,
            component.strength,
        )
        for component in components(isotope)
        if component.strength > WEAKEST
    ]
    return tuple(sorted(found, key=lambda mark: mark.x))


@dataclass(frozen=True)
class Label:
    """Place of a name: its left edge in pixels, and how many rows up."""

    left: float
    row: int


def place_labels(
    centres: Sequence[float],
    widths: Sequence[float],
    priority: Sequence[float],
    width: float,
    rows: int,
    gap: float = 4.0,
) -> list[Label | None]:
    """Places without overlap, in pixels; the highest priority chooses first, lowest row first.

    A name whose mark is outside of 0..width, or for which no row has room, gets None.
    """
    places: list[Label | None] = [None] * len(centres)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(rows)]
    for i in sorted(range(len(centres)), key=lambda i: -priority[i]):
        if not 0.0 <= centres[i] <= width or widths[i] > width:
            continue
        left = min(max(centres[i] - 0.5 * widths[i], 0.0), width - widths[i])
        right = left + widths[i]
        for row, others in enumerate(taken):
            if all(right + gap <= a or left >= b + gap for a, b in others):
                others.append((left, right))
                places[i] = Label(left, row)
                break
    return places


def nearest_mark(found: Sequence[Mark], x: float, reach: float) -> Mark | None:
    """The mark nearest to x within `reach`, both on the drawn axis."""
    near = [mark for mark in found if abs(mark.x - x) <= reach]
    return min(near, key=lambda mark: abs(mark.x - x)) if near else None
