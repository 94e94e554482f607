"""`atta-daq queue` on a real PVA server whose rig is of the mind."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from queue_desk import Desk

from atta_daq.cli import queue as command
from atta_daq.client.client import Endpoint
from atta_daq.client.names import COMMANDS
from atta_daq.rig.config import load_rig
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.queue.table import reason_of, rows, state_of
from atta_daq.station.server import StationServer


class Station:
    """A server for a desk."""

    def __init__(self, rig: str) -> None:
        self.desk = Desk()
        handlers: dict[str, Any] = {c.name: lambda _c, _a: {} for c in COMMANDS}
        control = self.desk.control
        handlers |= self.desk.commands
        handlers |= {
            "take_control": lambda c, a: control.take(c, force=a.get("force") == "True"),
            "release_control": lambda c, _a: control.release(c),
        }
        self.server = StationServer(rig, handlers, time.time)
        self.endpoint = Endpoint(
            rig, "127.0.0.1", self.server.tcp_port, self.server.udp_port, 1, ""
        )
        self.post()

    def post(self) -> None:
        night, starter = self.desk.station.night, self.desk.station.starter
        nan = float("nan")
        self.server.post_table(rows(night, starter.waits, self.desk.clock[0], nan), "queue:table")
        self.server.post("queue:state", state_of(night))
        self.server.post("queue:reason", reason_of(night, {}, ""))
        self.server.post("queue:paused", night.pause is not None)


@pytest.fixture
def rig_file(write_rig: Callable[..., Path]) -> Path:
    return write_rig()


@pytest.fixture
def station(rig_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    made = Station("simulated")
    monkeypatch.setattr(command, "find_station", lambda _rig: made.endpoint)
    yield made
    made.server.close()


@pytest.fixture
def queue(call: Callable[..., Any], rig_file: Path, station: Station) -> Callable[..., Any]:
    def run(*arguments: object) -> Any:
        station.post()
        return call("queue", *arguments, "--config", rig_file)

    return run


def test_a_night_is_laid_out_and_changed(
    queue: Callable[..., Any], station: Station, write_scan: Callable[..., Path]
) -> None:
    scan = write_scan()
    assert queue("pause", "--reason", "not yet").out == "paused\n"
    added = queue(
        "add", scan, "--priority", 2, "--repeats", 3, "--not-before", "2026-11-28T22:00+01:00",
        "--when", "no major alarm", "--when", "free disk > 20 GB", "--on-fault", "skip",
    )  # fmt: skip
    assert (added.code, added.out.startswith("entry 1: ")) == (0, True)
    assert "1.0 h and 1.00 GB each time" in added.out
    assert "paused: not yet" in added.err
    entry = station.desk.station.night.open[0]
    assert entry.scan == scan.read_text()
    assert entry.conditions == ("no major alarm", "free disk > 20 GB")
    assert (entry.priority, entry.repeats, entry.on_fault) == (2, 3, "skip")
    answer = json.loads(queue("add", scan, "--json").out)
    assert (answer["entry"], answer["paused"]) == (2, True)
    assert "its priority is 2" in queue("move", 2, "--before", "first").out
    assert json.loads(queue("move", 1, "--priority", -1, "--json").out)["priority"] == -1
    changed = queue("change", 1, "--repeats", 4, "--not-before", "", "--when", "", "--scan", scan)
    assert (changed.code, changed.out.startswith("entry 1 changed: ")) == (0, True)
    entry = station.desk.station.night.entry(1)
    assert (entry.repeats, entry.not_before_s, entry.conditions) == (4, None, ())
    assert entry.on_fault == "skip"
    assert "nothing to change" in queue("change", 1).err
    listed = json.loads(queue("list", "--json").out)
    assert (listed["state"], listed["reason"]) == ("paused", "not yet")
    assert [line["entry"] for line in listed["entries"]] == [2, 1]
    assert listed["entries"][0]["expected_start"] is None
    queue("change", 2, "--when", "no alarm")
    shown = queue("list").out
    assert "paused: not yet" in shown
    assert "needs:" in shown, "a condition by itself reads as what keeps the entry waiting"
    assert "0/4" in shown
    assert "goes on" in queue("resume").out
    assert queue("remove", 2).out == "entry 2 removed\n"
    assert json.loads(queue("clear", "all", "--json").out) == {"removed": [1]}
    assert queue("clear").out == "0 entries removed\n"
    # Control is free again: a window can command at once.
    station.desk.control.require("a window")


def test_a_refusal_is_a_wrong_argument(
    queue: Callable[..., Any], station: Station, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("bad")
    refused = queue("add", bad)
    assert (refused.code, "dwell_s is missing" in refused.err) == (2, True)
    assert queue("remove", 7).code == 2
    assert "either --before or --priority" in queue("move", 1).err
    assert "no offset" in queue("add", bad, "--not-before", "2026-11-28T22:00").err
    assert not station.desk.station.night.open


def test_another_client_in_control_is_asked_or_overruled(
    queue: Callable[..., Any], station: Station
) -> None:
    station.desk.control.require("bench")
    refused = queue("pause")
    assert (refused.code, "bench holds control" in refused.err) == (2, True)
    assert queue("pause", "--force").code == 0


def test_without_a_station_the_list_is_read_from_the_disk(
    call: Callable[..., Any], rig_file: Path, tmp_path: Path, write_scan: Callable[..., Path]
) -> None:
    data = tmp_path / "data"
    desk = Desk()
    desk("add", scan="a")
    store = QueueStore(data, load_rig(rig_file).name)
    store.save(desk.station.night)
    listed = json.loads(call("queue", "list", "--config", rig_file, "--data", data, "--json").out)
    assert (listed["reason"], [e["name"] for e in listed["entries"]]) == ("no station runs", ["a"])
    assert listed["entries"][0]["expected_start"] is None
    none = call("queue", "add", write_scan(), "--config", rig_file)
    assert (none.code, "no station runs" in none.err) == (3, True)
    store.path.write_text("{")
    damaged = call("queue", "list", "--config", rig_file, "--data", data)
    assert (damaged.code, str(store.path) in damaged.err) == (2, True)
