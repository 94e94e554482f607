"""The order of the queue, and what an operator can change."""

import pytest
from medium import recorded, synced

from atta_daq.station.queue.entry import Entry, EntryRun, EntryState, Outcome
from atta_daq.station.queue.night import Night, NotPossible
from atta_daq.station.queue.store import QueueDamaged, QueueStore


def night(*priorities: int) -> Night:
    made = Night()
    for priority in priorities:
        made = made.add(
            Entry(
                number=made.next_number, name="n", scan="s", priority=priority, added_by="me",
                added_utc_s=0.0, duration_s=1.0, archive_bytes=1.0,
            )
        )  # fmt: skip
    return made


def order(made: Night) -> list[tuple[int, int]]:
    return [(e.number, e.priority) for e in made.open]


def run(made: Night, number: int, *outcomes: Outcome) -> Night:
    for n, outcome in enumerate(outcomes):
        resumes = made.entry(number).to_resume
        name = f"r{number}{n}"
        made = made.begins(number, EntryRun(run_id=name, resumes=resumes, begun_utc_s=0.0))
        made = made.run_ended(name, outcome, "so", 1.0)
    return made


def test_the_higher_priority_first_then_the_order_of_adding() -> None:
    assert order(night(0, 5, 0, 5, -1)) == [(2, 5), (4, 5), (1, 0), (3, 0), (5, -1)]


@pytest.mark.parametrize(
    ("number", "before", "expected"),
    [
        (3, "first", [(3, 5), (2, 5), (1, 0), (4, -1)]),
        (2, "last", [(1, 0), (3, 0), (4, -1), (2, -1)]),
        (3, "1", [(2, 5), (3, 0), (1, 0), (4, -1)]),
        (2, "4", [(1, 0), (3, 0), (2, 0), (4, -1)]),
        (4, "2", [(4, 5), (2, 5), (1, 0), (3, 0)]),
        (1, "first", [(1, 5), (2, 5), (3, 0), (4, -1)]),
    ],
)
def test_moved_among_others_it_takes_the_nearest_priority_that_fits(
    number: int, before: str, expected: list[tuple[int, int]]
) -> None:
    assert order(night(0, 5, 0, -1).move(number, before)) == expected


def test_a_new_priority_puts_it_last_among_its_equals() -> None:
    assert order(night(0, 5, 0).prioritise(3, 5)) == [(2, 5), (3, 5), (1, 0)]


@pytest.mark.parametrize("before", ["9", "me", "-1", "2", ""])
def test_a_place_that_is_none_is_refused(before: str) -> None:
    with pytest.raises(NotPossible):
        night(0, 0).move(2, before)


def test_what_runs_is_neither_moved_nor_removed_nor_cleared() -> None:
    made = night(0, 0).begins(1, EntryRun(run_id="r", begun_utc_s=0.0))
    for change in (
        lambda: made.move(1, "last"), lambda: made.remove(1), lambda: made.prioritise(1, 3),
        lambda: made.change(1, {"repeats": 2}),
        lambda: made.begins(2, EntryRun(run_id="r2", begun_utc_s=0.0)),
    ):  # fmt: skip
        with pytest.raises(NotPossible, match=r"runs|running"):
            change()
    assert [e.number for e in made.clear(everything=True).open] == [1]


def test_what_was_measured_in_part_keeps_its_scan_and_asks_for_more_than_there_is() -> None:
    made = night(0, 0).change(1, {"repeats": 3, "scan": "other"})
    made = run(made, 1, Outcome.COMPLETE, Outcome.COMPLETE)
    with pytest.raises(NotPossible, match="its scan stays"):
        made.change(1, {"scan": "another"})
    with pytest.raises(NotPossible, match="has been measured 2 times"):
        made.change(1, {"repeats": 2})
    changed = made.change(1, {"repeats": 5}).entry(1)
    assert (changed.left, changed.scan, len(changed.runs)) == (3, "other", 2)
    assert order(made.change(1, {"repeats": 5})) == order(made)


