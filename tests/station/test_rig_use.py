"""One hand on the rig: what waits, what is refused, what STOP ends."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from atta_daq.client.client import CommandRefused
from atta_daq.station.activity import Activity
from atta_daq.station.errors import RigBusy
from atta_daq.station.rig_use import RigUse
from drivers.errors import ConnectionLost
from drivers.fair_lock import FairLock

TIMEOUT_S = 20.0


class Instruments:
    def __init__(self) -> None:
        self.done: list[str] = []

    def leave_dark(self) -> list[str]:
        self.done.append("dark")
        return []

    def darken_camera(self) -> list[str]:
        self.done.append("camera dark")
        return ["camera: did not answer"]


class Run:
    run_id = "r1"
    paused = False


class Bench:
    """A `RigUse` with what it announced and said."""

    def __init__(self) -> None:
        self.instruments: Any = Instruments()
        self.announced: list[str] = []
        self.said: list[str] = []
        self.stops: list[int] = []
        self.use = RigUse(self.instruments, self.announced.append, self._hear, self.stops.append)

    def _hear(self, text: str, level: str = "info", source: str = "station") -> None:
        self.said.append(text)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.use.stop("the test is over")
    made.use.settle(TIMEOUT_S)


def test_the_rest_of_a_sequence_is_refused_after_a_stop(bench: Bench) -> None:
    with bench.use.as_of(0), bench.use.move():
        pass
    bench.use.stop("STOP")
    assert bench.stops == [1]
    with pytest.raises(RigBusy, match="STOP came first"), bench.use.as_of(0):
        pytest.fail("nothing of it is carried out")
    # One that comes between the arrival of a command and its move, too.
    with bench.use.as_of(1):
        bench.use.stop("STOP")
        with pytest.raises(RigBusy, match="STOP came first"), bench.use.move():
            pytest.fail("nothing is moved")
    with bench.use.move():
        pass


def test_the_number_of_stops_is_told_from_the_start_on(bench: Bench) -> None:
    """STOP may come between the first client and this: its number must stand."""
    bench.use.announce_stops()
    assert bench.stops == [0]
    bench.use.stop("STOP by office")
    bench.use.announce_stops()
    assert bench.stops == [0, 1, 1]
    posted = bench.stops

    def stop_meanwhile(stops: int) -> None:
        if len(posted) == 3:
            posted.append(-1)
            bench.use.stop("STOP by home")
        posted.append(stops)

    bench.use._stopped = stop_meanwhile
    bench.use.announce_stops()
    assert posted[-1] == 2


def test_the_end_of_the_station_ends_all_and_is_no_stop(bench: Bench) -> None:
    activity = bench.use.begin("alignment", until_ended)
    activity.wait_ready()
    with bench.use.as_of(0):
        assert bench.use.shut_down("the station was shut down")
        bench.use.settle(TIMEOUT_S)
        refused = pytest.raises(RigBusy, match="the station is ending; nothing was moved")
        with refused, bench.use.move():
            pytest.fail("nothing is moved")
    assert activity.ended.is_set()
    assert bench.stops == []


def until_ended(activity: Activity) -> None:
    activity.ready()
    assert activity.pause(TIMEOUT_S)


def test_an_activity_is_named_and_leaves_the_camera_dark(bench: Bench) -> None:
    activity = bench.use.begin("alignment", until_ended)
    activity.wait_ready()
    assert bench.use.activity is activity
    bench.use.end_activity("enough")
    assert bench.announced == ["alignment", ""]
    assert bench.instruments.done == ["camera dark"]
    assert bench.said == ["camera: did not answer"]
    assert bench.use.activity is None


def test_a_fault_ends_it_with_a_message_and_darkens_all(bench: Bench) -> None:
    def work(_activity: Activity) -> None:
        raise ConnectionLost("camera", "unplugged")

    activity = bench.use.begin("camera view 85Kr", work)
    with pytest.raises(CommandRefused, match="camera: unplugged"):
        activity.wait_ready()
    assert bench.said == ["camera view 85Kr ended: camera: unplugged"]
    assert bench.instruments.done == ["dark"]
    assert bench.use.activity is None


def test_a_bug_in_it_is_no_silence(bench: Bench) -> None:
    def work(_activity: Activity) -> None:
        raise KeyError("x")

    with pytest.raises(CommandRefused, match="zeroing failed: KeyError"):
        bench.use.begin("zeroing", work).wait_answer()


def test_what_stop_breaks_off_is_no_fault(bench: Bench) -> None:
    def work(activity: Activity) -> None:
        until_ended(activity)
        raise ConnectionLost("loading", "the record was cancelled")

    activity = bench.use.begin("alignment", work)
    activity.wait_ready()
    assert bench.use.stop("STOP by me")
    bench.use.settle(TIMEOUT_S)
    assert bench.instruments.done == ["camera dark"]
    with pytest.raises(CommandRefused, match="alignment was ended: STOP by me"):
        activity.wait_answer()


def test_it_answers_at_its_end(bench: Bench) -> None:
    assert bench.use.begin("zeroing", lambda _: {"ratio": 0.4}).wait_answer() == {"ratio": 0.4}


@pytest.mark.parametrize(("exclusive", "allowed"), [(False, True), (True, False)])
def test_moves_beside_an_activity(bench: Bench, exclusive: bool, allowed: bool) -> None:
    bench.use.begin("view", until_ended, exclusive=exclusive)
    with pytest.raises(CommandRefused, match="view is under way"), bench.use.move():
        pass
    with pytest.raises(CommandRefused, match="view is under way"):
        bench.use.begin("other", until_ended)
    moves = bench.use.moves
    if allowed:
        with bench.use.move(beside=True):
            assert bench.use.moves == moves + 1
        assert bench.use.moves == moves + 2
    else:
        with pytest.raises(CommandRefused), bench.use.move(beside=True):
            pass
        assert bench.use.moves == moves


def test_a_run_ends_an_activity_and_keeps_others_out(bench: Bench) -> None:
    run = Run()
    activity = bench.use.begin("view", until_ended)
    with bench.use.before_run():
        assert activity.ended.is_set()
        bench.use.run = lambda: run
    with pytest.raises(CommandRefused, match="run r1 is under way"), bench.use.move():
        pass
    run.paused = True
    with pytest.raises(CommandRefused, match="run r1 is under way"), bench.use.move():
        pass
    with bench.use.move(paused=True):
        pass


def test_stop_beside_a_run_that_waits_for_an_activity(bench: Bench) -> None:
    def work(activity: Activity) -> None:
        until_ended(activity)
        bench.use.stop("STOP")

    bench.use.begin("alignment", work).wait_ready()
    with pytest.raises(RigBusy, match="STOP came first"), bench.use.before_run():
        pytest.fail("the run starts behind STOP")


def test_stop_just_before_an_activity_is_there(bench: Bench) -> None:
    """STOP finds nothing to end, and nothing may begin behind it."""
    bench.use._announce = lambda name: bench.use.stop("STOP by me") if name else None
    begun: list[Activity] = []
    with bench.use.as_of():
        activity = bench.use.begin("alignment", begun.append)
    with pytest.raises(CommandRefused, match="alignment was ended: STOP by me"):
        activity.wait_ready()
    assert activity.ended.wait(TIMEOUT_S)
    assert begun == []
    assert bench.use.activity is None


def test_what_was_begun_within_is_as_of_the_outer_beginning(bench: Bench) -> None:
    with bench.use.as_of(0):
        with bench.use.as_of():
            assert bench.use.stopped() == ""
            bench.use.stop("STOP by me")
            assert bench.use.stopped() == "STOP by me"
        refused = pytest.raises(RigBusy, match="STOP came first")
        with refused, bench.use.as_of():
            pytest.fail("nothing of it is carried out")
    assert bench.use.stopped() == ""


class Turn(FairLock):
    """It tells when somebody begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Semaphore(0)

    def __enter__(self) -> FairLock:
        self.asked.release()
        return super().__enter__()


