"""`atta-daq show`: which run it tells of, and what it prints."""

import json
from pathlib import Path

import pytest
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.run_folder import RunState


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A run with a gap, and an hour later one that was aborted."""
    clock = Clock()
    gaps = new_run(tmp_path, clock, 0)
    for point in (0, 1, 3, 4, 5, 6):
        gaps.segment(stored_segment(point, run_id=gaps.run_id))
    gaps.append(
        "skipped", {"block": 2, "id": "x-2", "cause": "block 2 is given up: warm", "points": [2]}
    )
    gaps.close(RunState.GAPS, "1 of 7 blocks was skipped")
    aborted = new_run(tmp_path, clock, 1)
    aborted.segment(stored_segment(0, run_id=aborted.run_id, flag="STOP"))
    aborted.close(RunState.ABORTED, "STOP by operator")
    return tmp_path


def run_ids(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir() if path.is_dir())


def test_left_out_the_youngest_run_is_shown(call, data: Path) -> None:
    shown = call("show", "--data", data)
    assert shown.code == 0, shown.err
    first, *_ = shown.out.splitlines()
    assert first.startswith(f"{run_ids(data)[1]}  aborted")
    assert "STOP by operator" in " ".join(shown.out.split())
    assert shown.out == call("show", "last", "--data", data).out


def test_a_run_is_named_by_the_start_of_its_name(call, data: Path) -> None:
    name = run_ids(data)[0]
    shown = call("show", name[:11], "--data", data)
    assert shown.code == 0, shown.err
    text = " ".join(shown.out.split())
    for words in (name, "complete with gaps: 1 of 7 blocks was skipped",
                  "skipped: block 2 is given up: warm", "85Kr: no data at 2 (-100 MHz)",
                  "0 of 6 segments flagged", "No interval without data."):  # fmt: skip
        assert words in text, text


def test_one_object_for_programs(call, data: Path) -> None:
    shown = call("show", run_ids(data)[0], "--data", data, "--json")
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["run"] == run_ids(data)[0]
    assert told["state"] == "complete with gaps"
    assert told["missing_points"] == {"85Kr": ["2 (-100 MHz)"]}
    assert [(b["block"], b["points"], b["taken_later"]) for b in told["skipped"]] == [
        (2, [2], False)
    ]


def test_what_is_not_there_is_said(call, data: Path, tmp_path: Path) -> None:
    call("show", "nosuchrun", "--data", data).refused("nosuchrun")
    call("show", "--data", tmp_path / "nowhere").refused("no such folder", "--data")
    (tmp_path / "empty").mkdir()
    call("show", "--data", tmp_path / "empty").refused("no run")
