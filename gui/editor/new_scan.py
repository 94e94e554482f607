"""Scans to begin with, and sensible axes for what is to be swept."""

from typing import Any

from atta_daq.client.rig_info import RigInfo
from atta_daq.physics.hyperfine import components
from gui.editor.toml_text import Table, write

ISOTOPES = (81, 83, 84, 85)
RARE = (81, 85)
USUAL_DWELL_S = {81: 900.0, 85: 240.0}
_AROUND_MHZ = 300.0
"""From the outermost component to the end of the axis: twice the Doppler width and more."""
_USUAL_POINTS = 41


def new_scan(rig: RigInfo | None) -> str:
    """An 85Kr spectrum of 41 points with references and blanks, TOML."""
    part = new_part(85)
    part["reference_every"] = 5
    part["axis"] = [new_axis("detuning_mhz", 85, rig)]
    return write(Table({
        "name": "85Kr spectrum",
        "part": [part],
        "blanks": Table({"dwell_s": 240.0}.items()),
    }.items()))  # fmt: skip


def new_part(isotope: int) -> Table:
    """A part without an axis."""
    part = Table({"isotope": isotope}.items())
    if isotope in RARE:
        part["dwell_s"] = USUAL_DWELL_S[isotope]
    return part


def new_axis(quantity: str, isotope: Any, rig: RigInfo | None) -> Table:
    """An axis that shows what there is to see: a spectrum has all components of the isotope."""
    start, stop, points = 0.2, 1.4, 7
    if quantity == "detuning_mhz":
        start, stop = spectrum_range_mhz(isotope if isotope in ISOTOPES else 85, rig)
        points = _USUAL_POINTS
    elif quantity == "power_mw":
        stop, points = rig.full_power_mw if rig else 500.0, 10
        start = stop / points
    elif quantity == "sideband_frequency_mhz":
        start, stop, points = 100.0, 500.0, 17
    return Table({"quantity": quantity, "start": start, "stop": stop, "points": points}.items())


def spectrum_range_mhz(isotope: Any, rig: RigInfo | None) -> tuple[float, float]:
    """Detunings as set that hold every component, inside the rig's limits, in full 50 MHz."""
    shifts = [c.total_mhz for c in components(isotope)]
    doppler = rig.doppler_mhz(isotope) if rig else 0.0
    low = 50.0 * round((min(shifts) + doppler - _AROUND_MHZ) / 50.0)
    high = 50.0 * round((max(shifts) + doppler + _AROUND_MHZ) / 50.0)
    least, most = rig.limits.get("light:detuning", (low, high)) if rig else (low, high)
    return max(low, least), min(high, most)
