"""The palette and text size in force, and what has to be drawn anew when they change."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget
from shiboken6 import isValid

from gui.theme.marks import draw_marks
from gui.theme.palettes import DARK, PALETTES, Palette
from gui.theme.style import style_sheet

SMALLEST_PT, LARGEST_PT, USUAL_PT = 8, 24, 10
_LAYOUT_ROUNDS = 4
"""A text that grows moves what stands around it, layout within layout, a round for each."""


class Theme(QObject):
    """Palette and text size of the application."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.palette: Palette = DARK
        self.size_pt = USUAL_PT
        self._marks = QTemporaryDir()
        self.sheet = ""
        """For windows; `dress` gives it to them."""
        self._dressed: weakref.WeakSet[QWidget] = weakref.WeakSet()

    def choose(self, name: str | None = None, size_pt: int | None = None) -> None:
        """Take a palette (`dark`, `light`), a text size, or both; what is none stays out."""
        self.palette = PALETTES.get(name or self.palette.name, self.palette)
        if size_pt is not None and SMALLEST_PT <= size_pt <= LARGEST_PT:
            self.size_pt = size_pt
        self.apply()

    def dress(self, widget: QWidget) -> None:
        """Give a window the style sheet, now and whenever it changes.

        Windows have it, not the application: Qt would match it against every widget there is, a
        third of them in menus of plots that nobody opens, and again whenever one gets a parent.
        """
        self._dressed.add(widget)
        widget.setStyleSheet(self.sheet)

    def apply(self) -> None:
        """Give the palette to Qt and to pyqtgraph."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        if application.style().objectName() != "fusion":
            # Native styles ignore half of a palette.
            application.setStyle(QStyleFactory.create("Fusion"))
        application.setPalette(_qt(self.palette))
        font = QFont(application.font())
        font.setPointSize(self.size_pt)
        application.setFont(font)
        marks = draw_marks(Path(self._marks.path()), self.palette)
        line_px = QFontMetrics(font).height()
        self.sheet = style_sheet(self.palette, self.size_pt, line_px, marks)
        with self._unpainted() as dressed:
            for widget in dressed:
                widget.setStyleSheet(self.sheet)
            pg.setConfigOptions(background=self.palette.surface, foreground=self.palette.muted)
            self.changed.emit()

    @contextmanager
    def _unpainted(self) -> Iterator[list[QWidget]]:
        """The dressed windows, which are painted when all in them has its place: every plot would
        be painted two or three times on its way there."""
        dressed = [w for w in self._dressed if isValid(w)]
        for widget in dressed:
            widget.setUpdatesEnabled(False)
        try:
            yield dressed
            for _ in range(_LAYOUT_ROUNDS if dressed else 0):
                QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        finally:
            for widget in dressed:
                widget.setUpdatesEnabled(True)


def _qt(palette: Palette) -> QPalette:
    qt = QPalette()
    roles = {
        QPalette.ColorRole.Window: palette.window,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.Base: palette.surface,
        QPalette.ColorRole.AlternateBase: palette.raised,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.PlaceholderText: palette.muted,
        QPalette.ColorRole.Button: palette.raised,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.ToolTipBase: palette.raised,
        QPalette.ColorRole.ToolTipText: palette.text,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.Link: palette.accent,
        # Fusion's frames and bevels: left to themselves they stay those of a light desktop.
        QPalette.ColorRole.Light: palette.border,
        QPalette.ColorRole.Midlight: palette.raised,
        QPalette.ColorRole.Mid: palette.border,
        QPalette.ColorRole.Dark: palette.border,
        QPalette.ColorRole.Shadow: palette.border,
    }
    for role, colour in roles.items():
        qt.setColor(role, QColor(colour))
    disabled = QPalette.ColorGroup.Disabled
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText,
                 QPalette.ColorRole.WindowText):  # fmt: skip
        qt.setColor(disabled, role, QColor(palette.muted))
    return qt
