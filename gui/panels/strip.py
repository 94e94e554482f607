"""One strip chart: name, latest value, curve."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from atta_daq.client.pv import Reading
from gui.context import Context
from gui.link.values import MAJOR, MINOR, Value
from gui.model.history import Ring, reduce
from gui.theme.palettes import Tone
from gui.widgets.axis import ClockAxis
from gui.widgets.plot import Range, steady_range, themed_plot
from gui.widgets.readback import shown

MOST_BINS = 500
"""Each gives two points, the lowest and the highest; more than one a pixel shows nothing more."""
CURVE_LINES = 3.5
"""Height of a curve, in lines of text."""
MARKS = {MINOR: "▲ ", MAJOR: "■ "}


class Strip(QWidget):
    """A reading against time; the panel gives it samples to draw."""

    removed = Signal(str)

    def __init__(self, context: Context, reading: Reading) -> None:
        super().__init__()
        self.reading = reading
        self._theme = context.theme
        self._tone = Tone.OK
        self.title = QLabel(reading.meaning[:1].upper() + reading.meaning[1:])
        self.title.setToolTip(f"{reading.meaning} ({reading.name})")
        self.title.setMinimumWidth(10)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.latest = QLabel("–")
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
        self._with_axis = True
        self._build()
        self.plot.on_restyle(self._restyle)

    def show_axis(self, visible: bool) -> None:
        """Only the lowest strip carries the numbers of the common time axis."""
        self._with_axis = visible
        self.plot.show_numbers("bottom", visible)
        self._fit()

    def draw(self, ring: Ring, end_s: float, span_s: float) -> None:
        """Draw the last `span_s` seconds before `end_s` (UTC)."""
        bins = min(max(self.plot.width(), 1), MOST_BINS)
        times, values = reduce(*ring.view(end_s - span_s), span_s / bins)
        self.curve.setData(times, values)
        self.plot.show_range(x=(end_s - span_s, end_s))
        seen = values[np.isfinite(values)]
        if len(seen):
            self._range = steady_range(self._range, float(seen.min()), float(seen.max()))
            self.plot.show_range(y=self._range)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.title, 1)
        head.addWidget(self.latest)
        head.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.plot, 1)

    def _remove(self) -> None:
        self.removed.emit(self.reading.name)

    def show_latest(self, value: Value) -> None:
        """Show the latest value, with a mark and a colour when it raises an alarm."""
        text = MARKS.get(value.severity, "") + shown(self.reading.name, value)
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
        self.latest.setStyleSheet(f"color: {palette.text if fine else tone}; font-weight: bold;")
        self._fit()

    def _fit(self) -> None:
        """The same width of numbers in every strip, so that their time axes are aligned."""
        metrics = self.plot.fontMetrics()
        left = self.plot.item.getAxis("left")
        left.showLabel(False)
        left.setWidth(metrics.horizontalAdvance("-0000.00") + 8)
        # Half a line above and below: room for a number at the very end of the axis.
        half = metrics.height() // 2
        self.plot.item.setContentsMargins(0, half, 4, 0 if self._with_axis else half)
        lines = CURVE_LINES + (1.6 if self._with_axis else 1.0)
        self.plot.setMinimumHeight(round(lines * metrics.height()))


def _tone(value: Value) -> Tone:
    if value.stale:
        return Tone.STALE
    return {MINOR: Tone.WARNING, MAJOR: Tone.DANGER}.get(value.severity, Tone.OK)
