"""How long a change of the window's look takes.

pytest -m bench -s tests/benchmarks/test_window_look.py
"""

import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from fakes_gui import FakeLink, feed_idle
from pytestqt.qtbot import QtBot

from gui.settings import Settings
from gui.theme.theme import Theme
from gui.window import Window

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def test_a_change_of_palette_or_text_size_is_quick(qtbot: QtBot, tmp_path: Path) -> None:
    """Until every widget has its new look and the window is drawn."""
    theme = Theme()
    theme.choose("dark")
    link: Any = FakeLink()
    window = Window(link, Settings(tmp_path / "window.json"), theme)
    window.resize(1920, 1080)
    window.show()
    qtbot.waitExposed(window)
    feed_idle(link)
    qtbot.wait(200)
    spent = []
    for name, size_pt in [("light", 10), ("light", 12), ("dark", 12), ("dark", 10)] * 3:
        started = time.perf_counter()
        theme.choose(name, size_pt)
        qtbot.wait(0)
        window.repaint()
        spent.append(time.perf_counter() - started)
    print(f"\nchange of look: median {np.median(spent):.2f} s, longest {max(spent):.2f} s")
    assert np.median(spent) <= 0.3
    window.close()
