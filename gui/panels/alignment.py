"""Alignment by the 84Kr loading rate, to be read while both hands are on a mirror."""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QToolButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.model.history import Ring, reduce
from gui.model.recent import four_digits, recent
from gui.panel import Panel
from gui.widgets.fact import Fact
from gui.widgets.flow import FlowLayout
from gui.widgets.meter import Meter
from gui.widgets.plot import Range, steady_range, themed_plot
from gui.widgets.short_button import short_button

STRIP_S = 120.0
MEAN_S = 10.0
OLD_S = 10.0
"""A reading older than this is not what the mirror does now."""
CAPACITY = 4096
TRACE_BINS = 300


class AlignmentPanel(Panel):
    """The newest rate, the best so far, the last two minutes, the last trace."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.meter = Meter(context.theme, "84Kr loading rate", "84Kr", "V/s")
        self.mean = Fact("10 s:")
        self.reset = QToolButton()
        self.reset.setText("Reset best")
        self.reset.setAccessibleName("Forget the best rate of this session")
        self.reset.clicked.connect(self._reset)
        self.strip = themed_plot(
            context, "84Kr loading rate of the last two minutes", "Time", "Rate",
            x_unit="s ago", y_unit="V/s",
        )  # fmt: skip
        self.strip.show_range(x=(-STRIP_S, 2.0))
        self.curve = pg.PlotCurveItem(connect="finite")
        self.best_line = pg.InfiniteLine(angle=0, movable=False)
        self.trace = themed_plot(
            context, "last trace of the loading detector", "Time", "Light", x_unit="ms", y_unit="V"
        )
        self.trace_curve = pg.PlotCurveItem()
        self._ring = Ring(CAPACITY)
        self._best = math.nan
        self._strip_range: Range | None = None
        self._trace_range: Range | None = None
        self._build()
        self.strip.on_restyle(self._restyle)
        self.always(self._keep, "loading:meter")
        self.follow(self._show, "loading:meter", "station:rig_time")
        self.follow(self._show_trace, "loading:trace", "loading:step")

    def _build(self) -> None:
        self.strip.box.addItem(self.best_line, ignoreBounds=True)
        self.strip.box.addItem(self.curve, ignoreBounds=True)
        self.trace.box.addItem(self.trace_curve, ignoreBounds=True)
        lower = FlowLayout()
        lower.addWidget(short_button(self.context, "align.start", "Start"))
        lower.addWidget(short_button(self.context, "align.stop", "Stop"))
        lower.addWidget(self.reset)
        lower.addWidget(self.mean)
        self._plots = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._plots.setSpacing(4)
        self._plots.addWidget(self.strip, 3)
        self._plots.addWidget(self.trace, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addWidget(self.meter, 3)
        column.addLayout(self._plots, 2)
        column.addLayout(lower)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The trace stands below the strip where there is room, else beside it."""
        super().resizeEvent(event)
        tall = self.height() > 1.3 * self.width()
        direction = QBoxLayout.Direction
        self._plots.setDirection(direction.TopToBottom if tall else direction.LeftToRight)

    def _keep(self) -> None:
        value = self.context.readings.value("loading:meter")
        if value.stale or not isinstance(value.value, float):
            self._ring.gap()
            return
        self._ring.add(value.utc_s, value.value)
        if value.value > 0.0 and not value.value <= self._best:
            self._best = value.value

    def _reset(self) -> None:
        """The best is what stands now: an alignment may have been a lucky peak of noise."""
        _, values = self._ring.view()
        newest = values[-1] if len(values) else math.nan
        self._best = float(newest) if newest > 0.0 else math.nan
        self._show()

    def _now_s(self) -> float:
        """UTC of the station, not of this computer."""
        values = self.context.readings.value
        return max(values("station:rig_time").utc_s, values("loading:meter").utc_s)

    def _show(self) -> None:
        value = self.context.readings.value("loading:meter")
        now_s = self._now_s()
        age_s = now_s - value.utc_s
        fresh = not value.stale and age_s <= OLD_S
        self.meter.show_value(self.context.readings.number("loading:meter"), self._best,
                              fresh=fresh)  # fmt: skip
        times, values = self._ring.view(now_s - STRIP_S)
        self.curve.setData(times - now_s, values)
        self._show_range(values)
        self._restyle()
        last = recent(times, values, now_s, MEAN_S)
        said = "none" if not last.count else four_digits(last.mean)
        if last.count > 1:
            said += f" ± {last.scatter:.2g}"
        self.mean.say(
            said, stale=not fresh,
            why=f"mean and scatter of the {last.count} readings of the last {MEAN_S:.0f} s",
        )  # fmt: skip

    def _show_range(self, values: np.ndarray) -> None:
        seen = values[np.isfinite(values)]
        known = math.isfinite(self._best)
        self.best_line.setVisible(known)
        if known:
            self.best_line.setValue(self._best)
            seen = np.append(seen, self._best)
        if len(seen):
            low, high = float(seen.min()), float(seen.max())
            self._strip_range = steady_range(self._strip_range, low, high)
            self.strip.show_range(y=self._strip_range)

    def _show_trace(self) -> None:
        readings = self.context.readings
        self._restyle()
        volts = readings.value("loading:trace").value
        step_ms = 1e3 * readings.number("loading:step")
        if volts is None or len(volts) < 2 or not step_ms > 0.0:
            return
        volts = np.asarray(volts, dtype=float)
        whole_ms = step_ms * (len(volts) - 1)
        times_ms = np.linspace(0.0, whole_ms, len(volts))
        self.trace_curve.setData(*reduce(times_ms, volts, whole_ms / TRACE_BINS))
        self._trace_range = steady_range(
            self._trace_range, float(np.nanmin(volts)), float(np.nanmax(volts))
        )
        self.trace.show_range((0.0, whole_ms), self._trace_range)

    def _restyle(self) -> None:
        palette, value = self.strip.theme.palette, self.context.readings.value
        meter, trace = value("loading:meter").stale, value("loading:trace").stale
        self.curve.setPen(pg.mkPen(palette.muted if meter else palette.series[1], width=1))
        self.best_line.setPen(pg.mkPen(palette.muted, width=1))
        self.trace_curve.setPen(pg.mkPen(palette.muted if trace else palette.series[3], width=1))
