"""The queue with a real rig file: what is refused when it is added, what becomes an alarm."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from rig_ports import PORTS

from atta_daq.cli.rehearsed_rig import ROOM
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig, rig_config
from atta_daq.station.alarms import Alarms
from atta_daq.station.check_scan import check_scan
from atta_daq.station.control import Control
from atta_daq.station.errors import RigBusy
from atta_daq.station.expected import light_of
from atta_daq.station.queue.entry import EntryRun, Outcome
from atta_daq.station.queue.on_station import NightQueue
from atta_daq.station.rig_use import RigUse

SCAN = """
name = "night"
[[part]]
isotope = 85
dwell_s = 60.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-100.0, 60.0, 200.0]
"""
CONFIG = rig_config(rig_file(PORTS, "co"), "rig.toml")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., NightQueue]:
    def queue(config: RigConfig = CONFIG, clock: RigClock | None = None) -> NightQueue:
        nothing: Any = None
        use = RigUse(nothing, lambda _name: None, lambda *_: None)
        alarms = Alarms(lambda *_: None, lambda *_: None, lambda: 0.0)
        made = NightQueue(
            config, tmp_path, clock or RigClock(), light_of(config),
            Control(lambda _holder: None), use, alarms, lambda *_: None, (),
        )  # fmt: skip
        made.open()
        return made

    return queue


def add(queue: NightQueue, scan: str = SCAN) -> Any:
    return queue.handlers()["queue_add"]("me", {"scan": scan, "path": "night.toml"})


def test_the_prediction_is_the_one_of_the_scans_check(
    make: Callable[[], NightQueue], tmp_path: Path
) -> None:
    answer = add(make())
    checked = check_scan(SCAN, CONFIG, tmp_path)
    assert answer["name"] == "night"
    assert answer["duration_s"] == checked["duration_s"]
    assert answer["archive_bytes"] == checked["archive_bytes"]


def test_of_a_scan_that_chooses_its_blocks_the_whole_is_predicted(
    make: Callable[[], NightQueue], tmp_path: Path
) -> None:
    """Its floor was taken for the whole, in the list and for the room on the disk."""
    adaptive = SCAN.replace("dwell_s = 60.0", "dwell_s = 600.0\nreference_every = 3") + (
        '[adaptive]\nparameter = "amplitude"\nfloor_s = 60.0\n'
    )
    answer = add(make(), adaptive)
    checked = check_scan(adaptive, CONFIG, tmp_path)
    assert answer["duration_s"] == pytest.approx(checked["duration_s"], rel=0.1)
    assert answer["archive_bytes"] == pytest.approx(checked["archive_bytes"], rel=0.1)
    assert answer["duration_s"] > 4 * 600.0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dwell_s", "dwel_s", r"night\.toml:\n.*dwel_s"),
        ("name = ", "name ", "not a scan file"),
        ("-100.0", "-9000.0", "cannot reach 1 of the scan's points"),
        ('name = "night"', 'name = "night"\ngeometry = "counter"', "counter-propagating light"),
    ],
)
def test_what_run_refuses_is_refused(
    make: Callable[[], NightQueue], old: str, new: str, reason: str
) -> None:
    queue = make()
    with pytest.raises(CommandRefused, match=reason):
        add(queue, SCAN.replace(old, new))
    assert not queue.keeper.night.open


def test_a_disk_without_room_is_refused(
    make: Callable[[], NightQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make()
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 0, 5_000_001_000))
    with pytest.raises(CommandRefused, match=r"room for 0\.0 GB; the queue would need"):
        add(queue)


def test_a_rehearsal_may_fill_its_disk(
    make: Callable[..., NightQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Often a small one, in memory."""
    queue = make(rig_config({**rig_file(PORTS, "co"), **ROOM}, "rig.toml"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(4 * 10**9, 0, 3 * 10**9))
    assert add(queue)["entry"] == 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(4 * 10**9, 0, 1000))
    with pytest.raises(CommandRefused, match=r"room for 0\.0 GB; the queue would need"):
        add(queue)


