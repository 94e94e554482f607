"""`refit`, `toys`, `bootstrap`: the same numbers in one process and in several."""

import json
import os
import time
from pathlib import Path

import pytest
from fakes_sweep import spectrum_fit
from open_ports import open_ports
from stored_runs import Clock, new_run, stored_segment

from atta_daq.archive.import_csv import import_csv
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.cli import ensembles
from atta_daq.cli.spread import _client

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two runs: the table of the paper, twice."""
    for _ in range(2):
        import_csv(EXAMPLES / "paper_table2.csv", tmp_path, time.time)
    return tmp_path


def run_ids(data: Path) -> list[str]:
    return sorted(path.parent.name for path in data.glob("*/journal.jsonl"))


@pytest.mark.timeout(120)
def test_processes_change_no_number(call, data: Path) -> None:
    """Bit by bit; and every socket of the cluster is on loopback."""
    runs = run_ids(data)
    asked = {
        "toys": ("toys", *runs, "--number", 30, "--json", "--data", data),
        "bootstrap": ("bootstrap", runs[0], "--number", 30, "--seed", 9, "--json", "--data", data),
        "refit": ("refit", *runs, "--json", "--data", data),
    }
    alone = {name: call(*arguments) for name, arguments in asked.items()}
    fits = [open_run(data / run).fits for run in runs]
    with _client(2, "") as client:
        ports = [port for port in open_ports(os.getpid()) if port.protocol == "tcp"]
        assert len(ports) >= 3
        assert all(port.loopback for port in ports)
        address = client.scheduler.address
        assert len(client.run(os.getpid)) == 2
        together = {
            name: call(*arguments, "--scheduler", address) for name, arguments in asked.items()
        }
    for name, outcome in alone.items():
        assert outcome.code == 0, outcome.err
        assert json.loads(outcome.out) == json.loads(together[name].out), name
        assert outcome.out == together[name].out
    again = [open_run(data / run).fits for run in runs]
    assert [{n: f.to_dict() for n, f in fit.items()} for fit in again] == [
        {n: f.to_dict() for n, f in fit.items()} for fit in fits
    ]
    toys = json.loads(alone["toys"].out)
    assert [(t["run"], t["number"], t["failed"]) for t in toys][::4] == [(r, 30, 0) for r in runs]
    increase = toys[0]["parameters"]["increase"]
    assert increase["deviation"] == pytest.approx(increase["error"], rel=0.6)


def test_tables_for_people(call, data: Path) -> None:
    shown = call("toys", "last", "--number", "20", "--seed", "4", "--data", data)
    assert shown.code == 0
    assert "increase" in shown.out
    assert "20 toys, seed 4" in shown.out
    runs = run_ids(data)
    shown = call("refit", *runs, "--data", data)
    assert all(run in shown.out for run in runs)


def test_a_refit_notes_what_its_run_does_not_hold(call, monkeypatch, tmp_path: Path) -> None:
    """As the fit that a station makes when a run has ended."""
    monkeypatch.setattr(ensembles, "fit_finally", lambda *_: {"85Kr": spectrum_fit()})
    monkeypatch.setattr(ensembles, "request_of", lambda *_, **__: None)
    writer = new_run(tmp_path, Clock())
    for point in (0, 1, 3, 4, 5, 6):
        writer.segment(stored_segment(point))
    writer.close(RunState.GAPS, "block 2 was skipped")
    shown = call("refit", "last", "--data", tmp_path)
    assert shown.code == 0, shown.err
    note = "No data at 1 of the scan's points: 2 (-100 MHz)"
    assert open_run(writer.folder).fits["85Kr"].notes == (*spectrum_fit().notes, note)
    assert note in shown.out


def test_what_is_refused(call, data: Path) -> None:
    call(
        "toys", "last", "--workers", 2, "--scheduler", "tcp://127.0.0.1:1", "--data", data
    ).refused("give one")
    call("toys", "last", "--number", 1, "--data", data).refused("--number")
    call("refit", "nosuchrun", "--data", data).refused("nosuchrun")
    call("refit", "last", "--scheduler", "nonsense://x", "--data", data).refused("nonsense://x")
