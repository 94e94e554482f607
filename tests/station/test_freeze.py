"""Freezing the lock by hand waits for no move of it, and none that was given before undoes it."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.client.names import STOPS_SEEN
from atta_daq.rig.config import rig_config
from atta_daq.station.commands import Commands
from atta_daq.station.control import Control
from atta_daq.station.log import Level
from atta_daq.station.manual import Manual
from atta_daq.station.rig_use import RigUse
from drivers.errors import ConnectionLost, DeviceFault

TIMEOUT_S = 20.0


class Lock:
    """It does not land before it is frozen."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.moves, self.frozen = threading.Event(), threading.Event()
        self.silent = False

    def relock(self) -> None:
        self.asked.append("relock")
        self.moves.set()
        assert self.frozen.wait(TIMEOUT_S)
        raise DeviceFault("lock", "the lock was frozen meanwhile", "relock it when ready")

    def freeze(self) -> None:
        self.asked.append("freeze")
        self.frozen.set()
        if self.silent:
            raise ConnectionLost("lock", "unplugged")


class Desk:
    """The commands of a station whose rig is a lock."""

    def __init__(self) -> None:
        config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.said: list[str] = []
        self.stops: list[int] = []
        self.lock = Lock()
        anything: Any = SimpleNamespace(forget=lambda: None)
        rig: Any = SimpleNamespace(lock=self.lock)
        self.use = RigUse(rig, lambda _name: None, self.say, self.stops.append)
        control = Control(lambda _holder: None)
        manual = Manual(rig, config, anything, anything, control, self.use, self.say)
        self.handlers = Commands(
            config, anything, control, self.use, manual.handlers(), self.say, lambda: None, anything
        ).handlers()
        control.take("office", force=False)

    def say(self, text: str, level: Level = "info", source: str = "station") -> None:
        self.said.append(text)

    def ask(self, command: str, **arguments: str) -> str:
        """What the station answers, or why it refuses."""
        try:
            return str(self.handlers[command]("office", arguments))
        except CommandRefused as refused:
            return str(refused)

    def until(self, condition: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline_s
            time.sleep(0.005)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.lock.frozen.set()
    made.use.stop("the test is over")
    made.use.settle(TIMEOUT_S)


def test_it_breaks_off_a_relock_under_way_and_the_one_that_waits(desk: Desk) -> None:
    answers: dict[str, str] = {}
    orders = []
    for name in ("first", "second"):
        orders.append(
            threading.Thread(
                target=lambda name=name: answers.update({name: desk.ask("relock")}), daemon=True
            )
        )
        orders[-1].start()
        desk.until(desk.lock.moves.is_set)
    desk.until(lambda: desk.use._turn._waiting)
    begun_s = time.monotonic()
    frozen = threading.Thread(
        target=lambda: answers.update(freeze=desk.ask("freeze_lock")), daemon=True
    )
    frozen.start()
    assert desk.lock.frozen.wait(1.0), "it waits behind the relock"
    for order in (*orders, frozen):
        order.join(TIMEOUT_S)
    assert time.monotonic() - begun_s < 1.0
    assert answers == {
        "first": "the lock was frozen by office; lock: the lock was frozen meanwhile "
        "\N{EM DASH} relock it when ready",
        "second": "the lock was frozen by office; nothing was moved",
        "freeze": "{'lock': 'frozen'}",
    }
    assert desk.lock.asked == ["relock", "freeze", "freeze"]
    assert desk.said == ["lock frozen"]


def test_what_was_given_before_and_comes_later_does_not_undo_it(desk: Desk) -> None:
    assert desk.ask("freeze_lock") == "{'lock': 'frozen'}"
    assert desk.stops == [1], "clients hear of it"
    refused = "the lock was frozen by office; nothing was moved"
    assert desk.ask("relock", **{STOPS_SEEN: "0"}) == refused
    assert "relock" not in desk.lock.asked
    # A relock that is given in knowledge of it is carried out.
    desk.ask("relock", **{STOPS_SEEN: "1"})
    assert desk.lock.asked[-1] == "relock"


def test_stop_and_a_freeze_are_not_taken_for_each_other(desk: Desk) -> None:
    desk.ask("freeze_lock")
    desk.use.stop("STOP by office")
    assert desk.ask("relock", **{STOPS_SEEN: "1"}) == "STOP came first; nothing was moved"


def test_a_lock_that_does_not_answer_is_told_twice_and_named(desk: Desk) -> None:
    desk.lock.silent = True
    assert desk.ask("freeze_lock") == "lock: unplugged"
    assert desk.lock.asked == ["freeze", "freeze"]


def test_a_run_has_the_lock_unless_it_is_paused(desk: Desk) -> None:
    run: Any = SimpleNamespace(run_id="r1", paused=False)
    desk.use.run = lambda: run
    assert desk.ask("freeze_lock") == "run r1 is under way and moves the rig"
    assert (desk.lock.asked, desk.stops) == ([], [])
    run.paused = True
    assert desk.ask("freeze_lock") == "{'lock': 'frozen'}"
