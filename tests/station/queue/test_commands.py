"""The commands of the queue: what is refused before it is kept, and what the table then says."""

import math

import pytest
from dying_station import DyingStation
from queue_desk import NOW_S, Desk

from atta_daq.client.client import CommandRefused
from atta_daq.station.queue.entry import Outcome
from atta_daq.station.queue.table import reason_of, state_of


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_entry_is_kept_whole_with_everything_that_was_said(desk: Desk) -> None:
    desk("pause")
    answer = desk(
        "add", scan="a", path="a.toml", priority="3", repeats="2", on_fault="skip",
        not_before="2026-11-28T20:00+01:00", conditions="no major alarm;slow:pressure<1e-5\n",
    )  # fmt: skip
    assert answer == {"entry": 1, "name": "a", "duration_s": 3600.0, "archive_bytes": 1e9}
    (line,) = desk.lines()
    # The rig of the mind has no such reading: it waits, and says why.
    assert "no number 'slow:pressure'" in line.waits_for
    assert (line.entry, line.priority, line.repeats, line.on_fault) == (1, 3, 2, "skip")
    assert line.conditions == "no major alarm; slow:pressure < 1e-05"
    assert line.not_before == 1795892400.0
    assert line.added_by == "me"
    assert desk("scan", client="anybody", entry="1") == {"name": "a", "scan": "a"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"scan": ""}, "scan is missing"),
        ({"scan": "bad", "path": "b.toml"}, r"b\.toml: dwell_s is missing"),
        ({"scan": "a", "repeats": "0"}, "repeats = 0: 1 to 1000"),
        ({"scan": "a", "repeats": "two"}, "not a whole number"),
        ({"scan": "a", "priority": "1e3"}, "not a whole number"),
        ({"scan": "a", "on_fault": "cry"}, "'pause' or 'skip'"),
        ({"scan": "a", "not_before": "22:00"}, "is not a time"),
        ({"scan": "a", "not_before": "2026-11-28T22:00"}, "no offset from UTC"),
        ({"scan": "a", "conditions": "full moon"}, "not understood"),
        ({"scan": "a", "repeats": "11"}, r"room for 10\.0 GB; the queue would need 11\.0 GB"),
    ],
)
def test_what_could_not_be_measured_is_refused_when_it_is_added(
    desk: Desk, arguments: dict[str, str], reason: str
) -> None:
    with pytest.raises(CommandRefused, match=reason):
        desk("add", **arguments)
    assert desk.station.night.next_number == 1


def test_the_whole_queue_has_to_fit_on_the_disk(desk: Desk) -> None:
    desk("pause")
    desk("add", scan="a", repeats="8")
    desk("add", scan="b", repeats="2")
    with pytest.raises(CommandRefused, match=r"would need 11\.0 GB"):
        desk("add", scan="c")
    desk("remove", entry="1")
    desk("add", scan="c")


def test_what_waits_is_changed_in_its_place_and_only_as_named(desk: Desk) -> None:
    desk("pause")
    desk("add", scan="a", repeats="2", conditions="no alarm", not_before="2026-11-28T20:00Z")
    desk("add", scan="b")
    assert desk("change", entry="1", repeats="3") == {"entry": 1, "name": "a"}
    first, second = desk.lines()
    assert (first.entry, first.repeats, first.conditions) == (1, 3, "no alarm")
    assert first.not_before == 1795896000.0
    desk("change", entry="1", not_before="", conditions="", on_fault="skip")
    first, second = desk.lines()
    assert (first.not_before, first.conditions, first.on_fault) == (None, "", "skip")
    assert first.repeats == 3
    assert (second.entry, second.repeats, second.on_fault) == (2, 1, "pause")
    desk("change", entry="2", priority="0")
    assert [line.entry for line in desk.lines()] == [1, 2], "the same priority is no move"
    desk("change", entry="2", priority="4", repeats="2")
    assert [(x.entry, x.priority, x.repeats) for x in desk.lines()] == [(2, 4, 2), (1, 0, 3)]
    assert desk("change", entry="1", scan="c", path="c.toml")["name"] == "c"
    assert desk("scan", entry="1")["scan"] == "c"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "nothing to change"),
        ({"entry": "7", "repeats": "1"}, "no entry 7"),
        ({"repeats": "0"}, "repeats = 0: 1 to 1000"),
        ({"repeats": ""}, "repeats = '' is not a whole number"),
        ({"repeats": "11"}, r"room for 10\.0 GB; the queue would need 11\.0 GB"),
        ({"priority": ""}, "priority = '' is not a whole number"),
        ({"on_fault": "cry"}, "'pause' or 'skip'"),
        ({"not_before": "22:00"}, "is not a time"),
        ({"conditions": "full moon"}, "not understood"),
        ({"scan": "bad", "path": "b.toml"}, r"b\.toml: dwell_s is missing"),
    ],
)
def test_a_change_that_could_not_be_measured_leaves_the_entry_as_it_was(
    desk: Desk, arguments: dict[str, str], reason: str
) -> None:
    desk("pause")
    desk("add", scan="a", repeats="2")
    before = desk.station.night
    with pytest.raises(CommandRefused, match=reason):
        desk("change", **{"entry": "1", **arguments})
    assert desk.station.night == before


def test_every_change_needs_control(desk: Desk) -> None:
    desk("add", scan="a", client="bench")
    for name, arguments in (
        ("add", {"scan": "a"}), ("move", {"entry": "1", "before": "last"}),
        ("change", {"entry": "1", "repeats": "2"}), ("remove", {"entry": "1"}),
        ("pause", {}), ("resume", {}), ("clear", {}),
    ):  # fmt: skip
        with pytest.raises(CommandRefused, match="bench holds control"):
            desk(name, client="home", **arguments)


