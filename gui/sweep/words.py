"""Parameters, goodness and points in the operator's words; no Qt."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from atta_daq.analysis.results import FitResult, Goodness, Parameter, in_percent, pdg_round
from atta_daq.client.runs import Point
from gui.words import true_minus

_NAMES = {
    "background": "rate without pumping",
    "rate_on": "rate with pumping",
    "increase": "increase by pumping",
    "amplitude": "increase, closed line",
    "asymptote": "increase, infinite power",
    "position_mhz": "closed line, as set",
    "rabi_scale": "Rabi frequency scale",
    "doppler_rms_mhz": "rms Doppler width",
    "doppler_shift_mhz": "Doppler shift",
    "peak_increase": "increase at the peak",
    "peak_mhz": "peak, as set",
    "supply_ratio": "supply of 1s4 over 1s5",
    "rest_position_mhz": "closed line, at rest",
    "rest_position_systematic_mhz": "its systematic error",
    "isotope_shift_offset_mhz": "offset from table",
    "p_sat_mw": "saturation power",
    "increase_at_highest_power": "increase, highest power",
    "share_of_asymptote": "share of the asymptote",
}


@dataclass(frozen=True)
class Row:
    """A line of the table of results."""

    name: str
    value: str
    unit: str
    tip: str


def name_of(parameter: Parameter) -> str:
    """'closed line, as set' of `position_mhz`."""
    return _NAMES.get(parameter.name, parameter.name.replace("_", " "))


def row_of(parameter: Parameter) -> Row:
    """Value and error rounded by the rule of the Particle Data Group."""
    p = in_percent(parameter)
    tip = p.meaning
    if p.fixed:
        value = f"{p.value:.5g} (held)"
    elif p.error > 0.0:
        value = " ± ".join(pdg_round(p.value, p.error))
        if p.lower is not None and p.upper is not None:
            up, down = pdg_round(p.upper, p.upper)[1], pdg_round(p.lower, abs(p.lower))[1]
            tip = f"{tip}; likelihood interval +{up} -{down}".removeprefix("; ")
    else:
        value = f"{p.value:.5g}"
    return Row(name_of(p), true_minus(value), p.unit, true_minus(tip))


def value_text(parameter: Parameter) -> str:
    """'55 ± 4 %'."""
    row = row_of(parameter)
    return f"{row.value} {row.unit}".rstrip()


def text_of(parameter: Parameter) -> str:
    """'increase, closed line: 55 ± 4 %'."""
    return f"{name_of(parameter)}: {value_text(parameter)}"


def rows_of(fit: FitResult) -> list[Row]:
    """All lines of a fit: its parameters, then what follows from them."""
    return [row_of(parameter) for parameter in (*fit.parameters, *fit.derived)]


def with_error(value: float, error: float) -> str:
    """'2530(60)', '0.2812(21)': the error in units of the last digits."""
    rounded, uncertain = pdg_round(value, error)
    if not (math.isfinite(error) and error > 0.0):
        return true_minus(rounded)
    digits = uncertain.replace(".", "").lstrip("0") if "." in uncertain else uncertain
    if "." in uncertain and not uncertain.startswith("0."):
        digits = uncertain  # '12.3(1.2)', as 12.3(12) would read as twelve
    return f"{true_minus(rounded)}({digits})"


def goodness_text(goodness: Goodness) -> str:
    """Verdict and p-value: 'The model describes the data: p = 0.37 (deviance 38.2 for 36 ...)'."""
    if goodness.degrees_of_freedom <= 0:
        return "As many parameters as points: nothing is left to test the model with"
    p = goodness.p_value
    if p >= 0.05:
        verdict = "The model describes the data"
    elif p >= 0.001:
        verdict = "The model describes the data poorly"
    else:
        verdict = "The model does not describe the data"
    shown = f"p = {p:.2g}" if p >= 1e-4 else "p below 0.0001"
    toys = ", from toy data" if goodness.method == "toys" else ""
    return (
        f"{verdict}: {shown} ({goodness.statistic} {goodness.value:.1f} for "
        f"{goodness.degrees_of_freedom} degrees of freedom{toys})"
    )


def notes_text(fit: FitResult) -> str:
    """The fit's notes as sentences, with parameters by their names."""
    text = ". ".join(note[:1].upper() + note[1:] for note in fit.notes)
    for parameter in (*fit.parameters, *fit.derived):
        text = re.sub(rf"\b{re.escape(parameter.name)}\b", name_of(parameter), text, flags=re.I)
    return true_minus(text[:1].upper() + text[1:])


def as_of(utc_s: float | None) -> str:
    """'as of 14:32', local time, of what is no longer up to date; '' of what is."""
    if utc_s is None:
        return ""
    return f"as of {datetime.fromtimestamp(utc_s):%H:%M}" if utc_s else "not current"


def included_text(fit: FitResult) -> str:
    """'fit includes blocks up to 12'."""
    if fit.last_block < 0:
        return "fit"
    return f"fit includes blocks up to {fit.last_block}"


def point_text(point: Point, y: float, error: float, unit: str) -> str:
    """What is known of a point: '2530(160) atoms/h, 123 counts in 240 s, 14:32:05 UTC'."""
    parts = [f"{with_error(y, error)} {unit}"]
    if point.counts is not None:
        parts.append(f"{point.counts} counts in {point.live_s:.0f} s")
    taken = datetime.fromtimestamp(point.mid_rig_s, UTC)
    parts.append(f"{taken:%H:%M:%S} UTC")
    if not point.pumping:
        parts.append("light blocked")
    if point.provisional:
        parts.append("provisional")
    return ", ".join(parts)
