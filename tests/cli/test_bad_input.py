"""Every mistake that the issue names, and those that a new user makes first."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import tomli_w
from rigs import Rig, RunningStation

from atta_daq.client.client import CommandRefused, Endpoint
from atta_daq.client.discovery import find_station, lock_path
from atta_daq.owner import is_held
from atta_daq.rig.config import load_rig
from atta_daq.rig.instruments import Instruments
from atta_daq.station.ownership import RigLock, wires_of

DEMO = "scans/demo.toml"
TABLE = "isotope,pumping,counts,live [s]\n85,off,100,240\n85,on,160,240\n"


# --- rig file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("geometry", "sideways", ["geometry", "'sideways'", "'co' or 'counter'"]),
        ("amplifer", {}, ["amplifer: unknown key", "did you mean 'amplifier'?"]),
        ("lock.ratoi", 1, ["lock.ratoi: unknown key", "did you mean 'ratio'?", "laser_ref_us"]),
        ("camera", None, ["camera: missing", "[camera] table"]),
        ("calibrations.doppler.even_mhz", None, ["even_mhz: missing", "a number, in MHz"]),
        ("amplifier.address", "nowhere", ["amplifier.address", "'192.168.1.20:1998'"]),
        ("camera.address", "nowhere", ["camera.address", "pva://"]),
        ("loading.address", "nowhere", ["loading.address", "TCPIP0::"]),
        ("amplifier.seed_power_min_mw", -3, ["seed_power_min_mw", "-3", "a number > 0, in mW"]),
        ("amplifier.seed_current_ma", [0, 1], ["seed_current_ma", "{ low = ", "high = "]),
        ("amplifier.seed_current_ma.low", "much", ["seed_current_ma.low", "a number, in mA"]),
        ("amplifier.seed_current_ma.low", 200, ["low 200 lies above high 106"]),
        ("amplifier.seed_operating_ma", 500, ["seed_operating_ma", "0 to 106 mA"]),
        ("amplifier.unseeded_ceiling_ma", 9e9, ["unseeded_ceiling_ma", "0 to 2500 mA"]),
        ("calibrations.fibre_power.full_power_mw", 900, ["900", "2500 mA", "at most 500 mW"]),
        ("calibrations.fibre_power.slope_mw_per_ma", 0, ["slope_mw_per_ma", "in mW/mA"]),
        ("calibrations.cavity.made", "lately", ["cavity.made", "a date such as 2026-11-22"]),
        ("camera.roi_width", 400, ["camera.roi_width", "a whole number ≥ 8 and ≤ 48"]),
        ("camera.em_gain", 1000, ["em_gain = 1000", "em_gain_limit = 300"]),
        ("lock.ratio.high", 1.2, ["lock", "between the master peaks at 0 and 1"]),
        ("lock.landing_tolerance_mhz", 1e4, ["rig.toml", "landing_tolerance"]),
        ("trap_switch.offset_85_mhz", -170.0, ["offset_85_mhz", "83Kr", "abundant"]),
        ("clock.rate", float("inf"), ["clock.rate", "inf"]),
        ("name", "my rig", ["name", "'my rig'", "letters, digits"]),
    ],
)
def test_a_wrong_rig_file(call, write_rig, nothing_starts, key, value, said) -> None:
    path = write_rig(key, value)
    call("check", "--config", path).refused(str(path), *said)


def test_every_command_refuses_a_wrong_rig_file(call, write_rig, nothing_starts, tmp_path) -> None:
    path = write_rig("geometry", "sideways")
    call("run", DEMO, "--config", path, "--data", tmp_path).refused(str(path), "'sideways'")
    call("station", "--config", path, "--data", tmp_path).refused(str(path), "'sideways'")


def test_a_rig_file_that_is_no_toml(call, tmp_path: Path, nothing_starts) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("name = \n")
    call("check", "--config", path).refused(str(path), "not a TOML file", "line 1")
    path.write_bytes(b"\xff\xfe")
    call("check", "--config", path).refused(str(path), "not a TOML file")


# --- scan file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dwell_s", "dwel_s", ["part 1, dwel_s: unknown key", "did you mean 'dwell_s'?"]),
        ("20.0", "-3", ["part 1, dwell_s", "-3", "a number > 0, in s"]),
        ("dwell_s = 20.0", "", ["part 1", "`dwell_s` is needed to count 85Kr"]),
        ("[[part]]", "[[parts]]", ["parts: unknown key", "did you mean 'part'?"]),
        ("[[part]]", "[part]", ["part", "one or more [[part]] tables"]),
        ("[[part.axis]]", "[part.axis]", ["part 1, axis", "one or more [[part.axis]] tables"]),
        ("isotope = 85", "isotope = 82", ["part 1, isotope: 82", "81 or 83 or 84 or 85"]),
        ("isotope = 85", "isotope = 83", ["part 1", "83Kr is measured by loading", "`bursts`"]),
        ("700.0", '"far"', ["part 1, axis 1, values 3", "'far'", "a number"]),
        ("700.0", "nan", ["part 1, axis 1, values 3", "nan"]),
        ('"detuning_mhz"', '"detuning"', ["part 1, axis 1, quantity", "'power_mw'"]),
        ("[-150.0, 60.0, 700.0]", "[]", ["part 1, axis 1", "`values` is empty"]),
        ("values = [-150.0, 60.0, 700.0]", "start = 1.0", ["`start`, `stop` and `points`"]),
        ('"small"', '"a/b"', ["name: 'a/b'", "letters, digits"]),
        ('"sequential"', '"random"', ["order", "'sequential' or 'shuffled' or 'interleaved'"]),
        ('name = "small"', "", ["name: missing"]),
        ('"small"', '"small"\nblanks = 3', ["blanks: 3", "[blanks] table"]),
        ('"small"', '"small', ["not a TOML file", "line 2"]),
    ],
)
def test_a_wrong_scan_file(call, write_rig, write_scan, nothing_starts, old, new, said) -> None:
    scan = write_scan(old, new)
    outcome = call("run", scan, "--config", write_rig(), "--data", scan.parent / "data")
    outcome.refused(str(scan), *said)
    assert outcome.err.count("\n") <= 3, "one line for one mistake"


def test_a_scan_for_the_other_geometry(call, write_rig, write_scan, nothing_starts) -> None:
    scan = write_scan('"small"', '"small"\ngeometry = "counter"')
    call("run", scan, "--config", write_rig()).refused(str(scan), "move the fibre")


# --- setpoints ------------------------------------------------------------------------------

BEYOND = [
    ("700.0", "5000.0", ["lock", "5000 MHz", "-966 to 1530 MHz"]),
    ("dwell_s = 20.0", "dwell_s = 20.0\nlight.power_mw = 900.0",
     ["amplifier", "900 mW", "0 to 499 mW"]),
    ("dwell_s = 20.0", "dwell_s = 2.0\nlight = {sideband_frequency_mhz = 2e3, sideband_depth = 1}",
     ["sideband", "2000 MHz", "10 to 1000 MHz"]),
    ("dwell_s = 20.0", "dwell_s = 2.0\nlight = {sideband_frequency_mhz = 3e2, sideband_depth = 3}",
     ["sideband", "depth 3", "dBm", "-40 to 15 dBm"]),
    ('quantity = "detuning_mhz"\nvalues = [-150.0, 60.0, 700.0]',
     'quantity = "power_mw"\nvalues = [10.0, -5.0]', ["amplifier", "-5 mW", "0 to 499 mW"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), BEYOND)
def test_a_scan_beyond_a_limit_is_refused_before_anything_is_connected(
    call, write_rig, write_scan, nothing_starts, old, new, said
) -> None:
    scan = write_scan(old, new)
    outcome = call("run", scan, "--config", write_rig(), "--data", scan.parent / "data")
    outcome.refused(str(scan), "nothing was sent", *said)
    assert not (scan.parent / "data").exists()


def test_a_line_that_the_isotope_has_not(call, write_rig, write_scan, nothing_starts) -> None:
    scan = write_scan(
        '[[part.axis]]\nquantity = "detuning_mhz"\nvalues = [-150.0, 60.0, 700.0]',
        '[part.light]\nline = "3/2-1/2"',
    )
    call("run", scan, "--config", write_rig()).refused("85Kr has no line 3/2-1/2", "11/2-13/2")


def test_the_station_refuses_such_a_scan_too(station: RunningStation, write_scan) -> None:
    for old, new, said in BEYOND:
        with pytest.raises(CommandRefused) as refused:
            station.client.command("run", scan=write_scan(old, new).read_text(), path="mine.toml")
        assert all(text in str(refused.value) for text in said), str(refused.value)
    with pytest.raises(CommandRefused, match="part 1, dwel_s: unknown key"):
        station.client.command("run", scan=write_scan("dwell_s", "dwel_s").read_text())
    assert not list(station.data.glob("*/journal.jsonl"))


# --- instruments, stations ------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.timeout(240)
def test_an_instrument_that_does_not_answer(
    call, shared_rig: Rig, write_scan, tmp_path: Path
) -> None:
    address = f"socket://127.0.0.1:{closed_port()}"
    config = {**shared_rig.config, "sideband": {**shared_rig.config["sideband"]}}
    config["sideband"]["address"] = address
    dead = tmp_path / "dead.toml"
    dead.write_text(tomli_w.dumps(config))

    checked = call("check", "--config", dead)
    checked.refused("no answer: sideband", code=3)
    assert address in checked.out
    assert "cannot open" in checked.out
    assert checked.out.count("serial ") == 9, "the others answered, one of them with two boxes"

    run = call("run", write_scan(), "--config", dead, "--data", tmp_path / "data")
    run.refused("sideband: cannot open", f"address {address}", code=3)
    assert "amplifier" not in run.err
    assert not list((tmp_path / "data").glob("*/journal.jsonl"))

    # Everything that had answered was released: it answers again.
    assert find_station(shared_rig.name) is None
    good = call("check", "--config", shared_rig.path)
    assert good.code == 0, good


@pytest.mark.timeout(240)
def test_an_interface_that_this_computer_has_not(
    call, shared_rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = tmp_path / "lost.toml"
    lost.write_text(tomli_w.dumps({**shared_rig.config, "network": {"interface": "192.0.2.1"}}))
    # A station takes the signals of its process for itself.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    closed: list[Instruments] = []
    close = Instruments.close
    monkeypatch.setattr(Instruments, "close", lambda own: (closed.append(own), close(own)))

    refused = call("station", "--config", lost, "--data", tmp_path / "data")
    refused.refused("192.0.2.1", "set interface in [network] of the rig file")
    assert len(closed) == 1, "every wire was released"
    assert find_station(shared_rig.name) is None
    good = call("check", "--config", shared_rig.path)
    assert good.code == 0, good


def test_a_second_station_names_the_first(call, write_rig, tmp_path, nothing_starts) -> None:
    path = write_rig()
    first = RigLock(load_rig(path).name)
    first.acquire(time.time())
    try:
        who = f"process {os.getpid()}"
        call("station", "--config", path, "--data", tmp_path).refused("station", who, "in use")
        call("check", "--config", path).refused("station", who, "in use")
    finally:
        first.release()


def test_two_rig_files_with_the_same_boxes_do_not_share_them(
    call, write_rig, tmp_path, nothing_starts
) -> None:
    path = write_rig()
    rig = load_rig(path)
    other = rig.model_copy(update={"name": "other-rig"})
    first = RigLock(other.name, wires=wires_of(other))
    first.acquire(time.time())
    try:
        said = ("station of rig 'other-rig'", f"process {os.getpid()}", "sideband.address = ")
        call("station", "--config", path, "--data", tmp_path).refused(*said)
        call("check", "--config", path).refused(*said)
        assert not is_held(lock_path(rig.name)), "what was refused holds nothing"
        # An address, spelt otherwise; the servers of the slow control are everybody's.
        again = write_rig("trap_switch.address", "TCPIP::localhost::5000::SOCKET")
        spelt = wires_of(load_rig(again))
        assert set(spelt) == set(wires_of(rig))
        assert not any("slow_control" in name for name in spelt.values())
    finally:
        first.release()
    third = RigLock("third-rig", wires=wires_of(rig))
    third.acquire(time.time())
    third.release()


def test_a_killed_station_is_not_mistaken_for_a_new_one(tmp_path: Path) -> None:
    dead = RigLock("rig-x")
    dead.acquire(time.time())
    dead.publish(Endpoint("rig-x", "127.0.0.1", 1, 2, 3, "0"))
    dead._lock.release()  # as the death of its process would
    new = RigLock("rig-x")
    new.acquire(time.time())
    try:
        assert find_station("rig-x") is None
    finally:
        new.release()


# --- runs and tables ------------------------------------------------------------------------


@pytest.fixture
def imported(call, tmp_path: Path) -> tuple[Path, str]:
    """A data folder with one imported run."""
    data = tmp_path / "data"
    table = tmp_path / "old.csv"
    table.write_text(TABLE)
    outcome = call("import", table, "--data", data)
    assert outcome.code == 0, outcome
    return data, outcome.out.strip()


def test_an_unknown_run_gives_the_nearest_names(call, imported) -> None:
    data, run_id = imported
    wrong = run_id[:-1] + "?"
    for command in ("fit", "report", "export"):
        call(command, wrong, "--data", data).refused(f"no run '{wrong}'", run_id)


def test_a_torn_journal_is_read_up_to_the_tear(call, imported, caplog) -> None:
    data, run_id = imported
    whole = call("fit", run_id, "--data", data, "--json")
    journal = data / run_id / "journal.jsonl"
    with journal.open("a") as file:
        file.write('{"seq": 99, "utc_s": 1')
    for command in ("fit", "report"):
        caplog.clear()
        torn = call(command, run_id, "--data", data, *(["--json"] if command == "fit" else []))
        assert torn.code == 0, torn
        assert "the last line is torn" in caplog.text
        if command == "fit":
            assert torn.out == whole.out


def test_a_journal_with_a_hole_is_refused(call, imported, caplog) -> None:
    data, run_id = imported
    journal = data / run_id / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([lines[0], lines[1][:20] + "\n", *lines[2:]]))
    call("fit", run_id, "--data", data).refused(f"no run '{run_id}'")
    assert "journal.jsonl, line 2: cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("live [s]", "live", ["line 1", "column 'live'", "unit missing", "'live [s]'"]),
        ("live [s]", "live [d]", ["line 1", "column 'live'", "'d'", "s, min, h"]),
        ("85,on,160", "85,on,-160", ["line 3", "column 'counts'", "-160", "not be negative"]),
        ("85,on,160", "85,on,1.5", ["line 3", "column 'counts'", "whole number"]),
        ("85,on,160", "85,on,many", ["line 3", "column 'counts'", "not a number"]),
        ("85,on", "85,maybe", ["line 3", "column 'pumping'", "on or off"]),
        ("pumping", "pumpin", ["line 1", "did you mean 'pumping'?"]),
        ("85,on,160,240", "85,on,160", ["line 3", "3 cells", "4 columns"]),
    ],
)
def test_a_wrong_table(call, tmp_path: Path, old, new, said) -> None:
    table = tmp_path / "old.csv"
    table.write_text(TABLE.replace(old, new, 1))
    call("import", table, "--data", tmp_path / "data").refused(str(table), *said)
    assert not (tmp_path / "data").exists()


# --- arguments ------------------------------------------------------------------------------


def test_unknown_truth(call, tmp_path: Path) -> None:
    truth = tmp_path / "truth.toml"
    truth.write_text("[source]\ncounts_85kr_per_h = -3\nfoo = 2\n")
    said = (f"{truth}:", "counts_85kr_per_h: -3 is not allowed", "unknown key 'source.foo'",
            "counts_81kr_per_h")  # fmt: skip
    call("run", DEMO, "--simulate", "--truth", truth, "--data", tmp_path).refused(*said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nosuch.toml", "--simulate"), ["nosuch.toml: No such file"]),
        (("run", "scans", "--simulate"), ["scans: Is a directory"]),
        (("run", DEMO, "--config", "nosuch.toml"), ["nosuch.toml: No such file"]),
        (("check", "--config", "nosuch.toml"), ["nosuch.toml: No such file"]),
        (("import", "nosuch.csv"), ["nosuch.csv", "No such file"]),
        (("run", DEMO, "--simulate", "--truth", "nosuch.toml"), ["nosuch.toml: No such file"]),
        (("simulate", "--truth", "nosuch.toml"), ["nosuch.toml: No such file"]),
        (("run", DEMO), ["either --simulate or --config"]),
        (("run", DEMO, "--simulate", "--config", "rig.toml"), ["either --simulate or --config"]),
        (("run", DEMO, "--config", "rig.toml", "--speed", "3"), ["--speed belongs to --simulate"]),
        (("run", DEMO, "--config", "rig.toml", "--truth", "t"), ["--truth belongs to --simulate"]),
        (("run", DEMO, "--simulate", "--speed", "0"), ["--speed: 0 is not allowed", "above 0"]),
        (("run", DEMO, "--simulate", "--speed", "nan"), ["--speed: nan is not allowed"]),
        (("run", DEMO, "--simulate", "--speed", "fast"), ["--speed: 'fast' is not a number"]),
        (("run", DEMO, "--simulate", "--seed", "-1"), ["--seed: -1 is not allowed"]),
        (("run", DEMO, "--simulate", "--seed", "1.5"), ["--seed: '1.5' is not a whole number"]),
        (("simulate", "--speed", "-2"), ["--speed: -2 is not allowed"]),
        (("run",), ["SCAN is missing", "atta-daq run --help"]),
        (("check",), ["--config is missing", "atta-daq check --help"]),
        (("run", DEMO, "extra", "--simulate"), ["one too many: (extra)"]),
        (("run", DEMO, "--simulat"), ["--simulat", "atta-daq run --help"]),
        (("demo",), ["demo", "atta-daq --help"]),
        (("export", "last", "--format", "pdf"), ["--format: 'pdf'", "'csv', 'nexus'"]),
        (("runs", "--data", "nosuch"), ["nosuch: no such folder"]),
        (("fit", "last", "--data", "README.md"), ["README.md: is not a folder"]),
        (("model", "components", "--isotope", "84"), ["--isotope: 84Kr has no hyperfine"]),
        (("model", "components", "--isotope", "x"), ["--isotope: 'x' is not a whole number"]),
        (("model", "spectrum"), ["--isotope is missing"]),
        (("model", "efficiency", "--intensity-w-m2", "-1"), ["--intensity-w-m2", "greater than"]),
    ],
)
def test_wrong_arguments(call, nothing_starts, arguments, said) -> None:
    call(*arguments).refused(*said)
    assert not Path("nosuch").exists()


def test_a_folder_that_cannot_be_written(call, write_rig, tmp_path, nothing_starts) -> None:
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "data"
    said = (str(below), "cannot write runs there", "--data")
    call("run", DEMO, "--config", write_rig(), "--data", below).refused(*said)
    call("station", "--config", write_rig(), "--data", below).refused(*said)
    table = tmp_path / "old.csv"
    table.write_text(TABLE)
    call("import", table, "--data", below).refused(str(tmp_path / "file"))