def test_the_table_is_in_the_order_in_which_entries_are_taken(desk: Desk) -> None:
    desk("add", scan="first")
    desk.station.starter.step()
    desk("add", scan="low", priority="-1", repeats="2")
    desk("add", scan="late", not_before="2026-11-30T00:00Z")
    lines = desk.lines(remaining_s=600.0)
    assert [(line.name, line.state) for line in lines] == [
        ("first", "running"), ("late", "waiting"), ("low", "waiting"),
    ]  # fmt: skip
    assert lines[1].waits_for == "not before 2026-11-30 00:00 UTC"
    minute = lambda time_s: 60.0 * math.floor(time_s / 60.0)  # noqa: E731
    assert lines[0].expected_end == minute(NOW_S + 600.0)
    assert lines[1].expected_start == lines[1].not_before
    assert lines[2].expected_end == lines[1].expected_end + 2 * 3600.0
    assert state_of(desk.station.night) == "running"


def test_paused_nothing_is_expected_and_the_reason_is_told(desk: Desk) -> None:
    desk("pause", reason="pump is being changed")
    desk("add", scan="a")
    (line,) = desk.lines()
    assert line.expected_start is None
    night = desk.station.night
    assert (state_of(night), reason_of(night, {}, "")) == ("paused", "pump is being changed")
    desk("resume")
    assert [line.state for line in desk.lines()] == ["running"]


def test_moving_answers_the_priority(desk: Desk) -> None:
    desk("pause")
    for scan, priority in (("a", "0"), ("b", "5"), ("c", "0")):
        desk("add", scan=scan, priority=priority)
    assert desk("move", entry="3", before="first") == {"entry": 3, "priority": 5}
    assert desk("move", entry="2", priority="-4") == {"entry": 2, "priority": -4}
    assert [line.entry for line in desk.lines()] == [3, 1, 2]
    with pytest.raises(CommandRefused, match="either"):
        desk("move", entry="1")
    with pytest.raises(CommandRefused, match="not the number of an entry"):
        desk("remove", entry="x")
    with pytest.raises(CommandRefused, match="no entry 9"):
        desk("scan", entry="9")


def test_clearing_tells_what_went(desk: Desk) -> None:
    desk("add", scan="a")
    desk.station.starter.step()
    desk("add", scan="b")
    assert desk("clear") == {"removed": []}
    assert desk("clear", which="all") == {"removed": [2]}
    with pytest.raises(CommandRefused, match="'ended' or 'all'"):
        desk("clear", which="some")


def test_a_disk_that_refuses_leaves_the_queue_as_it_was(desk: Desk) -> None:
    desk("add", scan="a", not_before="2027-01-01T00:00Z")
    desk.station.medium.full = True
    with pytest.raises(CommandRefused, match=r"not changed: .*No space left"):
        desk("remove", entry="1")
    assert [entry.number for entry in desk.station.night.open] == [1]
    desk.station.medium.full = False
    desk("remove", entry="1")


def test_the_rig_that_is_busy_is_what_the_next_entry_waits_for(desk: Desk) -> None:
    desk.station.rig.activity = "alignment is under way"
    desk("add", scan="a")
    assert [line.state for line in desk.lines()] == ["waiting"]
    starter = desk.station.starter
    assert reason_of(desk.station.night, starter.waits, starter.busy) == "alignment is under way"


def test_stop_bars_the_queue_at_once_and_is_kept(desk: Desk) -> None:
    desk("add", scan="a")
    desk.station.keeper.halt("STOP by home")
    desk.station.medium.full = True
    assert not desk.station.keeper.keep_halt()
    assert [line.state for line in desk.lines()] == ["waiting"]
    desk.station.medium.full = False
    assert [line.state for line in desk.lines()] == ["waiting"]
    assert desk.station.night.pause is not None
    assert desk.station.night.pause.reason == "STOP by home"
    desk("resume")
    assert [line.state for line in desk.lines()] == ["running"]


def test_stop_leaves_an_empty_queue_as_it_is(desk: Desk) -> None:
    desk.station.keeper.halt("STOP by home")
    desk.station.keeper.keep_halt()
    desk("add", scan="a")
    assert [line.state for line in desk.lines()] == ["running"]


def test_a_station_that_starts_anew_waits_for_an_operator_unless_it_may_not(desk: Desk) -> None:
    desk("add", scan="a")
    desk.station.starter.step()
    medium = desk.station.medium
    waits = DyingStation(medium, desk.clock, by_itself=False)
    waits.starter.step()
    assert waits.night.pause is not None
    assert waits.night.pause.kind == "restart"
    assert [e.state for e in waits.night.open] == ["interrupted"]
    waits.keeper.resume(None)
    waits.starter.step()
    assert [(run.run_id, run.resumes) for run in waits.night.open[0].runs] == [
        ("r1", ""), ("r2", "r1"),
    ]  # fmt: skip


def test_an_abort_in_the_queues_own_run_pauses_it(desk: Desk) -> None:
    desk("add", scan="a")
    desk("add", scan="b")
    desk.station.starter.step()
    desk.station.rig.end(Outcome.ABORTED, "aborted by home")
    lines = desk.lines()
    assert [(line.name, line.state) for line in lines] == [("b", "waiting"), ("a", "aborted")]
    assert any("the queue is paused" in text for text in desk.station.said)
