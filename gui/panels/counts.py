"""The light of the trap, frame by frame: where atoms came in, and how well their numbers part."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.context import Context
from gui.model.counting import ATOMS, Counting, rate_error, two_digits
from gui.panel import Panel
from gui.widgets.fact import Fact
from gui.widgets.flow import FlowLayout
from gui.widgets.plot import Range, steady_range, themed_plot
from gui.widgets.words import show_stale

FRAMES = 300
"""Frames that the station keeps for the trace."""
BINS_WITHOUT_COUNTING = 40


class CountsPanel(Panel):
    """Trace and histogram share their axis: a line of so many atoms runs through both."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.atoms = Fact("Atoms")
        self.rate = Fact("Last rate")
        self.key = QLabel("▲ atoms came in")
        self.trace = themed_plot(
            context, "light of the trap in the last frames, with the atoms that came in",
            "Frame, newest is 0", "Light of the trap", y_unit="e⁻",
        )  # fmt: skip
        self.histogram = themed_plot(
            context, "histogram of the light, with the thresholds between numbers of atoms",
            "Frames", right_label="Atoms",
        )  # fmt: skip
        # Room for half of the number at the end: an axis drops what does not fit whole.
        self.trace.show_range(x=(-FRAMES, 15.0))
        ticks = [(-200, "−200"), (-100, "−100"), (0, "0")], [(-300, "")]
        self.trace.item.getAxis("bottom").setTicks(list(ticks))
        self.curve = pg.PlotCurveItem()
        self.arrivals = pg.ScatterPlotItem(symbol="t1", size=11, pen=None)
        self.bars = pg.BarGraphItem(x0=0.0, width=[], y0=[], height=1.0)
        self._levels = [(_line(), _line()) for _ in ATOMS]
        self._thresholds = [_line() for _ in ATOMS[:-1]]
        self._range: Range | None = None
        self._stale = True
        self._build()
        self.trace.on_restyle(self._restyle)
        self.follow(self._show, "camera:signals", "camera:arrivals", "camera:counting")
        self.follow(self._show_counts, "rate:counts", "rate:counting", "run:table")

    def _build(self) -> None:
        facts = FlowLayout(spacing_px=14)
        facts.addWidget(self.atoms)
        facts.addWidget(self.key)
        facts.addWidget(self.rate)
        for level in self._levels:
            self.trace.box.addItem(level[0], ignoreBounds=True)
            self.histogram.box.addItem(level[1], ignoreBounds=True)
        for item in (self.curve, self.arrivals):
            self.trace.box.addItem(item, ignoreBounds=True)
        for item in (self.bars, *self._thresholds):
            self.histogram.box.addItem(item, ignoreBounds=True)
        self.histogram.item.showAxis("right")
        self.histogram.show_numbers("left", False)
        self.histogram.setYLink(self.trace.item)
        plots = QHBoxLayout()
        plots.setSpacing(0)
        plots.addWidget(self.trace, 5)
        plots.addWidget(self.histogram, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addLayout(facts)
        column.addLayout(plots, 1)

    def _show(self) -> None:
        readings = self.context.readings
        value = readings.value("camera:signals")
        signals = _array(value.value)
        counting = Counting.from_record(readings.parsed("camera:counting"))
        frames = np.arange(1.0 - len(signals), 1.0)
        self.curve.setData(frames, signals)
        self._show_stale(value.stale)
        arrived = _array(readings.value("camera:arrivals").value)
        # The two arrive one after the other: of different lengths they do not belong together.
        marked = arrived > 0 if len(arrived) == len(signals) else np.zeros(len(signals), bool)
        self.arrivals.setData(frames[marked], signals[marked])
        self._show_lines(counting)
        self._show_histogram(signals, counting)

    def _show_stale(self, stale: bool) -> None:
        """All that is drawn from the frames is grey once nobody knows whether it is still so."""
        if stale != self._stale:
            self._stale = stale
            self._restyle()
        show_stale(self.key, stale)

    def _show_lines(self, counting: Counting | None) -> None:
        for line in (*sum(self._levels, ()), *self._thresholds):
            line.setVisible(counting is not None)
        axis = self.histogram.item.getAxis("right")
        if counting is None:
            axis.setTicks([[]])
            return
        for atoms, pair in zip(ATOMS, self._levels, strict=True):
            for line in pair:
                line.setValue(counting.light(atoms))
        for threshold, line in zip(counting.thresholds, self._thresholds, strict=True):
            line.setValue(threshold)
        axis.setTicks([[(counting.light(atoms), str(atoms)) for atoms in ATOMS]])

    def _show_histogram(self, signals: NDArray[np.float64], counting: Counting | None) -> None:
        seen = signals[np.isfinite(signals)]
        if not len(seen):
            self.bars.setOpts(y0=[], width=[], height=1.0)
            return
        low, high = float(seen.min()), float(seen.max())
        if counting:
            low, high = min(low, counting.light(-0.3)), max(high, counting.light(3.3))
        self._range = steady_range(self._range, low, high)
        self.trace.show_range(y=self._range)
        width = (
            counting.bin_width(high - low) if counting
            else max(high - low, 1.0) / BINS_WITHOUT_COUNTING
        )  # fmt: skip
        # Bins are counted from the empty trap: they stand still while the light changes.
        zero = counting.zero if counting else 0.0
        first, last = (int(np.floor((end - zero) / width)) for end in (seen.min(), seen.max()))
        counts = np.bincount(np.floor((seen - zero) / width).astype(int) - first)
        edges = zero + width * np.arange(first, last + 1)
        filled = counts > 0
        self.bars.setOpts(y0=edges[filled], width=counts[filled], height=width)
        top = _nice_top(int(counts.max()))
        self.histogram.show_range(x=(-0.12 * top, 1.25 * top))
        self.histogram.item.getAxis("bottom").setTicks([[(0, "0"), (top, str(top))]])

    def _show_counts(self) -> None:
        readings = self.context.readings
        counts = readings.value("rate:counts")
        self.atoms.say(
            "–" if counts.value is None else f"{counts.value} (provisional)", stale=counts.stale,
            why="the count of a segment is decided at its end",
        )  # fmt: skip
        rate = readings.number("rate:counting")
        error = rate_error(readings.value("run:table").value, rate)
        within = f" ± {two_digits(error)}" if error == error else ""
        self.rate.say(
            f"{rate:.0f}{within} atoms/h" if rate == rate else "–",
            stale=readings.value("rate:counting").stale,
            why="of the last counting segment, with its counting error",
        )  # fmt: skip

    def _restyle(self) -> None:
        palette, stale = self.trace.theme.palette, self._stale
        light, arrival, threshold = (
            palette.muted if stale else palette.series[number] for number in (1, 2, 6)
        )
        self.curve.setPen(pg.mkPen(light, width=1))
        self.key.setStyleSheet(f'QLabel[stale="false"] {{ color: {palette.series[2]}; }}')
        self.arrivals.setBrush(pg.mkBrush(arrival))
        self.arrivals.setPen(pg.mkPen(palette.muted if stale else palette.text, width=1))
        self.bars.setOpts(brush=light, pen=pg.mkPen(None))
        for line in sum(self._levels, ()):
            line.setPen(pg.mkPen(palette.border, width=1))
        for line in self._thresholds:
            line.setPen(pg.mkPen(threshold, width=1, style=Qt.PenStyle.DashLine))


def _line() -> pg.InfiniteLine:
    return pg.InfiniteLine(angle=0, movable=False)


def _array(value: object) -> NDArray[np.float64]:
    return np.empty(0) if value is None else np.asarray(value, dtype=float)


def _nice_top(count: int) -> int:
    """The next of 5, 10, 20, 40, ...: an axis that changes seldom."""
    top = 5
    while top < count:
        top *= 2
    return top
