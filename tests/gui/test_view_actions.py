"""Palette, text size, named layouts; settings that cannot be read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gui.confirm import ConfirmDialog
from gui.context import Context
from gui.settings import Settings
from gui.theme.palettes import Tone
from gui.theme.theme import LARGEST_PT, USUAL_PT
from gui.view_actions import ViewActions


class Layouts(QMainWindow):
    """Stands for the window: a layout is a word."""

    def __init__(self) -> None:
        super().__init__()
        self.layout_now = "first"

    def layout_text(self) -> str:
        return self.layout_now

    def restore_layout(self, text: str) -> bool:
        if text == "of another version":
            return False
        self.layout_now = text
        return True


@pytest.fixture
def window(context: Context, qtbot: QtBot) -> Iterator[Layouts]:
    window = Layouts()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    context.services["window"] = window
    yield window
    context.theme.choose("dark", USUAL_PT)


@pytest.fixture
def view(context: Context, window: Layouts) -> ViewActions:
    return ViewActions(context, window)


@pytest.mark.usefixtures("view")
def test_palette_and_text_size_are_kept(context: Context) -> None:
    context.actions["view.light"].trigger()
    assert context.theme.palette.name == "light"
    context.actions["view.bigger"].trigger()
    context.actions["view.bigger"].trigger()
    context.actions["view.smaller"].trigger()
    again = Settings(context.settings.path)
    assert (again.get("palette"), again.get("text_pt")) == ("light", USUAL_PT + 1)
    context.actions["view.dark"].trigger()
    assert context.theme.palette.name == "dark"


@pytest.mark.usefixtures("view")
def test_text_does_not_grow_beyond_its_largest_size(context: Context) -> None:
    context.theme.choose(size_pt=LARGEST_PT)
    context.actions["view.bigger"].trigger()
    assert context.theme.size_pt == LARGEST_PT
    assert context.notices.history[-1].text == "Text has 8 to 24 points"


def test_layouts_are_saved_and_restored_by_name(
    view: ViewActions, window: Layouts, context: Context, qtbot: QtBot
) -> None:
    context.actions["view.restore"].trigger()
    assert "No layout has been saved" in context.notices.history[-1].text
    for name in ("night", "align"):
        window.layout_now = f"layout of {name}"
        context.actions["view.save"].trigger()
        qtbot.waitUntil(view.save_dialog.name.hasFocus)
        QTest.keyClicks(view.save_dialog.name, name)
        QTest.keyClick(view.save_dialog.name, Qt.Key.Key_Return)
    context.actions["view.restore"].trigger()
    names = view.choose_dialog.names
    assert [names.item(row).text() for row in range(names.count())] == ["align", "night"]
    QTest.keyClick(names, Qt.Key.Key_Down)
    QTest.keyClick(names, Qt.Key.Key_Return)
    assert window.layout_now == "layout of night"
    assert not view.choose_dialog.isVisible()
    context.actions["view.restore"].trigger()
    QTest.keyClick(names, Qt.Key.Key_Delete)
    assert len(context.settings.get("layouts")) == 2, "it asks first"
    (question,) = view.choose_dialog.findChildren(ConfirmDialog)
    assert question.question.title == "Delete layout 'align'?"
    question.yes.click()
    assert list(context.settings.get("layouts")) == ["night"]
    assert [names.item(row).text() for row in range(names.count())] == ["night"]


def test_a_layout_of_another_version_is_told(
    view: ViewActions, window: Layouts, context: Context
) -> None:
    context.settings.set("layouts", {"old": "of another version"})
    view.restore("old")
    assert window.layout_now == "first"
    assert "Layout 'old' cannot be used" in context.notices.history[-1].text


@pytest.mark.parametrize("text", ["{not json", '["a list"]', "\x00\x01"])
def test_corrupt_settings_are_set_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(text)
    settings = Settings(path)
    aside = tmp_path / "window.corrupt.json"
    assert aside.read_text() == text
    assert str(aside) in settings.problem
    assert settings.get("palette") is None
    settings.set("palette", "light")
    assert Settings(path).get("palette") == "light"
    assert Settings(path).problem == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("geometry", "abc"), ("geometry", 5), ("layout", 5), ("layout", ["x"]), ("layouts", "x"),
        ("palette", 3), ("text_pt", "12"), ("text_pt", 10.5), ("text_pt", True), ("strips", "x"),
        ("strips", [["x"]]),
        ("strips_span_s", "x"), ("strips_span_s", -1.0), ("strips_span_s", float("nan")),
        ("presets", [1]), ("editor.preview", "yes"), ("editor.drafts", "x"), ("editor.drafts", [1]),
        ("editor.draft", 1),
    ],
)  # fmt: skip
def test_a_value_that_no_window_can_use_is_left_out_and_the_file_kept_aside(
    tmp_path: Path, key: str, value: object
) -> None:
    path = tmp_path / "window.json"
    good = {} if key == "strips_span_s" else {"strips_span_s": 60.0}
    path.write_text(json.dumps({**good, key: value}))
    settings = Settings(path)
    assert settings.get(key) is None
    assert json.loads(path.read_text()) == good, "the others stay"
    assert settings.problem.startswith(f"settings were not readable ({key}: not what")
    assert (tmp_path / "window.corrupt.json").exists()
    path.write_text("{")
    Settings(path)
    assert (tmp_path / "window.corrupt-2.json").read_text() == "{", "the first one is kept, too"


@pytest.mark.parametrize("text", ['{"palette": "light", "text_pt": "12"}', "{not json"])
def test_what_cannot_be_set_aside_is_told_once_and_the_rest_serves(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    path = tmp_path / "window.json"
    path.write_text(text)
    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "write_text", refuse)
    settings = Settings(path)
    told: list[str] = []
    settings.tell = told.append
    assert "not yours" in settings.problem
    assert settings.get("palette") == ("light" if "light" in text else None)
    assert settings.get("text_pt") is None
    assert told == []
    assert not settings.set("text_pt", 12)
    assert settings.get("text_pt") == 12
    assert len(told) == 1
    assert "cannot be kept" in told[0]


@pytest.mark.parametrize("size_pt", [1, 30, 10**30])
def test_a_text_size_out_of_range_stays_out_and_the_palette_comes_in(
    context: Context, size_pt: int
) -> None:
    drawn = []
    context.theme.changed.connect(lambda: drawn.append(context.theme.palette.name))
    context.theme.choose("light", size_pt)
    context.theme.choose("dark", USUAL_PT)
    assert drawn == ["light", "dark"]
    assert context.theme.size_pt == USUAL_PT


def test_two_windows_keep_what_each_of_them_keeps(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    first, second = Settings(path), Settings(path)
    first.set("palette", "light")
    second.set("text_pt", 12)
    assert first.get("text_pt") == 12
    # Under one key both, as a window does that adds to what is there.
    first.set("presets", {"mine": {}})
    second.set("presets", {**second.get("presets"), "yours": {}})
    kept = {"palette": "light", "text_pt": 12, "presets": {"mine": {}, "yours": {}}}
    assert json.loads(path.read_text()) == kept
    assert [left.name for left in tmp_path.iterdir()] == ["window.json"]


@pytest.mark.usefixtures("view")
def test_what_cannot_be_kept_is_not_called_kept(context: Context, view: ViewActions) -> None:
    notices, settings = context.notices, context.settings
    settings.tell = notices.warn
    folder = settings.path.parent / "gone"
    settings.path = folder / "window.json"
    folder.write_text("a file where a folder should be")
    view.save("mine")
    assert [notice.tone for notice in notices.history] == [Tone.WARNING]
    assert "settings cannot be kept" in notices.history[0].text
    # It serves this window all the same, and is kept with the next change that can be.
    assert settings.get("layouts") == {"mine": "first"}
    folder.unlink()
    assert settings.set("palette", "light")
    assert json.loads(settings.path.read_text()) == {
        "layouts": {"mine": "first"}, "palette": "light",
    }  # fmt: skip


def test_settings_that_are_no_text_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    path.write_bytes(b"\xff\xfe\x80")
    assert "set aside" in Settings(path).problem


def test_the_window_tells_of_settings_that_were_set_aside(
    context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    from fakes_gui import FakeLink

    from gui.window import Window

    path = tmp_path / "corrupt" / "window.json"
    path.parent.mkdir()
    path.write_text("{")
    link = FakeLink()
    window = Window(link, Settings(path), context.theme)  # type: ignore[arg-type]
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: bool(window.context.notices.history))
    assert "set aside" in window.context.notices.history[0].text
