"""A run: written, read, flagged, closed, and closed for a writer that died."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from medium import recorded, synced
from stored_runs import new_run

from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter
from atta_daq.archive.errors import ArchiveError, RunClosed, SchemaUnknown, WriteFailed
from atta_daq.archive.header import CalibrationUse, RunHeader, new_run_id
from atta_daq.archive.run_folder import (
    JOURNAL,
    OWNER,
    RunState,
    RunWriter,
    close_as_complete,
    close_dead_runs,
    open_run,
    run_folders,
)
from atta_daq.owner import AlreadyOwned, OwnerLock, is_held, read_owner


def _fit() -> FitResult:
    return FitResult(
        model="spectrum",
        isotope=85,
        parameters=(Parameter("position_mhz", -472.0, 15.0, "MHz", -14.0, 16.0),),
        covariance=np.array([[225.0]]),
        goodness=Goodness("Poisson deviance", 38.0, 36, 0.4),
        valid=True,
        message="",
        last_block=3,
        curve=Curve("detuning_mhz", np.arange(3.0), np.ones(3), np.full(3, 0.1)),
        derived=(Parameter("rest_mhz", -204.0, 18.0, "MHz"),),
        notes=("one",),
    )


def test_the_name_of_a_run_says_when_what_and_which() -> None:
    name = new_run_id((85,), "Night scan / 2", 1_800_000_000.0)
    assert re.fullmatch(r"20270115-080000-85Kr-night_scan_2-[0-9a-f]{4}", name)
    assert new_run_id((81, 83), "x", 0.0, "ab12") == "19700101-000000-81+83Kr-x-ab12"


def test_a_header_comes_back_as_it_was() -> None:
    header = RunHeader(
        run_id="r",
        scan_name="s",
        isotopes=(81, 83),
        geometry="counter",
        axes=("detuning_mhz", "power_mw"),
        metadata={"note": "µ"},
        calibrations=(CalibrationUse("fsr", 3000.0, 1.0, "MHz", 1.0, "cell"),),
        extra={"uid": "x"},
    )
    assert RunHeader.from_dict(json.loads(json.dumps(header.to_dict()))) == header


def test_a_complete_run_comes_back_whole(make_run, make_segment) -> None:
    writer = make_run()
    frames = writer.open_frames(8, 8)
    image = np.arange(64, dtype=np.uint16).reshape(8, 8)
    for index in range(3):
        frames.append(image + np.uint16(index), index, float(index))
        writer.segment(make_segment(index), {"uid": f"event {index}"})
    writer.flag(1, "cosmic ray", "operator")
    writer.note("lunch", "operator")
    writer.fit("spectrum", _fit())
    assert open_run(writer.folder).state is RunState.RUNNING
    writer.close(RunState.COMPLETE, "all blocks taken")

    run = open_run(writer.folder)
    assert run.state is RunState.COMPLETE
    assert [s.flag for s in run.segments] == ["", "cosmic ray", ""]
    assert run.segments[2] == make_segment(2)
    assert run.notes[0].text == "lunch"
    assert run.scan_toml.startswith('name = "demo"\n')
    assert run.rig_toml == "[clock]\nrate = 1\n"
    assert run.truth is None
    fit = run.fits["spectrum"]
    assert fit.to_dict() == _fit().to_dict()
    with run.frames() as reader:
        assert np.array_equal(reader.segment(2).images[0], image + 2)


def test_a_flag_can_be_taken_back(make_run, make_segment) -> None:
    writer = make_run()
    writer.segment(make_segment(0))
    writer.flag(0, "doubtful")
    writer.flag(0, "")
    assert open_run(writer.folder).segments[0].flag == ""


def test_a_later_fit_replaces_the_one_of_the_journal(make_run) -> None:
    writer = make_run()
    writer.fit("spectrum", _fit())
    writer.close(RunState.COMPLETE)
    run = open_run(writer.folder)
    run.save_fits({"again": _fit()})
    assert list(run.fits) == ["again"]
    assert list(open_run(writer.folder).fits) == ["again"]


def test_a_closed_run_takes_nothing_more(make_run) -> None:
    writer = make_run()
    writer.close(RunState.ABORTED, "STOP by operator")
    writer.close(RunState.COMPLETE)
    with pytest.raises(RunClosed, match="has ended"):
        writer.note("late")
    run = open_run(writer.folder)
    assert run.state is RunState.ABORTED
    assert run.stop is not None
    assert run.stop.body["reason"] == "STOP by operator"


def test_start_and_stop_cannot_be_slipped_in(make_run) -> None:
    with pytest.raises(ValueError, match="stop document"):
        make_run().append("stop", {})


def test_documents_of_the_run_engine_and_calibrations_are_kept(make_run) -> None:
    writer = make_run()
    writer.append("calibration", {"name": "axis zero", "zero_ratio": np.float64(0.47)})
    writer.append("bluesky", {"name": "descriptor", "document": {"uid": "x"}})
    with pytest.raises(ValueError, match="gossip"):
        writer.append("gossip", {})
    kinds = [d.doc.value for d in open_run(writer.folder).content.documents]
    assert kinds == ["start", "calibration", "bluesky"]


def test_a_live_run_is_owned_and_not_closed_by_another_start(make_run, clock) -> None:
    writer = make_run()
    with pytest.raises(AlreadyOwned, match=f"process {os.getpid()} on "):
        OwnerLock(writer.folder / OWNER).acquire("another", 0.0)
    assert close_dead_runs([writer.folder], rig_now=clock, utc_now=clock) == ()
    assert open_run(writer.folder).stop is None


def test_a_run_of_another_computer_is_left_alone(
    make_run, clock, caplog: pytest.LogCaptureFixture
) -> None:
    writer = make_run()
    writer.abandon()
    lock = writer.folder / OWNER
    owner = json.loads(lock.read_text())
    lock.write_text(json.dumps(owner | {"host": "another-bench"}))
    assert close_dead_runs([writer.folder], rig_now=clock, utc_now=clock) == ()
    assert "close it from there" in caplog.text
    assert open_run(writer.folder).stop is None


def test_a_later_schema_is_refused(make_run) -> None:
    writer = make_run()
    writer.close(RunState.COMPLETE)
    path = writer.folder / JOURNAL
    path.write_text(path.read_text().replace('"schema":2', '"schema":3', 1))
    with pytest.raises(SchemaUnknown, match="schema 3; this program knows up to 2"):
        open_run(writer.folder)


def test_a_folder_without_a_journal_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is not a run"):
        open_run(tmp_path)


def test_a_damaged_run_does_not_stop_the_closing_of_others(
    make_run, clock, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, dead = make_run(), make_run()
    for writer in (damaged, dead):
        writer.note("one")
        writer.note("two")
        writer.abandon()
    lines = (damaged.folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (damaged.folder / JOURNAL).write_bytes(lines[0] + b"{\n" + lines[2])
    folders = run_folders(dead.folder.parent)
    assert close_dead_runs(folders, rig_now=clock, utc_now=clock) == (dead.run_id,)
    assert any(r.levelno == logging.WARNING and "line 2" in r.message for r in caplog.records)


def test_a_station_closes_dead_runs_of_its_own_rig_alone(tmp_path: Path, clock) -> None:
    """Two rigs may share a folder; a run without a name is an older one."""
    writers = [new_run(tmp_path, clock, n, taken_by=rig) for n, rig in enumerate(("a", "b", ""))]
    for writer in writers:
        writer.abandon()
    mine, others, old = writers
    closed = close_dead_runs(run_folders(tmp_path), rig_now=clock, utc_now=clock, rig="a")
    assert closed == (mine.run_id, old.run_id)
    assert open_run(others.folder).stop is None
    assert open_run(others.folder).header.rig == "b"


@pytest.mark.parametrize("refused", ["write_whole", "JournalWriter", "sync_folder"])
def test_a_run_that_cannot_be_begun_leaves_nothing_behind(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"atta_daq.archive.run_folder.{refused}", full)
    open_files = psutil.Process().num_fds()
    with pytest.raises(WriteFailed, match=r"cannot be begun.*No space left"):
        new_run(tmp_path, clock)
    assert psutil.Process().num_fds() == open_files
    assert list(tmp_path.iterdir()) == []


def test_a_start_document_that_the_disk_refuses_leaves_nothing_behind(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise WriteFailed("document 0 could not be written")

    monkeypatch.setattr("atta_daq.archive.run_folder.JournalWriter.append", full)
    open_files = psutil.Process().num_fds()
    with pytest.raises(WriteFailed, match="document 0"):
        new_run(tmp_path, clock)
    assert psutil.Process().num_fds() == open_files
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_as_such(tmp_path: Path, clock) -> None:
    """And one that is there already is not touched."""
    blocked = tmp_path / "data"
    blocked.write_text("no folder")
    with pytest.raises(WriteFailed, match="cannot be begun"):
        new_run(blocked, clock)
    writer = new_run(tmp_path, clock)
    with pytest.raises(WriteFailed, match="cannot be begun"):
        new_run(tmp_path, clock)
    writer.close(RunState.COMPLETE)
    assert open_run(writer.folder).state is RunState.COMPLETE


def test_frames_are_on_the_medium_before_their_segment_is_acknowledged(
    make_run, make_segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make_run()
    writer.open_frames(8, 8).append(np.zeros((8, 8), np.uint16), 0, 0.0)
    journal = writer.folder / JOURNAL
    before = journal.stat().st_size
    did: list[tuple[str, bool]] = []

    def syncs(what: str) -> Callable[[int], None]:
        return lambda _file: did.append((what, journal.stat().st_size > before))

    monkeypatch.setattr("atta_daq.archive.frames.sync", syncs("frames"))
    monkeypatch.setattr("atta_daq.archive.journal.sync", syncs("journal"))
    writer.segment(make_segment(0))
    assert did == [("frames", False), ("journal", True)]


def test_a_power_cut_leaves_the_folder_of_the_first_run(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    did = recorded(monkeypatch)
    writer = new_run(tmp_path / "data", clock)
    assert did[:1] == synced(tmp_path)
    writer.close(RunState.COMPLETE)


def test_a_run_whose_files_the_disk_refuses_does_not_stop_the_closing_of_others(
    make_run, clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The station that closes them has to serve."""
    refused, dead = make_run(), make_run()
    for writer in (refused, dead):
        writer.abandon()
    (refused.folder / OWNER).unlink()
    (refused.folder / OWNER).mkdir()
    folders = run_folders(dead.folder.parent)
    assert close_dead_runs(folders, rig_now=clock, utc_now=clock) == (dead.run_id,)
    assert any(refused.run_id in r.message for r in caplog.records)


