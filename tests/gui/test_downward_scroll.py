"""Where a scrolled panel is cut at its lower edge."""

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.downward_scroll import DownwardScroll

ROW_PX = 20


def rows(qtbot: QtBot, heights: list[int]) -> DownwardScroll:
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for height in heights:
        row = QLabel("x") if height == ROW_PX else QWidget()
        row.setFixedHeight(height)
        column.addWidget(row)
    area = DownwardScroll()
    area.setWidgetResizable(True)
    area.setFrameShape(area.Shape.NoFrame)
    area.setWidget(inside)
    qtbot.addWidget(area)
    area.resize(200, 110)
    area.show()
    qtbot.waitExposed(area)
    return area


def test_the_fold_cuts_no_row(qtbot: QtBot) -> None:
    area = rows(qtbot, [ROW_PX] * 10)
    qtbot.waitUntil(lambda: area.viewport().height() == 100)
    area.resize(200, 135)
    qtbot.waitUntil(lambda: area.viewport().height() == 120)


def test_what_fits_has_the_whole_room(qtbot: QtBot) -> None:
    area = rows(qtbot, [ROW_PX] * 5)
    qtbot.wait(20)
    assert area.viewport().height() == 110


def test_a_plot_may_be_cut(qtbot: QtBot) -> None:
    area = rows(qtbot, [ROW_PX, 400])
    qtbot.wait(20)
    assert area.viewport().height() == 110


def test_all_can_be_scrolled_to(qtbot: QtBot) -> None:
    area = rows(qtbot, [ROW_PX] * 10)
    qtbot.waitUntil(lambda: area.viewport().height() == 100)
    bar = area.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: area.viewport().height() == 110)
    bar.setValue(bar.maximum())
    assert bar.value() == 10 * ROW_PX - 110
