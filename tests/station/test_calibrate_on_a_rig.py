"""A calibration by command on a simulated rig; every kind on several seeds: tests/benchmarks."""

import time

import pytest
from rigs import Rig, start_rig, start_station, stop_station

from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.calibration.result import Quantity
from atta_daq.client.errors import CommandRefused
from atta_daq.client.log import alarms_from_json
from atta_daq.rig.bench import Finding
from atta_daq.rig.config import load_rig
from atta_daq.station.calibration_keeper import CalibrationKeeper

RARE = """
name = "rare"
calibrate_counting_s = 100.0
zero_on_reference_cell = false
[[part]]
isotope = 85
dwell_s = 400.0
"""


def keep_another_gain(rig: Rig, data) -> None:
    """The register was calibrated when it multiplied a quarter more."""
    config = load_rig(rig.path)
    store = CalibrationStore(data, config.name, time.time, time.time)
    numbers = (("em_gain_scale", 1.25, 0.01), ("electrons_per_adu", 5.0, 0.02))
    quantities = tuple(Quantity(name=n, value=v, error=e) for n, v, e in numbers)
    finding = Finding(quantities, 90.0, "made up", {})
    CalibrationKeeper(config, store, time.time).keep("camera", finding)


@pytest.mark.timeout(150)
def test_calibrations_by_command(tmp_path):
    rig = start_rig(tmp_path)
    keep_another_gain(rig, tmp_path / "data")
    station = start_station(rig, tmp_path / "data")
    try:
        client = station.client
        with pytest.raises(CommandRefused, match="needs light"):
            client.command("calibrate", kind="axis-zero")
        with pytest.raises(CommandRefused, match="one of axis-zero, cavity"):
            client.command("calibrate", kind="moon")
        # A run counts with its own numbers, and says that the register has aged.
        client.command("run", scan=RARE)
        station.wait_for(
            "station:alarms",
            lambda text: any(
                "EM gain is 80 %" in a.text or "EM gain is 79 %" in a.text
                or "EM gain is 81 %" in a.text
                for a in alarms_from_json(text)
            ),
            60.0,
        )  # fmt: skip
        client.command("abort")
        station.wait_for("run:state", lambda state: state == "idle", 60.0)
        result = client.command("calibrate", kind="camera", timeout_s=100.0)
        truth = {"electrons_per_adu": 5.0, "read_noise_electrons": 50.0, "bias_adu": 200.0,
                 "em_gain_scale": 1.0}  # fmt: skip
        for quantity in result["quantities"]:
            assert abs(quantity["value"] - truth[quantity["name"]]) < 4.0 * quantity["error"]
        station.wait_for("camera:shutter", lambda open_: not open_)

        def sources():
            table = client.get("calibrations:table")
            return dict(zip(table.get("name", ()), table.get("source", ()), strict=True))

        station.wait_for("calibrations:table", lambda _: sources()["conversion"] == result["id"])
        client.command("retire_calibration", id=result["id"], reason="test")
        station.wait_for("calibrations:table", lambda _: sources()["conversion"] != result["id"])
        (kept,) = [
            r for r in client.command("calibrations", kind="camera")["results"]
            if r["id"] == result["id"]
        ]  # fmt: skip
        assert kept["retired"].endswith(": test")
    finally:
        stop_station(station)
        rig.world.close()
