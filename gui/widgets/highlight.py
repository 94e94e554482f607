"""A frame drawn over a widget to point at it. Clicks and keys go through."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.theme.theme import Theme

LINE = 4
OUTSIDE = 5
"""How far the frame stands out from what it points at (pixels)."""


class Highlight(QWidget):
    """Points at one widget at a time, and follows it when it moves."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._target: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        theme.changed.connect(self.update)

    @property
    def target(self) -> QWidget | None:
        return self._target

    def point_at(self, target: QWidget | None) -> None:
        """Point at a widget of any window, or at nothing."""
        for widget in self._watched():
            widget.removeEventFilter(self)
        if self._target is not None:
            self._target.destroyed.disconnect(self._forget)
        self._target = target
        if target is not None:
            target.destroyed.connect(self._forget)
        for widget in self._watched():
            widget.installEventFilter(self)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (
            QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide,
            QEvent.Type.ParentChange,
        ):  # fmt: skip
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.palette.accent), LINE))
        half = LINE // 2
        painter.drawRoundedRect(self.rect().adjusted(half, half, -half, -half), 5.0, 5.0)
        painter.end()

    def _watched(self) -> list[QWidget]:
        """The target and what it lies in: all of them can move it."""
        chain: list[QWidget] = []
        widget = self._target
        while widget is not None:
            chain.append(widget)
            widget = None if widget.isWindow() else widget.parentWidget()
        return chain

    def _forget(self) -> None:
        self._target = None
        self.hide()

    def _place(self) -> None:
        target = self._target
        if target is None or not target.isVisible():
            self.hide()
            return
        window = target.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        corner = target.mapTo(window, QPoint(0, 0)) if target is not window else QPoint(0, 0)
        box = QRect(corner, target.size()).adjusted(-OUTSIDE, -OUTSIDE, OUTSIDE, OUTSIDE)
        self.setGeometry(box.intersected(window.rect()))
        self.show()
        self.raise_()
