"""The commands as a new user meets them: help, a run, Ctrl-C, work on what was taken."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import tomli_w
from pydantic import BaseModel
from rigs import Rig

from atta_daq import __version__
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.cli.checks import assembled, require_usable
from atta_daq.client.discovery import find_station
from atta_daq.owner import is_held
from atta_daq.rig.config import load_rig
from atta_daq.scans.definition import load_scan
from atta_daq.scans.wording import inner_model

COMMANDS = ("gui", "watch", "run", "rehearse", "queue", "station", "check", "protection",
            "messages", "simulate", "runs", "fit", "report", "night", "refit", "toys", "bootstrap",
            "export", "import", "history", "model", "docs")  # fmt: skip
DOCUMENTED = {
    "run": ("--config", "--simulate", "--speed", "--seed", "--truth", "--data", "--json"),
    "gui": (
        "--simulate",
        "--connect",
        "--rig",
        "--config",
        "--speed",
        "--seed",
        "--truth",
        "--data",
    ),
    "station": ("--config", "--simulate", "--speed", "--seed", "--truth", "--name", "--data"),
    "protection": ("--config", "--simulate", "--with", "--exercise", "--yes"),
    "simulate": ("--ports-file", "--speed", "--seed", "--truth", "--print-truth"),
    "fit": ("--data", "--free-width", "--json"),
    "watch": ("--listen", "--connect", "--rig", "--token-file"),
    "messages": ("--config",),
    "night": ("--since", "--until", "--rig", "--data"),
    "export": ("--format", "csv", "nexus"),
    "refit": ("--workers", "--scheduler", "--free-width", "--data", "--json"),
    "toys": ("--number", "--seed", "--workers", "--scheduler", "--data", "--json"),
    "bootstrap": ("--number", "--seed", "--workers", "--scheduler", "--data", "--json"),
    "history": ("--since", "--until", "--every", "--alarms", "--plot", "--csv", "--json", "--rig"),
}


def test_version_and_help(call) -> None:
    assert call("--version").out == f"atta-daq {__version__}\n"
    top = call("--help")
    assert top.code == 0
    for command in COMMANDS:
        assert f" {command} " in top.out
        shown = call(command, "--help")
        assert shown.code == 0
        assert all(option in shown.out for option in DOCUMENTED.get(command, ()))
    assert call().code == 2
    assert "Commands" in call().out
    assert call("model").code == 2


# --- examples -------------------------------------------------------------------------------


def keys(model: type[BaseModel], data: dict, place: str = "") -> set[str]:
    """Every key of the model that the file does not set."""
    missing = set()
    for name, field in model.model_fields.items():
        inner, _ = inner_model(field.annotation)
        if name not in data:
            missing.add(f"{place}{name}")
        elif inner is not None and isinstance(data[name], list):
            # A list of tables: what one of them shows is shown.
            missing |= set.intersection(*(keys(inner, t, f"{place}{name}.") for t in data[name]))
        elif inner is not None:
            missing |= keys(inner, data[name], f"{place}{name}.")
    return missing


def test_the_example_rig_file_shows_every_key() -> None:
    path = Path("examples/rig.toml")
    rig = load_rig(path)
    assembled(rig, path)
    missing = keys(type(rig), tomllib.loads(path.read_text()))
    assert {key for key in missing if not key.endswith((".made", ".valid_days"))} == {"data_dir"}
    assert "# data_dir" in path.read_text()


def test_every_scan_can_be_taken_on_the_example_rig() -> None:
    path = Path("examples/rig.toml")
    rig = load_rig(path)
    scans = sorted(Path("scans").glob("*.toml"))
    assert len(scans) >= 9
    for scan in scans:
        definition = load_scan(scan)
        here = rig.model_copy(update={"geometry": definition.geometry or rig.geometry})
        require_usable(here, path, definition, scan)


# --- work on what was taken -----------------------------------------------------------------


def test_a_table_is_imported_fitted_reported_and_exported(call, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run_id = call("import", "examples/paper_table2.csv", "--data", data).out.strip()
    fitted = json.loads(call("fit", "last", "--data", data, "--json").out)
    assert fitted["run"] == run_id
    assert set(fitted) >= {"run", "parameters", "goodness"}
    assert "truth" not in fitted
    paper = {"84Kr": (0.83, 0.09), "83Kr": (0.49, 0.06), "85Kr": (0.57, 0.06), "81Kr": (0.66, 0.09)}
    for isotope, (value, error) in paper.items():
        found = fitted["parameters"][f"{isotope}.increase"]
        scale = 0.01 if found["unit"] == "%" else 1.0
        assert found["value"] * scale == pytest.approx(value, abs=0.01)
        assert found["error"] * scale == pytest.approx(error, abs=0.015)
    report = Path(call("report", run_id[:-2], "--data", data).out.strip())
    assert report.read_text().lstrip().lower().startswith("<!doctype html")
    for form in ("csv", "nexus"):
        written = call("export", "last", "--format", form, "--data", data).out.split()
        assert written
        assert all(Path(path).stat().st_size > 0 for path in written)
    second = call("import", "examples/paper_table2.csv", "--data", data).out.strip()
    listed = json.loads(call("runs", "--data", data, "--json").out)
    assert [entry["run_id"] for entry in listed] == [run_id, second], "newest last"
    assert "complete" in call("runs", "--data", data).out
    assert json.loads(call("runs", "nothing like it", "--data", data, "--json").out) == []


# --- the rig --------------------------------------------------------------------------------


def test_check_names_everybody_who_answers(call, shared_rig: Rig) -> None:
    checked = call("check", "--config", shared_rig.path)
    assert checked.code == 0, checked
    for name in ("amplifier", "trap_switch", "camera", "sideband", "lock", "loading",
                 "reference_cell"):  # fmt: skip
        assert name in checked.out
    assert shared_rig.config["lock"]["address"] in checked.out


def test_simulate_prints_the_truth_that_it_was_given(tmp_path: Path) -> None:
    changed = tmp_path / "truth.toml"
    changed.write_text("[source]\ncounts_85kr_per_h = 1234.0\n")
    shown = subprocess.run(
        [sys.executable, "-m", "atta_daq", "simulate", "--print-truth", "--truth", str(changed)],
        capture_output=True, text=True, timeout=50, check=True,
    ).stdout  # fmt: skip
    truth = tomllib.loads(shown)["source"]
    assert truth["counts_85kr_per_h"] == 1234.0
    assert truth["counts_81kr_per_h"] == 200.0
    assert "# 1/h: " in shown


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    below = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        below |= {int(child)} | descendants(int(child))
    return below


def wait_until(reached, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


INCREASE = """
name = "increase"
zero_on_reference_cell = false
[[part]]
isotope = 83
pumping = "abba"
repeats = 2
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.timeout(240)
def test_ctrl_c_ends_a_run_in_good_order(tmp_path: Path) -> None:
    scan, data = tmp_path / "scan.toml", tmp_path / "data"
    scan.write_text(INCREASE.replace("repeats = 2", "repeats = 500"))
    process = subprocess.Popen(
        [sys.executable, "-m", "atta_daq", "run", str(scan), "--simulate", "--speed", "60",
         "--data", str(data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until(lambda: any('"segment"' in j.read_text() for j in data.glob("*/journal.jsonl")))
        started = descendants(process.pid)
        assert len(started) >= 2, "simulators and station"
        # As a terminal does: to every process of the group.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "what was taken is kept" in err
    assert "interrupted at the command line" in err
    (folder,) = (journal.parent for journal in data.glob("*/journal.jsonl"))
    run = open_run(folder)
    assert run.state is RunState.ABORTED
    assert any(not s.flag for s in run.segments)
    assert not is_held(folder / "owner.lock")
    assert str(folder) in out
    assert (folder / "report.html").exists()
    assert (folder / "truth.toml").exists()
    wait_until(lambda: not any(lives(pid) for pid in started), 10.0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_simulate_ends_with_its_simulators(tmp_path: Path) -> None:
    ports = tmp_path / "ports.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "atta_daq", "simulate", "--ports-file", str(ports)],
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_until(ports.exists)
        assert {"amplifier", "camera", "clock"} <= set(json.loads(ports.read_text()))
        started = descendants(process.pid)
        assert started
        process.kill()  # the hard way: not even then is anything left behind
        process.wait(10.0)
        wait_until(lambda: not any(lives(pid) for pid in started), 15.0)
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(240)
def test_a_run_on_a_rig_file_with_its_own_folder(call, shared_rig: Rig, tmp_path: Path) -> None:
    folder, scan, path = tmp_path / "deep" / "runs", tmp_path / "scan.toml", tmp_path / "own.toml"
    scan.write_text(INCREASE)
    path.write_text(tomli_w.dumps({**shared_rig.config, "data_dir": str(folder)}))
    done = call("run", scan, "--config", path, "--json", "--data", tmp_path / "unused")
    assert done.code == 0, done
    result = json.loads(done.out)
    assert result["state"] == "complete"
    assert Path(result["folder"]).parent == folder
    increase = result["parameters"]["increase"]
    assert increase["error"] > 0.0
    assert increase["value"] > 3.0 * increase["error"]
    assert result["goodness"]
    assert not (tmp_path / "unused").exists()
    assert find_station(shared_rig.name) is None
    assert "station: " in (folder / "station.log").read_text(), "the log has names and times"