def test_repeats_count_complete_measurements_only() -> None:
    made = night(0)
    made = made._with(open=(made.open[0].model_copy(update={"repeats": 2}),))
    made = run(made, 1, Outcome.DIED, Outcome.COMPLETE)
    assert (made.entry(1).state, made.entry(1).done) == (EntryState.WAITING, 1)
    assert not made.entry(1).to_resume
    assert run(made, 1, Outcome.COMPLETE).entry(1).state is EntryState.DONE


def test_an_abort_pauses_the_queue_and_says_so() -> None:
    made = run(night(0, 0), 1, Outcome.ABORTED)
    assert made.pause is not None
    assert made.pause.kind == "operator"
    assert "the run of entry 1 (n) was aborted: so" in made.pause.reason
    assert [e.number for e in made.ended] == [1]


def test_a_pause_that_is_there_keeps_its_reason() -> None:
    paused = run(night(0, 0), 1, Outcome.ABORTED)
    assert run(paused, 2, Outcome.FAULT).pause == paused.pause


@pytest.mark.parametrize(("on_fault", "paused"), [("pause", True), ("skip", False)])
def test_a_fault_follows_the_rule_of_its_entry(on_fault: str, paused: bool) -> None:
    made = night(0, 0)
    first = made.open[0].model_copy(update={"on_fault": on_fault})
    made = run(made._with(open=(first, made.open[1])), 1, Outcome.FAULT)
    assert (made.pause is not None) is paused
    assert made.entry(1).state is EntryState.FAILED
    assert made.entry(1).reason == "so"
    refused = made.resumed().refused(2, "too far", 2.0)
    assert refused.pause is not None
    assert refused.pause.kind == "fault"


def test_what_ended_early_is_gone_on_with_before_all_others() -> None:
    made = run(night(0, 0, 7), 2, Outcome.ABORTED).reopened(2)
    assert [e.number for e in made.startable] == [2, 3, 1]
    assert made.entry(2).to_resume == "r20"
    with pytest.raises(NotPossible, match="nothing to go on with"):
        made.reopened(1)
    with pytest.raises(NotPossible, match="goes on with r20"):
        made.begins(2, EntryRun(run_id="x", begun_utc_s=0.0))


def test_numbers_are_never_given_twice() -> None:
    made = night(0, 0).remove(2)
    assert made.next_number == 3
    with pytest.raises(NotPossible, match="no entry 2"):
        made.remove(2)


def test_the_oldest_of_what_has_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atta_daq.station.queue.night.MOST_ENDED", 2)
    made = night(0, 0, 0)
    for number in (1, 2, 3):
        made = run(made, number, Outcome.COMPLETE)
    assert [e.number for e in made.ended] == [2, 3]


def test_the_file_holds_everything_and_is_read_back(tmp_path) -> None:
    store = QueueStore(tmp_path, "rig-1")
    assert store.load() == Night()
    made = run(night(3, 0, 0), 1, Outcome.DIED, Outcome.ABORTED)
    store.save(made)
    assert store.load() == made
    assert [path.name for path in store.path.parent.iterdir()] == ["rig-1.json"]


def test_the_queue_is_on_the_medium_before_it_takes_the_place_of_the_old_one(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = QueueStore(tmp_path, "rig-1")
    did = recorded(monkeypatch)
    store.save(night(0))
    folder = store.path.parent
    (file,) = synced(store.path)
    assert did == [*synced(tmp_path), file, ("replace", file[1]), *synced(folder)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"schema": 2}', '{"schema": 1, "open": 3}', '{"schema": 1, "x": 0}',
     '{"schema": 1, "pause": {"kind": "tea", "reason": "", "utc_s": 0}}', "\udcff"],
)  # fmt: skip
def test_a_damaged_file_is_named_and_left_alone(tmp_path, text: str) -> None:
    store = QueueStore(tmp_path, "rig-1")
    store.path.parent.mkdir()
    raw = text.encode("utf-8", "surrogateescape")
    store.path.write_bytes(raw)
    with pytest.raises(QueueDamaged, match=r"rig-1\.json"):
        store.load()
    assert store.path.read_bytes() == raw
