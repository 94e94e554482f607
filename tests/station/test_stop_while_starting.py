"""STOP, or the end of the station, while a run is being started: it must find something to end."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rig_ports import PORTS
from rigs import RunningStation

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import rig_config
from atta_daq.station.queue.fate import SHUT_DOWN
from atta_daq.station.rig_use import RigUse
from atta_daq.station.runs import Runs

TIMEOUT_S = 20.0
CONFIG = rig_config(rig_file(PORTS, "co"), "rig.toml")


class Session:
    """A run that goes on until somebody ends it."""

    run_id = "r1"

    def __init__(self, done: list[str]) -> None:
        self._done = done
        self.reasons: list[str] = []
        self.asked = threading.Event()
        self.ended = threading.Event()

    def expect_end(self, reason: str) -> None:
        self.reasons.append(reason)

    def end(self, reason: str) -> None:
        self.expect_end(reason)
        self.asked.set()

    def carry_out(self) -> None:
        self.asked.wait(TIMEOUT_S)
        self._done.append("run ended")
        self.ended.set()


class Desk:
    """Runs of a rig that notes when it is made safe."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.session = Session(self.done)
        self.safe = threading.Semaphore(0)
        rig: Any = self
        nothing: Any = SimpleNamespace(forget=lambda: None)
        self.use = RigUse(rig, lambda _name: None, lambda *_: None)
        self.runs = Runs(
            rig, CONFIG, "", data, RigClock(), nothing, nothing, self.use, nothing, nothing,
            nothing, nothing, lambda *_: None,
        )  # fmt: skip
        monkeypatch.setattr(Runs, "_run", lambda _runs: self.session.carry_out())
        monkeypatch.setattr(
            Runs, "_new_session", lambda _r, _d, _p, _s, _c, announce: self._made(announce)
        )
        self.runs.drift = nothing
        nothing.begin = lambda *_: None

    def make_safe(self) -> list[str]:
        self.done.append("safe")
        self.safe.release()
        return ["safe"]

    def _made(self, announce: Any) -> Session:
        announce("r1")
        return self.session

    def start(self, announce: Any) -> None:
        """As a command of a client does."""
        request: Any = SimpleNamespace(config=CONFIG)
        nothing: Any = None
        with self.use.as_of(), self.use.before_run():
            self.runs.start(nothing, (), request, "", announce=announce)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.session.asked.set()
    made.runs.close()


def beside(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_stop_while_the_folder_of_a_run_is_made(desk: Desk) -> None:
    threads: list[threading.Thread] = []

    def announce(_run_id: str) -> None:
        threads.append(beside(lambda: desk.runs.stop("STOP by office")))
        assert desk.safe.acquire(timeout=TIMEOUT_S), "the hardware comes first"

    desk.start(announce)
    threads[0].join(TIMEOUT_S)
    assert desk.session.ended.is_set(), "the run goes on behind STOP"
    assert set(desk.session.reasons) == {"STOP by office"}
    assert desk.done == ["safe", "run ended", "safe"]


def test_the_end_of_the_station_while_the_folder_of_a_run_is_made(desk: Desk) -> None:
    threads: list[threading.Thread] = []

    def announce(_run_id: str) -> None:
        threads.append(beside(desk.runs.halt))
        while not desk.use.stopped():
            pass

    desk.start(announce)
    threads[0].join(TIMEOUT_S)
    assert not threads[0].is_alive()
    assert desk.session.ended.is_set()
    assert set(desk.session.reasons) == {SHUT_DOWN}


@pytest.mark.timeout(120)
def test_stop_beside_a_start_that_waits_for_an_activity(station: RunningStation) -> None:
    command, wait_for = station.client.command, station.wait_for
    command("light_on", timeout_s=60.0)
    command("align", on=True)
    wait_for("loading:meter", lambda v: v > 0.0)
    answers: list[object] = []

    def start() -> None:
        scan = Path("scans/demo.toml").read_text()
        try:
            answers.append(command("run", 60.0, scan=scan))
        except CommandRefused as refused:
            answers.append(refused)

    thread = beside(start)
    command("stop", 60.0)
    thread.join(TIMEOUT_S)
    assert len(answers) == 1
    wait_for("run:state", lambda state: state in ("", "idle"), 30.0)
    wait_for("amplifier:on", lambda on: not on, 10.0)
    wait_for("station:activity", lambda name: name == "", 10.0)
    assert not isinstance(answers[0], dict) or "STOP" in station.client.get("run:outcome")
