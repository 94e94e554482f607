"""A part without a fit is said in the station's log, though its fit ran in another process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.report import FILE
from atta_daq.archive.run_folder import RunState
from atta_daq.client.log import Level
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import load_rig
from atta_daq.station.finish import finish_run
from atta_daq.station.runs import Runs

ON_AND_OFF = """name = "on and off"

[[part]]
isotope = 85
dwell_s = 60.0
"""
PATIENCE_S = 120.0
"""Not for ever: a worker loads in seconds."""
SAID = "85Kr is not fitted: 85Kr: every segment was taken with pumping light"


class Desk:
    """Runs of no rig, and what they say."""

    def __init__(self, data: Path) -> None:
        self.said: Queue[tuple[str, str]] = Queue()
        self.config = load_rig(Path("examples/rig.toml"))
        nothing: Any = SimpleNamespace()
        shown: Any = SimpleNamespace(fits=lambda fits: None)
        use: Any = SimpleNamespace(run=None)
        self.runs = Runs(
            nothing, self.config, "", data, RigClock(), nothing, nothing,
            use, nothing, nothing, shown, nothing, self._say,
        )  # fmt: skip

    def _say(self, text: str, level: Level = "info", source: str = "") -> None:
        self.said.put((level, text))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.runs._worker.close()


def all_lit(desk: Desk, data: Path) -> Path:
    """An ended run of which everything was taken with pumping light."""
    writer = new_run(data, Clock(), scan=ON_AND_OFF, rig="", axes=(), taken_by=desk.config.name)
    for index in range(3):
        writer.segment(replace(stored_segment(index, run_id=writer.run_id), point=None))
    writer.close(RunState.COMPLETE)
    return writer.folder


def test_at_the_end_of_a_run(desk: Desk, tmp_path: Path) -> None:
    folder = all_lit(desk, tmp_path)
    desk.runs._in_view = folder.name
    desk.runs._worker.submit(finish_run, folder, None)
    assert desk.said.get(timeout=PATIENCE_S) == ("warning", SAID)
    assert (folder / FILE).exists()


def test_with_a_report_that_comes_late(desk: Desk, tmp_path: Path) -> None:
    folder = all_lit(desk, tmp_path)
    desk.runs.finish_what_was_left()
    _, text = desk.said.get(timeout=PATIENCE_S)
    assert folder.name in text
    assert text.endswith(f"; {SAID}")
