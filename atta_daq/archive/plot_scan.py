"""Normalised rate against what was swept, with the fit, its band and the residuals."""

from typing import TYPE_CHECKING

import numpy as np

from atta_daq.analysis.points import NormalisedPoint
from atta_daq.analysis.results import Curve, FitResult
from atta_daq.archive.axes import Axis, levels, swept
from atta_daq.archive.parts import RunPart
from atta_daq.archive.plot_components import draw_components
from atta_daq.archive.plot_style import (
    FIT,
    OFF,
    RULE,
    SERIES,
    SOFT,
    drawing,
    legend_above,
    light_off,
    light_on,
    svg_uri,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SERIES = len(SERIES)
FIT_LABEL = "fit and 1σ band"
REFERENCE_LABEL = "mean without light, ±1σ"


def drawn_curve(part: RunPart) -> Curve | None:
    """The fit's curve, if it says something about the plot.

    It runs along one axis with everything else held; where two were swept it belongs to one
    series at most, and points of the others would seem to miss it.
    """
    axes = swept(part.data)
    curve = part.fit.curve if part.fit else None
    return curve if curve is not None and [a.name for a in axes] == [curve.axis] else None


def scan_plot(part: RunPart, position_mhz: float | None) -> str | None:
    """The part's points along its first swept axis, as a data URI; None where nothing was swept.

    `position_mhz` places the hyperfine components (closed one, as set) when the fit does not.
    """
    axes = swept(part.data)
    if not axes:
        return None
    fit = part.fit
    curve = drawn_curve(part)
    axis, second = axes[0], axes[1] if len(axes) > 1 else None
    if fit is not None and any(p.name == "position_mhz" for p in fit.parameters):
        position_mhz = fit["position_mhz"].value
    spectrum = axis.name == "detuning_mhz" and position_mhz is not None
    heights = ([0.95] if spectrum else []) + [3.1] + ([0.95] if curve is not None else [])
    with drawing(sum(heights) + 0.55) as figure:
        grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
        panels = list(grid[:, 0])
        strip = panels.pop(0) if spectrum else None
        main = panels[0]
        _points(main, part, axis, second)
        if fit is not None:
            _fit(main, fit, curve, axis)
        main.set_ylabel(f"{part.isotope}Kr rate [{part.data.unit}]\nat the mean 83Kr rate")
        legend_above(
            main, (REFERENCE_LABEL, FIT_LABEL, "asymptote"), second.label if second else ""
        )
        if curve is not None:
            _residuals(panels[1], part, curve, axis)
        panels[-1].set_xlabel(axis.title)
        if strip is not None and position_mhz is not None:
            draw_components(strip, panels, part.isotope, position_mhz)
        figure.align_ylabels(panels)
        return svg_uri(figure)


def _columns(
    points: list[NormalisedPoint], axis: Axis
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    placed = [(axis.value(p), p.ratio, p.error) for p in points]
    x, y, error = zip(*[row for row in placed if row[0] is not None], strict=True)
    return np.array(x, np.float64), np.array(y), np.array(error)


def _points(main: "Axes", part: RunPart, axis: Axis, second: Axis | None) -> None:
    on = [p for p in part.data.points if p.pumping]
    off = [p for p in part.data.points if not p.pumping and axis.value(p) is not None]
    if second is None:
        light_on(main, *_columns(on, axis), label="819-nm light on")
    else:
        starts = levels(on, second)
        for number, start in enumerate(starts[:MAX_SERIES]):
            end = starts[number + 1] if number + 1 < len(starts) else np.inf
            members = [p for p in on if start <= (second.value(p) or 0.0) < end]
            place = np.mean([second.value(p) or 0.0 for p in members])
            label = f"{place:.3g} {second.unit}".rstrip()
            light_on(main, *_columns(members, axis), color=SERIES[number], label=label)
        if len(starts) > MAX_SERIES:
            rest = [p for p in on if (second.value(p) or 0.0) >= starts[MAX_SERIES]]
            label = f"{len(starts) - MAX_SERIES} more values"
            light_on(main, *_columns(rest, axis), color=SOFT, label=label)
    _references(main, [p for p in part.data.points if not p.pumping and axis.value(p) is None])
    if off:
        x, y, error = _columns(off, axis)
        if axis.name == "power_mw":
            x = np.zeros_like(x)
        light_off(main, x, y, error, label="light blocked")


def _references(main: "Axes", references: list[NormalisedPoint]) -> None:
    """Mean of the points without light that stand at no place of the axis, as a band of ±1σ."""
    if not references:
        return
    weight = np.array([p.weight for p in references])
    # By exposure, as a fit of a constant to counts weights them.
    share = weight / weight.sum()
    mean = float(share @ np.array([p.ratio for p in references]))
    error = float(np.sqrt(share**2 @ np.array([p.error for p in references]) ** 2))
    main.axhspan(
        mean - error, mean + error, color=OFF, alpha=0.28, linewidth=0, label=REFERENCE_LABEL
    )


def _fit(main: "Axes", fit: FitResult, curve: Curve | None, axis: Axis) -> None:
    names = {p.name for p in fit.parameters}
    if curve is not None:
        main.fill_between(
            curve.x, curve.y - curve.band, curve.y + curve.band, color=FIT, alpha=0.16, linewidth=0
        )
        main.plot(curve.x, curve.y, color=FIT, label=FIT_LABEL)
    if "background" not in names:
        return
    background = fit["background"].value
    main.axhline(background, color=OFF, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    if axis.name == "power_mw" and "asymptote" in names:
        top = background * (1.0 + fit["asymptote"].value)
        main.axhline(top, color=FIT, linewidth=0.8, linestyle=(0, (1, 2)), label="asymptote")
    increase = main.secondary_yaxis(
        "right",
        functions=(
            lambda rate: 100.0 * (np.asarray(rate) / background - 1.0),
            lambda percent: background * (1.0 + np.asarray(percent) / 100.0),
        ),
    )
    increase.set_ylabel("increase [%]")
    increase.spines["right"].set_visible(True)


def residuals(part: RunPart, curve: Curve, axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Axis value and (rate - fit)/error of each pumped point on the curve's range."""
    on = [p for p in part.data.points if p.pumping]
    x, y, error = _columns(on, axis)
    inside = (x >= curve.x.min()) & (x <= curve.x.max())
    expected = np.interp(x[inside], curve.x, curve.y)
    return x[inside], (y[inside] - expected) / error[inside]


def _residuals(axes: "Axes", part: RunPart, curve: Curve, axis: Axis) -> None:
    x, pull = residuals(part, curve, axis)
    axes.axhspan(-1.0, 1.0, color=RULE, alpha=0.45, linewidth=0)
    axes.axhline(0.0, color=FIT, linewidth=1.0)
    light_on(axes, x, pull, np.ones_like(pull))
    reach = max(3.2, float(np.abs(pull).max(initial=0.0)) + 1.3)
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("residual [σ]")
