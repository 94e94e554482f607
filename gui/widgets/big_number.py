"""A number to be read across the lab: as large as its place allows."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme.theme import Theme

LARGEST, SMALLEST = 4.0, 1.0
"""In text sizes."""


class BigNumber(QWidget):
    """One line of text, scaled to the width; grey and slanted when it is not up to date."""

    def __init__(self, theme: Theme, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._caption = caption
        self._text = "–"
        self._stale = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._resized)
        self.setAccessibleName(f"{caption}: unknown")

    @property
    def text(self) -> str:
        return self._text

    @property
    def stale(self) -> bool:
        return self._stale

    def show_text(self, text: str, *, stale: bool, why: str = "") -> None:
        """Show a text; `why` becomes the tool tip."""
        if (text, stale) != (self._text, self._stale):
            self._text, self._stale = text, stale
            self.setAccessibleName(f"{self._caption}: {text}{', stale' if stale else ''}")
            self.update()
        if why != self.toolTip():
            self.setToolTip(why)

    def sizeHint(self) -> QSize:
        return QSize(200, round(QFontMetricsF(self._font(3.0)).height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._fitted())
        palette = self._theme.palette
        painter.setPen(QColor(palette.muted if self._stale else palette.text))
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()

    def _fitted(self) -> QFont:
        usual = QFontMetricsF(self._font(1.0))
        wide = max(usual.horizontalAdvance(self._text), 1.0)
        # A little less than the whole width: large type is not scaled exactly.
        factor = min(0.95 * self.width() / wide, self.height() / usual.height(), LARGEST)
        return self._font(max(factor, SMALLEST))

    def _font(self, factor: float) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(factor * self._theme.size_pt)
        font.setBold(True)
        font.setItalic(self._stale)
        return font

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()
