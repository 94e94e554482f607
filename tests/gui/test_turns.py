"""Moves leave in their order, also as the window closes."""

import threading
from collections.abc import Callable, Iterator

import pytest

from gui.link import turns as module
from gui.link.turns import Job, Turns

TIMEOUT_S = 20.0


class Station:
    """Hears of a job when it is allowed to, and has it over when that is allowed, too."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.heard: list[str] = []
        self._allowed: set[str] = set()
        self._changed = threading.Condition()

    def job(self, name: str) -> Job:
        def work(heard: Callable[[], None]) -> None:
            with self._changed:
                self.given.append(name)
                self._changed.notify_all()
                self._wait(lambda: f"hear {name}" in self._allowed or "all" in self._allowed)
                self.heard.append(name)
                self._changed.notify_all()
            heard()
            with self._changed:
                self._wait(lambda: f"end {name}" in self._allowed or "all" in self._allowed)

        return work

    def allow(self, *what: str) -> None:
        with self._changed:
            self._allowed.update(what)
            self._changed.notify_all()

    def wait_given(self, *names: str) -> None:
        with self._changed:
            self._wait(lambda: self.given == list(names))

    def wait_heard(self, *names: str) -> None:
        with self._changed:
            self._wait(lambda: self.heard == list(names))

    def _wait(self, condition: Callable[[], bool]) -> None:
        assert self._changed.wait_for(condition, TIMEOUT_S)


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    yield made
    made.allow("all")


def closing(turns: Turns) -> threading.Thread:
    thread = threading.Thread(target=turns.close, daemon=True)
    thread.start()
    return thread


def test_a_move_waits_for_the_end_of_the_one_before(station: Station) -> None:
    turns = Turns()
    turns.in_turn(station.job("ramp"))
    turns.in_turn(station.job("light off"))
    turns.at_once(station.job("note"))
    station.allow("hear ramp", "hear note")
    with station._changed:
        station._wait(lambda: set(station.heard) == {"ramp", "note"})
    assert "light off" not in station.given
    station.allow("end ramp", "hear light off")
    with station._changed:
        station._wait(lambda: station.heard[2:] == ["light off"])


def test_what_waits_as_the_window_closes_leaves_in_its_order(station: Station) -> None:
    turns = Turns()
    # Also behind one that was given a moment ago and looks for its channel still.
    for name in ("ramp", "light on", "light off"):
        turns.in_turn(station.job(name))
    station.wait_given("ramp")
    thread = closing(turns)
    for name in ("ramp", "light on", "light off"):
        with station._changed:
            station._wait(lambda name=name: station.given[-1] == name)
        assert thread.is_alive(), "it waits until the station has heard"
        station.allow(f"hear {name}")
    thread.join(TIMEOUT_S)
    assert not thread.is_alive(), "it waits for no answer"
    assert station.heard == ["ramp", "light on", "light off"]


def test_what_cannot_leave_in_time_is_told(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.3)
    turns = Turns()
    for number in range(4):
        turns.in_turn(station.job(f"move {number}"))
    station.allow("hear move 0")
    turns.close()
    station.wait_given("move 0", "move 1")
    assert caplog.messages == ["the window was closed before 2 commands were sent"]
    # Nor are they later: what the operator sees by then is that they were not.
    station.allow("all")
    station.wait_heard("move 0", "move 1")
    turns.close()
    assert station.given == ["move 0", "move 1"]


def test_what_comes_after_moves_waits_for_those_before_and_is_not_overtaken(
    station: Station,
) -> None:
    turns = Turns()
    turns.in_turn(station.job("seed current"))
    turns.after(station.job("zero"))
    turns.in_turn(station.job("light off"))
    station.allow("hear seed current")
    station.wait_heard("seed current")
    assert station.given == ["seed current"]
    station.allow("end seed current")
    station.wait_given("seed current", "zero")
    # Its channel may have to be looked for: 'light off' is heard behind it, and waits no longer.
    station.allow("hear light off", "hear zero")
    station.wait_heard("seed current", "zero", "light off")
