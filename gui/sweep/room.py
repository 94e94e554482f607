"""How much height and width the parts of the sweep plot need, and what is left for the points."""

from PySide6.QtGui import QFont, QFontMetricsF
from PySide6.QtWidgets import QWidget

from gui.sweep.heading import Heading
from gui.sweep.strip import ROWS, ComponentStrip
from gui.theme.theme import Theme

POINT_LINES = 4
"""So many lines of text in height at least belong to the points."""
MARGINS_PX = (6, 4, 10, 4)
RESIDUAL = "residual (σ)"


class Room:
    """Measures for the text size of the moment; all lengths in pixels."""

    def __init__(
        self, plot: QWidget, heading: Heading, strip: ComponentStrip, theme: Theme
    ) -> None:
        self._plot = plot
        self._heading = heading
        self._strip = strip
        self._theme = theme

    @property
    def metrics(self) -> QFontMetricsF:
        """Of the axes' titles. The plot's own font may still be that before the last choice."""
        font = QFont(self._plot.font())
        font.setPointSize(self._theme.size_pt)
        return QFontMetricsF(font)

    def title_px(self, title: str, *, two_lines: bool) -> float:
        """Length of the upright title of the main plot."""
        lines = in_two_lines(title) if two_lines else (title,)
        return max(map(self.metrics.horizontalAdvance, lines))

    def least_main(self, title_px: float) -> float:
        """Height of the main plot's box that a title of this length and the points need."""
        line = self.metrics.height()
        return max(title_px + 0.2 * line, POINT_LINES * line)

    @property
    def below_px(self) -> float:
        """Height of the residuals with their axis."""
        return self.metrics.horizontalAdvance(RESIDUAL) + 0.5 * self.metrics.height() + self._axis

    @property
    def _axis(self) -> float:
        """Height of a bottom axis: its numbers and its title."""
        return 2.2 * self.metrics.height() + 8.0

    @property
    def with_residuals(self) -> float:
        """What the main plot gets beside the residuals, with a gap between the two titles."""
        gap = 0.6 * self.metrics.height()
        above = self._above(brief=False, rows=ROWS)
        return self._plot.height() - above - self.below_px - gap

    def above_axis(self, *, brief: bool, rows: int) -> float:
        """What the main plot gets alone, below a heading and so many rows of names."""
        return self._plot.height() - self._above(brief=brief, rows=rows) - self._axis

    def _above(self, *, brief: bool, rows: int) -> float:
        """Height of all that stands above the main plot, and of the margins."""
        margins = MARGINS_PX[1] + MARGINS_PX[3]
        return margins + self._heading.height_if(brief) + self._strip.height_if(rows)

    def left_px(self, *, two_lines: bool) -> float:
        """Width of a left axis with its numbers and its title."""
        metrics = self.metrics
        return metrics.horizontalAdvance("0.0000") + (1 + two_lines) * metrics.height() + 14.0


def in_two_lines(title: str) -> tuple[str, ...]:
    """The name of what is drawn, and its unit below it."""
    name, bracket, unit = title.partition(" (")
    return (name, f"({unit}") if bracket else (title,)
