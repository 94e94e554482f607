"""Rates and the 83Kr normaliser against time, and increases side by side."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from atta_daq.analysis.normaliser import Normaliser, that_loaded
from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import pdg_round
from atta_daq.archive.parts import RunPart
from atta_daq.archive.plot_style import (
    FIT,
    INK,
    OFF,
    ON,
    RULE,
    drawing,
    legend_above,
    light_off,
    light_on,
    svg_uri,
)
from atta_daq.archive.run_folder import Run
from atta_daq.archive.source_drift import drift_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_log = logging.getLogger(__name__)

SECONDS_PER_HOUR = 3600.0
MOST_TRACK_POINTS = 1200


def time_plot(run: Run) -> str | None:
    """One panel an isotope, raw rates of every segment; below them the 83Kr brackets.

    Against rig time since the first segment; for imported rows, whose times may be none, against
    their order. None for a run without segments.
    """
    if not run.segments:
        return None
    times = _times(run)
    apart = (SegmentKind.BLANK, SegmentKind.CHECK_83)
    signals = [s for s in run.segments if not s.bracket and s.kind not in apart]
    isotopes = sorted({s.isotope for s in signals})
    brackets = [s for s in run.segments if s.bracket and s.rate is not None]
    panels = len(isotopes) + bool(brackets)
    if not panels:
        return None
    with drawing(1.75 * panels + 0.5) as figure:
        rows = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        for axes, isotope in zip(rows, isotopes, strict=False):
            mine = [s for s in signals if s.isotope == isotope]
            _signal(axes, mine, times, run.header.rate_unit)
        _legends(list(rows)[: len(isotopes)])
        if brackets:
            _brackets(rows[-1], brackets, times, run.header.bracket_unit)
            if run.header.origin != "imported":
                _track(rows[-1], brackets, run)
                legend_above(rows[-1])
        imported = run.header.origin == "imported"
        rows[-1].set_xlabel(
            "row of the table" if imported else f"rig time since the start [{_unit(run)[0]}]"
        )
        figure.align_ylabels(list(rows))
        return svg_uri(figure)


def _legends(panels: Sequence["Axes"]) -> None:
    """A legend in each panel that shows something which no panel above it has explained."""
    explained: set[str] = set()
    for axes in panels:
        labels = set(axes.get_legend_handles_labels()[1])
        if not labels <= explained:
            legend_above(axes)
            explained |= labels


def _times(run: Run) -> dict[int, float]:
    if run.header.origin == "imported":
        # A bracket stands at its row.
        return {s.index: float(s.block + 1) for s in run.segments}
    begin = min(s.start_rig_s for s in run.segments)
    seconds = _unit(run)[1]
    return {s.index: (s.mid_rig_s - begin) / seconds for s in run.segments}


def _unit(run: Run) -> tuple[str, float]:
    """Unit of the time axis and its seconds: minutes for what takes less than two hours."""
    begin = min(s.start_rig_s for s in run.segments)
    length_s = max(s.end_rig_s for s in run.segments) - begin
    return ("h", SECONDS_PER_HOUR) if length_s >= 2.0 * SECONDS_PER_HOUR else ("min", 60.0)


def _rate(segment: Segment) -> tuple[float, float]:
    if segment.counts is not None:
        exposure_h = segment.live_s * (segment.efficiency or 1.0) / SECONDS_PER_HOUR
        if exposure_h <= 0.0:
            return np.nan, np.nan
        return segment.counts / exposure_h, max(segment.counts, 1) ** 0.5 / exposure_h
    if segment.rate is None:
        return np.nan, np.nan
    return segment.rate, segment.rate_error or 0.0


def _signal(axes: "Axes", segments: Sequence[Segment], times: dict[int, float], unit: str) -> None:
    for pumping, draw, label in (
        (True, light_on, "819-nm light on"),
        (False, light_off, "light blocked"),
    ):
        mine = [s for s in segments if s.pumping == pumping and not s.flag]
        if mine:
            y, error = np.array([_rate(s) for s in mine]).T
            draw(axes, [times[s.index] for s in mine], y, error, label=label)
    flagged = [s for s in segments if s.flag]
    if flagged:
        y = [_rate(s)[0] for s in flagged]
        x = [times[s.index] for s in flagged]
        axes.plot(x, y, "x", color=FIT, markersize=5, label="flagged, not used")
    counted = any(s.counts is not None for s in segments)
    axes.set_ylabel(f"{segments[0].isotope}Kr\n[{'atoms/h' if counted else unit}]")


def _brackets(
    axes: "Axes", brackets: Sequence[Segment], times: dict[int, float], unit: str
) -> None:
    good = [s for s in brackets if not s.flag]
    x = [times[s.index] for s in good]
    y, error = np.array([_rate(s) for s in good]).reshape(-1, 2).T
    axes.errorbar(
        x, y, yerr=error, fmt="D", color=INK, markersize=3.6, elinewidth=0.9, label="brackets"
    )
    flagged = [s for s in brackets if s.flag]
    axes.plot(
        [times[s.index] for s in flagged], [_rate(s)[0] for s in flagged], "x", color=FIT,
    )  # fmt: skip
    axes.set_ylabel(f"83Kr loading\n[{unit}]")


def _track(axes: "Axes", brackets: Sequence[Segment], run: Run) -> None:
    """The source as the normaliser has it, its 1-sigma band, and where it stepped."""
    used = that_loaded([s for s in brackets if not s.flag])
    # Brackets with the light on normalise nothing, unless the run took no others.
    used = [s for s in used if not s.pumping] or used
    if not used:
        return
    try:
        source = Normaliser.from_brackets(used, drift_of(run.header))
    except ValueError as error:
        _log.warning("%s: no track of the source: %s", run.run_id, error)
        return
    begin = min(s.start_rig_s for s in run.segments)
    unit_s = _unit(run)[1]
    # Between two brackets the band is widest; at each it is narrowest.
    ends = np.array([begin, *source.time_s, max(s.end_rig_s for s in run.segments)])
    share = np.linspace(0.0, 1.0, max(2, min(12, MOST_TRACK_POINTS // ends.size)))
    at = np.unique((ends[:-1, None] + np.diff(ends)[:, None] * share).ravel())
    value, covariance = source.at(at, at)
    rate = value * source.mean_rate
    error = rate * np.sqrt(np.diag(covariance))
    t = (at - begin) / unit_s
    axes.plot(t, rate, color=ON, linewidth=0.9, label="track")
    axes.fill_between(
        t, rate - error, rate + error, color=ON, alpha=0.18, linewidth=0, label="its error"
    )
    for number, step in enumerate(source.steps):
        axes.axvspan(
            (step.after_s - begin) / unit_s, (step.before_s - begin) / unit_s, color=FIT,
            alpha=0.18, linewidth=0, label="" if number else "the source stepped",
        )  # fmt: skip


def order_plot(run: Run, part: RunPart) -> str | None:
    """Segments of an on/off comparison in the order taken, each over its relative 83Kr rate.

    Lines and bands: fitted rates with and without light. None for an imported table, whose rows
    have no order, and without at least two segments.
    """
    wanted = {index for point in part.data.points for index in point.segments}
    mine = [s for s in run.segments if s.index in wanted]
    if len(mine) < 2 or run.header.origin == "imported":
        return None
    from matplotlib.ticker import MaxNLocator

    start, end = np.array([[s.start_rig_s, s.end_rig_s] for s in mine]).T
    relative, _ = part.data.normaliser.at(start, end)
    rate, error = np.array([_rate(s) for s in mine]).T / relative
    order = np.arange(1, len(mine) + 1)
    on = np.array([s.pumping for s in mine])
    with drawing(2.3) as figure:
        axes = figure.subplots()
        names = {p.name: p for p in (*part.fit.parameters, *part.fit.derived)} if part.fit else {}
        for name, colour in (("background", OFF), ("rate_on", ON)):
            if name in names:
                value, spread = names[name].value, names[name].error
                axes.axhspan(value - spread, value + spread, color=colour, alpha=0.22, linewidth=0)
                axes.axhline(value, color=colour, linewidth=0.9)
        light_on(axes, order[on], rate[on], error[on], label="819-nm light on")
        light_off(axes, order[~on], rate[~on], error[~on], label="light blocked")
        legend_above(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("segment of this isotope, in the order taken")
        axes.set_ylabel(f"{part.isotope}Kr rate [{part.data.unit}]\nat the mean 83Kr rate")
        return svg_uri(figure)


def increase_plot(parts: Sequence[RunPart]) -> str | None:
    """The increases of on/off comparisons, one line a part; None when there are none."""
    found = [
        (part, part.fit["increase"])
        for part in parts
        if part.fit is not None and any(p.name == "increase" for p in part.fit.parameters)
    ]
    if not found:
        return None
    with drawing(0.42 * len(found) + 1.1) as figure:
        axes = figure.subplots()
        for row, (_, increase) in enumerate(found):
            low = -increase.lower if increase.lower is not None else increase.error
            high = increase.upper if increase.upper is not None else increase.error
            axes.errorbar(
                100.0 * increase.value, row, xerr=[[100.0 * low], [100.0 * high]],
                fmt="o", color=ON, markersize=5.5, elinewidth=1.4, capsize=3,
            )  # fmt: skip
            axes.text(
                1.02, row, _percent(100.0 * increase.value, 100.0 * low, 100.0 * high),
                transform=axes.get_yaxis_transform(), va="center", color=INK,
            )  # fmt: skip
        axes.set_yticks(range(len(found)), [part.name for part, _ in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("increase by optical pumping [%]")
        return svg_uri(figure)


def _percent(value: float, low: float, high: float) -> str:
    rounded, error = pdg_round(value, max(low, high))
    up, down = pdg_round(value, high)[1], pdg_round(value, low)[1]
    return f"{rounded} ± {error} %" if up == down else f"{rounded} +{up} −{down} %"
