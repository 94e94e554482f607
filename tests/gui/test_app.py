"""The program of one window: what it does around its event loop."""

import signal
from pathlib import Path
from typing import Any

import pytest
from fakes_gui import FakeLink
from open_window import delete_closed
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from gui import app
from gui.window import Window


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each window of `app.main` has said when its loop begins; it is closed then."""
    heard: list[str] = []

    def loop(*_: Any) -> int:
        QCoreApplication.processEvents()
        for window in QApplication.topLevelWidgets():
            if isinstance(window, Window):
                heard.append(" ".join(notice.text for notice in window.context.notices.history))
                window.close()
        delete_closed()
        return 0

    monkeypatch.setattr(app, "Link", lambda *_, **__: FakeLink())
    monkeypatch.setattr(app.signal, "signal", lambda *_: signal.SIG_DFL)
    monkeypatch.setattr(QApplication, "exec", loop)
    return heard


@pytest.mark.parametrize("more", [[], ["--rig", "simulated-1", "--simulated"]])
def test_the_first_window_says_where_the_tour_is_and_no_later_one(
    qapp: QApplication, tmp_path: Path, said: list[str], more: list[str]
) -> None:
    """Also where the rig answers at once, as with `gui --simulate`: no banner offers it then."""
    arguments = ["--settings", str(tmp_path / "window.json"), *more]
    for _ in range(2):
        assert app.main(arguments) == 0
    first, second = said
    assert "Five-minute tour, in the menu Help" in first
    assert second == ""
