"""A calibration by command on a simulated rig; every kind on several seeds: tests/benchmarks."""

import pytest
from rigs import start_rig, start_station, stop_station

from atta_daq.client.errors import CommandRefused


@pytest.mark.timeout(150)
def test_calibrations_by_command(tmp_path):
    rig = start_rig(tmp_path)
    station = start_station(rig, tmp_path / "data")
    try:
        client = station.client
        with pytest.raises(CommandRefused, match="needs light"):
            client.command("calibrate", kind="axis-zero")
        with pytest.raises(CommandRefused, match="one of axis-zero, cavity"):
            client.command("calibrate", kind="moon")
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
        station.wait_for("calibrations:table", lambda _: sources()["conversion"] == "")
        (kept,) = client.command("calibrations", kind="camera")["results"]
        assert kept["retired"].endswith(": test")
    finally:
        stop_station(station)
        rig.world.close()
