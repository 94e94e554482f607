"""The register's protection on the real station: light, restarts, a cooler that fails."""

import time
from typing import Any

import pytest
from rigs import Rig, RunningStation

from atta_daq.client.client import CommandRefused

ORDERS_S = 3.0
"""Of wall time, from the light to a camera that has gain 0 and its shutter closed."""


def camera_truth(rig: Rig) -> dict[str, Any]:
    return rig.world.ask({"cmd": "status"})["status"]["camera"]


@pytest.mark.timeout(120)
def test_light_restart_and_warmth_each_take_the_gain_away(
    station: RunningStation, shared_rig: Rig
) -> None:
    wait_for, command = station.wait_for, station.client.command
    wait_for("camera:stable", bool)
    before = camera_truth(shared_rig)

    command("camera_view", on=True, isotope=85)
    wait_for("camera:frames", lambda v: int(v) > 300)
    command("camera_view", on=False)
    charge_nc = camera_truth(shared_rig)["register_charge_nc"] - before["register_charge_nc"]
    # What is posted while the view is on is on its way there.
    wait_for("camera:dose", lambda v: v == pytest.approx(charge_nc, rel=0.1))

    command("camera_view", on=True, isotope=85)
    wait_for("camera:frames", lambda v: int(v) > 50)
    exposure_s = station.client.get("camera:exposure")
    shared_rig.fault("camera", "light_leak", electrons_px_s=5e4)
    wait_for("station:activity", lambda v: v == "")
    shared_rig.clear()
    wait_for("camera:trip", lambda v: "saturated in 2 frames in a row" in v)
    assert "camera:tripped" in wait_for("station:alarms", lambda v: "camera:tripped" in v)
    after = camera_truth(shared_rig)
    assert (after["em_gain"], after["shutter_open"], after["acquiring"]) == (0, False, False)
    # The orders travel for some wall time, in which this rig exposes on and on.
    at_most = ORDERS_S * shared_rig.speed / exposure_s
    assert 2 <= after["saturated_exposures"] - before["saturated_exposures"] < at_most

    shared_rig.fault("camera", "restart", em_gain=200, shutter_open=1, down_s=0.2)
    # Either its absence is met first or the gain that it came back with.
    wait_for(
        "station:alarms",
        lambda v: "this program did not set" in v or "was away for a moment" in v,
    )
    deadline = time.monotonic() + 10.0
    while (after := camera_truth(shared_rig))["em_gain"] or after["shutter_open"]:
        assert time.monotonic() < deadline, after
        time.sleep(0.05)

    shared_rig.fault("camera", "runaway")
    try:
        wait_for("camera:stable", lambda v: not v)
        with pytest.raises(CommandRefused, match="no EM gain: the sensor is at"):
            command("camera_view", on=True, isotope=85)
    finally:
        shared_rig.clear()
