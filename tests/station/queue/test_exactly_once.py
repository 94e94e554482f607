"""The queue under everything that may happen in a night: nothing twice, nothing lost."""

from contextlib import suppress
from typing import Any

import pytest
from dying_station import BLOCKS, DyingStation, FakeRun, Medium, PowerCut
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from atta_daq.client.errors import CommandRefused
from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.queue.entry import UNFINISHED, Entry, EntryState, Outcome

WRITES = 18
"""Of a night of three undisturbed measurements: name, folder, two blocks, stop, end."""
EVERY_RUN = (Outcome.ABORTED, Outcome.FAULT)
CONDITION = "rate:loading_84 > 0.5"


def has_gaps(run: FakeRun) -> bool:
    """It went through and does not hold every block."""
    return run.outcome is Outcome.COMPLETE and run.blocks < BLOCKS


class Nights(RuleBasedStateMachine):
    """Operators, runs, faults, kills and power cuts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = [1_800_000_000.0]
        self.medium = Medium()
        self.kept: dict[int, int] = {}
        """Repeats of each entry whose `add` was answered and that nobody took out."""
        self.by_itself = False

    # --- the station's lives -------------------------------------------------------------

    @initialize(by_itself=st.booleans())
    def first_start(self, by_itself: bool) -> None:
        self.by_itself = by_itself
        self.station = DyingStation(self.medium, self.clock, by_itself=by_itself)

    @rule(writes=st.integers(1, 5), lands=st.booleans())
    def power_will_go(self, writes: int, lands: bool) -> None:
        self.medium.cut_in, self.medium.lands = writes, lands

    @rule()
    def kill(self) -> None:
        self._start_anew()

    @rule()
    def shut_down(self) -> None:
        self._alive(self.station.shut_down)
        self._start_anew()

    def _start_anew(self) -> None:
        self.medium.full = False
        self.station = DyingStation(self.medium, self.clock, by_itself=self.by_itself)
        # What was cut off in the middle of a change is decided by what is on the medium.
        there = {e.number: e.repeats for e in self._entries()}
        for number in self.kept:
            assert number in there, f"entry {number} was acknowledged and is lost"
        self.kept = there

    def _alive(self, deed: Any, *arguments: Any) -> Any:
        """Do something; a power cut in it is followed by a new station."""
        try:
            return deed(*arguments)
        except PowerCut:
            self._forget_uncertain(deed)
            self._start_anew()
            return None

    def _forget_uncertain(self, deed: Any) -> None:
        if getattr(deed, "takes_out", False):
            self.kept = {}

    # --- operators -----------------------------------------------------------------------

    @rule(
        priority=st.integers(-1, 1), repeats=st.integers(1, 2),
        on_fault=st.sampled_from(("pause", "skip")), later=st.sampled_from((0.0, 0.0, 50.0)),
        condition=st.booleans(),
    )  # fmt: skip
    def add(
        self, priority: int, repeats: int, on_fault: Any, later: float, condition: bool
    ) -> None:
        def deed() -> None:
            with suppress(CommandRefused):
                night = self.station.keeper.change(
                    lambda night: night.add(
                        entry(
                            night.next_number, priority=priority,
                            repeats=repeats, on_fault=on_fault,
                            not_before_s=self.clock[0] + later if later else None,
                            conditions=(CONDITION,) if condition else (),
                        )
                    )
                )  # fmt: skip
                self.kept[night.next_number - 1] = repeats

        self._alive(deed)

    @rule(data=st.data())
    def take_out(self, data: st.DataObject) -> None:
        if entries := self._entries():
            number = data.draw(st.sampled_from([e.number for e in entries]))

            def deed() -> None:
                with suppress(CommandRefused):
                    self.station.keeper.change(lambda night: night.remove(number))
                    self.kept.pop(number, None)

            deed.takes_out = True  # type: ignore[attr-defined]
            self._alive(deed)

    @rule(everything=st.booleans())
    def clear(self, everything: bool) -> None:
        def deed() -> None:
            with suppress(CommandRefused):
                self.station.keeper.change(lambda night: night.clear(everything=everything))
                self.kept = {e.number: e.repeats for e in self._entries()}

        deed.takes_out = True  # type: ignore[attr-defined]
        self._alive(deed)

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        if waiting := [e for e in self.station.night.open if e.state is EntryState.WAITING]:
            number = data.draw(st.sampled_from([e.number for e in waiting]))
            numbers = [str(e.number) for e in self.station.night.open]
            before = data.draw(st.sampled_from(["first", "last", *numbers]))
            self._edit(lambda night: night.move(number, before))

    @rule(data=st.data(), repeats=st.integers(1, 3), at_once=st.booleans())
    def change(self, data: st.DataObject, repeats: int, at_once: bool) -> None:
        if waiting := [e for e in self.station.night.open if e.state is EntryState.WAITING]:
            number = data.draw(st.sampled_from([e.number for e in waiting]))
            changes = {"repeats": repeats, **({"not_before_s": None} if at_once else {})}

            def deed() -> None:
                with suppress(CommandRefused):
                    self.station.keeper.change(lambda night: night.change(number, changes))
                    self.kept[number] = repeats

            self._alive(deed)

    @rule()
    def pause(self) -> None:
        def deed() -> None:
            with suppress(CommandRefused):
                self.station.keeper.pause("operator", "tea")

        self._alive(deed)

    @rule(data=st.data(), with_entry=st.booleans())
    def resume(self, data: st.DataObject, with_entry: bool) -> None:
        unfinished = [e.number for e in self._entries() if e.state in UNFINISHED]
        number = data.draw(st.sampled_from(unfinished)) if unfinished and with_entry else None

        def deed() -> None:
            with suppress(CommandRefused):
                self.station.keeper.resume(number)

        self._alive(deed)

    def _edit(self, step: Any) -> None:
        def deed() -> None:
            with suppress(CommandRefused):
                self.station.keeper.change(step)

        self._alive(deed)

    @rule()
    def stop_button(self) -> None:
        def deed() -> None:
            self.station.keeper.halt("STOP by me")
            if self.station.rig.current:
                with suppress(OSError):
                    self.station.rig.end(Outcome.ABORTED, "STOP by me")
            self.station.keeper.keep_halt()

        self._alive(deed)

    @precondition(lambda self: not self.station.rig.current)
    @rule()
    def run_by_hand(self) -> None:
        def deed() -> None:
            with suppress(OSError, CommandRefused):
                self.station.rig.start_by_hand()

        self._alive(deed)

    @precondition(lambda self: not self.station.rig.current)
    @rule(data=st.data())
    def resume_by_hand(self, data: st.DataObject) -> None:
        runs = self.medium.runs
        open_ends = [
            name for name, run in runs.items()
            if (run.outcome in (Outcome.DIED, *EVERY_RUN) or has_gaps(run))
            and not self.station.rig.went_on(name)
        ]  # fmt: skip
        if open_ends:
            name = data.draw(st.sampled_from(open_ends))
            in_the_way = self.station.rig.busy() or self.station.night.running or self.medium.full

            def deed() -> None:
                with suppress(OSError, CommandRefused, NothingMissing):
                    self.station.rig.resume(name, by_queue=False)
                if has_gaps(runs[name]) and not in_the_way:
                    assert self.station.rig.current, "gaps are filled whenever the rig is free"

            self._alive(deed)

    # --- the rig and the world -----------------------------------------------------------

    @rule()
    def step(self) -> None:
        rig, night = self.station.rig, self.station.night
        before = len(rig.started)
        barred = night.pause is not None or bool(self.station.keeper.halted)
        was_busy = bool(rig.busy())
        self._alive(self.station.starter.step)
        rig = self.station.rig
        for entry in rig.started[before:]:
            assert not barred, "a paused queue starts nothing"
            assert not was_busy, "a busy rig is left alone"
            assert self._ready(entry)
            better = [e for e in night.startable if e.priority > entry.priority and self._ready(e)]
            assert not better, "the higher priority comes first"

    def _ready(self, entry: Entry) -> bool:
        early = entry.not_before_s is not None and self.clock[0] < entry.not_before_s
        return not early and not (entry.conditions and self.station.alarm)

    @precondition(lambda self: self.station.rig.current)
    @rule()
    def block(self) -> None:
        def deed() -> None:
            with suppress(OSError):
                self.station.rig.block()

        if self.medium.runs[self.station.rig.current].blocks < BLOCKS:
            self._alive(deed)

    @precondition(lambda self: self.station.rig.current)
    @rule(outcome=st.sampled_from(EVERY_RUN))
    def run_ends_early(self, outcome: Outcome) -> None:
        def deed() -> None:
            with suppress(OSError):
                self.station.rig.end(outcome, "so")

        self._alive(deed)

    @precondition(lambda self: self.station.rig.current)
    @rule()
    def run_ends_with_gaps(self) -> None:
        """It went through, and left out what the rig would not give."""

        def deed() -> None:
            with suppress(OSError):
                self.station.rig.end(Outcome.COMPLETE, "1 of 2 blocks were skipped")

        self._alive(deed)

    @rule(seconds=st.sampled_from((10.0, 60.0)), alarm=st.booleans())
    def time_passes(self, seconds: float, alarm: bool) -> None:
        self.clock[0] += seconds
        self.station.alarm = alarm

    @rule(full=st.booleans(), busy=st.booleans(), refuse=st.booleans())
    def weather(self, full: bool, busy: bool, refuse: bool) -> None:
        self.medium.full = full
        self.station.rig.activity = "alignment" if busy else ""
        self.station.rig.refuse = "the amplifier was exchanged" if refuse else ""

    # --- what must hold ------------------------------------------------------------------

    def _entries(self) -> tuple[Entry, ...]:
        night = self.station.night
        return (*night.open, *night.ended)

    @invariant()
    def at_most_one_run_and_it_is_the_queues_own_or_nobodys(self) -> None:
        live = [name for name, run in self.medium.runs.items() if run.held]
        assert len(live) <= 1
        running = self.station.night.running
        if running is not None and live and self.medium.runs[live[0]].entry == running.number:
            assert running.last is not None
            assert running.last.run_id == live[0]

    @invariant()
    def every_run_is_gone_on_with_at_most_once(self) -> None:
        resumed = [run.resumes for run in self.medium.runs.values() if run.resumes]
        assert len(resumed) == len(set(resumed))

    @invariant()
    def no_measurement_of_an_entry_begins_before_the_last_is_complete(self) -> None:
        """And never more of them than were asked for."""
        for entry in self._entries():
            chains = self._chains(entry.number)
            assert len(chains) <= entry.repeats
            assert all(whole for whole, _ in chains[:-1]), (entry, chains)
            noted = {r.run_id for r in entry.runs if r.outcome is Outcome.COMPLETE}
            assert noted <= {name for whole, name in chains if whole}

    def _chains(self, number: int) -> list[tuple[bool, str]]:
        """Of each measurement of an entry: whether every block was taken or left out, and its last
        run."""
        runs = self.medium.runs
        mine = {name: run for name, run in runs.items() if run.entry == number}
        heads = [n for n in mine if not any(r.resumes == n for r in mine.values())]
        return [
            (mine[name].blocks >= BLOCKS or mine[name].outcome is Outcome.COMPLETE, name)
            for name in heads
        ]

    @invariant()
    def order_is_kept(self) -> None:
        night = self.station.night
        assert list(night.open) == sorted(night.open, key=lambda e: -e.priority)
        numbers = [e.number for e in self._entries()]
        assert len(numbers) == len(set(numbers))
        assert all(number < night.next_number for number in numbers)
        assert set(self.kept) == set(numbers)

    def teardown(self) -> None:
        """In fair weather everything that nobody ended is measured to the end."""
        if not hasattr(self, "station"):
            return
        self.medium.cut_in, self.medium.full = None, False
        self.station.rig.activity = self.station.rig.refuse = ""
        self.station.alarm = False
        self.clock[0] += 1000.0
        for _ in range(200):
            if self.station.rig.current:
                if self.medium.runs[self.station.rig.current].blocks >= BLOCKS:
                    self.station.rig.end(Outcome.COMPLETE)
                else:
                    self.station.rig.block()
            self.station.starter.step()
            for entry in self._entries():
                if entry.state in (EntryState.ABORTED, EntryState.FAILED):
                    self.station.keeper.resume(entry.number)
            if self.station.night.pause or self.station.keeper.halted:
                self.station.keeper.resume(None)
            if not self.station.night.open:
                break
        for entry in self._entries():
            assert entry.state is EntryState.DONE, entry
            assert entry.done == entry.repeats
            chains = self._chains(entry.number)
            assert len(chains) == entry.repeats
            assert all(whole for whole, _ in chains)


@pytest.mark.parametrize("lands", [False, True])
def test_a_power_cut_at_each_write_of_a_night(lands: bool) -> None:
    """Two entries, one of them twice; the power goes once, at the n-th write."""
    for cut_in in range(1, 40):
        medium = Medium()
        clock = [1_800_000_000.0]
        station = DyingStation(medium, clock, by_itself=True)
        for number, repeats in ((1, 2), (2, 1)):
            station.keeper.change(lambda night, n=number, r=repeats: night.add(entry(n, repeats=r)))
        medium.cut_in, medium.lands = cut_in, lands
        cuts = 0
        for _ in range(60):
            try:
                station.starter.step()
                if station.rig.current:
                    station.rig.block()
            except PowerCut:
                cuts += 1
                station = DyingStation(medium, clock, by_itself=True)
        assert [(e.number, e.state, e.done) for e in station.night.ended] == [
            (1, EntryState.DONE, 2), (2, EntryState.DONE, 1),
        ]  # fmt: skip
        runs = medium.runs.values()
        whole = [run.entry for run in runs if run.blocks >= BLOCKS]
        assert sorted(number for number in whole if number is not None) == [1, 1, 2]
        assert sum(not run.resumes for run in runs) == 3, "no measurement began twice"
        # Queue and archive are written so often in an undisturbed night.
        assert cuts == (cut_in <= WRITES)


def test_a_start_on_a_full_disk_does_not_stop_the_night() -> None:
    """What the queue could not note then became a pause that only an operator could end."""
    medium, clock = Medium(), [1_800_000_000.0]
    station = DyingStation(medium, clock, by_itself=True)
    station.keeper.change(lambda night: night.add(entry(1)))
    station.starter.step()
    died = station.rig.current
    medium.full = True
    station = DyingStation(medium, clock, by_itself=True)
    station.starter.step()
    assert "No space left on device" in station.said[-1]
    with pytest.raises(RigBusy, match=f"could not note yet how run {died} ended"):
        station.rig.resume(died, by_queue=False)
    medium.full = False
    while station.night.open:
        station.starter.step()
        if station.rig.current:
            station.rig.block()
    assert station.night.ended[0].state is EntryState.DONE
    assert [run.resumes for run in medium.runs.values()] == ["", died]


@pytest.mark.parametrize("stop_pressed", [False, True])
def test_a_station_that_is_shut_down_in_a_step_leaves_no_pause_behind(stop_pressed: bool) -> None:
    """Only STOP does, which came before: else the next station would not go on by itself."""
    medium, clock = Medium(), [1_800_000_000.0]
    station = DyingStation(medium, clock, by_itself=True)
    for number in (1, 2):
        station.keeper.change(lambda night, n=number: night.add(entry(n)))
    station.starter.step()
    fate = station.rig.fate

    def shut_down_meanwhile(run_id: str) -> Any:
        if stop_pressed:
            station.keeper.halt("STOP by me")
        station.starter.stop()
        return fate(run_id)

    for _ in range(BLOCKS):
        station.rig.block()
    station.rig.fate = shut_down_meanwhile  # type: ignore[method-assign]
    station.starter.step()
    assert len(station.rig.started) == 1, "nothing starts in a station that ends"
    again = DyingStation(medium, clock, by_itself=True)
    assert again.night.entry(1).done == 1
    pause = again.night.pause
    assert (pause.reason if pause else "") == ("STOP by me" if stop_pressed else "")


def entry(number: int, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "number": number, "name": "n", "scan": "s", "added_by": "me", "added_utc_s": 0.0,
        "duration_s": 10.0, "archive_bytes": 1.0,
    }  # fmt: skip
    return Entry(**(values | changes))


TestNights = Nights.TestCase
TestNights.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)  # fmt: skip
