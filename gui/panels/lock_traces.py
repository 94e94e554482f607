"""The photodiodes behind the cavity over one ramp, with the peaks that were fitted in them."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.panels.small_plot import SmallPlot
from gui.theme.theme import Theme
from gui.widgets.words import words

Array = NDArray[np.float64]
SERIES = {"master": 1, "slave": 2}
"""Colour of each diode, as in the picture of the peaks."""
SYMBOLS = {"master": "t1", "slave": "d"}
MARGIN = 0.12


class LockTraces(QWidget):
    """Two traces against time (µs, V); a triangle stands on each fitted peak of the master, a
    diamond on each of the slave. The line below says how many there are, and where."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.plot = SmallPlot(
            theme, "photodiodes of the lock over one ramp", "Time on the ramp (µs)", "Light (V)"
        )
        self.curves = {name: self.plot.plot([], []) for name in SERIES}
        self.marks = {name: pg.ScatterPlotItem(symbol=SYMBOLS[name], size=11) for name in SERIES}
        for mark in self.marks.values():
            self.plot.addItem(mark)
        self.caption = words()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.plot)
        column.addWidget(self.caption)
        self._stale = True
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_sweep(
        self, times_us: Array, volts: dict[str, Array], peaks_us: dict[str, Array], *, stale: bool
    ) -> bool:
        """Draw one sweep; False, and nothing changes, while its parts do not fit together (they
        arrive one after the other)."""
        if not times_us.size or any(trace.size != times_us.size for trace in volts.values()):
            return False
        for name, trace in volts.items():
            self.curves[name].setData(times_us, trace)
            peaks = peaks_us[name]
            self.marks[name].setData(peaks, np.interp(peaks, times_us, trace))
        low = min(float(np.nanmin(trace)) for trace in volts.values())
        high = max(float(np.nanmax(trace)) for trace in volts.values())
        above = MARGIN * max(high - low, 1e-3)
        self.plot.show_range((float(times_us[0]), float(times_us[-1])), (low, high + above))
        found = "; ".join(
            f"{'▲' if name == 'master' else '◆'} {name} {_places(peaks)}"
            for name, peaks in peaks_us.items()
        )
        self.caption.setText(found)
        if stale != self._stale:
            self._stale = stale
            self._restyle()
        return True

    def _restyle(self) -> None:
        for name, series in SERIES.items():
            pen = self.plot.pen(series, stale=self._stale)
            self.curves[name].setPen(pen)
            self.marks[name].setPen(pg.mkPen(self._theme.palette.text, width=1))
            self.marks[name].setBrush(pen.color())


def _places(peaks_us: Array) -> str:
    """'at 551, 2950 µs', or that there is none."""
    if not peaks_us.size:
        return "no peak"
    return f"at {', '.join(f'{peak:.0f}' for peak in peaks_us)} µs"
