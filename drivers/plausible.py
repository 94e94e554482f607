"""Readings that no such instrument can give: most likely it answers in another unit."""

from drivers.errors import ProtocolError


def require_plausible(
    instrument: str, what: str, value: float, low: float, high: float, unit: str
) -> float:
    """`value` (in `unit`) if it lies within `low` and `high`, which are not limits of what may be
    set but of what can be. Raises ProtocolError, before anything is decided on a false number."""
    if not low <= value <= high:
        raise ProtocolError(
            instrument,
            f"{what} reads {value:g} {unit}, which cannot be ({low:g} to {high:g} {unit}): "
            "does it answer in another unit?",
            "check the unit that is set at the box",
        )
    return value
