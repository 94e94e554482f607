"""The point that a run takes now, in words: '85Kr at −150.0 MHz, light on'."""

from atta_daq.client.runs import PointUnderWay
from gui.words import true_minus

_PLACES = {
    "detuning_mhz": "{:.1f} MHz",
    "power_mw": "{:.1f} mW",
    "sideband_frequency_mhz": "sidebands {:.1f} MHz",
    "sideband_depth": "depth {:.2f}",
}


def point_words(point: PointUnderWay) -> str:
    """What is looked at, where the light stands, and whether it is on: the last is not said of a
    bracket, whose light is always blocked."""
    if not point.isotope:
        return "blank, light on" if point.pumping else "blank, light blocked"
    kr = f"{point.isotope}Kr"
    if point.bracket:
        return f"{kr} bracket"
    if point.kind == "check-83":
        kr += " check"
    elif point.index is None:
        kr += " reference"
    place = true_minus(
        ", ".join(
            _PLACES.get(name, name + " {:g}").format(value) for name, value in point.place.items()
        )
    )
    light = "light on" if point.pumping else "light blocked"
    return f"{kr} at {place}, {light}" if place else f"{kr}, {light}"
