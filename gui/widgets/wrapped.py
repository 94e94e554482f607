"""A row of badges or buttons that takes as many lines as it needs, and no more height."""

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.widgets.flow import FlowLayout


class WrappedRow(QWidget):
    """For places whose layout does not ask for the height that belongs to a width (tool bars)."""

    def __init__(self, *widgets: QWidget, spacing_px: int = 10) -> None:
        super().__init__()
        self._flow = FlowLayout(self, spacing_px=spacing_px)
        for widget in widgets:
            self._flow.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return done

    def _fit(self) -> None:
        height = self._flow.heightForWidth(self.width())
        if height != self.minimumHeight():
            self.setFixedHeight(height)
