"""Readings against time, one panel each, from the history."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atta_daq.archive.history_records import Column, Past
from atta_daq.archive.plot_style import ON, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_IN = 1.6
AXIS_IN = 0.6
MOST_PANELS = 20
FORMATS = (".svg", ".png", ".pdf")
LONGEST_JOIN_S = 90.0
"""Samples, or minutes, farther apart are not joined by a line."""


def plot_history(past: Past, path: Path) -> Path:
    """Draw every reading of a stretch into a file, .svg, .png or .pdf by its name.

    Seconds as a line, minutes as their mean in a band from least to greatest; gaps stay open.
    Raises ValueError for another kind of file or more than `MOST_PANELS` readings.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: no such picture; its name must end in {', '.join(FORMATS)}")
    if len(past.columns) > MOST_PANELS:
        raise ValueError(f"{len(past.columns)} readings in one picture; at most {MOST_PANELS}")
    with drawing(PANEL_IN * len(past.columns) + AXIS_IN) as figure:
        panels = figure.subplots(len(past.columns), 1, sharex=True, squeeze=False)[:, 0]
        for axes, column in zip(panels, past.columns, strict=True):
            _panel(axes, past, column)
        panels[-1].set_xlabel("UTC")
        figure.align_ylabels(list(panels))
        figure.savefig(path, dpi=150)
    return path


def _panel(axes: "Axes", past: Past, column: Column) -> None:
    axes.set_title(column.name)
    axes.set_ylabel(column.unit)
    if past.minutes is not None:
        least, mean, greatest = past.minutes.of(column.name).T
        times = _moments(past.minutes.utc_s)
        cut = _cuts(past.minutes.utc_s)
        axes.fill_between(times, least, greatest, color=ON, alpha=0.25, linewidth=0.0)
        axes.plot(np.insert(times, cut, times[cut]), np.insert(mean, cut, np.nan), color=ON)
    elif past.seconds is not None:
        values = past.seconds.of(column.name)
        times, cut = _moments(past.seconds.utc_s), _cuts(past.seconds.utc_s)
        axes.plot(
            np.insert(times, cut, times[cut]), np.insert(values, cut, np.nan), color=ON,
            linewidth=0.9,
        )  # fmt: skip


def _moments(utc_s: np.ndarray) -> np.ndarray:
    return np.array([datetime.fromtimestamp(float(t), UTC).replace(tzinfo=None) for t in utc_s])


def _cuts(utc_s: np.ndarray) -> np.ndarray:
    """Where the line is broken: a gap, or a clock that was set back."""
    step = np.diff(utc_s)
    return np.flatnonzero((step > LONGEST_JOIN_S) | (step < 0.0)) + 1