@pytest.mark.parametrize("close", [close_dead_runs, close_as_complete])
def test_an_end_that_the_disk_refuses_leaves_nothing_open(
    make_run, clock, monkeypatch: pytest.MonkeyPatch, close: Callable[..., object]
) -> None:
    """It is tried again, by the queue five times a second."""
    writer = make_run()
    writer.abandon()

    def full(*_: object) -> None:
        raise WriteFailed("the disk is full")

    monkeypatch.setattr("atta_daq.archive.run_folder.JournalWriter.append", full)
    open_files = psutil.Process().num_fds()
    with suppress(WriteFailed):
        close([writer.folder] if close is close_dead_runs else writer.folder,
              rig_now=clock, utc_now=clock)  # fmt: skip
    assert psutil.Process().num_fds() == open_files
    assert not is_held(writer.folder / OWNER)


def test_a_lock_that_the_disk_does_not_let_be_signed_is_free_and_names_the_last_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / OWNER
    first = OwnerLock(path)
    first.acquire("a run with a long name", 0.0)
    first.release()
    open_files = psutil.Process().num_fds()
    with monkeypatch.context() as patch:

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            OwnerLock(path).acquire("another", 1.0)
    assert psutil.Process().num_fds() == open_files
    owner = read_owner(path)
    assert owner is not None
    assert owner.purpose == "a run with a long name"
    second = OwnerLock(path)
    second.acquire("short", 2.0)
    owner = read_owner(path)
    assert owner is not None
    assert owner.purpose == "short"
    second.release()


