"""One strip chart: name, latest value, curve."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from atta_daq.client.pv import Reading
from gui.context import Context
from gui.link.values import MAJOR, MINOR, Value
from gui.model.history import Ring, reduce
from gui.panels.time_scale import head_px, left_px
from gui.theme.palettes import Tone
from gui.widgets.axis import ClockAxis
from gui.widgets.elided import ElidedLabel
from gui.widgets.plot import Range, steady_range, themed_plot
from gui.widgets.readback import in_words

MOST_BINS = 500
"""Each gives two points, the lowest and the highest; more than one a pixel shows nothing more."""
CURVE_LINES = 2.6
"""Least height of a curve, in lines of text; half a line above and below it is margin."""
YES_NO = (-0.15, 1.15)
"""Range of a reading that is no (0) or yes (1)."""
MARKS = {MINOR: "▲ ", MAJOR: "■ "}


class Strip(QWidget):
    """A reading against time; the panel gives it samples to draw."""

    removed = Signal(str)

    def __init__(
        self, context: Context, reading: Reading, words: Callable[[Value], str] | None = None
    ) -> None:
        """`words`: how the latest value is written; without it, as the reading's precision says."""
        super().__init__()
        self.reading = reading
        self._in_words = words or partial(in_words, reading)
        self._theme = context.theme
        self._tone = Tone.OK
        self.title = ElidedLabel(reading.meaning[:1].upper() + reading.meaning[1:])
        self.title.setToolTip(f"{reading.meaning} ({reading.name})")
        self.latest = QLabel("–")
        self.head = QWidget()
        self.close_button = QToolButton()
        self.close_button.setText("×")
        self.close_button.setAccessibleName(f"Remove {reading.meaning}")
        self.close_button.setToolTip(f"Remove {reading.meaning}")
        self.close_button.setStyleSheet("padding: 0px 5px;")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.close_button.clicked.connect(self._remove)
        self.clock = ClockAxis()
        self.plot = themed_plot(
            context, f"{reading.meaning} against time", "Time", reading.meaning,
            y_unit=reading.unit, axes={"bottom": self.clock},
        )  # fmt: skip
        self.curve = pg.PlotCurveItem(connect="finite")
        self.plot.box.addItem(self.curve, ignoreBounds=True)
        self._range: Range | None = None
        # The panel has one time axis for all, and the latest value says the unit.
        self.plot.units_inside = False
        self.plot.show_numbers("bottom", False)
        self._build()
        self.plot.on_restyle(self._restyle)

    def draw(self, ring: Ring, end_s: float, span_s: float) -> None:
        """Draw the last `span_s` seconds before `end_s` (UTC)."""
        bins = min(max(self.plot.width(), 1), MOST_BINS)
        times, values = reduce(*ring.view(end_s - span_s), span_s / bins)
        self.curve.setData(times, values)
        self.plot.show_range(x=(end_s - span_s, end_s))
        seen = values[np.isfinite(values)]
        if self.reading.kind == "bool":
            self.plot.show_range(y=YES_NO)
        elif len(seen):
            self._range = steady_range(self._range, float(seen.min()), float(seen.max()))
            self.plot.show_range(y=self._range)

    def _build(self) -> None:
        value = QHBoxLayout()
        value.setContentsMargins(0, 0, 0, 0)
        value.setSpacing(6)
        value.addWidget(self.latest, 1)
        value.addWidget(self.close_button)
        # Beside the curve: above it, a row of words would cost as much height as the curve has.
        column = QVBoxLayout(self.head)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addLayout(value)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.head)
        row.addWidget(self.plot, 1)

    def _remove(self) -> None:
        self.removed.emit(self.reading.name)

    def show_latest(self, value: Value) -> None:
        """Show the latest value, with a mark and a colour when it raises an alarm."""
        text = MARKS.get(value.severity, "") + self._in_words(value)
        if text != self.latest.text():
            self.latest.setText(text)
            self.latest.setToolTip(value.message)
        tone = _tone(value)
        if tone is not self._tone:
            self._tone = tone
            self._restyle()

    def _restyle(self) -> None:
        palette = self._theme.palette
        fine = self._tone is Tone.OK
        tone = palette.tones[self._tone]
        self.curve.setPen(pg.mkPen(palette.series[1] if fine else tone, width=1))
        slant = "italic" if self._tone is Tone.STALE else "normal"
        self.latest.setStyleSheet(
            f"color: {palette.text if fine else tone}; font-weight: bold; font-style: {slant};"
        )
        self._fit()

    def _fit(self) -> None:
        """The same width of numbers in every strip, so that their time axes are aligned."""
        metrics = self.plot.fontMetrics()
        self.head.setFixedWidth(head_px(self.plot))
        left = self.plot.item.getAxis("left")
        left.showLabel(False)
        left.setWidth(left_px(self.plot))
        # Half a line above and below: room for a number at the very end of the axis.
        half = metrics.height() // 2
        self.plot.item.setContentsMargins(0, half, 4, half)
        self.plot.setMinimumHeight(round(CURVE_LINES * metrics.height()))


def _tone(value: Value) -> Tone:
    if value.stale:
        return Tone.STALE
    return {MINOR: Tone.WARNING, MAJOR: Tone.DANGER}.get(value.severity, Tone.OK)
