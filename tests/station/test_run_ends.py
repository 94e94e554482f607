"""The end of a run as clients see it: who sees the outcome may start the next one."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.archive.run_folder import RunState
from atta_daq.scans.definition import parse_scan
from atta_daq.station import runs as module
from atta_daq.station.run_display import RunDisplay
from atta_daq.station.runs import Runs

SCAN = """name = "small"
[[part]]
isotope = 85
dwell_s = 10.0
"""


def nothing(*_: object, **__: object) -> None:
    """What the end of a run does besides is no concern of this test."""


def test_the_next_run_may_start_when_the_outcome_is_seen_and_shows_behind_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "part_points", lambda *_, **__: [])
    posted: list[tuple[str, object]] = []
    runs: Any = object.__new__(Runs)

    def start_the_next() -> None:
        """As `Runs.start` does: under the mutex, when there is no session."""
        with runs._mutex:
            posted.append(("free", runs.session is None))
            runs._display.state("preparing")

    next_one = threading.Thread(target=start_the_next)

    def post(name: str, value: object) -> None:
        posted.append((name, value))
        if name == "run:outcome":
            next_one.start()

    runs._mutex, runs._writer, runs._request, runs.data = threading.Lock(), None, None, tmp_path
    runs._session = SimpleNamespace(
        run=lambda: (RunState.COMPLETE, ""), run_id="mine", fault=None, skipped=0,
        definition=parse_scan(SCAN), measurement=[],
    )  # fmt: skip
    runs._say, runs.drift = nothing, SimpleNamespace(end=nothing)
    runs._alarms = SimpleNamespace(clear=nothing)
    runs._worker = SimpleNamespace(drain=lambda _s: True, submit_last=nothing)
    runs._catalogue = SimpleNamespace(update=nothing)
    server: Any = SimpleNamespace(post=post, post_table=nothing)
    runs._display = RunDisplay(server)
    runs._carry_out()
    next_one.join(10.0)
    told = [(name, value) for name, value in posted if name in ("run:outcome", "run:state", "free")]
    assert told == [
        ("run:outcome", "complete"), ("run:state", "idle"),
        ("free", True), ("run:state", "preparing"),
    ]  # fmt: skip
