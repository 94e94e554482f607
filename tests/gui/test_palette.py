"""Command palette, sheet of keys, about."""

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow
from pytestqt.qtbot import QtBot

from atta_daq import __version__
from gui.actions.about import About
from gui.actions.fuzzy import fit, word_fit
from gui.actions.keys_sheet import KeysSheet, groups
from gui.actions.palette_dialog import CHOOSE, CommandPalette
from gui.actions.table import ACTIONS
from gui.context import Context

SPECS = {spec.id: spec for spec in ACTIONS}


@pytest.fixture
def window(qtbot: QtBot, context: Context) -> QMainWindow:
    window = QMainWindow()
    window.resize(1000, 700)
    window.setCentralWidget(QLineEdit())
    window.addActions([context.actions[action_id] for action_id in context.actions.specs])
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    window.centralWidget().setFocus()
    qtbot.waitUntil(window.centralWidget().hasFocus)
    return window


@pytest.fixture
def palette(window: QMainWindow, context: Context) -> CommandPalette:
    return CommandPalette(context, window)


def test_it_leaves_the_status_strip_in_sight(window: QMainWindow, palette: CommandPalette) -> None:
    strip = window.addToolBar("Status")
    strip.setObjectName("status")
    strip.addWidget(QLineEdit())
    strip.show()
    palette.open()
    assert palette.geometry().top() > strip.geometry().bottom()
    assert palette.geometry().bottom() < window.height()


def found(query: str) -> list[str]:
    scores = {spec_id: fit(query, spec) for spec_id, spec in SPECS.items()}
    return sorted((i for i in scores if scores[i] > 0.0), key=lambda i: -scores[i])


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("stop", "rig.stop"),
        ("rlck", "lock.relock"),
        ("RELOCK", "lock.relock"),
        ("jump 85", "lock.jump_85"),
        ("bigger", "view.bigger"),
        ("f12", "rig.stop"),
        ("ctrl+shift+w", "sweep.whole"),
        ("reference cell", "lock.zero"),
    ],
)
def test_what_one_would_type_finds_the_command(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_what_is_in_no_command_finds_none() -> None:
    assert found("zzqx") == []
    assert found("relock zzqx") == []


def test_letters_close_together_fit_better() -> None:
    assert word_fit("abc", "abc") > word_fit("abc", "abc d") > word_fit("bc", "abc d")
    assert word_fit("bc", "abc d") > word_fit("ad", "abc d") > word_fit("acd", "abx xc xxd") > 0.0


def test_by_the_keyboard_alone(
    palette: CommandPalette, window: QMainWindow, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    QTest.keySequence(window.centralWidget(), "Ctrl+K")
    qtbot.waitUntil(palette.search.hasFocus)
    QTest.keyClicks(palette.search, "trap k")
    first = palette.listed()
    assert first[:4] == ["trap.81", "trap.83", "trap.84", "trap.85"]
    for _ in range(3):
        QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.chosen == "trap.85"
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("trap", {"isotope": 85})
    qtbot.waitUntil(window.centralWidget().hasFocus)
    # What was used last stands first.
    context.actions["help.palette"].trigger()
    assert palette.listed()[0] == "trap.85"


def test_enter_alone_does_nothing(
    palette: CommandPalette, link: FakeLink, context: Context
) -> None:
    for _ in range(2):
        context.actions["help.palette"].trigger()
        assert palette.listed()[0] == "rig.stop"
        assert palette.chosen == ""
        QTest.keyClick(palette.search, Qt.Key.Key_Return)
        assert palette.isVisible()
        assert link.sent == []
        # The same after something was typed and taken back.
        palette.search.setText("stop")
        assert palette.chosen == "rig.stop"
        palette.search.clear()
        assert palette.chosen == ""
        assert palette._said.text() == CHOOSE
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.chosen == "rig.stop"


def test_an_impossible_command_says_why_and_does_nothing(
    palette: CommandPalette, link: FakeLink, context: Context
) -> None:
    link.feed(run__state="running")
    context.actions["help.palette"].trigger()
    palette.search.setText("relock")
    assert palette.chosen == "lock.relock"
    row = palette.table.rows_text().splitlines()[0]
    assert "not now: a run is under way" in row
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert link.sent == []


def test_escape_closes_and_gives_the_keyboard_back(
    palette: CommandPalette, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    context.actions["help.palette"].trigger()
    qtbot.waitUntil(palette.search.hasFocus)
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    qtbot.waitUntil(window.centralWidget().hasFocus)


def test_a_click_elsewhere_closes_it(
    palette: CommandPalette, window: QMainWindow, context: Context, qtbot: QtBot
) -> None:
    context.actions["help.palette"].trigger()
    qtbot.waitUntil(palette.search.hasFocus)
    window.centralWidget().setFocus(Qt.FocusReason.MouseFocusReason)
    assert not palette.isVisible()


def test_it_lists_every_action_but_itself(palette: CommandPalette, context: Context) -> None:
    context.actions["help.palette"].trigger()
    assert {*palette.listed(), "help.palette"} == set(context.actions.specs)


def test_a_checkable_command_tells_its_state(
    palette: CommandPalette, link: FakeLink, context: Context
) -> None:
    link.feed(light__shutter=True)
    context.actions["help.palette"].trigger()
    palette.search.setText("819 nm on the atoms")
    assert palette.table.rows_text().startswith("Light: 819 nm on the atoms: on")


def test_the_sheet_holds_every_key(window: QMainWindow, context: Context, qtbot: QtBot) -> None:
    sheet = KeysSheet(context, window)
    context.actions["help.keys"].trigger()
    qtbot.waitUntil(sheet.isVisible)
    assert not sheet.isModal()
    text = sheet.text.toPlainText()
    with_keys = [spec for spec in ACTIONS if spec.keys]
    assert len(with_keys) > 20
    assert [spec.id for spec in with_keys if spec.text not in text] == []
    assert "Change the digit left of the cursor" in text
    context.actions["help.keys"].trigger()
    assert not sheet.isVisible()


def test_keys_are_grouped_by_menu() -> None:
    titles = [title for title, _ in groups(ACTIONS)]
    assert titles[0] == "Rig"
    assert titles[-2:] == ["In plots", "In fields and lists"]
    assert ("Ctrl+K", "Command palette") in dict(groups(ACTIONS))["Help"]
    fields = dict(groups(ACTIONS))["In fields and lists"]
    assert any(key == "Delete" and "queue" in what and "layouts" in what for key, what in fields)
    assert any(key == "Enter" and "alarm" in what for key, what in fields)


def test_about_tells_version_and_licence(window: QMainWindow, context: Context) -> None:
    about = About(context, window)
    context.actions["help.about"].trigger()
    assert about.isVisible()
    assert not about.isModal()
    assert __version__ in about.text.text()
    assert "BSD-3-Clause" in about.text.text()
