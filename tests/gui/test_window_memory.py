"""What comes to a window does not stay in it: neither readings nor pictures leave anything.

The night itself is in `tests/soak/test_window_night.py`.
"""

import gc
import tracemalloc
from collections import Counter
from pathlib import Path

from fed_window import FedWindow
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

WARM_UP = 30
PICTURES = 100
DELIVERIES = 1000
GROWN_BYTES = 60_000
"""Two pictures of the 100, or 60 bytes a delivery."""
GROWN_OBJECTS = 100
"""Less than one a picture."""


def _deliver(window: FedWindow, first: int, pictures: int, deliveries: int) -> None:
    for number in range(first, first + pictures):
        window.feed(number)
        for step in range(deliveries // pictures):
            window.link.feed(
                amplifier__current=2400.0 + step, lock__rms=0.8 + 0.01 * step,
                light__detuning=-100.0 - step, run__remaining=3600.0 - number - 0.01 * step,
                station__message=f"delivery {number}.{step}",
            )  # fmt: skip


def _objects() -> Counter[str]:
    gc.collect()
    return Counter(type(found).__name__ for found in gc.get_objects())


def test_deliveries_and_pictures_leave_nothing_behind(qtbot: QtBot, tmp_path: Path) -> None:
    # With ten seconds from picture to picture the strips are full after the warm-up.
    window = FedWindow(qtbot, tmp_path, pixels=128, beat_s=10.0)
    _deliver(window, 1, WARM_UP, 2 * WARM_UP)
    tracemalloc.start()
    try:
        # Twice the same: what a first time fills stays, what comes with every time grows on.
        for start in (60, 240):
            objects, widgets = _objects(), len(QApplication.allWidgets())
            before, _ = tracemalloc.get_traced_memory()
            _deliver(window, start + 1, PICTURES, DELIVERIES)
            window.feed(start + 180, new_points=True)
        grown = _objects() - objects
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    more_widgets = len(QApplication.allWidgets()) - widgets
    window.close()
    assert more_widgets == 0
    assert grown.total() < GROWN_OBJECTS, grown.most_common(5)
    assert after - before < GROWN_BYTES
