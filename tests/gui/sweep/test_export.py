"""PNG, SVG and CSV of what is drawn."""

import csv
from pathlib import Path
from xml.etree import ElementTree

import fakes_sweep as made
import pytest
from fakes_gui import FakeLink
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.sweep.view import SweepView
from gui.theme.palettes import Tone


@pytest.fixture(autouse=True)
def finished_run(view: SweepView, link: FakeLink) -> None:
    link.feed(**made.live(made.spectrum(), made.spectrum_fit()))


def answer_with(context: Context, path: Path | None) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []

    def choose(title: str, suggested: str) -> Path | None:
        asked.append((title, suggested))
        return path

    context.services["choose_save"] = choose
    return asked


def test_svg(view: SweepView, context: Context, tmp_path: Path) -> None:
    """A later Qt or pyqtgraph must not lose it again."""
    path = tmp_path / "sweep.svg"
    asked = answer_with(context, path)
    context.actions["sweep.svg"].trigger()
    assert asked == [("Save as SVG", "20261122-1229-85Kr-spectrum-85Kr.svg")]
    root = ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg")
    text = path.read_text()
    assert "20261122-1229-85Kr-spectrum" in text
    assert "11/2-13/2" in text
    assert "residual" in text


def test_png(view: SweepView, context: Context, tmp_path: Path) -> None:
    path = tmp_path / "sweep.png"
    answer_with(context, path)
    context.actions["sweep.png"].trigger()
    image = QImage(str(path))
    assert image.width() == 1800
    colours = {image.pixelColor(x, y).name() for x in range(0, 1800, 3) for y in range(0, 900, 3)}
    assert len(colours) > 10


def test_csv(view: SweepView, context: Context, tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    answer_with(context, path)
    view.compare(made.run_data("earlier", made.spectrum(21, seed=3)))
    context.actions["sweep.csv"].trigger()
    with path.open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 41 + 21
    x, y = "detuning from the 84Kr line as set (MHz)", "85Kr normalised rate (atoms/h)"
    assert view.picture is not None
    assert [float(row[x]) for row in rows[:41]] == view.picture.points.x.tolist()
    assert [float(row[y]) for row in rows[:41]] == view.picture.points.y.tolist()
    assert {row["run"] for row in rows[41:]} == {"earlier"}
    first = rows[0]
    residual = (float(first[y]) - float(first["fit (atoms/h)"])) / float(first["error (atoms/h)"])
    assert float(first["residual (sigma)"]) == pytest.approx(residual)
    assert rows[-1]["residual (sigma)"] == ""


def test_a_file_that_cannot_be_written_is_a_notice(
    view: SweepView, context: Context, tmp_path: Path
) -> None:
    for suffix in ("png", "svg", "csv"):
        answer_with(context, tmp_path / "missing" / f"sweep.{suffix}")
        context.actions[f"sweep.{suffix}"].trigger()
        assert context.notices.history[-1].tone is Tone.DANGER
        assert "not saved" in context.notices.history[-1].text


def test_no_path_saves_nothing(view: SweepView, context: Context) -> None:
    answer_with(context, None)
    context.actions["sweep.csv"].trigger()
    assert context.notices.history == []


def test_the_dialog_does_not_hold_up_the_window(
    view: SweepView, context: Context, tmp_path: Path, qtbot: QtBot
) -> None:
    context.actions["sweep.csv"].trigger()
    dialog = view.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert not dialog.isModal()
    path = tmp_path / "chosen.csv"
    dialog.fileSelected.emit(str(path))
    assert path.read_text().startswith("run,part,")
    dialog.close()
    qtbot.waitUntil(lambda: view.findChild(QFileDialog) is None)
