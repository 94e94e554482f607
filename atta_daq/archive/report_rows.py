"""Numbers of a report as the words and rounded figures that a reader sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from atta_daq.analysis.results import FitResult, Goodness, Parameter, pdg_round

PERCENT = {"amplitude", "increase", "asymptote", "peak_increase", "increase_at_highest_power"}
"""Dimensionless parameters that people quote in percent."""
_SUFFIXES = ("_mhz", "_mw", "_w_m2")
_LONG = 160
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
    label = p.name
    for suffix in _SUFFIXES:
        label = label.removesuffix(suffix)
    words = label.split("_")
    label = " ".join(w.capitalize() if w in ("rabi", "doppler") else w for w in words)
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


def in_percent(p: Parameter) -> Parameter:
    """The same parameter in percent, if that is how it is quoted."""
    if p.name not in PERCENT or p.unit:
        return p
    return replace(
        p,
        value=100.0 * p.value,
        error=100.0 * p.error,
        unit="%",
        lower=None if p.lower is None else 100.0 * p.lower,
        upper=None if p.upper is None else 100.0 * p.upper,
    )


def goodness_text(goodness: Goodness) -> str:
    """'Poisson deviance 38.2 at 36 degrees of freedom, p = 0.37 (Wilks)'."""
    if goodness.degrees_of_freedom <= 0:
        return "As many parameters as data: nothing is left to test the model with"
    statistic = goodness.statistic[:1].upper() + goodness.statistic[1:]
    return (
        f"{statistic} {goodness.value:.1f} at {goodness.degrees_of_freedom} degrees of "
        f"freedom, p = {goodness.p_value:.2g} ({goodness.method.capitalize()})"
    )


@dataclass(frozen=True)
class TruthRow:
    """A fitted parameter beside its true value."""

    name: str
    fitted: str
    true: str
    pull: str
    unit: str


def truth_rows(fit: FitResult, true: dict[str, float]) -> list[TruthRow]:
    """Parameters that have a true value; pulls of those that were free."""
    rows = []
    for parameter in (*fit.parameters, *fit.derived):
        if parameter.name not in true:
            continue
        row = parameter_row(parameter)
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


def listing(values: dict[str, Any], skip: Sequence[str] = ()) -> str:
    """'zero ratio = 0.4701, error mhz = 0.3' of a document's body, long values cut."""
    words = []
    for key, value in values.items():
        if key in skip:
            continue
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
        text = text if len(text) <= _LONG else text[:_LONG] + " …"
        words.append(f"{key.replace('_', ' ')} = {text}")
    return ", ".join(words)
