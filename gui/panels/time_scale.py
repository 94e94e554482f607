"""The common time axis below the strip charts, which never scrolls out of sight."""

from PySide6.QtCore import QEvent

from gui.context import Context
from gui.widgets.axis import ClockAxis
from gui.widgets.plot import ThemedPlot

LINES = 1.55
"""Height in lines of text: ticks and numbers."""


def left_px(plot: ThemedPlot) -> int:
    """The same room for numbers in every strip and here, so that their times are aligned."""
    return plot.fontMetrics().horizontalAdvance("-0000.00") + 8


def head_px(plot: ThemedPlot) -> int:
    """Width of the words beside a strip's curve: the longest of the first choice fits."""
    return plot.fontMetrics().horizontalAdvance("84Kr loading rate of the alignment, newest")


class TimeScale(ThemedPlot):
    """An axis of local time without a plot over it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "time of day, for all strips", "", "",
                         axes={"bottom": ClockAxis()})  # fmt: skip
        self.setEnabled(False)
        self._right = 0
        self.on_restyle(self._fit)

    def show_span(self, end_s: float, span_s: float, width: int) -> None:
        """The `span_s` seconds before `end_s` (UTC), under strips that are `width` pixels wide:
        their scroll bar takes some of the panel's."""
        self._right = max(self.width() - width, 0)
        self._fit()
        self.show_range(x=(end_s - span_s, end_s))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "theme"):
            self._fit()

    def _fit(self) -> None:
        self.show_numbers("left", False)
        self.item.getAxis("left").setWidth(left_px(self) + head_px(self) + 2)
        self.item.setContentsMargins(0, 0, 4 + self._right, 0)
        self.setFixedHeight(round(LINES * self.fontMetrics().height()))
