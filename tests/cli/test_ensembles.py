"""`refit`, `toys`, `bootstrap`: the same numbers in one process and in several."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from drawn_runs import draw_spectrum
from fakes_sweep import spectrum_fit
from open_ports import open_ports
from rig_ports import PORTS
from stored_runs import Clock, new_run, stored_segment
from threadpoolctl import threadpool_info, threadpool_limits

from atta_daq.archive.import_csv import import_csv
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.cli import ensembles
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.cli.spread import LOOPBACK, _client, spread_over

EXAMPLES = Path(__file__).parents[2] / "examples"
SPECTRUM = """name = "long"

[[part]]
isotope = 85
dwell_s = 120.0

[[part.axis]]
quantity = "detuning_mhz"
start = -800.0
stop = 1600.0
points = 101
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two runs: the table of the paper, twice."""
    for _ in range(2):
        import_csv(EXAMPLES / "paper_table2.csv", tmp_path, time.time)
    return tmp_path


def listening() -> set[tuple[str, int]]:
    """Host and number of every TCP port of this process and those below it."""
    return {(p.host, p.port) for p in open_ports(os.getpid()) if p.protocol == "tcp"}


def named_by(client: Any) -> set[int]:
    """Ports of a cluster of this computer: scheduler, workers, their nannies, the page of each."""
    told = client.scheduler_info()
    workers = told["workers"]
    addresses = [told["address"], *workers, *(worker["nanny"] for worker in workers.values())]
    pages = [told["services"]["dashboard"]]
    pages += [worker["services"]["dashboard"] for worker in workers.values()]
    return {int(address.rpartition(":")[2]) for address in addresses} | set(pages)


@pytest.fixture
def spectrum(tmp_path: Path) -> Path:
    """One run of 190 segments: its matrices are large enough for several threads of OpenBLAS."""
    drawn = draw_spectrum(3, points=101, references=20, dwell_s=120.0)
    rig = tomli_w.dumps(rig_file(PORTS, "co"))
    writer = new_run(tmp_path / "long", Clock(), scan=SPECTRUM, rig=rig)
    for segment in drawn.segments:
        writer.segment(replace(segment, run_id=writer.run_id))
    writer.close(RunState.COMPLETE)
    assert len(drawn.segments) > 180
    return tmp_path / "long"


def run_ids(data: Path) -> list[str]:
    return sorted(path.parent.name for path in data.glob("*/journal.jsonl"))


@pytest.mark.timeout(120)
def test_processes_change_no_number(call, data: Path, spectrum: Path) -> None:
    """Bit by bit; and every port of the cluster is one that dask names, on loopback."""
    runs = run_ids(data)
    asked = {
        "toys": ("toys", *runs, "--number", 30, "--json", "--data", data),
        "bootstrap": ("bootstrap", runs[0], "--number", 30, "--seed", 9, "--json", "--data", data),
        "refit": ("refit", *runs, "--json", "--data", data),
        **of_spectrum(spectrum),
    }
    alone = {name: call(*arguments) for name, arguments in asked.items()}
    fits = [open_run(data / run).fits for run in runs]
    before = listening()
    with _client(2, "") as client:
        opened = listening() - before
        assert opened == {(LOOPBACK, port) for port in named_by(client)}
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


def of_spectrum(data: Path) -> dict[str, tuple[object, ...]]:
    """What is asked of the long spectrum."""
    return {
        "long toys": ("toys", "last", "--number", 4, "--json", "--data", data),
        "long refit": ("refit", "last", "--json", "--data", data),
    }


@pytest.mark.timeout(120)
def test_workers_change_no_number_of_a_long_spectrum(call, spectrum: Path) -> None:
    """Bit by bit: with two threads its last digits are others."""
    toys = of_spectrum(spectrum)["long toys"]
    alone, together = call(*toys), call(*toys, "--workers", 2)
    assert alone.code == 0, alone.err
    assert together.out == alone.out
    assert json.loads(alone.out)[0]["failed"] == 0


def blas_threads() -> set[int]:
    """Of every library of linear algebra in this process."""
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


def test_every_piece_of_work_is_on_one_thread() -> None:
    """However many the process has."""
    with threadpool_limits(limits=2, user_api="blas"), spread_over(0, "") as spread:
        assert spread(blas_threads, [()]) == [{1}]


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
