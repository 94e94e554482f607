"""The large switch of the 819-nm light: its states differ by word, shape, ground and colour."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from gui.context import Context
from gui.theme.palettes import Tone

ACTION = "light.pumping"


class PumpingToggle(QAbstractButton):
    """Shows the shutter as it was read, not as it was wished; a press triggers the action."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._theme = context.theme
        self._action = context.actions[ACTION]
        self._tone = Tone.STALE
        self.word = "UNKNOWN"
        self.setObjectName(ACTION)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._action.trigger)
        self._action.changed.connect(self._follow_action)
        self._theme.changed.connect(self._resized)
        self._follow_action()
        self.show_shutter(None)

    @property
    def tone(self) -> Tone:
        return self._tone

    def show_shutter(self, open_: bool | None) -> None:
        """Open, closed, or None: not known."""
        if open_ is None:
            self.word, self._tone = "UNKNOWN", Tone.STALE
        elif open_ != self._action.isChecked():
            self.word, self._tone = ("CLOSING" if open_ else "OPENING"), Tone.BUSY
        else:
            self.word, self._tone = ("ON", Tone.OK) if open_ else ("BLOCKED", Tone.OFF)
        self.setAccessibleName(f"819 nm on the atoms: {self.word.lower()}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, round(2.6 * QFontMetrics(self._font()).height()))

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetrics(self._font())
        longest = metrics.horizontalAdvance("OPENING")
        return QSize(longest + round(1.6 * metrics.height()), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        palette, on = self._theme.palette, self._tone is Tone.OK
        colour = QColor(palette.tones[self._tone])
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(3.0, 3.0, -3.0, -3.0)
        dotted = Qt.PenStyle.DotLine if self._tone is Tone.STALE else Qt.PenStyle.SolidLine
        focus = self.hasFocus()
        painter.setPen(
            QPen(QColor(palette.accent) if focus else colour, 4.0 if focus else 2.0, dotted)
        )
        painter.setBrush(colour if on else QColor(palette.surface))
        painter.drawRoundedRect(area, 8.0, 8.0)
        ink = QColor(palette.on_accent if on else palette.tones[self._tone])
        if not self.isEnabled():
            ink = QColor(palette.on_accent if on else palette.muted)
        font = self._font()
        metrics = QFontMetrics(font)
        side = 1.1 * metrics.height()
        left = (self.width() - side - 10.0 - metrics.horizontalAdvance(self.word)) / 2.0
        top = 3.0 + 0.6 * (area.height() - side) + 2.0
        self._draw_lamp(painter, QRectF(left, top, side, side), ink)
        painter.setPen(ink)
        painter.setFont(font)
        painter.drawText(
            QRectF(left + side + 10.0, top, self.width(), side),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.word,
        )  # fmt: skip
        painter.setFont(self.font())
        painter.drawText(
            area.adjusted(0.0, 4.0, 0.0, 0.0),
            Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter, "819 nm on the atoms",
        )  # fmt: skip
        painter.end()

    def _draw_lamp(self, painter: QPainter, box: QRectF, ink: QColor) -> None:
        """A sun for light, a struck-through circle for none, a dotted one for not known."""
        pen = QPen(ink, 3.0)
        middle, radius = box.center(), box.width() / 2.0
        if self._tone is Tone.OK:
            painter.setPen(pen)
            painter.setBrush(ink)
            painter.drawEllipse(middle, 0.5 * radius, 0.5 * radius)
            painter.save()
            painter.translate(middle)
            for _ in range(8):
                painter.drawLine(QPointF(0.7 * radius, 0.0), QPointF(0.95 * radius, 0.0))
                painter.rotate(45.0)
            painter.restore()
            return
        if self._tone is Tone.STALE:
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, 0.8 * radius, 0.8 * radius)
        if self._tone is Tone.OFF:
            reach = 0.8 * radius * 0.707
            painter.drawLine(middle + QPointF(-reach, reach), middle + QPointF(reach, -reach))

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(1.8 * self._theme.size_pt)
        font.setBold(True)
        return font

    def _follow_action(self) -> None:
        self.setEnabled(self._action.isEnabled())
        if self.toolTip() != self._action.toolTip():
            self.setToolTip(self._action.toolTip())

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()
