"""Which panels there are, and where they stand at first."""

from PySide6.QtCore import Qt

from gui.panel import PanelSpec

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea

PANELS: tuple[PanelSpec, ...] = ()
