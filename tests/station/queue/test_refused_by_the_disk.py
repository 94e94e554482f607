"""What becomes of an entry whose run the disk does not let begin: asked again, or failed."""

import errno
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from queue_desk import Desk
from stored_runs import Clock

from atta_daq.archive import ballast, run_folder
from atta_daq.archive.header import RunHeader
from atta_daq.archive.run_folder import RunWriter
from atta_daq.scans.definition import parse_scan
from atta_daq.station.queue.entry import Entry
from atta_daq.station.queue.keeper import Announce
from atta_daq.station.runs import Runs

SCAN = parse_scan('name = "night"\n[[part]]\nisotope = 85\ndwell_s = 10.0\n')


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A queue whose runs begin in a folder as those of a station do."""
    made = Desk()
    runs: Any = object.__new__(Runs)
    runs._mutex, runs._session = threading.Lock(), None
    runs.drift = SimpleNamespace(begin=lambda *_: None)

    def begin(*arguments: Any) -> None:
        arguments[-1]("r1")
        header = RunHeader("r1", "night", (85,), "co", ())
        RunWriter.create(tmp_path, header, rig_now=Clock(), utc_now=Clock())

    runs._new_session = begin

    def take(entry: Entry, announce: Announce) -> None:
        request: Any = SimpleNamespace(config=object())
        runs.start(SCAN, (), request, entry.scan, announce=announce)

    made.station.rig.take = take
    made("add", scan="night")
    return made


def refused(number: int) -> Any:
    def raise_(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return raise_


WHERE: dict[str, tuple[object, str]] = {
    "the folder": (Path, "mkdir"),
    "its room": (ballast, "_fill"),
    "a file": (run_folder, "OwnerLock"),
}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_what_nobody_mends_at_night_fails_the_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str, number: int
) -> None:
    """It was asked again five times a second until the morning."""
    target, name = WHERE[where]
    monkeypatch.setattr(target, name, refused(number))
    desk.lines()
    (entry,) = desk.station.night.ended
    assert entry.state.value == "failed"
    assert os.strerror(number) in entry.reason
    assert desk.station.starter.busy == ""


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str, number: int
) -> None:
    target, name = WHERE[where]
    monkeypatch.setattr(target, name, refused(number))
    desk.lines()
    (entry,) = desk.station.night.open
    assert entry.state.value == "waiting"
    assert os.strerror(number) in desk.station.starter.busy
