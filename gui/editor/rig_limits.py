"""What the rig's limits and geometry say of a scan, before the station is asked."""

from collections.abc import Iterator

from atta_daq.client.rig_info import RigInfo
from atta_daq.scans.definition import Axis, Part, ScanDefinition
from gui.editor.problem import Place, Problem

_LIMITED = {
    "detuning_mhz": ("light:detuning", "MHz"),
    "power_mw": ("light:power", "mW"),
    "sideband_frequency_mhz": ("sideband:frequency", "MHz"),
}


def rig_problems(definition: ScanDefinition, rig: RigInfo) -> list[Problem]:
    """Every value that this rig cannot reach, with the limit."""
    found = []
    if definition.geometry not in (None, rig.geometry):
        text = f"this rig's geometry is '{rig.geometry}'; leave the key out or change it"
        found.append(Problem(("geometry",), text))
    for number, part in enumerate(definition.parts):
        found += _part(part, ("part", number), rig)
    return found


def _part(part: Part, place: Place, rig: RigInfo) -> Iterator[Problem]:
    for key in _LIMITED:
        value = getattr(part.light, key)
        if value is not None and (text := _outside(key, (value,), rig)):
            yield Problem((*place, "light", key), text)
    for number, axis in enumerate(part.axes):
        for key, values in _ends(axis).items():
            if text := _outside(axis.quantity, values, rig):
                yield Problem((*place, "axis", number, key), text)


def _ends(axis: Axis) -> dict[str, tuple[float, ...]]:
    if axis.values is not None:
        return {"values": axis.values}
    assert axis.start is not None
    assert axis.stop is not None
    return {"start": (axis.start,), "stop": (axis.stop,)}


def _outside(quantity: str, values: tuple[float, ...], rig: RigInfo) -> str:
    if quantity not in _LIMITED:
        return ""
    reading, unit = _LIMITED[quantity]
    if reading not in rig.limits:
        return ""
    low, high = rig.limits[reading]
    # A sideband frequency of 0 means none.
    wrong = [v for v in values if not low <= v <= high and not (v == 0.0 and "sideband" in reading)]
    if not wrong:
        return ""
    return f"{wrong[0]:g} is beyond this rig's limits, {low:g} to {high:g} {unit}"
