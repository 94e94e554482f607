"""The table of runs and the words of its details."""

from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from gui.runs.model import COLUMNS, LINE_ROLE, RunLine, RunsModel
from gui.theme.palettes import Tone


def run(run_id: str, **changes: Any) -> dict[str, Any]:
    """One element of the answer of `runs`."""
    return {
        "run_id": run_id, "name": "85Kr spectrum", "isotopes": [83, 85], "state": "complete",
        "started_utc_s": 1.79e9, "duration_s": 12_600.0, "sample": "lake", "note": "n",
        "geometry": "co",
    } | changes  # fmt: skip


def texts(model: RunsModel, row: int) -> dict[str, str]:
    return {name: model.index(row, n).data() for n, name in enumerate(COLUMNS)}


def test_rows_are_the_runs_in_the_order_of_the_station(qapp: object) -> None:
    model = RunsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert model.rowCount() == 0
    lines = tuple(RunLine.from_dict(run(name)) for name in ("b", "a"))
    assert model.show_lines(lines)
    assert not model.show_lines(lines)
    assert COLUMNS[:3] == ("State", "Name", "Started"), "what tells runs apart, in a narrow list"
    assert [texts(model, row)["Run"] for row in range(model.rowCount())] == ["b", "a"]
    shown = texts(model, 0)
    assert shown["Isotopes"] == "83Kr, 85Kr"
    assert shown["Duration"] == "3 h 30 min"
    assert shown["Started"].startswith("2026-")
    assert model.row_of("a") == 1
    assert model.row_of("c") == -1
    assert model.index(1, 0).data(LINE_ROLE) is lines[1]
    assert model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "State: complete"
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Name"
    assert model.data(QModelIndex()) is None


def test_a_run_under_way_has_no_duration_yet(qapp: object) -> None:
    model = RunsModel()
    assert model.show_lines((RunLine.from_dict(run("a", state="running", duration_s=None)),))
    assert texts(model, 0)["Duration"] == "–"


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        ("running", Tone.BUSY), ("complete", Tone.OK), ("aborted", Tone.WARNING),
        ("crashed", Tone.DANGER), ("of another version", Tone.STALE),
    ],
)  # fmt: skip
def test_each_state_has_its_tone(state: str, tone: Tone) -> None:
    assert RunLine.from_dict(run("a", state=state)).tone is tone
