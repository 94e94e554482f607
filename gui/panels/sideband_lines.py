"""The five lines of phase-modulated light: how the power is shared, and its picture."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from atta_daq.physics.sidebands import Sidebands, depth_from_power_dbm
from gui.theme.theme import Theme
from gui.words import true_minus


@dataclass(frozen=True)
class Shares:
    """Shares of the whole power, for the carrier and for each line of the first two orders."""

    depth: float
    """Modulation index, rad."""
    carrier: float
    first: float
    second: float

    @property
    def beyond(self) -> float:
        """What all lines of third and higher order hold together."""
        return max(1.0 - self.carrier - 2.0 * (self.first + self.second), 0.0)


CARRIER_ONLY = Shares(0.0, 1.0, 0.0, 0.0)


def shares(power_dbm: float, v_pi_v: float) -> Shares:
    """J_n^2 of the depth that an RF power makes. Raises ValueError unless V_pi is positive."""
    depth = depth_from_power_dbm(power_dbm, v_pi_v)
    second, first, carrier, *_ = Sidebands(0.0, depth).weights
    return Shares(depth, float(carrier), float(first), float(second))


class LinesPicture(QWidget):
    """Five bars about the carrier; hollow ones are a preview that was not sent, grey ones stale."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shares = CARRIER_ONLY
        self._frequency_mhz = 0.0
        self._preview = False
        self._stale = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._resized)

    @property
    def heights(self) -> tuple[float, ...]:
        """The shares that are drawn, from the lowest frequency up."""
        s = self._shares
        return (s.second, s.first, s.carrier, s.first, s.second)

    @property
    def preview(self) -> bool:
        return self._preview

    def show_lines(
        self, shares: Shares, frequency_mhz: float, *, preview: bool, stale: bool
    ) -> None:
        """Draw these shares at multiples of `frequency_mhz`."""
        self._shares, self._frequency_mhz = shares, frequency_mhz
        self._preview, self._stale = preview, stale
        percent = ", ".join(f"{100.0 * share:.1f} %" for share in self.heights)
        state = "preview" if preview else "stale" if stale else "in force"
        self.setAccessibleName(f"carrier and sidebands ({state}), red to blue: {percent}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, 7 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(5 * metrics.horizontalAdvance("99 %"), 5 * metrics.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette, line = self._theme.palette, self.fontMetrics().height()
        width, ground = self.width() / 5.0, self.height() - line - 4.0
        reach = ground - line - 4.0
        painter.setPen(QPen(QColor(palette.border), 1.0))
        painter.drawLine(0, round(ground), self.width(), round(ground))
        for index, share in enumerate(self.heights):
            order = index - 2
            series = palette.series[1 if order == 0 else 2]
            colour = QColor(palette.muted if self._stale else series)
            left, height = index * width, reach * share
            bar = QRectF(left + 0.3 * width, ground - height, 0.4 * width, height)
            painter.setPen(
                QPen(colour, 1.5, Qt.PenStyle.DashLine if self._preview else Qt.PenStyle.SolidLine)
            )
            painter.setBrush(Qt.BrushStyle.NoBrush if self._preview else colour)
            painter.drawRect(bar)
            painter.setPen(QColor(palette.muted if self._stale else palette.text))
            middle = Qt.AlignmentFlag.AlignHCenter
            painter.drawText(
                QRectF(left - 0.5 * width, bar.top() - line - 2.0, 2.0 * width, line),
                middle | Qt.AlignmentFlag.AlignBottom, percent_text(share),
            )  # fmt: skip
            painter.setPen(QColor(palette.muted))
            painter.drawText(
                QRectF(left, ground + 3.0, width, line), middle | Qt.AlignmentFlag.AlignTop,
                offset_text(order * self._frequency_mhz),
            )  # fmt: skip
        painter.end()

    def _resized(self) -> None:
        self.updateGeometry()
        self.update()


def percent_text(share: float) -> str:
    """Two digits: '58 %', '1.9 %'; '0 %' below a tenth."""
    percent = 100.0 * share
    if percent < 0.05:
        return "0 %"
    return f"{percent:.1f} %" if percent < 9.95 else f"{percent:.0f} %"


def offset_text(offset_mhz: float) -> str:
    """'+250', '−500', '0 MHz': the unit of all stands at the carrier."""
    return true_minus(f"{offset_mhz:+.4g}") if offset_mhz else "0 MHz"
