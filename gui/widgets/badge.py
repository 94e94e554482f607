"""A state as word, shape and colour together, legible at arm's length and without colours."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme.palettes import Tone
from gui.theme.theme import Theme


class Badge(QWidget):
    """A shape and a word. Off is a hollow circle, fine a full one, busy a diamond, a warning a
    triangle, danger a square, stale a dotted circle. A marked one is bold, in a frame."""

    def __init__(self, theme: Theme, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._caption = caption
        self._word = "?"
        self._tone = Tone.STALE
        self._marked = False
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._resized)
        self._describe()

    @property
    def tone(self) -> Tone:
        return self._tone

    @property
    def word(self) -> str:
        return self._word

    def show_state(self, word: str, tone: Tone, why: str = "") -> None:
        """Show a state; `why` becomes the tool tip."""
        if (word, tone) != (self._word, self._tone):
            self._word, self._tone = word, tone
            self._resized()
            self._describe()
        if why != self.toolTip():
            self.setToolTip(why)

    def rename(self, caption: str) -> None:
        """Change what the state is of."""
        if caption != self._caption:
            self._caption = caption
            self._resized()
            self._describe()

    @property
    def marked(self) -> bool:
        return self._marked

    def mark(self, marked: bool) -> None:
        """Set this badge off from its neighbours: the present step of a row."""
        if marked != self._marked:
            self._marked = marked
            self._resized()
            self._describe()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._font())
        width = metrics.horizontalAdvance(self._text()) + metrics.height() + 14
        return QSize(width, metrics.height() + 8)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font())
        colour = QColor(self._theme.palette.tones[self._tone])
        if self._marked:
            painter.setPen(QPen(colour, 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.0, 1.0, -1.0, -1.0), 4.0, 4.0)
        side = painter.fontMetrics().height() * 0.75
        box = QRectF(5.0, (self.height() - side) / 2.0, side, side)
        draw_shape(painter, self._tone, box, colour)
        painter.setPen(QPen(colour))
        area = QRectF(box.right() + 7.0, 0.0, self.width() - box.right() - 7.0, self.height())
        painter.drawText(
            area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._text()
        )
        painter.end()

    def _text(self) -> str:
        return f"{self._caption}: {self._word}" if self._caption else self._word

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setBold(self._marked)
        return font

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        self.setAccessibleName(self._text())
        self.setAccessibleDescription(self._tone.value + (", present step" if self._marked else ""))


def draw_shape(painter: QPainter, tone: Tone, box: QRectF, colour: QColor) -> None:
    """The shape of a tone, inside `box`."""
    pen = QPen(colour, 2.0)
    painter.setBrush(QBrush(colour))
    if tone in (Tone.OFF, Tone.STALE):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if tone is Tone.STALE:
            pen.setStyle(Qt.PenStyle.DotLine)
    painter.setPen(pen)
    middle = box.center()
    if tone is Tone.WARNING:
        painter.drawPolygon(
            QPolygonF([QPointF(middle.x(), box.top()), box.bottomRight(), box.bottomLeft()])
        )
    elif tone is Tone.BUSY:
        painter.drawPolygon(
            QPolygonF([QPointF(middle.x(), box.top()), QPointF(box.right(), middle.y()),
                       QPointF(middle.x(), box.bottom()), QPointF(box.left(), middle.y())])
        )  # fmt: skip
    elif tone is Tone.DANGER:
        painter.drawRect(box)
    else:
        painter.drawEllipse(box)
