"""What a client asks of a real station on the simulated rig: log, alarms, runs, forecasts."""

import base64
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_station, stop_station

from atta_daq.archive.run_folder import open_run
from atta_daq.client.client import CommandRefused
from atta_daq.client.log import LogLine, alarms_from_json, log_from_json
from atta_daq.client.rig_info import RigInfo
from atta_daq.client.runs import RunInfo, fits_from_json, points_from_json
from atta_daq.station.register_dose import FILE as REGISTER_FILE

SCAN = """
name = "small"
sample = "ice 7"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 60.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""


def log(station: RunningStation) -> list[LogLine]:
    return log_from_json(str(station.client.get("station:log")))


def wait_for_line(station: RunningStation, text: str) -> LogLine:
    station.wait_for("station:log", lambda v: text in str(v), 20.0)
    return next(line for line in log(station) if text in line.text)


@pytest.mark.timeout(240)
def test_a_run_as_clients_see_it(station: RunningStation) -> None:
    client = station.client
    assert str(client.get("run:info")) == str(client.get("run:points")) == ""
    run_id = client.command("run", scan=SCAN)["run"]
    info = RunInfo.from_json(str(client.get("run:info")))
    assert info is not None
    assert (info.run_id, info.scan, info.state) == (run_id, SCAN, "running")
    assert (info.name, info.geometry, info.sample) == ("small", "co", "ice 7")
    station.wait_for("run:points", lambda v: str(v) != "")
    assert client.command("note", text="a door slammed") == {"noted": run_id}
    assert station.wait_for_end() == "complete"
    info = RunInfo.from_json(str(client.get("run:info")))
    assert info is not None
    assert (info.state, info.outcome, info.notes) == ("complete", "", ("a door slammed",))
    (part,) = points_from_json(str(client.get("run:points")))
    assert [point.index for point in part.points] == [0, 1, 2]
    assert not any(point.provisional for point in part.points)
    fits = fits_from_json(str(client.get("run:fit")))
    assert set(fits) == {"85Kr"}

    listed = client.command("runs", timeout_s=90.0)["runs"]
    assert [entry["run_id"] for entry in listed] == [run_id]
    assert (listed[0]["isotopes"], listed[0]["state"]) == ([85], "complete")
    assert listed[0]["duration_s"] > 0.0
    assert client.command("runs", search="nothing like it")["runs"] == []
    assert len(client.command("runs", search="ice 7", limit=1)["runs"]) == 1

    stored = client.command("run_data", run="last")
    assert RunInfo.from_dict(stored["info"]).notes == ("a door slammed",)
    assert points_from_json(json.dumps(stored["points"])) == [part]
    # Three points of a minute may be too few for a fit; what the archive has is what a client gets.
    assert (
        fits_from_json(json.dumps(stored["fits"])).keys()
        == open_run(station.data / run_id).fits.keys()
    )
    assert sum(row["kind"] == "rare" for row in stored["rows"]) == 3
    assert all("detuning_mhz" in row for row in stored["rows"])
    assert client.command("run_scan", run=run_id) == {"scan": SCAN}
    report = client.command("run_report", run=run_id)
    assert report["name"].startswith(run_id)
    assert report["html"].lstrip().lower().startswith("<!doctype html")
    files = client.command("run_export", run=run_id, format="csv")["files"]
    assert set(files) == {"segments.csv", "points.csv"}
    assert b"detuning" in base64.b64decode(files["points.csv"])
    (nexus,) = client.command("run_export", run=run_id, format="nexus")["files"].values()
    assert base64.b64decode(nexus).startswith(b"\x89HDF")

    # The rate of this run is what the next one may expect, if its few counts tell one.
    more = SCAN.replace(
        "values = [-150.0, 60.0, 700.0]", "start = -600.0\nstop = 1400.0\npoints = 21"
    ).replace("dwell_s = 60.0", "dwell_s = 400.0")
    forecast = client.command("check_scan", scan=more, path="mine.toml", timeout_s=60.0)
    assert forecast["ok"]
    kept = open_run(station.data / run_id).fits.values()
    tells = any(fit.valid and fit["background"].value > 0.0 for fit in kept)
    assert (run_id in forecast["parts"][0]["note"]) == tells
    assert forecast["parts"][0]["errors"]["background"]["error"] > 0.0
    (expected,) = client.command("theory", scan=SCAN)["parts"]
    assert len(expected["x"]) == 200

    for command, arguments, reason in (
        ("run_data", {"run": "nope"}, "nearest: "),
        ("run_data", {}, "run is missing"),
        ("run_export", {"run": "last", "format": "pdf"}, "csv, nexus"),
        ("runs", {"limit": "many"}, "limit must be a number"),
        ("theory", {"scan": "x = "}, "cannot be used"),
        ("history", {"names": "run:id"}, "not recorded"),
    ):
        with pytest.raises(CommandRefused, match=reason):
            client.command(command, **arguments)


@pytest.mark.timeout(120)
def test_the_log_says_who_did_what(station: RunningStation) -> None:
    client = station.client
    assert client.command("note", text="good morning") == {"noted": ""}
    line = wait_for_line(station, "good morning")
    assert (line.level, line.source) == ("info", "operator")
    run_id = client.command("run", scan=SCAN)["run"]
    assert wait_for_line(station, f"run {run_id} started").source == client.name
    with pytest.raises(CommandRefused):
        client.command("run", scan=SCAN)
    refused = wait_for_line(station, "run refused: ")
    assert (refused.level, refused.source) == ("warning", client.name)
    station.wait_for("run:state", lambda v: v == "running")
    client.command("abort", reason="enough")
    station.wait_for_end()
    assert wait_for_line(station, f"abort run {run_id}").source == client.name
    numbers = [entry.number for entry in log(station)]
    assert all(b == a + 1 for a, b in pairwise(numbers))
    said = station.log.read_text()
    assert f"run {run_id}: aborted, enough" in said
    assert "Traceback" not in said, said
    assert not any(a.id == "run:fault" for a in alarms_from_json(client.get("station:alarms")))


@pytest.mark.timeout(120)
def test_the_rig_and_its_past(station: RunningStation) -> None:
    client = station.client
    station.wait_for("station:rig", lambda v: str(v) != "")
    info = RigInfo.from_dict(json.loads(str(client.get("station:rig"))))
    assert info.name == client.endpoint.rig
    assert info.limits["amplifier:current"] == (0.0, 2500.0)
    low, high = info.limits["light:detuning"]
    assert (low, high) == pytest.approx((-966.0, 1530.0), abs=2.0)
    assert info.limits["light:power"] == (0.0, 499.0)
    assert info.data_dir == str(station.data.resolve())
    station.wait_for("amplifier:seed_current", lambda v: v == v)
    asked = {"names": "amplifier:seed_current, lock:locked", "seconds": 60}
    deadline = time.monotonic() + 30.0
    while len((past := client.command("history", **asked))["lock:locked"]["value"]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert set(past) == {"amplifier:seed_current", "lock:locked"}
    utc_s = past["lock:locked"]["utc_s"]
    # One a second, in order; a late one is followed by a short gap, for they keep to a grid.
    assert all(0.0 < b - a < 10.0 for a, b in pairwise(utc_s))
    assert utc_s[-1] - utc_s[0] > len(utc_s) - 2.0
    assert isinstance(past["amplifier:seed_current"]["value"][-1], float)


@pytest.mark.timeout(120)
def test_an_alarm_from_the_rig_to_its_acknowledgement(own_rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / REGISTER_FILE).write_text("{")
    station = start_station(own_rig, tmp_path / "data")
    try:
        # What was wrong before the station served anything is said, too.
        assert wait_for_line(station, "cannot be used").source == "camera"
        client = station.client
        own_rig.fault("amplifier", "interlock_open")
        station.wait_for("station:alarms", lambda v: "amplifier:interlock" in str(v), 30.0)
        assert wait_for_line(station, "interlock").level == "error"
        assert "amplifier:interlock" in client.command("acknowledge", alarm="all")["acknowledged"]
        # So was what is wrong with the file of the dose.
        seen = wait_for_line(station, ": the interlock of the laser head is open")
        assert seen.text.startswith("acknowledged by")
        assert seen.source == "amplifier"
        own_rig.clear()
        station.wait_for("station:alarms", lambda v: "amplifier:interlock" not in str(v), 30.0)
        with pytest.raises(CommandRefused, match="no alarm 'amplifier:interlock'"):
            client.command("acknowledge", alarm="amplifier:interlock")
        own_rig.fault("sideband", "no_reply")
        station.wait_for("station:alarms", lambda v: "sideband:silent" in str(v), 30.0)
        # A run that an instrument ends is an alarm, to be seen in the morning.
        scan = f"{SCAN}[faults]\nwait_at_most_s = 1.0\n"
        run_id = client.command("run", scan=scan)["run"]
        assert "sideband" in station.wait_for_end()
        station.wait_for("station:alarms", lambda v: "run:fault" in str(v), 10.0)
        (ended,) = (
            a for a in alarms_from_json(str(client.get("station:alarms"))) if a.id == "run:fault"
        )
        assert run_id in ended.text
        assert (ended.severity, ended.active, ended.acknowledged) == ("major", False, False)
        assert client.command("acknowledge", alarm="run:fault")["acknowledged"] == ["run:fault"]
        own_rig.clear()
        wait_for_line(station, "over: sideband")
        # A busy computer may have lost frames as well, which is an alarm of its own.
        told = alarms_from_json(str(client.get("station:alarms")))
        (silent,) = (alarm for alarm in told if alarm.source == "sideband")
        assert (silent.source, silent.active) == ("sideband", False)
    finally:
        stop_station(station)
