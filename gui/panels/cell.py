"""The krypton reference cell: its live signal, and the line that the last zeroing found."""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel

from gui.context import Context
from gui.panels.scrolled import ScrolledPanel
from gui.panels.small_plot import SmallPlot
from gui.panels.zero import last_zero
from gui.theme.palettes import Tone
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.words import set_role, show_stale, words


class CellPanel(ScrolledPanel):
    """Signal against detuning with the found zero, mean and scatter of the signal now."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        live = QGridLayout()
        live.setVerticalSpacing(2)
        live.setColumnStretch(1, 1)
        for row, (caption, name) in enumerate((("Signal", "cell:signal"), ("Scatter", "cell:rms"))):
            live.addWidget(QLabel(caption), row, 0)
            live.addWidget(Readback(self, name), row, 1)
        self.head.addLayout(live)
        self.plot = SmallPlot(
            context.theme, "signal of the last zeroing", "Detuning (MHz)", "Signal (V)", grows=True
        )
        self.line = self.plot.plot([], [], symbol="o", symbolSize=5)
        self.zero_line = pg.InfiniteLine(angle=90, movable=False)
        self.zero_line.hide()
        self.plot.addItem(self.zero_line)
        self.text = words()
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.text)
        self.body.addLayout(flowing(context.actions.button("lock.zero")))
        context.theme.changed.connect(self._restyle)
        self._restyle()
        self.follow(self._show_trace, "cell:detunings", "cell:volts")
        self.follow(self._show_zero, "cell:zero")

    def _show_trace(self) -> None:
        readings = self.context.readings
        detunings, volts = (
            np.asarray([] if value is None else value, dtype=float)
            for value in (readings.value(n).value for n in ("cell:detunings", "cell:volts"))
        )
        # The two arrive one after the other: while a zeroing steps, one may be longer.
        size = min(detunings.size, volts.size)
        detunings, volts = detunings[:size], volts[:size]
        self.line.setData(detunings, volts)
        pen = self.plot.pen(1, stale=readings.value("cell:volts").stale)
        self.line.setPen(pen)
        self.line.setSymbolBrush(pen.color())
        if size:
            self.plot.show_range(
                (float(detunings.min()), float(detunings.max())),
                (float(volts.min()), float(volts.max())),
            )
        else:
            self.plot.show_nothing()

    def _show_zero(self) -> None:
        zero = last_zero(self.context.readings)
        found = zero.found_mhz if zero else math.nan
        self.zero_line.setVisible(math.isfinite(found))
        if math.isfinite(found):
            self.zero_line.setValue(found)
        stale = self.context.readings.value("cell:zero").stale
        tone = Tone.STALE if stale else Tone.OK
        colour = self.context.theme.palette.tones[tone]
        self.zero_line.setPen(pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine))
        show_stale(self.text, stale)
        self.text.setText(zero.text if zero else "Not zeroed since the station started.")
        set_role(self.text, "wrong" if zero and not zero.ok else "muted")

    def _restyle(self) -> None:
        self.line.setSymbolPen(None)
        self._show_trace()
        self._show_zero()
