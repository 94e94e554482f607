"""The morning report: is the night judged rightly, and is everything that happened in it?"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from atta_daq.analysis.records import SegmentKind, Setting
from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter
from atta_daq.archive.history_records import AlarmEvent, Column, Minutes, Past
from atta_daq.archive.night import (
    AlarmSpan,
    QueueEntry,
    alarm_spans,
    read_night,
)
from atta_daq.archive.night_report import build_night_report
from atta_daq.archive.night_verdict import verdict
from atta_daq.archive.run_folder import RunState, RunWriter

START_S = 1_800_000_000.0
BRACKET = {
    "kind": SegmentKind.LOADING_83, "isotope": 83, "pumping": False, "bracket": True,
    "point": None, "counts": None, "efficiency": None, "setting": Setting(), "rate": 2.0,
    "rate_error": 0.02, "live_s": 5.0,
}  # fmt: skip
LOST = "lock: the slave's peak is missing"


def fit(valid: bool = True, p_value: float = 0.32) -> FitResult:
    x = np.linspace(-10.0, 60.0, 20)
    return FitResult(
        model="f-level spectrum", isotope=85,
        parameters=(
            Parameter("background", 2500.0, 61.0, "atoms/h"),
            Parameter("position_mhz", -20.0, 17.0, "MHz"),
            Parameter("rabi_scale", 4.0, 0.0, fixed=True),
        ),
        covariance=np.diag([61.0**2, 17.0**2]),
        goodness=Goodness("Poisson deviance", 8.1, 7, p_value),
        valid=valid, message="" if valid else "no minimum", last_block=0,
        curve=Curve("detuning_mhz", x, np.full(20, 2500.0), np.full(20, 60.0)),
    )  # fmt: skip


@pytest.fixture
def take(make_run, make_segment) -> Callable[..., RunWriter]:
    """A run of some points in a block each; `flags`: point to the cause of a lost attempt."""

    def run(
        points: range | list[int] = range(4), *, state: RunState | None = RunState.COMPLETE,
        reason: str = "", flags: dict[int, str] | None = None, fitted: FitResult | None = None,
        **header: object,
    ) -> RunWriter:  # fmt: skip
        writer = make_run(**header)
        index = 0
        opening = {**BRACKET, "block": points[0]}
        writer.segment(make_segment(index, run_id=writer.run_id, **opening))
        for point in points:
            for flag in [(flags or {})[point], ""] if point in (flags or {}) else [""]:
                index += 1
                setting = Setting(detuning_set_mhz=10.0 * point, detuning_mhz=10.0 * point + 0.2)
                writer.segment(
                    make_segment(
                        index, run_id=writer.run_id, block=point, point=point, flag=flag,
                        attempt=0 if flag or point not in (flags or {}) else 1, setting=setting,
                        counts=50,
                    )
                )  # fmt: skip
            index += 1
            closing = {**BRACKET, "block": point}
            writer.segment(make_segment(index, run_id=writer.run_id, **closing))
        if fitted is not None:
            writer.fit("85Kr", fitted)
        if state is not None:
            writer.close(state, reason)
        return writer

    return run


def night_of(data: Path, **more):
    return read_night(data, START_S - 3600.0, START_S + 40_000.0, **more)


def test_a_good_night(take, tmp_path: Path) -> None:
    take(fitted=fit(), flags={1: LOST})
    take(fitted=fit(), isotopes=(85,), scan_name="second")
    night = night_of(tmp_path / "data", alarms=(), queue=())
    found = verdict(night)
    assert found.good
    assert found.first == "A good night: 2 measurements complete."
    # 400 counts in eight segments of a minute each; one more minute was lost and taken again.
    assert found.second.startswith("400 atoms in 8 min 0 s of counting, camera open ")
    assert "1 interval without data (1 min 2 s), all taken again" in found.second
    assert found.third == "Nothing needs you."


def test_what_makes_a_night_bad(take, tmp_path: Path) -> None:
    take(fitted=fit())
    aborted = take([0], state=RunState.ABORTED, reason="camera: no frame for 5 s")
    crashed = take([0], state=RunState.CRASHED)
    queue = (
        QueueEntry(1, "demo", "done", 1, 1, "", ("r1",), START_S + 10.0),
        QueueEntry(2, "demo", "aborted", 0, 1, "x", (aborted.run_id,), START_S + 20.0),
        QueueEntry(3, "wide", "failed", 0, 1, "beyond a limit", (), None),
        QueueEntry(4, "next", "waiting", 0, 2, "", (), None),
    )
    night = night_of(tmp_path / "data", queue=queue, queue_paused="entry 2: camera")
    found = verdict(night)
    assert not found.good
    assert found.first == (
        f"Not a good night: {aborted.run_id} aborted (camera: no frame for 5 s); "
        f"{crashed.run_id} crashed; entry 3 of the queue, wide, failed (beyond a limit)."
    )
    assert "the queue is paused (entry 2: camera)" in found.third
    assert found.third.endswith("1 entry of the queue left.")


def test_the_night_of_one_rig_holds_nothing_of_another(take, tmp_path: Path) -> None:
    """Several rigs may measure into one folder."""
    mine = take(fitted=fit(), taken_by="a")
    other = take([0], state=RunState.ABORTED, reason="camera", taken_by="b")
    unknown = take(fitted=fit())
    data = tmp_path / "data"

    def runs(rig: str) -> set[str]:
        return {m.chain.run_id for m in night_of(data, rig=rig).measurements}

    assert runs("") == {mine.run_id, other.run_id, unknown.run_id}
    assert runs("a") == {mine.run_id, unknown.run_id}
    assert runs("b") == {other.run_id, unknown.run_id}
    night = night_of(data, rig="a")
    assert verdict(night).good
    page = build_night_report(night, data)
    assert other.run_id not in page.read_text()
    assert page != build_night_report(night_of(data, rig="b"), data), "one replaced the other"


@pytest.mark.parametrize(
    ("fitted", "said"),
    [
        (None, "85Kr: no fit"),
        (fit(valid=False), "85Kr: the fit did not converge"),
        (fit(p_value=1e-5), "85Kr: the fit describes the data badly"),
    ],
)
def test_a_fit_that_needs_a_look(take, tmp_path: Path, fitted, said: str) -> None:
    run = take(fitted=fitted)
    found = verdict(night_of(tmp_path / "data"))
    assert found.good, "the data are there"
    assert found.third == f"Look at: {run.run_id}, {said}."


def test_a_night_with_nothing_and_one_under_way(take, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = verdict(night_of(tmp_path / "data"))
    assert not found.good
    assert found.lines == ("Nothing was measured.", "No segment was taken.", "Nothing needs you.")
    take(fitted=fit())
    take([0], state=None)
    found = verdict(night_of(tmp_path / "data"))
    assert found.good
    assert found.first.startswith("A good night so far: 1 of 2 measurements complete, one is")


def test_runs_that_go_on_with_one_another_are_one_measurement(take, tmp_path: Path) -> None:
    dead = take([0, 1], state=RunState.CRASHED)
    take([2, 3], resumes=dead.run_id, fitted=fit())
    (measurement,) = night_of(tmp_path / "data").measurements
    assert measurement.chain.runs[0].run_id == dead.run_id
    assert measurement.complete
    assert measurement.counted == 200
    assert measurement.open_s == 240.0
    assert verdict(night_of(tmp_path / "data")).first == "A good night: 1 measurement complete."


def test_a_clock_set_back_in_between_does_not_count_a_measurement_twice(
    take, tmp_path: Path, clock
) -> None:
    """The computer booted with its clock hours slow: the later run looks older."""
    late, early = 3, 0
    dead = take([0, 1], number=late, state=RunState.CRASHED)
    clock.now_s -= 3600.0
    rest = take([2, 3], number=early, resumes=dead.run_id, fitted=fit())
    assert rest.run_id < dead.run_id
    (measurement,) = night_of(tmp_path / "data").measurements
    assert [run.run_id for run in measurement.chain.runs] == [dead.run_id, rest.run_id]
    assert measurement.counted == 200


def test_only_the_night_counts(take, tmp_path: Path) -> None:
    take(fitted=fit())
    data = tmp_path / "data"
    assert len(read_night(data, START_S, START_S + 1e5).measurements) == 1
    assert read_night(data, START_S + 1e5, START_S + 2e5).measurements == ()
    assert read_night(data, START_S - 2e5, START_S - 1e5).measurements == ()


def test_a_run_that_has_waited_longer_than_the_night_is_of_it(take, tmp_path: Path) -> None:
    """Nothing is journaled in a wait: it was left out, and nobody told that it waits."""
    take([0], state=None)
    night = read_night(tmp_path / "data", START_S + 1e5, START_S + 2e5)
    assert len(night.measurements) == 1


def test_a_damaged_run_is_named_and_the_others_are_there(take, tmp_path: Path) -> None:
    dead = take([0], state=RunState.CRASHED)
    take([1], resumes="20000101-000000-85Kr-lost-0000")
    night = night_of(tmp_path / "data")
    assert len(night.measurements) == 1
    (reason,) = night.unreadable.values()
    assert "which is not in" in reason
    assert dead.run_id in verdict(night).first


def waits(writer: RunWriter, event: str, at_s: float, block: int, **body: object) -> None:
    """A line of the journal about a wait for the rig, `at_s` seconds into the night."""
    told = {"event": event, "block": block, "attempt": 0, "cured_by": [], **body}
    writer.append("recovery", told, rig_s=START_S + at_s)


def spoilt(make_run, make_segment) -> RunWriter:
    """Block 0 is whole; a lost lock spoils block 1 behind its first segment, and is waited for
    three hours; the pressure holds block 2 up for an hour, before a segment of it was taken."""
    writer = make_run()

    def take(index: int, block: int, at_s: float, **changes: object) -> None:
        writer.segment(
            make_segment(
                index, run_id=writer.run_id, block=block, start_rig_s=START_S + at_s,
                end_rig_s=START_S + at_s + 62.0, **changes,
            )
        )  # fmt: skip

    def close(index: int, block: int, at_s: float, **changes: object) -> None:
        take(index, block, at_s, **BRACKET, **changes)

    take(0, 0, 100.0, point=0)
    close(1, 0, 200.0)
    take(2, 1, 300.0, point=1)
    take(3, 1, 400.0, point=2, flag=LOST, live_s=10.0)
    writer.flag(2, "its block was retaken")
    waits(writer, "suspended", 462.0, 1, cause=LOST)
    waits(writer, "try", 500.0, 1, cause=LOST, recipe="relock", outcome="failed: no", **{"try": 1})
    waits(writer, "try", 11_000.0, 1, cause=LOST, recipe="relock", outcome="done", **{"try": 2})
    waits(writer, "resumed", 11_262.0, 1, cured_by=["relock"])
    take(4, 1, 11_300.0, point=1, attempt=1)
    take(5, 1, 11_400.0, point=2, attempt=1)
    close(6, 1, 11_500.0, attempt=1)
    waits(writer, "suspended", 11_600.0, 2, cause="pressure")
    return writer


def test_an_interval_is_what_one_fault_cost_with_the_wait_behind_it(
    make_run, make_segment, tmp_path: Path
) -> None:
    """One fault is one interval, with its cause; a wait without a segment is one, too."""
    writer = spoilt(make_run, make_segment)
    waits(writer, "resumed", 15_200.0, 2)
    for index, more in ((7, {"point": 3}), (8, BRACKET)):
        writer.segment(make_segment(index, run_id=writer.run_id, block=2, attempt=1, **more))
    writer.close(RunState.COMPLETE)
    night = night_of(tmp_path / "data")
    (measurement,) = night.measurements
    lock, pressure = measurement.bad
    assert (lock.interval.cause, lock.interval.segments) == (LOST, 2)
    assert lock.length_s == 11_262.0 - 300.0
    # Its first segment ended with its line in the journal.
    assert lock.interval.start_utc_s == measurement.taken[2].begin_utc_s
    assert lock.interval.end_in_words == "relock"
    assert lock.retaken
    assert (pressure.interval.cause, pressure.length_s) == ("pressure", 3600.0)
    assert pressure.interval.end_in_words == "by itself"
    assert pressure.retaken, "it cost no data"
    assert "; 2 intervals without data (4 h 03 min), all taken again." in verdict(night).second
    source = build_night_report(night, tmp_path / "data").read_text(encoding="utf-8")
    (table,) = re.findall(r"<h2>Intervals without data</h2>.*?</table>", source, re.DOTALL)
    rows = [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", row)]
        for row in re.findall(r"<tr><td.*?</tr>", table)
    ]
    told = "lock: the slave&#39;s peak is missing"
    assert [row[1:] for row in rows] == [
        ["3 h 03 min", "demo", "1", "2", told, "relock (2 tries)", "relock", "yes"],
        ["1 h 00 min", "demo", "2", "", "pressure", "", "by itself", "nothing lost"],
    ]


def test_a_wait_that_is_not_over_lasts_to_the_end_of_the_night(
    make_run, make_segment, tmp_path: Path
) -> None:
    """Nothing is journaled while a run waits for a pressure."""
    writer = spoilt(make_run, make_segment)
    night = night_of(tmp_path / "data")
    (measurement,) = night.measurements
    *_, wait = measurement.bad
    assert wait.interval.end_utc_s == night.until_utc_s
    assert wait.interval.end_in_words == "still waiting"
    assert not wait.retaken
    assert f"Look at: {writer.run_id} waits since " in verdict(night).third
    assert verdict(night).third.endswith(" UTC: pressure.")
    assert "still waiting" in build_night_report(night, tmp_path / "data").read_text("utf-8")


def test_a_run_that_waits_before_its_first_segment_is_told(make_run, tmp_path: Path) -> None:
    waits(make_run(), "suspended", 10.0, -1, cause="pressure")
    night = night_of(tmp_path / "data")
    second = verdict(night).second
    assert second.startswith("No segment was taken; 1 interval without data (")
    assert second.endswith("), nothing lost.")
    assert "waits since 15 Jan" in verdict(night).third
    build_night_report(night, tmp_path / "data")


def test_what_was_given_up_is_not_taken_again(make_run, make_segment, tmp_path: Path) -> None:
    writer = spoilt(make_run, make_segment)
    waits(writer, "given up", 15_200.0, 2)
    writer.close(RunState.GAPS, "1 of 3 blocks were skipped and are missing: block 2")
    night = night_of(tmp_path / "data")
    assert [b.retaken for b in night.measurements[0].bad] == [True, False]
    assert "2 intervals without data (4 h 03 min), 1 not taken again." in verdict(night).second


def test_a_fault_between_two_segments_has_the_cause_of_its_wait(
    make_run, make_segment, tmp_path: Path
) -> None:
    writer = make_run()
    writer.segment(make_segment(0, run_id=writer.run_id))
    writer.flag(0, "its block was retaken")
    waits(writer, "suspended", 70.0, 0, cause=LOST)
    waits(writer, "resumed", 90.0, 0)
    writer.close(RunState.ABORTED, "enough")
    (bad,) = night_of(tmp_path / "data").measurements[0].bad
    assert (bad.interval.cause, bad.length_s, bad.retaken) == (LOST, 90.0, False)


def event(utc_s: float, what: str, alarm_id: str = "lock", severity: str = "major") -> AlarmEvent:
    return AlarmEvent(utc_s, utc_s, what, alarm_id, alarm_id, severity, f"{alarm_id} text")


def test_alarms_from_their_beginning_to_their_end() -> None:
    spans = alarm_spans(
        [
            event(0.0, "over", "old"),
            event(1.0, "raised"),
            event(2.0, "raised", "camera", "minor"),
            event(3.0, "changed", "camera", "major"),
            event(4.0, "over"),
            event(5.0, "acknowledged"),
            event(6.0, "raised"),
            event(7.0, "raised"),
            event(8.0, "acknowledged", "nobody knows"),
        ]
    )
    assert spans == (
        AlarmSpan(0.0, 0.0, "old", "major", "old text", False),
        AlarmSpan(1.0, 4.0, "lock", "major", "lock text", True),
        AlarmSpan(2.0, None, "camera", "major", "camera text", False),
        AlarmSpan(6.0, 7.0, "lock", "major", "lock text", False),
        AlarmSpan(7.0, None, "lock", "major", "lock text", False),
    )


def test_an_alarm_that_lasts_needs_somebody(take, tmp_path: Path) -> None:
    take(fitted=fit())
    alarms = [
        event(START_S - 9e4, "raised", "early"),
        event(START_S - 8e4, "over", "early"),
        event(START_S - 9e3, "raised", "amplifier"),
        event(START_S + 9e4, "raised"),
    ]
    night = night_of(tmp_path / "data", alarms=alarms)
    assert night.alarms is not None
    assert [span.source for span in night.alarms] == ["amplifier"]
    assert verdict(night).third == "Look at: alarm since 15 Jan 05:30:00 UTC: amplifier text."


def test_the_page_needs_nothing_beside_it_and_says_everything(take, tmp_path: Path) -> None:
    dead = take([0, 1], state=RunState.CRASHED, flags={1: LOST})
    take([2, 3], resumes=dead.run_id, fitted=fit())
    take([0], state=RunState.ABORTED, reason="STOP by <home>", scan_name="second")
    column = Column("lock:rms", "MHz", "rms")
    minutes = Minutes(
        START_S + 60.0 * np.arange(50), START_S + 60.0 * np.arange(50), np.zeros(50, np.int64),
        (column,), np.full((50, 1, 3), 0.8, np.float32),
    )  # fmt: skip
    queue = [QueueEntry(7, "seventh", "waiting", 1, 3, "", ("r7",), START_S)]
    night = night_of(
        tmp_path / "data", queue=queue, alarms=[event(START_S, "raised"), event(START_S, "over")]
    )
    path = build_night_report(night, tmp_path / "data", Past((column,), minutes=minutes))
    assert path == tmp_path / "data" / "nights" / "2027-01-15.html"
    source = path.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!data:)', source) == []
    assert "<script" not in source
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", source))
    for line in verdict(night).lines:
        assert line.replace("<", "&lt;").replace(">", "&gt;") in text.replace("&#39;", "'")
    for words in (
        "1 of 2 measurements complete", "85Kr: demo", "2 runs that go on with one another",
        "STOP by &lt;home&gt;", "background 2500 ± 60 atoms/h", "the slave&#39;s peak is missing",
        "lock text", "seventh", "1 of 3", "Readings", "position",
    ):  # fmt: skip
        assert words in text, words
    assert "Rabi scale" not in text, "what was held is no result"
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', source)
    assert len(pictures) >= 3
    for picture in pictures:
        ElementTree.fromstring(base64.b64decode(picture))


def test_a_night_without_history_and_queue_leaves_them_out(take, tmp_path: Path) -> None:
    take(fitted=fit())
    night = night_of(tmp_path / "data")
    source = build_night_report(night, tmp_path / "data").read_text(encoding="utf-8")
    assert "Nobody kept alarms" in source
    assert "<h2>Queue</h2>" not in source
    assert "<h2>Readings</h2>" not in source
