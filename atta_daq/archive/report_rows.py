"""Numbers of a report as the words and rounded figures that a reader sees."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from atta_daq.analysis.results import FitResult, Goodness, Parameter, in_percent, pdg_round

_SUFFIXES = ("_mhz", "_mw", "_w_m2")
_LONG = 160
_UNITS = {"mhz": "MHz", "s": "s", "px": "px", "mw": "mW", "electrons": "e-", "adu": "ADU"}
MINUS = "−"


@dataclass(frozen=True)
class ParameterRow:
    """A line of a fit table."""

    name: str
    value: str
    interval: str
    """MINOS: '+13 −11'; empty without."""
    unit: str
    meaning: str


def parameter_row(parameter: Parameter, rate_unit: str = "") -> ParameterRow:
    """Value and error rounded by the rule of the Particle Data Group.

    `rate_unit` stands in for the analysis' general '1/s', where the detector has a unit.
    """
    p = in_percent(parameter)
    label = label_of(p.name)
    unit = rate_unit if rate_unit and p.unit == "1/s" else p.unit
    interval = ""
    if p.fixed:
        value = f"{p.value:.5g} (held)"
    elif p.error > 0.0:
        rounded, error = pdg_round(p.value, p.error)
        value = f"{rounded} ± {error}"
        if p.lower is not None and p.upper is not None:
            up, down = pdg_round(p.upper, p.upper)[1], pdg_round(p.lower, abs(p.lower))[1]
            interval = f"+{up} {MINUS}{down}"
    else:
        value = f"{p.value:.5g}"
    value = value.replace("-", MINUS)
    return ParameterRow(label, value, interval, unit, p.meaning)


def label_of(name: str) -> str:
    """A parameter's name as words: 'Doppler shift' of 'doppler_shift_mhz'."""
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    words = name.replace("p_sat", "saturation_power").split("_")
    return " ".join(w.capitalize() if w in ("rabi", "doppler") else w for w in words)


def note_text(note: str, fit: FitResult | None) -> str:
    """A fit's note with parameters by their labels and true minus signs before numbers.

    The hyphen of a component, 9/2-11/2, stays.
    """
    if fit is not None:
        for p in (*fit.parameters, *fit.derived):
            note = re.sub(rf"\b{re.escape(p.name)}\b", label_of(p.name), note)
    return re.sub(r"(?<![\w/])-(?=\d)", MINUS, note)


def fit_facts(fit: FitResult) -> str:
    """What the fit took as given, in words: 'F-level model, co-propagating light, ...'."""
    given = fit.settings
    words = []
    if "pumping_model" in given:
        words.append(f"{str(given['pumping_model']).capitalize()} pumping model")
    if "geometry" in given:
        words.append(f"{given['geometry']}-propagating light")
    intensity = given.get("intensity_w_m2")
    if isinstance(intensity, float):
        words.append(f"mean intensity {intensity / 1000.0:.3g} kW/m²")
    if "doppler_shape" in given:
        words.append(f"{given['doppler_shape']} Doppler shape")
    rest = given.get("rest_mhz")
    if isinstance(rest, float):
        words.append(f"closed line at rest at {rest:.1f} MHz".replace("-", MINUS))
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def goodness_text(goodness: Goodness) -> str:
    """'Poisson deviance 38.2 at 36 degrees of freedom, p = 0.37 (Wilks)'."""
    if goodness.degrees_of_freedom <= 0:
        return "As many parameters as data: nothing is left to test the model with"
    statistic = goodness.statistic[:1].upper() + goodness.statistic[1:]
    method = "from toy data" if goodness.method == "toys" else "chi-square law"
    p_value = f"{goodness.p_value:.2g}" if goodness.p_value >= 1e-4 else "below 0.0001"
    return (
        f"{statistic} {goodness.value:.1f} for {goodness.degrees_of_freedom} degrees of "
        f"freedom, p = {p_value} ({method})"
    ).replace("p = below", "p below")


@dataclass(frozen=True)
class TruthRow:
    """A fitted parameter beside its true value."""

    name: str
    fitted: str
    true: str
    pull: str
    unit: str


def truth_rows(
    fit: FitResult, true: dict[str, float], start_rate: float | None = None
) -> list[TruthRow]:
    """Parameters that have a true value; pulls of those that were free.

    `start_rate` stands beside the background without a pull: the source drifts away from it.
    """
    rows = []
    for parameter in (*fit.parameters, *fit.derived):
        row = parameter_row(parameter)
        if parameter.name == "background" and start_rate is not None:
            rows.append(TruthRow(row.name, row.value, f"({start_rate:.0f})", "", row.unit))
        if parameter.name not in true:
            continue
        scale = 100.0 if in_percent(parameter) is not parameter else 1.0
        value = true[parameter.name]
        free = parameter.error > 0.0 and not parameter.fixed
        pull = f"{(parameter.value - value) / parameter.error:+.1f}" if free else ""
        digits = pdg_round(scale * value, scale * parameter.error)[0] if free else ""
        rows.append(
            TruthRow(
                row.name,
                row.value,
                (digits or f"{scale * value:.5g}").replace("-", MINUS),
                pull.replace("-", MINUS),
                row.unit,
            )
        )
    return rows


def duration(seconds: float) -> str:
    """'7 h 32 min', '12 min 5 s', '3.2 s'."""
    if seconds < 60.0:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60.0)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(utc_s: float) -> str:
    """'2026-11-22 08:57:11 UTC'."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(utc_s: float) -> str:
    """'22 Nov 08:57:11'."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%d %b %H:%M:%S")


def with_error(value: float | None, error: float | None) -> str:
    """'2510 ± 60', or empty."""
    if value is None or error is None or not math.isfinite(value):
        return ""
    return " ± ".join(pdg_round(value, error)).replace("-", MINUS)


def number(value: float | None, digits: int = 1) -> str:
    """A plain number with a true minus sign, or empty."""
    return "" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def calibration_rows(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Quantity, value with error and unit of each number in a calibration's document.

    A quantity is an object with value, error and unit, or a plain number whose unit ends its
    name; `fsr_error_mhz` becomes the error of `fsr_mhz`. Long texts are cut.
    """
    rows = []
    for key, value in body.items():
        name, unit = _split_unit(key)
        if key == "name" or (name.endswith("_error") and _partner(key) in body):
            continue
        error = body.get(f"{name}_error_{_suffix(key)}" if unit else f"{name}_error")
        if isinstance(value, dict) and "value" in value:
            unit, error, value = str(value.get("unit", "")), value.get("error"), value["value"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            text = " × ".join(map(str, value)) if isinstance(value, list) else str(value)
            text = text if len(text) <= _LONG else text[:_LONG] + " …"
        elif isinstance(error, int | float) and error > 0.0:
            text = with_error(float(value), float(error))
        else:
            digits = 3 if name.endswith("_error") else 6
            text = f"{value:.{digits}g}".replace("-", MINUS)
        label = name.replace("_", " ").replace("fsr", "free spectral range")
        rows.append((label, text, unit))
    return rows


def _suffix(key: str) -> str:
    return next((s for s in _UNITS if key.endswith(f"_{s}")), "")


def _split_unit(key: str) -> tuple[str, str]:
    suffix = _suffix(key)
    return (key.removesuffix(f"_{suffix}"), _UNITS[suffix]) if suffix else (key, "")


def _partner(key: str) -> str:
    """The quantity that `x_error_mhz` or `x_error` is the error of."""
    return key.replace("_error", "", 1)
