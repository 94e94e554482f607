"""Manual moves on the real station and the simulated rig."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from rigs import Rig, RunningStation, start_station, stop_station

from atta_daq.client.client import CommandRefused, StationClient

SCAN = """
name = "manual"
zero_on_reference_cell = false
[[part]]
isotope = 83
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
LONG = SCAN.replace("values = [-150.0, 60.0, 700.0]", "start = -300.0\nstop = 600.0\npoints = 40")
"""Still under way when every move has been tried."""


def refused(station: RunningStation, command: str, words: str, **arguments: Any) -> None:
    with pytest.raises(CommandRefused, match=words):
        station.client.command(command, **arguments)


@pytest.mark.timeout(120)
def test_every_setpoint_moves_by_hand_and_is_read_back(station: RunningStation) -> None:
    command, wait_for = station.client.command, station.wait_for
    command("seed_current", current_ma=88.0)
    # The setpoint is told with the seed off too, when nothing flows.
    wait_for("amplifier:seed_current_set", lambda v: v == 88.0)
    command("seed", on=True)
    wait_for("amplifier:seed_current", lambda v: abs(v - 88.0) < 0.5)
    command("relock")
    wait_for("lock:locked", bool)
    command("amplifier", on=True)
    command("amplifier_current", current_ma=1500.0)
    wait_for("amplifier:current_set", lambda v: v == 1500.0)
    assert command("sideband", frequency_mhz=200.0, power_dbm=-3.0, on=True)["on"] is True
    wait_for("sideband:power", lambda v: v == -3.0)
    assert command("sideband", on=False) == {
        "frequency_mhz": 200.0, "power_dbm": -3.0, "on": False,
    }  # fmt: skip
    landed = command("jump", isotope=85)
    assert landed["detuning_mhz"] == pytest.approx(landed["detuning_set_mhz"], abs=4.0)
    # A jump moves the frequency alone.
    assert station.client.get("amplifier:current_set") == 1500.0
    other = command("jump", isotope=83, line="11/2-13/2")
    assert other["detuning_set_mhz"] != landed["detuning_set_mhz"]
    command("pumping", on=True)
    wait_for("light:shutter", bool)
    command("pumping", on=False)
    command("trap", isotope=83)
    wait_for("trap:isotope", lambda v: v == 83)
    wait_for("trap:light", bool)
    wait_for("trap:offset", lambda v: v == -180.0)
    command("trap", isotope=0)
    wait_for("trap:isotope", lambda v: v == 0)
    command("freeze_lock")
    wait_for("lock:reason", lambda v: "frozen" in v)
    command("light_off")
    wait_for("amplifier:seed_on", lambda v: not v)


@pytest.mark.timeout(120)
def test_what_is_wrong_or_outside_its_limits_is_refused(station: RunningStation) -> None:
    command = station.client.command
    refused(station, "seed", "on is missing")
    refused(station, "seed", "on = 'maybe' is neither 'true' nor 'false'", on="maybe")
    refused(station, "seed_current", "current_ma = 'much' is not a number", current_ma="much")
    refused(station, "seed_current", "outside 0 to 106 mA", current_ma=500.0)
    refused(station, "amplifier_current", "outside 0 to 2500 mA", current_ma=9000.0)
    refused(station, "amplifier_current", "not a number", current_ma="nan")
    refused(station, "trap", "not one of 81, 83, 84, 85, 0", isotope=82)
    refused(station, "jump", "its lines are", isotope=85, line="1/2-1/2")
    refused(station, "sideband", "give frequency_mhz")
    before = command("sideband", frequency_mhz=300.0)
    refused(station, "sideband", "outside -40 to 15 dBm", frequency_mhz=250.0, power_dbm=30.0)
    assert command("sideband", on=False)["frequency_mhz"] == before["frequency_mhz"]
    command("light_on")
    refused(station, "move_light", "this axis reaches", detuning_mhz=9000.0, power_mw=400.0)
    refused(station, "move_light", "0 to 499 mW", detuning_mhz=0.0, power_mw=4000.0)
    assert station.client.get("amplifier:current_set") <= 300.0
    command("move_light", detuning_mhz=0.0, power_mw=400.0)
    refused(station, "seed", "seed stays on", on=False)


