"""Widgets in a `FlowLayout`, in one line of code."""

from PySide6.QtWidgets import QWidget

from gui.widgets.flow import FlowLayout


def flowing(*widgets: QWidget, spacing_px: int = 4) -> FlowLayout:
    """A row of widgets that breaks where the width ends."""
    flow = FlowLayout(spacing_px=spacing_px)
    for widget in widgets:
        flow.addWidget(widget)
    return flow