def test_a_move_that_waits_when_stop_comes_is_not_made(bench: Bench) -> None:
    turn = Turn()
    bench.use._turn = turn
    release = threading.Event()
    outcome: list[str] = []

    def first() -> None:
        with bench.use.move():
            assert release.wait(TIMEOUT_S)

    def second() -> None:
        try:
            with bench.use.move():
                outcome.append("moved")
        except CommandRefused as error:
            outcome.append(str(error))

    threads = []
    for work in (first, second):
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()
        assert turn.asked.acquire(timeout=TIMEOUT_S)
    assert bench.use.stop("STOP"), "a move is under way"
    release.set()
    bench.use.settle(TIMEOUT_S)
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert outcome == ["STOP came first; nothing was moved"]
    assert not bench.use.stop("again"), "nothing is under way any more"


def test_a_run_that_nobody_waits_for_ends_nothing_for_itself(bench: Bench) -> None:
    activity = bench.use.begin("alignment", until_ended)
    with pytest.raises(RigBusy, match="alignment is under way"), bench.use.free():
        pytest.fail("the rig was not free")
    assert not activity.ended.is_set()
    bench.use.end_activity("enough")
    with bench.use.free():
        assert bench.use.busy() == ""
    run: Any = Run()
    bench.use.run = lambda: run
    with pytest.raises(RigBusy, match="run r1 is under way"), bench.use.free():
        pytest.fail("the rig was not free")
