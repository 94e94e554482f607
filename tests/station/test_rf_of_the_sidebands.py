"""A run whose sidebands lie far from the RF at which their depth was calibrated says so."""

import copy
from pathlib import Path

import pytest
import tomli_w
from rigs import Rig, start_station, stop_station

from atta_daq.archive.run_folder import open_run
from atta_daq.client.log import alarms_from_json

SCAN = """
name = "sidebands"
zero_on_reference_cell = false
[[part]]
isotope = 83
[part.light]
sideband_depth = 0.4
[[part.axis]]
quantity = "sideband_frequency_mhz"
values = [200.0, 260.0]
"""
DOUBT = "EOM half-wave voltage: measured at 900 MHz and used at 200 to 260 MHz"


@pytest.mark.timeout(120)
def test_the_run_and_its_report_say_so(shared_rig: Rig, tmp_path: Path) -> None:
    config = copy.deepcopy(shared_rig.config)
    config["calibrations"]["eom"] |= {"frequency_mhz": 900.0, "valid_within_mhz": 100.0}
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    station = start_station(Rig(shared_rig.world, config, path), tmp_path / "data")
    try:
        checked = station.client.command("check_scan", scan=SCAN)
        answer = station.client.command("run", scan=SCAN)
        assert answer["warnings"] == checked["warnings"]
        assert answer["warnings"][0].startswith(DOUBT)
        assert station.wait_for_end() == "complete"
        alarms = alarms_from_json(str(station.client.get("station:alarms")))
        (told,) = [alarm for alarm in alarms if alarm.id == "run:calibration"]
        assert told.text.startswith(DOUBT)
        assert not told.active
        station.wait_for("run:state", lambda v: v == "idle")
    finally:
        stop_station(station)
    run = open_run(Path(answer["folder"]))
    (eom,) = [c for c in run.header.calibrations if c.name == "EOM half-wave voltage"]
    assert eom.stale in answer["warnings"][0]
    assert "at 900 MHz" in (run.folder / "report.html").read_text()
