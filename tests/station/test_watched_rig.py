"""The second instruments on a station: a Keysight generator, the power meter, slow control."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.client.client import CommandRefused
from atta_daq.client.log import alarms_from_json
from atta_daq.client.slow import slow_from_json


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[RunningStation, Rig]]:
    rig = start_rig(tmp_path, instruments=("sideband=keysight-mxg",))
    try:
        station = start_station(rig, tmp_path / "data")
        yield station, rig
        stop_station(station)
    finally:
        rig.world.close()


def raised(text: str) -> set[str]:
    return {alarm.id for alarm in alarms_from_json(text) if alarm.active}


def at_the_front(resource: str, setting: str) -> None:
    """Somebody turns a knob of a box."""
    manager = pyvisa.ResourceManager("@py")
    session: Any = manager.open_resource(resource, write_termination="\n")
    session.write(setting)
    session.close()
    manager.close()


@pytest.mark.timeout(120)
def test_power_and_vacuum_are_watched(watched) -> None:
    station, rig = watched
    command, wait_for = station.client.command, station.wait_for
    command("take_control")

    # The generator of another maker drives the modulator.
    answer = command("sideband", frequency_mhz=231.0, power_dbm=7.0, on=True)
    assert answer == {"frequency_mhz": 231.0, "power_dbm": 7.0, "on": True}
    truth = rig.world.ask({"cmd": "status"})["status"]
    assert truth["sideband_frequency_mhz"] == pytest.approx(231.0)
    assert truth["sideband_depth"] > 0.1
    with pytest.raises(CommandRefused, match="sideband power 16 dBm is outside"):
        command("sideband", power_dbm=16.0)
    wait_for("sideband:on", bool)
    at_the_front(rig.config["sideband"]["address"], ":POW 16.00")
    wait_for("sideband:on", lambda on: not on, timeout_s=5.0)
    wait_for("station:alarms", lambda text: "RF is on at 16.00 dBm, above the 15 dBm" in text)
    assert rig.world.ask({"cmd": "status"})["status"]["sideband_depth"] == 0.0

    # The same in another unit, in which 1.5 is no small number.
    command("sideband", power_dbm=7.0, on=True)
    wait_for("sideband:on", lambda on: on)
    at_the_front(rig.config["sideband"]["address"], ":UNIT:POW V;:POW 1.5")
    wait_for("sideband:on", lambda on: on is False, timeout_s=5.0)
    assert rig.world.ask({"cmd": "status"})["status"]["sideband_depth"] == 0.0

    # In the dark the meter is zeroed, in the light it is not; then it agrees with the monitor.
    dark_mw = command("zero_power_meter")["dark_mw"]
    assert 0.0 < dark_mw < 0.01
    wait_for("power_meter:dark", lambda v: v == dark_mw)
    command("light_on")
    command("move_light", power_mw=300.0)
    wait_for("power_meter:source_power", lambda p: p == pytest.approx(300.0, rel=0.1))
    with pytest.raises(CommandRefused, match="above the dark limit"):
        command("zero_power_meter")
    # The first comparison may fall into the way up of the power.
    wait_for("power_meter:disagreement", lambda v: abs(v) < 0.1)
    at_the_front(rig.config["power_meter"]["address"], "SENS:POW:UNIT DBM")
    wait_for("station:alarms", lambda text: "power_meter:silent" in raised(text))
    wait_for("power_meter:power", lambda p: 2.0 < p < 4.0)

    # Slow control: each value on its own, and all of them for a window.
    pressure = station.client.get("slow:source_pressure")
    assert pressure == pytest.approx(2e-5, rel=0.3)
    values = slow_from_json(station.client.get("slow:readings"))
    assert [v.name for v in values][:2] == ["source_pressure", "discharge_power"]
    assert all(v.severity == "ok" for v in values if v.name != "lock_811")
    rig.fault("slow_control", "discharge_off")
    wait_for("station:alarms", lambda text: "slow:discharge_power" in raised(text))
    rig.fault("slow_control", "disconnected", record="SourcePressure")
    wait_for("station:alarms", lambda text: "slow:source_pressure" in raised(text))
    rig.clear()
    wait_for("station:alarms", lambda text: not {
        "slow:discharge_power", "slow:source_pressure"} & raised(text))  # fmt: skip
    history = command("history", names="slow:source_pressure", seconds=60)["slow:source_pressure"]
    assert any(value is not None for value in history["value"])
