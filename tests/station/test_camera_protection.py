"""The register's protection on the real station: light, restarts, a cooler that fails."""

from typing import Any

import pytest
from rigs import Rig, RunningStation


def camera_truth(rig: Rig) -> dict[str, Any]:
    return rig.control("status")["camera"]


@pytest.mark.timeout(120)
def test_light_restart_and_warmth_each_take_the_gain_away(
    station: RunningStation, shared_rig: Rig
) -> None:
    wait_for, command = station.wait_for, station.client.command
    wait_for("camera:stable", bool)
    before = camera_truth(shared_rig)

    command("camera_view", on=True, isotope=85)
    wait_for("camera:frames", lambda v: int(v) > 50)
    shared_rig.fault("camera", "light_leak", electrons_px_s=5e4)
    wait_for("station:activity", lambda v: v == "")
    shared_rig.clear()
    assert "saturated in 2 frames in a row" in station.client.get("camera:trip")
    assert "camera:tripped" in station.client.get("station:alarms")
    after = camera_truth(shared_rig)
    assert (after["em_gain"], after["shutter_open"], after["acquiring"]) == (0, False, False)
    lived = after["saturated_exposures"] - before["saturated_exposures"]
    assert 2 <= lived
    charge_nc = after["register_charge_nc"] - before["register_charge_nc"]
    dose_nc = wait_for("camera:dose", lambda v: v > 0.0)
    assert 0.0 < dose_nc < charge_nc, "the converter's end hides what lay beyond it"

    shared_rig.fault("camera", "restart", em_gain=200, shutter_open=1, down_s=0.2)
    wait_for("camera:trip", lambda v: "this program did not set" in v)
    wait_for("camera:gain", lambda v: v <= 2)
    after = camera_truth(shared_rig)
    assert (after["em_gain"], after["shutter_open"]) == (0, False)
