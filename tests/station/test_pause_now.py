"""Pause now, with the real run, engine and journal: in a segment, and while the run waits."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bluesky.utils import Msg
from rig_ports import PORTS

from atta_daq.analysis.records import Segment, Setting
from atta_daq.archive.chain import whole_blocks
from atta_daq.archive.header import RunHeader
from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.run_folder import Run, RunState, RunWriter, open_run
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.errors import CommandRefused
from atta_daq.rig.config import rig_config
from atta_daq.rig.cures import Obstacles
from atta_daq.rig.recipes import Recipe
from atta_daq.rig.taker import Place
from atta_daq.scans.blocks import PlannedSegment, blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station import session as sessions
from atta_daq.station.rig_use import RigUse
from atta_daq.station.session import Hooks, RunSession
from drivers.errors import DeviceFault

CONFIG = rig_config(rig_file(PORTS, "co"), "rig.toml")
SCAN = """name = "paused"
bracket_period_s = 25.0
[[part]]
isotope = 85
dwell_s = 10.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [0.0, 100.0, 200.0, 300.0]
"""
DEFINITION = parse_scan(SCAN)
PLAN = blocks(DEFINITION, CONFIG.scan_timing())
TIMEOUT_S = 10.0
GOOD, FAULT, LATE = "good", "lock: lost", "late"


class Taker:
    """Takes each segment when it is told to, by `outcomes`: GOOD, a flag, or LATE, which an
    interrupt does not end any more. None: it is taken until it is interrupted."""

    def __init__(self) -> None:
        self.outcomes: dict[int, str | None] = {}
        self.begun = threading.Semaphore(0)
        self.taken: list[tuple[int, int, int | None]] = []
        """Block, attempt, point of each take."""
        self._cause = ""
        self._interrupted = threading.Event()
        self.counting = self.trap = self.archive = None
        self.verdict: Any = None

    def restart_clock(self) -> None:
        """Nothing."""

    def interrupt(self, cause: str) -> None:
        self._cause = cause
        self._interrupted.set()

    def take(
        self, planned: PlannedSegment, place: Place, ended: Callable[[], str] = lambda: ""
    ) -> Segment:
        self._interrupted.clear()
        if over := ended():
            self.interrupt(over)
        outcome = self.outcomes.get(len(self.taken), GOOD)
        self.taken.append((place.block, place.attempt, planned.point))
        self.begun.release()
        flag = ""
        if outcome in (None, LATE):
            assert self._interrupted.wait(TIMEOUT_S)
            flag = self._cause if outcome is None else ""
        elif outcome != GOOD:
            flag = str(outcome)
        start_s = 100.0 * place.index
        return Segment(
            place.run_id, place.block, place.attempt, place.index, planned.kind, planned.isotope,
            planned.pumping, planned.point, planned.bracket, Setting(), start_s, start_s + 10.0,
            10.0, counts=7, flag=flag,
        )  # fmt: skip


class Lab:
    """A run whose rig is made here."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taker = Taker()
        self.broken = False
        self.looks = itertools.count()
        self.looked = 0
        self.in_a_try: threading.Event | None = None
        """A try of the recipe lasts until this is set."""
        self.tried = threading.Event()
        self.mends = False
        """Whether the next try of the recipe does it."""
        monkeypatch.setattr(sessions, "Cures", lambda *_: self)
        monkeypatch.setattr(RunSession, "_prepare", lambda _self: None)
        header = RunHeader("paused", "paused", (85,), "co", ("detuning_mhz",))
        writer = RunWriter.create(folder, header, rig_now=time.time, utc_now=time.time)
        self.states: list[str] = []
        self.at_begin: Callable[[], None] = lambda: None
        """Called before each segment, on the thread that takes it."""
        hooks = Hooks(
            self.states.append, *(lambda *_: None for _ in range(7)),
            begun=lambda _: self.at_begin(),
        )  # fmt: skip
        anything: Any = self
        taker: Any = self.taker
        self.session = RunSession(
            DEFINITION, PLAN, writer, anything, CONFIG, anything, taker, anything, hooks,
            anything, Obstacles(),
        )  # fmt: skip
        self.outcome: tuple[RunState, str] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.folder = writer.folder
        # --- instruments, light
        self.camera = self
        self.dose_nc = 0.0

    def _run(self) -> None:
        self.outcome = self.session.run()

    # --- what the session asks of its rig
    def protection(self) -> "Lab":
        return self

    def leave_dark(self) -> list[str]:
        return []

    make_safe = leave_dark

    def forget(self) -> None:
        """Nothing."""

    def recipes(self) -> tuple[Recipe, ...]:
        return (Recipe("mend the lock", "", self._wrong, self._act, pauses_s=(0.0,)),)

    def _wrong(self) -> str:
        self.looked = next(self.looks)
        return "lock: lost" if self.broken else ""

    def _act(self) -> None:
        self.tried.set()
        if self.in_a_try is not None:
            assert self.in_a_try.wait(TIMEOUT_S)
        if not self.mends:
            raise DeviceFault("lock", "it stays lost", "")
        self.broken = False

    # --- what an operator does
    def start(self) -> None:
        self._thread.start()

    def until(self, wanted: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not wanted():
            assert time.monotonic() < deadline_s, self.states
            time.sleep(0.005)

    def pause_now(self) -> None:
        self.session.engine.pause(now=True)
        self.until(lambda: "paused" in self.states[-1:])

    def end(self) -> Run:
        self._thread.join(TIMEOUT_S)
        assert self.outcome == (RunState.COMPLETE, ""), self.outcome
        return open_run(self.folder)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    made = Lab(tmp_path, monkeypatch)
    yield made
    made.mends, made.broken = True, False
    if made._thread.is_alive():
        made.session.end("the test is over")
        made._thread.join(TIMEOUT_S)


def test_stop_leaves_the_next_step_of_a_preparation_undone(lab: Lab) -> None:
    lab.session.expect_end("STOP by office")
    with pytest.raises(sessions.RunEnded, match="STOP by office"):
        lab.session._until_done(lambda: pytest.fail("it switches something on"))


def wait_for_take(lab: Lab, number: int) -> None:
    for _ in range(number + 1):
        assert lab.taker.begun.acquire(timeout=TIMEOUT_S)


EVERY_TAKE = [
    (block.index, 0, planned.point)
    for number, block in enumerate(PLAN)
    for planned in block.segments[1 if number else 0 :]
]


@pytest.mark.parametrize("at", range(len(EVERY_TAKE)))
@pytest.mark.parametrize("outcome", [None, LATE])
def test_each_segment_paused_is_there_once_and_its_block_is_whole(
    lab: Lab, at: int, outcome: str | None
) -> None:
    """Also where the pause came too late to end it: counts that are replayed count once."""
    lab.taker.outcomes[at] = outcome
    lab.start()
    wait_for_take(lab, at)
    lab.pause_now()
    lab.until(lambda: lab.session.paused)
    lab.session.resume()
    run = lab.end()
    assert lab.taker.taken == [*EVERY_TAKE[: at + 1], *EVERY_TAKE[at:]]
    assert [s.flag for s in run.segments if s.flag] == ["paused"]
    good = [(s.block, s.attempt, s.point) for s in run.segments if not s.flag]
    assert good == EVERY_TAKE
    assert whole_blocks(run.segments, PLAN) == {block.index for block in PLAN}


def at_once(deed: Callable[[], None], take: int) -> Callable[[], None]:
    """Does it before the segment of that number is taken, and waits until it is answered."""
    seen = itertools.count()

    def before() -> None:
        if next(seen) == take:
            deed()

    return before


def test_an_end_while_a_segment_is_about_to_begin_ends_it(lab: Lab) -> None:
    """It would be taken to its end else, for hours, by a run that is said to have ended."""
    lab.taker.outcomes[2] = None  # for as long as nobody interrupts it
    lab.at_begin = at_once(lambda: lab.session.end("enough"), 2)
    lab.start()
    assert lab.session.ended.wait(1.0)
    lab._thread.join(TIMEOUT_S)
    assert lab.outcome == (RunState.ABORTED, "enough")
    assert len(lab.taker.taken) <= 3


def test_a_pause_while_a_segment_is_about_to_begin_ends_it(lab: Lab) -> None:
    def pause() -> None:
        lab.session.engine.pause(now=True)
        lab.until(lambda: lab.session.engine.state == "paused")  # its devices have heard of it

    lab.taker.outcomes[2] = None
    lab.at_begin = at_once(pause, 2)
    lab.start()
    lab.until(lambda: "paused" in lab.states)
    begun_s = time.monotonic()
    lab.until(lambda: lab.session.paused)
    assert time.monotonic() - begun_s < 1.0
    lab.session.resume()
    run = lab.end()
    assert lab.taker.taken == [*EVERY_TAKE[:3], *EVERY_TAKE[2:]]
    assert [s.flag for s in run.segments if s.flag] == ["paused"]


def test_a_pause_that_is_over_before_its_segment_still_ends_it(lab: Lab) -> None:
    """The engine asks for the next take while the last one comes to its end."""
    ending, resumed = threading.Event(), threading.Event()
    take = lab.taker.take

    def slow(planned: PlannedSegment, place: Place, ended: Callable[[], str]) -> Segment:
        segment = take(planned, place, ended)
        if segment.flag:
            ending.set()
            assert resumed.wait(TIMEOUT_S)
        return segment

    lab.taker.take = slow  # type: ignore[method-assign]
    lab.taker.outcomes[1] = lab.taker.outcomes[2] = None
    lab.start()
    wait_for_take(lab, 1)
    lab.pause_now()
    assert ending.wait(TIMEOUT_S)
    lab.session.resume()
    lab.until(lambda: len(lab.session._device._under_way) == 2)
    lab.session.engine.pause(now=True)
    lab.until(lambda: lab.states.count("paused") == 2)
    resumed.set()
    lab.until(lambda: lab.session.paused)
    lab.session.resume()
    run = lab.end()
    assert lab.taker.taken == [*EVERY_TAKE[:2], EVERY_TAKE[1], *EVERY_TAKE[1:]]
    assert [s.flag for s in run.segments if s.flag] == ["paused", "paused"]


@pytest.mark.parametrize("message", ["set", "trigger", "wait", "create", "read", "save"])
def test_a_pause_at_each_message_of_a_segment_takes_nothing_twice(lab: Lab, message: str) -> None:
    """Also behind its event, where the engine replays what is journaled already."""
    seen, asks = itertools.count(), threading.Event()

    def ask() -> None:
        asks.set()
        lab.session.engine.pause(now=True)

    def pause(said: Msg) -> None:
        if said.command == message and next(seen) == 2:
            threading.Thread(target=ask).start()
            assert asks.wait(TIMEOUT_S)
            time.sleep(0.1)  # holds the engine's loop until the request waits there

    lab.session.engine._engine.msg_hook = pause
    lab.start()
    lab.until(lambda: "paused" in lab.states)
    lab.until(lambda: lab.session.paused)
    lab.session.resume()
    run = lab.end()
    good = [(s.block, s.attempt, s.point) for s in run.segments if not s.flag]
    assert good == EVERY_TAKE
    assert {s.flag for s in run.segments} <= {"", "paused"}
    assert whole_blocks(run.segments, PLAN) == {block.index for block in PLAN}


def recovery(lab: Lab) -> list[str]:
    """Events of the journal, with the reason of an end."""
    documents = open_run(lab.folder).content.of(DocumentKind.RECOVERY)
    return [d.body["event"] for d in documents]


def test_a_pause_while_the_run_waits_moves_nothing_and_waits_anew(lab: Lab) -> None:
    lab.broken, lab.taker.outcomes[2] = True, FAULT
    lab.start()
    lab.until(lambda: "try" in recovery(lab))
    lab.pause_now()
    lab.until(lambda: lab.session.paused)
    looked, taken = lab.looked, list(lab.taker.taken)
    time.sleep(1.2)  # two more tries of a wait that goes on
    assert lab.looked == looked
    assert recovery(lab)[-1] == "try"
    lab.mends = True
    lab.session.resume()
    run = lab.end()
    events = [event for event in recovery(lab) if event != "try"]
    assert events == ["suspended", "ended", "suspended", "resumed"]
    ended = [d.body for d in run.content.of(DocumentKind.RECOVERY) if d.body["event"] == "ended"]
    assert ended[0]["reason"] == "the run was paused"
    # The segment that failed is taken in its turn, as the next attempt at its whole block.
    assert lab.taker.taken[: len(taken)] == taken
    block = EVERY_TAKE[2][0]
    again = [(b, 1, p) for b, _, p in EVERY_TAKE if b == block]
    bracket = [(block, 1, None)] if PLAN[0].index != block else []
    rest = [take for take in EVERY_TAKE if take[0] > block]
    assert lab.taker.taken == [*EVERY_TAKE[:3], *bracket, *again, *rest]
    assert whole_blocks(run.segments, PLAN) == {b.index for b in PLAN}


def test_no_manual_move_beside_a_try_that_outlasts_the_pause(lab: Lab) -> None:
    lab.broken, lab.taker.outcomes[2] = True, FAULT
    lab.in_a_try = threading.Event()
    lab.start()
    assert lab.tried.wait(TIMEOUT_S)
    lab.pause_now()
    use = RigUse(lab, lambda _name: None, lambda *_: None)  # type: ignore[arg-type]
    use.run = lambda: lab.session
    with pytest.raises(CommandRefused, match="moves the rig"), use.move(paused=True):
        pass
    lab.in_a_try.set()
    lab.until(lambda: lab.session.paused)
    with use.move(paused=True):
        pass
    lab.mends = True
    lab.session.resume()
    lab.end()


def test_a_run_that_is_paused_in_its_wait_can_be_ended(lab: Lab) -> None:
    lab.broken, lab.taker.outcomes[2] = True, FAULT
    lab.start()
    lab.until(lambda: "try" in recovery(lab))
    lab.pause_now()
    lab.session.end("enough")
    lab._thread.join(TIMEOUT_S)
    assert lab.outcome == (RunState.ABORTED, "enough")
    assert recovery(lab)[-1] == "ended"
