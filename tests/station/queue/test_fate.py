"""What the archive says of a run, whatever its station died of."""

from pathlib import Path

import pytest

from atta_daq.archive.header import RunHeader
from atta_daq.archive.run_folder import JOURNAL, RunState, RunWriter, close_dead_runs
from atta_daq.station.queue.entry import Outcome
from atta_daq.station.queue.fate import SHUT_DOWN, fate_of, went_on
from atta_daq.station.resuming import crashed, last_to_resume


def begin(data: Path, run_id: str = "r1", resumes: str | None = None) -> RunWriter:
    header = RunHeader(
        run_id=run_id, scan_name="s", isotopes=(83,), geometry="co", axes=(), resumes=resumes
    )
    return RunWriter.create(data, header, rig_now=lambda: 1.0, utc_now=lambda: 1.0)


def test_a_run_of_which_there_is_no_folder_never_began(tmp_path: Path) -> None:
    assert not fate_of(tmp_path, "r1").began


@pytest.mark.parametrize("text", [None, "", '{"seq": 0, "utc_s": 1.0, "rig'])
def test_a_folder_without_a_start_document_never_began(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "r1").mkdir()
    if text is not None:
        (tmp_path / "r1" / JOURNAL).write_text(text)
    assert not fate_of(tmp_path, "r1").began


def test_a_run_under_way_has_begun(tmp_path: Path) -> None:
    writer = begin(tmp_path)
    fate = fate_of(tmp_path, "r1")
    writer.abandon()
    assert (fate.began, fate.outcome) == (True, Outcome.UNDER_WAY)


def test_a_run_whose_writer_died_is_to_be_gone_on_with(tmp_path: Path) -> None:
    begin(tmp_path).abandon()
    assert fate_of(tmp_path, "r1").outcome is Outcome.DIED
    close_dead_runs([tmp_path / "r1"], rig_now=lambda: 2.0, utc_now=lambda: 2.0)
    fate = fate_of(tmp_path, "r1")
    assert fate.outcome is Outcome.DIED
    assert "died" in fate.reason
    begin(tmp_path, "r2", resumes="r1").abandon()
    assert (went_on(tmp_path, "r1"), went_on(tmp_path, "r2")) == ("r2", "")


def test_a_run_whose_writer_died_after_stop_is_left_alone(tmp_path: Path) -> None:
    """Whoever kills a station that is slow to stop does not want its run back."""
    writer = begin(tmp_path)
    writer.ends("STOP by office")
    writer.abandon()
    # A full disk may keep the next station from closing it.
    fate = fate_of(tmp_path, "r1")
    assert (fate.outcome, fate.reason) == (Outcome.ABORTED, "STOP by office")
    assert crashed(tmp_path) is None
    close_dead_runs([tmp_path / "r1"], rig_now=lambda: 2.0, utc_now=lambda: 2.0)
    fate = fate_of(tmp_path, "r1")
    assert fate.outcome is Outcome.ABORTED
    assert fate.reason.startswith("STOP by office; the writer, ")
    assert crashed(tmp_path) is None
    assert last_to_resume(tmp_path, lambda _rig: True) == "r1", "by hand it may go on"


@pytest.mark.parametrize(
    ("state", "reason", "body", "outcome"),
    [
        (RunState.COMPLETE, "", {"fault": False}, Outcome.COMPLETE),
        (RunState.GAPS, "1 of 7 blocks skipped", {"fault": False}, Outcome.COMPLETE),
        (RunState.ABORTED, "aborted by bench", {"fault": False}, Outcome.ABORTED),
        (RunState.ABORTED, "STOP by home", {}, Outcome.ABORTED),
        (RunState.ABORTED, "lock: lost", {"fault": True}, Outcome.FAULT),
        (RunState.ABORTED, SHUT_DOWN, {"fault": False}, Outcome.DIED),
    ],
)
def test_the_stop_document_says_how_it_ended(
    tmp_path: Path, state: RunState, reason: str, body: dict[str, bool], outcome: Outcome
) -> None:
    begin(tmp_path).close(state, reason, body)
    fate = fate_of(tmp_path, "r1")
    assert (fate.began, fate.outcome) == (True, outcome)
    assert fate.reason == ("" if state is RunState.COMPLETE else reason)


def test_a_damaged_journal_is_a_fault_that_somebody_has_to_look_at(tmp_path: Path) -> None:
    begin(tmp_path).close(RunState.COMPLETE)
    journal = tmp_path / "r1" / JOURNAL
    journal.write_text("garbage\n" + journal.read_text())
    fate = fate_of(tmp_path, "r1")
    assert fate.outcome is Outcome.FAULT
    assert str(journal) in fate.reason
