"""The night at a glance: when what ran, what was flagged, and the 83Kr loading rate."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from atta_daq.archive.night import Night
from atta_daq.archive.plot_style import FIT, INK, ON, RULE, SERIES, SOFT, drawing, light_on, svg_uri

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN = 0.3
LONGEST_NAME = 34


def night_plot(night: Night) -> str | None:
    """Bars of the measurements against UTC, intervals without data in them; below the loading rate.

    None for a night without either.
    """
    shown = [m for m in night.measurements if m.taken or m.bad]
    if not shown:
        return None
    brackets = [
        (t, number)
        for number, m in enumerate(shown)
        for t in m.taken
        if t.segment.bracket and t.segment.rate is not None and not t.segment.flag
    ]
    heights = [ROW_IN * len(shown) + 0.25] + ([1.7] if brackets else [])
    with drawing(sum(heights) + 0.55) as figure:
        panels = figure.subplots(
            len(heights), 1, sharex=True, squeeze=False, height_ratios=heights
        )[:, 0]
        top = panels[0]
        for number, m in enumerate(shown):
            colour = ON if m.complete else FIT
            bad = [(b.interval.start_utc_s, b.interval.end_utc_s) for b in m.bad]
            good = [(t.begin_utc_s, t.end_utc_s) for t in m.taken if not t.segment.flag]
            both = [*bad, *((t.begin_utc_s, t.end_utc_s) for t in m.taken)]
            whole = [(min(begin for begin, _ in both), max(end for _, end in both))]
            # The last on top: an attempt that was paused twice has good segments in between.
            for bars, shade in ((whole, RULE), (bad, INK), (good, colour)):
                for begin, end in bars:
                    top.plot(
                        [_moment(begin), _moment(end)], [number, number], color=shade, linewidth=9,
                        solid_capstyle="butt",
                    )  # fmt: skip
        top.set_yticks(range(len(shown)), [_name(m.chain.run_id) for m in shown])
        top.set_ylim(len(shown) - 0.4, -0.6)
        top.tick_params(axis="y", length=0)
        if brackets:
            _loading(panels[1], brackets)
        low = _moment(max(night.since_utc_s, min(m.begin_utc_s for m in shown)))
        ends = [m.end_utc_s for m in shown]
        ends += [b.interval.end_utc_s for m in shown for b in m.bad]
        high = _moment(min(night.until_utc_s, max(ends)))
        panels[-1].set_xlim(low, high) if low < high else None
        panels[-1].set_xlabel("UTC")
        _few_times(panels[-1])
        figure.autofmt_xdate(rotation=0, ha="center")
        return svg_uri(figure)


def _few_times(axes: "Axes") -> None:
    """With seconds, which a short night needs, more labels would run into each other."""
    from matplotlib.dates import AutoDateFormatter, AutoDateLocator

    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(AutoDateFormatter(locator))


def _loading(axes: "Axes", brackets: list) -> None:
    # Detector units differ from rig to rig; the drift is what counts.
    rates = np.array([t.segment.rate for t, _ in brackets])
    mean = float(np.mean(rates))
    for number in sorted({number for _, number in brackets}):
        mine = [t for t, n in brackets if n == number]
        times = [_moment(0.5 * (t.begin_utc_s + t.end_utc_s)) for t in mine]
        rate = np.array([t.segment.rate for t in mine]) / mean
        error = np.array([t.segment.rate_error or 0.0 for t in mine]) / mean
        light_on(axes, times, rate, error, color=SERIES[number % len(SERIES)], markersize=2.6)
    axes.axhline(1.0, color=SOFT, linewidth=0.7, linestyle=(0, (4, 3)))
    axes.set_ylabel("83Kr loading\nover its mean")


def _name(run_id: str) -> str:
    return run_id if len(run_id) <= LONGEST_NAME else f"{run_id[: LONGEST_NAME - 1]}…"


def _moment(utc_s: float) -> datetime:
    return datetime.fromtimestamp(utc_s, UTC).replace(tzinfo=None)