@pytest.mark.timeout(120)
def test_nobody_moves_without_control_or_during_a_run(station: RunningStation) -> None:
    station.client.command("run", scan=LONG)
    with StationClient(station.client.endpoint, name="a watcher") as other:
        for name, arguments in MOVES.items():
            refused(station, name, "is under way and moves the rig", **arguments)
            with pytest.raises(CommandRefused, match="holds control"):
                other.command(name, **arguments)
    station.wait_for("run:segment", lambda v: int(v) >= 1)
    station.client.command("pause", when="segment")
    station.wait_for("run:state", lambda v: v == "paused")
    refused(station, "pumping", "is under way", on=True)
    assert station.client.command("freeze_lock") == {"lock": "frozen"}
    assert station.client.command("relock") == {"lock": "closed"}
    station.client.command("resume")
    station.wait_for("run:state", lambda v: v == "running")
    station.client.command("abort", reason="seen enough")
    assert station.wait_for_end() == "aborted: seen enough"


MOVES: dict[str, dict[str, Any]] = {
    "light_on": {},
    "light_off": {},
    "move_light": {"detuning_mhz": 0.0, "power_mw": 10.0},
    "jump": {"isotope": 84},
    "seed": {"on": True},
    "seed_current": {"current_ma": 90.0},
    "amplifier": {"on": True},
    "amplifier_current": {"current_ma": 100.0},
    "sideband": {"on": False},
    "relock": {},
    "freeze_lock": {},
    "trap": {"isotope": 84},
    "pumping": {"on": True},
    "align": {"on": True},
    "camera_view": {"on": True, "isotope": 85},
}


@pytest.mark.timeout(120)
def test_zeroing_by_hand_is_shown_kept_and_undone_for_the_light(station: RunningStation) -> None:
    command, get = station.client.command, station.client.get
    refused(station, "zero_axis", "switch the light on first")
    command("light_on")
    command("move_light", detuning_mhz=300.0, power_mw=200.0)
    zero = command("zero_axis")
    # The rig file's zero is off by 15 MHz, the cell's by 0.3 MHz.
    assert zero["shift_mhz"] == pytest.approx(-0.005 * 3000.0 * 0.9906, abs=1.5)
    assert zero["ratio"] == pytest.approx(0.40, abs=5e-4)
    assert 0.0 < zero["error_mhz"] < 2.0
    assert json.loads(station.wait_for("cell:zero", bool)) == zero
    detunings, volts = get("cell:detunings"), get("cell:volts")
    assert len(detunings) == len(volts) == 25
    assert np.ptp(detunings) == pytest.approx(120.0, abs=10.0)
    assert np.ptp(volts) > 0.3
    station.wait_for("station:activity", lambda v: v == "")
    station.wait_for("amplifier:current_set", lambda v: abs(v - 800.0 - 200.0 / 0.294) < 1.0)
    # The light stands where it stood, 300 MHz from the former zero.
    station.wait_for(
        "light:detuning", lambda v: v == pytest.approx(300.0 - zero["shift_mhz"], abs=4.0)
    )
    assert command("zero_axis")["shift_mhz"] == pytest.approx(0.0, abs=1.0)


@pytest.mark.timeout(120)
def test_a_zeroing_without_the_line_says_so_and_keeps_the_axis(
    shared_rig: Rig, tmp_path: Path
) -> None:
    config = copy.deepcopy(shared_rig.config)
    config["calibrations"]["cavity"]["zero_ratio"] = 0.6
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    station = start_station(Rig(shared_rig.world, config, path), tmp_path / "data")
    try:
        station.client.command("light_on")
        refused(station, "zero_axis", "no 84Kr line within 60 MHz")
        assert "no 84Kr line" in json.loads(station.client.get("cell:zero"))["problem"]
        station.wait_for("station:activity", lambda v: v == "")
        station.client.command("move_light", detuning_mhz=0.0, power_mw=100.0)
        station.wait_for("lock:setpoint", lambda v: abs(v - 0.6) < 1e-3)
    finally:
        stop_station(station)


@pytest.mark.timeout(120)
def test_lock_and_cell_are_live(station: RunningStation) -> None:
    station.client.command("light_on")
    setpoint = station.client.get("lock:setpoint")
    # The first that come may be of a lock that was still on its way.
    peaks = station.wait_for(
        "lock:peaks",
        lambda v: len(v) == 6 and abs((v[1] - v[0]) / (v[2] - v[0]) - setpoint) < 0.01,
    )
    assert np.all(np.diff(peaks) > 0.0)
    errors = station.wait_for(
        "lock:errors", lambda v: len(v) >= 5 and all(math.isfinite(e) for e in v[-3:])
    )
    assert np.abs(errors[-3:]).max() < 5.0
    station.wait_for("cell:rms", lambda v: v > 0.0)
    assert abs(station.wait_for("cell:signal", math.isfinite)) < 2.0
    assert station.client.get("amplifier:emission")
