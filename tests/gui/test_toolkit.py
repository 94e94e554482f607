"""Faults of the pinned Qt and plotting versions that a later pin must not bring back."""

import subprocess
import sys
from pathlib import Path

import pytest

SIGNALS = """
from PySide6.QtCore import QCoreApplication, QObject, Signal

class Source(QObject):
    changed = Signal(bool)

application = QCoreApplication([])
source, seen = Source(), []
source.changed.connect(seen.append)
for i in range(5000):
    source.changed.emit(i % 2 == 0)
assert len(seen) == 5000
"""

EXPORT = """
import sys
import pyqtgraph
import pyqtgraph.exporters
from PySide6.QtWidgets import QApplication

application = QApplication([])
plot = pyqtgraph.PlotWidget()
plot.plot([0.0, 1.0, 2.0], [1.0, 3.0, 2.0])
pyqtgraph.exporters.SVGExporter(plot.plotItem).export(sys.argv[1])
"""


def run(code: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=50,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_bool_signals_do_not_abort() -> None:
    """PySide6 6.12 on Python 3.11 aborted after about 600 of them."""
    run(SIGNALS)


def test_a_plot_exports_as_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyqtgraph 0.14 could not on Qt 6.11 and later."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = tmp_path / "plot.svg"
    run(EXPORT, str(path))
    assert "<svg" in path.read_text()