def test_an_interrupted_entry_waits_for_room_and_needs_no_more_than_its_rest(
    make: Callable[[], NightQueue], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = make()
    needed = add(queue)["archive_bytes"]
    first = EntryRun(run_id="r1", begun_utc_s=0.0)
    queue.keeper.change(lambda night: night.begins(1, first))
    queue.keeper.change(lambda night: night.run_ended("r1", Outcome.DIED, "power", 1.0))
    asked: list[str] = []
    station: Any = SimpleNamespace(go_on_with=lambda run, *_, **__: asked.append(run))
    queue._commands = station
    left_bytes = int(CONFIG.unattended.leave_free_gb * 1e9)
    usage = Usage(10**12, 0, left_bytes + int(needed) // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(RigBusy, match="entry 1 needs"):
        queue.go_on_with("r1")
    assert asked == []
    (tmp_path / "r1").mkdir()
    with (tmp_path / "r1" / "frames.h5").open("wb") as frames:
        frames.truncate(int(needed) // 2 + 1000)
    queue.go_on_with("r1")
    assert asked == ["r1"]


def told(queue: NightQueue) -> list[tuple[str, str]]:
    return [(cause.id, cause.severity) for cause in queue.causes()]


def test_what_an_operator_has_not_done_is_an_alarm(make: Callable[[], NightQueue]) -> None:
    queue = make()
    add(queue)
    queue.handlers()["queue_pause"]("me", {})
    assert told(queue) == []
    queue.keeper.resume(None)
    queue.keeper.change(lambda night: night.refused(1, "the cavity was exchanged", 1.0))
    assert told(queue) == [("queue:paused", "major")]
    assert "the cavity was exchanged" in next(iter(queue.causes())).text


def test_a_new_station_waits_and_says_so(make: Callable[[], NightQueue]) -> None:
    first = make()
    assert told(first) == []
    add(first)
    again = make()
    assert told(again) == [("queue:paused", "minor")]
    assert "started anew" in next(iter(again.causes())).text


def test_a_queue_that_cannot_be_read_is_an_alarm_and_is_never_written(
    make: Callable[[], NightQueue], tmp_path: Path
) -> None:
    add(make())
    path = tmp_path / "queue" / f"{CONFIG.name}.json"
    path.write_text(path.read_text()[:-40])
    damaged = path.read_text()
    queue = make()
    assert told(queue) == [("queue:file", "major")]
    for name, arguments in (("add", {"scan": SCAN}), ("resume", {}), ("clear", {"which": "all"})):
        with pytest.raises(CommandRefused, match="cannot be read"):
            queue.handlers()[f"queue_{name}"]("me", arguments)
    assert path.read_text() == damaged


@pytest.mark.parametrize(("rate", "waits"), [(1.0, False), (60.0, True)])
def test_a_start_time_is_utc_also_when_the_clock_is_set_after_the_start(
    make: Callable[..., NightQueue], rate: float, waits: bool
) -> None:
    """The computer booted two hours slow, NTP set its clock when the station ran. A rig that runs
    faster has its own time."""
    rig = {**rig_file(PORTS, "co"), "clock": {"rate": rate}}
    slow_s = time.time() - 7200.0
    queue = make(rig_config(rig, "rig.toml"), RigClock(rate, slow_s, wall=lambda: slow_s))
    hour_ago = datetime.fromtimestamp(time.time() - 3600.0, UTC).isoformat()
    queue.handlers()["queue_add"]("me", {"scan": SCAN, "path": "n", "not_before": hour_ago})
    queue._starter.step()
    assert bool(queue._starter.waits[1]) == waits
    soon = datetime.fromtimestamp(time.time() + 3600.0, UTC).isoformat()
    queue.handlers()["queue_change"]("me", {"entry": "1", "not_before": soon})
    queue._starter.step()
    assert queue._starter.waits[1].startswith("not before ")
