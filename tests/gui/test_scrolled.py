"""What scrolls: no row is cut by the fold, a rule above it."""

import pytest
from panel_tools import Shown
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.panels.scrolled import ScrolledPanel, gap_below

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


@pytest.mark.parametrize(
    ("room", "gap"), [(100, 0), (90, 10), (119, 19), (120, 0), (60, 0), (45, 5)]
)  # fmt: skip
def test_the_gap_reaches_up_to_the_row_that_would_be_cut(room: int, gap: int) -> None:
    rows = [(0, 40), (40, 60), (70, 80), (80, 100), (100, 120)]
    assert gap_below(room, rows) == gap


def test_a_field_beside_a_caption_goes_with_it() -> None:
    assert gap_below(95, [(0, 40), (60, 90), (58, 100)]) == 37


def test_the_first_row_stays_even_when_it_is_cut() -> None:
    assert gap_below(30, [(0, 40)]) == 0
