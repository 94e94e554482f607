"""Aims the scan where the sweep view points: centre it here, sweep from here to there."""

from typing import Any

from gui.editor.document import ScanDocument
from gui.editor.new_scan import new_part
from gui.editor.toml_text import Table

_NEW_SPAN_MHZ = 400.0
_NEW_POINTS = 21
_DECIMALS = 1


def centre_on(document: ScanDocument, chosen: int, isotope: int, detuning_mhz: float) -> int:
    """Centre the detuning axis of the isotope's part, keeping span and points.

    The chosen part is preferred; an isotope without a detuning axis gets a new part. Returns the
    number of the part. Not to be asked while the text is no TOML.
    """
    assert document.table is not None
    parts = _parts(document)
    number = _find(parts, chosen, isotope)
    with document.edit():
        if number is None:
            half = _NEW_SPAN_MHZ / 2.0
            part = new_part(isotope)
            part["axis"] = [
                _ranged(detuning_mhz - half, detuning_mhz + half, _NEW_POINTS)
            ]  # fmt: skip
            document.table["part"] = [*parts, part]
            return len(parts)
        axis = _detuning(parts[number])
        assert axis is not None
        if _numbers(axis.get("values")):
            values = axis["values"]
            shift = detuning_mhz - (min(values) + max(values)) / 2.0
            axis["values"] = [_round(value + shift) for value in values]
        else:
            half = (_number(axis.get("stop"), 0.0) - _number(axis.get("start"), 0.0)) / 2.0
            half = half or _NEW_SPAN_MHZ / 2.0
            _set_range(axis, detuning_mhz - half, detuning_mhz + half)
    return number


def set_range(document: ScanDocument, chosen: int, start_mhz: float, stop_mhz: float) -> int | None:
    """Sweep the chosen part (else the first with a detuning axis) over a range, with as many
    points as before and in the direction of before. Returns the part; None when there is none."""
    parts = _parts(document)
    number = _find(parts, chosen, None)
    if number is None:
        return None
    axis = _detuning(parts[number])
    assert axis is not None
    low, high = sorted((start_mhz, stop_mhz))
    values = axis.get("values")
    downwards = _number(axis.get("start"), 0.0) > _number(axis.get("stop"), 0.0)
    with document.edit():
        if values is not None:
            del axis["values"]
            axis["points"] = len(values) if isinstance(values, list) else _NEW_POINTS
            downwards = _numbers(values) and values[0] > values[-1]
        _set_range(axis, *((high, low) if downwards else (low, high)))
    return number


def _parts(document: ScanDocument) -> list[Any]:
    parts = document.get(("part",))
    return parts if isinstance(parts, list) else []


def _find(parts: list[Any], chosen: int, isotope: int | None) -> int | None:
    """The chosen part first, then the others in their order."""
    for number in (chosen, *range(len(parts))):
        if number >= len(parts) or _detuning(parts[number]) is None:
            continue
        if isotope in (None, parts[number].get("isotope")):
            return number
    return None


def _detuning(part: Any) -> Table | None:
    axes = part.get("axis") if isinstance(part, Table) else None
    for axis in axes if isinstance(axes, list) else ():
        if isinstance(axis, Table) and axis.get("quantity") == "detuning_mhz":
            return axis
    return None


def _ranged(start: float, stop: float, points: int) -> Table:
    axis = Table({"quantity": "detuning_mhz"}.items())
    _set_range(axis, start, stop)
    axis["points"] = points
    return axis


def _set_range(axis: Table, start: float, stop: float) -> None:
    axis["start"], axis["stop"] = _round(start), _round(stop)
    axis.setdefault("points", _NEW_POINTS)


def _round(value: float) -> float:
    return round(float(value), _DECIMALS)


def _number(value: Any, otherwise: float) -> float:
    return float(value) if _is_number(value) else otherwise


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(_is_number(v) for v in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