# Writes segments with frames for ever; prints a line once a segment is acknowledged.
_VICTIM = """
import itertools, sys, time
from pathlib import Path
import numpy as np
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.header import RunHeader
from atta_daq.archive.run_folder import RunWriter

header = RunHeader("victim", "kill", (85,), "co", ("detuning_mhz",))
run = RunWriter.create(Path(sys.argv[1]), header, rig_now=time.time, utc_now=time.time)
frames = run.open_frames(16, 16)
counter = itertools.count()
print("ready", flush=True)
for index in itertools.count():
    for _ in range(37):  # no multiple of a block: chunks are rewritten
        number = next(counter)
        image = np.random.default_rng(number).integers(0, 900, (16, 16), np.uint16)
        frames.append(image, number, float(number))
    run.segment(Segment("victim", 0, 0, index, SegmentKind.RARE, 85, True, index, False, Setting(),
                        0.0, 1.0, 1.0, counts=index, exposures=37))
    print(index, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 20, 61])
def test_kill_9_loses_nothing_that_was_acknowledged(
    acknowledged: int, tmp_path: Path, clock
) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    with victim.stdout as output:
        assert output.readline() == "ready\n"
        said = [int(output.readline()) for _ in range(acknowledged)]
        victim.kill()
        # What it managed to say before the blow counts too; a torn line was no acknowledgement.
        said += [int(line) for line in output if line.endswith("\n")]
    victim.wait()

    folder = tmp_path / "victim"
    run = open_run(folder)
    assert run.state is RunState.CRASHED
    assert run.stop is None
    counts = {segment.index: segment.counts for segment in run.segments}
    with run.frames() as reader:
        for index in said:
            assert counts[index] == index
            frames = reader.segment(index)
            numbers = range(37 * index, 37 * (index + 1))
            assert frames.unique_id.tolist() == list(numbers)
            assert frames.rig_time_s.tolist() == [float(n) for n in numbers]
            for number, image in zip(numbers, frames.images, strict=True):
                expected = np.random.default_rng(number).integers(0, 900, (16, 16), np.uint16)
                assert np.array_equal(image, expected)

    owner = read_owner(folder / OWNER)
    assert owner is not None
    assert owner.pid == victim.pid
    closed = close_dead_runs(run_folders(tmp_path), rig_now=clock, utc_now=clock)
    assert closed == ("victim",)
    run = open_run(folder)
    assert run.state is RunState.CRASHED
    assert run.stop is not None
    assert f"process {victim.pid}" in run.stop.body["reason"]
    assert len(run.segments) >= len(said)
    assert close_dead_runs(run_folders(tmp_path), rig_now=clock, utc_now=clock) == ()


def chatter(writer: RunWriter, refused: list[Exception]) -> None:
    """Write notes until the run refuses them."""
    try:
        for i in range(500):
            writer.note(str(i))
    except Exception as error:
        refused.append(error)


@pytest.mark.parametrize("attempt", range(15))
def test_a_late_document_meets_a_closed_run_not_a_closed_file(tmp_path, attempt) -> None:
    """Notes from one thread while another closes: each is kept or refused."""
    header = RunHeader("r", "scan", (85,), "co", ())
    writer = RunWriter.create(tmp_path, header, rig_now=lambda: 0.0, utc_now=lambda: 0.0)
    refused: list[Exception] = []
    thread = threading.Thread(target=chatter, args=(writer, refused))
    thread.start()
    writer.close(RunState.COMPLETE, f"attempt {attempt}")
    thread.join()
    assert all(isinstance(error, RunClosed) for error in refused)
    assert open_run(tmp_path / "r").state is RunState.COMPLETE
