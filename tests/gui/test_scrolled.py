"""What scrolls: no row is cut by the fold, a rule above it."""

import pytest
from panel_tools import Shown
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.panels.scrolled import ScrolledPanel

ROW_PX = 30


class Rows(ScrolledPanel):
    """Ten rows of one height."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.head.addWidget(QLabel("head"))
        self.rows = [QLabel(str(i)) for i in range(10)]
        for row in self.rows:
            row.setFixedHeight(ROW_PX)
            self.body.addWidget(row)


def cut(panel: Rows) -> list[str]:
    seen = [(row.text(), row.visibleRegion().boundingRect().height()) for row in panel.rows]
    return [text for text, height in seen if 0 < height < ROW_PX]


@pytest.mark.parametrize("height", [200, 210, 220, 230])
def test_the_fold_cuts_no_row(qtbot: QtBot, shown: Shown, height: int) -> None:
    panel = shown(Rows)
    panel.resize(300, height)
    qtbot.waitUntil(lambda: not cut(panel))
    bar = panel.area.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.wait(20)
    bar.setValue(bar.maximum())
    last = panel.rows[-1]
    assert last.visibleRegion().boundingRect() == last.rect(), "all can be scrolled to"


def test_the_rule_lies_between_head_and_body(shown: Shown) -> None:
    panel = shown(Rows)
    assert panel.rule.isVisible()
    assert panel.rule.y() < panel.area.y()
    middle = panel.rule.geometry().center()
    image = panel.grab().toImage()
    assert image.pixelColor(middle).name() == panel.context.theme.palette.border
