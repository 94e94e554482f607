"""The sweep: points with error bars, the live fit with its band, residuals, parameters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from atta_daq.analysis.results import FitResult, Parameter, in_percent, pdg_round
from atta_daq.client.runs import PartPoints, Point, fits_from_json, points_from_json
from atta_daq.watch.values import Look

_RATE_UNITS = {"1/h": "atoms/h"}
MOST_LEVELS = 4
"""Values of a second swept quantity that are told apart."""


@dataclass(frozen=True)
class _Axis:
    title: str
    unit: str
    step: float
    """Two values nearer than this are the same setting, read back twice."""


_AXES = {
    "detuning_mhz": _Axis("detuning from the 84Kr line, as set", "MHz", 2.0),
    "power_mw": _Axis("819-nm power", "mW", 2.0),
    "sideband_frequency_mhz": _Axis("sideband frequency", "MHz", 1.0),
    "sideband_depth": _Axis("sideband depth (modulation index)", "", 0.02),
}
_ON_OFF = _Axis("time since the first point", "min", 0.0)


def sweep(look: Look) -> dict[str, Any]:
    """Every part of the run, ready to be drawn."""
    fits = fits_from_json(look.text("run:fit"))
    parts = points_from_json(look.text("run:points"))
    return {"parts": [_part(part, fits.get(part.name)) for part in parts]}


def _part(part: PartPoints, fit: FitResult | None) -> dict[str, Any]:
    valid = [p for p in part.points if math.isfinite(p.ratio) and p.error > 0.0]
    swept = part.axes[0] if part.axes else ""
    axis = _AXES.get(swept, _ON_OFF)
    first_s = valid[0].mid_rig_s if valid else 0.0
    placed, rest = [], []
    for point in valid:
        x = _place(point, swept, first_s)
        (rest if x is None else placed).append((x, point))
    levels, names = _levels([p for _, p in placed], part.axes[1:2])
    curve = _curve(fit, part.axes)
    unit = _RATE_UNITS.get(part.unit, part.unit)
    title = f"{axis.title} ({axis.unit})" if axis.unit else axis.title
    return {
        "name": part.name,
        "x_title": title,
        "y_title": f"{part.isotope}Kr rate ({unit})",
        "points": [
            {
                "x": _short(float(x)),
                "y": _short(p.ratio),
                "error": _short(p.error),
                "pumped": p.pumping,
                "provisional": p.provisional,
                "level": level,
                "residual": _residual(float(x), p, curve),
            }
            for (x, p), level in zip(placed, levels, strict=True)
            if x is not None
        ],
        "levels": names,
        "reference": _mean([p for _, p in rest if not p.pumping]),
        "lines": [] if swept else _lines(fit),
        "curve": curve,
        "fit": [_parameter(p) for p in (*fit.parameters, *fit.derived)] if fit else [],
        "about": _about(fit) if fit else "no fit yet",
        "valid": fit.valid if fit else True,
        "taken": len(part.points),
    }


def _place(point: Point, swept: str, first_s: float) -> float | None:
    """Where a point stands on the axis; None for a reference that has no place there."""
    if not swept:
        return (point.mid_rig_s - first_s) / 60.0
    if swept == "power_mw" and not point.pumping:
        return 0.0  # blocked light is no light
    value = getattr(point, swept)
    return None if value is None or not math.isfinite(value) else float(value)


def _levels(points: Sequence[Point], second: tuple[str, ...]) -> tuple[list[int], list[str]]:
    """Which value of a second swept quantity each point has, and the names of the values."""
    values = [getattr(p, second[0]) if second and p.pumping else None for p in points]
    known = sorted({float(v) for v in values if v is not None and math.isfinite(v)})
    if not second or not known:
        return [0] * len(points), []
    axis = _AXES[second[0]]
    starts = [known[0], *(b for a, b in pairwise(known) if b - a > axis.step)]
    highest = min(len(starts), MOST_LEVELS) - 1
    levels = [
        0 if v is None else min(int(np.searchsorted(starts, float(v), side="right")) - 1, highest)
        for v in values
    ]
    names = [f"{start:.4g} {axis.unit}".rstrip() for start in starts[: highest + 1]]
    if len(starts) > MOST_LEVELS:
        names[-1] = f"{names[-1]} and more"
    return levels, names


def _curve(fit: FitResult | None, axes: tuple[str, ...]) -> dict[str, list[float]] | None:
    """Of a part that sweeps two quantities it belongs to one value of the other: none is drawn."""
    curve = fit.curve if fit is not None else None
    if curve is None or axes != (curve.axis,):
        return None
    order = np.argsort(curve.x)
    return {
        "x": [_short(v) for v in curve.x[order]],
        "y": [_short(v) for v in curve.y[order]],
        "band": [_short(v) for v in curve.band[order]],
    }


def _residual(x: float, point: Point, curve: dict[str, list[float]] | None) -> float | None:
    """(point - curve) / error of a pumped point within the curve's range."""
    if curve is None or not point.pumping or not curve["x"][0] <= x <= curve["x"][-1]:
        return None
    return _short((point.ratio - float(np.interp(x, curve["x"], curve["y"]))) / point.error)


def _lines(fit: FitResult | None) -> list[dict[str, Any]]:
    """Fitted rates of a comparison with the light on and blocked."""
    known = {p.name: p for p in (*fit.parameters, *fit.derived)} if fit else {}
    names = (("background", False), ("rate_on", True))
    return [
        {"value": _short(known[n].value), "error": _short(known[n].error), "pumped": pumped}
        for n, pumped in names
        if n in known
    ]


def _mean(points: Sequence[Point]) -> dict[str, float] | None:
    """Mean of the points without light that have no place on the axis.

    Counted rates by their live time (weights from the errors of counts would favour those that
    happened to be low), loading rates by their errors.
    """
    if not points:
        return None
    rate = np.array([p.ratio for p in points])
    error = np.array([p.error for p in points])
    live_s = np.array([p.live_s for p in points])
    counted = all(p.counts is not None for p in points) and bool(np.all(live_s > 0.0))
    weight = live_s if counted else error**-2.0
    share = weight / weight.sum()
    return {
        "value": _short(float(share @ rate)),
        "error": _short(float(np.sqrt(share**2 @ error**2))),
    }


def _parameter(parameter: Parameter) -> dict[str, str]:
    parameter = in_percent(parameter)
    value, error, unit = parameter.value, parameter.error, parameter.unit
    if parameter.fixed:
        text = f"{value:.5g} {unit} (held)".replace("  ", " ")
    elif error > 0.0:
        text = f"{' ± '.join(pdg_round(value, error))} {unit}".rstrip()
    else:
        text = f"{value:.5g} {unit}".rstrip()
    label = parameter.name.removesuffix("_mhz").removesuffix("_mw").replace("_", " ")
    return {
        "label": label.replace("doppler", "Doppler").replace("rabi", "Rabi"),
        "text": text.replace("-", "−"),
        "meaning": parameter.meaning,
    }


def _about(fit: FitResult) -> str:
    if not fit.valid:
        return f"the fit did not converge: {fit.message}"
    goodness = fit.goodness
    if goodness.degrees_of_freedom <= 0:
        return f"data up to block {fit.last_block}; as many parameters as data"
    p_value = goodness.p_value
    return (
        f"{goodness.statistic} {goodness.value:.1f} for {goodness.degrees_of_freedom} degrees of "
        f"freedom, p {f'= {p_value:.2g}' if p_value >= 1e-4 else 'below 0.0001'}; data up to "
        f"block {fit.last_block}"
    )


def _short(value: float) -> float:
    return float(f"{value:.6g}")
