"""Live view and alignment on the real station: one at a time, safe at their end."""

import math
from typing import Any

import numpy as np
import pytest
from rigs import Rig, RunningStation

from atta_daq.client.client import CommandRefused, StationClient

SCAN = """
name = "after a view"
zero_on_reference_cell = false
calibrate_counting_s = 100.0
[[part]]
isotope = 85
dwell_s = 60.0
[[part.axis]]
quantity = "detuning_mhz"
values = [60.0]
"""


def cold(station: RunningStation) -> None:
    station.wait_for("camera:stable", bool)


def dark(station: RunningStation) -> None:
    """Camera stopped, gain off, shutter closed; nothing else under way."""
    station.wait_for("station:activity", lambda v: v == "")
    station.wait_for("camera:acquiring", lambda v: not v)
    station.wait_for("camera:gain", lambda v: v <= 2)
    station.wait_for("camera:shutter", lambda v: not v)


@pytest.mark.timeout(180)
def test_a_view_gives_way_to_a_run_and_shares_its_counting(station: RunningStation) -> None:
    cold(station)
    command, wait_for, get = station.client.command, station.wait_for, station.client.get
    with pytest.raises(CommandRefused, match="not one of 81, 85, 0"):
        command("camera_view", on=True, isotope=84)
    with pytest.raises(CommandRefused, match="no live view is under way"):
        command("keep_view")
    assert command("camera_view", on=True, isotope=81) == {"activity": "camera view 81Kr"}
    assert get("station:activity") == "camera view 81Kr"
    assert command("keep_view") == {"activity": "camera view 81Kr"}
    wait_for("camera:image", lambda v: v.shape == (40, 40))
    frames = wait_for("camera:frames", lambda v: int(v) > 10)
    wait_for("camera:frames", lambda v: int(v) > frames)
    assert wait_for("camera:exposure", math.isfinite) == pytest.approx(0.1, rel=0.01)
    wait_for("camera:gain", lambda v: v > 2)
    assert 0.0 <= get("camera:saturated") < 0.1
    assert len(get("camera:signals")) == 0, "no run has calibrated the counting"
    with pytest.raises(CommandRefused, match="camera view 81Kr is under way"):
        command("trap", isotope=83)
    with pytest.raises(CommandRefused, match="camera view 81Kr is under way"):
        command("align", on=True)
    command("pumping", on=True)
    assert command("camera_view", on=True, isotope=85) == {"activity": "camera view 85Kr"}
    wait_for("trap:isotope", lambda v: v == 85)
    run_id = command("run", scan=SCAN)["run"]
    assert get("station:activity") == ""
    with pytest.raises(CommandRefused, match=f"{run_id} is under way"):
        command("camera_view", on=True, isotope=85)
    counting = wait_for("camera:counting", bool)
    assert '"electrons_per_atom"' in counting
    assert station.wait_for_end() == "complete"
    wait_for("run:state", lambda v: v == "idle")
    assert len(get("loading:trace")) > 1000
    assert get("loading:step") > 0.0
    command("camera_view", on=True, isotope=85)
    signals = wait_for("camera:signals", lambda v: len(v) == 300)
    wait_for("camera:arrivals", lambda v: len(v) > 0)
    assert np.std(signals) > 0.0
    assert command("camera_view", on=False) == {"activity": ""}
    dark(station)


@pytest.mark.timeout(120)
def test_stop_ends_a_view_and_leaves_all_safe(station: RunningStation) -> None:
    cold(station)
    station.client.command("camera_view", on=True, isotope=85)
    station.client.command("pumping", on=True)
    with StationClient(station.client.endpoint, name="a watcher") as other:
        done = other.command("stop")["done"]
    assert all("NOT SAFE" not in line for line in done), done
    assert station.client.get("station:activity") == ""
    dark(station)
    station.wait_for("light:shutter", lambda v: not v)
    station.wait_for("trap:light", lambda v: not v)
    assert "camera view" not in station.client.get("station:message")


@pytest.mark.timeout(120)
def test_a_camera_that_stalls_ends_the_view_with_a_message(
    station: RunningStation, shared_rig: Rig
) -> None:
    cold(station)
    station.client.command("camera_view", on=True, isotope=0)
    station.client.command("pumping", on=True)
    shared_rig.fault("camera", "stall")
    try:
        station.wait_for("station:activity", lambda v: v == "")
    finally:
        shared_rig.clear()
    assert "camera view blank ended: camera" in station.log.read_text()
    station.wait_for("light:shutter", lambda v: not v)
    station.client.command("camera_view", on=False)


@pytest.mark.timeout(180)
def test_alignment_shows_what_the_light_gains(station: RunningStation, shared_rig: Rig) -> None:
    truth = shared_rig.world.ask({"cmd": "truth"})["truth"]["derived"]["isotopes"]["84"]
    command, wait_for, get = station.client.command, station.wait_for, station.client.get
    command("light_on")
    assert command("align", on=True) == {"activity": "alignment"}
    without = wait_for("loading:meter", lambda v: v > 0.0)
    assert math.isnan(get("light:ratio"))
    # The light moves while the alignment goes on.
    command("move_light", detuning_mhz=truth["spectrum_peak_as_set_mhz"], power_mw=499.0)
    command("pumping", on=True)
    gain = 1.0 + truth["spectrum_peak_increase"]
    wait_for("light:ratio", lambda v: v == pytest.approx(gain, rel=0.06))
    command("pumping", on=False)
    wait_for("loading:meter", lambda v: v < 1.4 * without)
    assert len(get("loading:trace")) > 1000
    with pytest.raises(CommandRefused, match="alignment is under way"):
        command("zero_axis")
    with pytest.raises(CommandRefused, match="alignment is under way"):
        command("light_off")
    assert command("align", on=False) == {"activity": ""}
    assert get("station:activity") == ""


def test_an_activity_needs_control(station: RunningStation) -> None:
    station.client.command("take_control")
    commands: dict[str, dict[str, Any]] = {
        "align": {"on": True}, "zero_axis": {}, "camera_view": {"on": True, "isotope": 81},
    }  # fmt: skip
    with StationClient(station.client.endpoint, name="a watcher") as other:
        for name, arguments in commands.items():
            with pytest.raises(CommandRefused, match="holds control"):
                other.command(name, **arguments)
    assert station.client.get("station:activity") == ""
