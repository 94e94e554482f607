"""Slow control in the station: one reading each, alarms that last, and what suspends a run."""

import copy
import inspect
import math
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from p4p.client.thread import Context
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.names import COMMANDS
from atta_daq.client.slow import slow_from_json
from atta_daq.rig.config import RigConfig, rig_config
from atta_daq.rig.errors import ConfigError
from atta_daq.station.monitor import Monitor
from atta_daq.station.server import StationServer
from atta_daq.station.slow_watch import SlowWatch, slow_readings
from drivers.errors import DriverError, Timeout
from drivers.interfaces import SidebandStatus, SlowReading

LAB = {**PORTS, "drivers": {"slow_control": "epics-pva"},
       "slow_control": "pva://127.0.0.1:5076/ATTA:SLOW:"}  # fmt: skip


def lab(**slow: Any) -> RigConfig:
    data = copy.deepcopy(rig_file(LAB, "co"))
    data["slow_control"] |= slow
    return rig_config(data, "rig.toml")


class Control:
    """Slow control that says what a test tells it."""

    def __init__(self) -> None:
        self.values = {
            "source_pressure": SlowReading(2e-5, "mbar", "ok", "", 100.0),
            "discharge_power": SlowReading(20.0, "W", "ok", "", 100.0),
            "source_temperature": SlowReading(293.0, "K", "ok", "", 100.0),
            "lock_811": SlowReading(1.0, "", "ok", "", 100.0),
        }
        self.error: DriverError | None = None

    def say(self, name: str, severity: Any, reason: str, value: float = math.nan) -> None:
        self.values[name] = SlowReading(value, "", severity, reason, 100.0)

    def readings(self) -> dict[str, SlowReading]:
        if self.error is not None:
            raise self.error
        return self.values


class Desk:
    def __init__(self) -> None:
        self.now = 1000.0
        self.config = lab()
        self.server = StationServer(
            "rig", {c.name: lambda _c, _a: None for c in COMMANDS}, time.time,
            more=slow_readings(self.config),
        )  # fmt: skip
        self.control: Any = Control()
        self.watch = SlowWatch(self.config, self.server, now=lambda: self.now)

    def poll(self, seconds: float = 0.5) -> None:
        self.now += seconds
        self.watch.poll(self.control)

    def raw(self, name: str) -> Any:
        conf = {
            "EPICS_PVA_ADDR_LIST": "",
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{self.server.tcp_port}",
        }
        with Context("pva", conf=conf, useenv=False, nt=False) as context:
            return context.get(f"rig:{name}", timeout=5.0)

    def shown(self) -> dict[str, Any]:
        values = slow_from_json(self.server.latest("slow:readings"))
        return {value.name: value for value in values}


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.server.close()


def test_each_value_is_served_with_unit_limits_and_severity(desk: Desk) -> None:
    desk.poll()
    desk.control.say("source_pressure", "major", "too much", 3e-4)
    desk.poll()
    pressure = desk.raw("slow:source_pressure")
    assert pressure.value == 3e-4
    assert pressure.display.units == "mbar"
    assert pressure.display.precision >= 6, "5e-6 must not be shown as 0.000"
    assert (pressure.alarm.severity, pressure.alarm.message) == (2, "too much")
    assert pressure.valueAlarm.highAlarmLimit == 2e-4
    assert pressure.valueAlarm.highWarningLimit == 5e-5
    assert pressure.valueAlarm.highAlarmSeverity == 2
    assert math.isnan(pressure.valueAlarm.lowAlarmLimit)
    assert pressure.valueAlarm.lowAlarmSeverity == 0
    shown = desk.shown()
    assert list(shown) == ["source_pressure", "discharge_power", "source_temperature", "lock_811"]
    assert shown["source_pressure"].severity == "major"
    assert shown["source_pressure"].high_major == 2e-4
    assert shown["discharge_power"].meaning == "RF power of the discharge"


def test_a_lost_value_keeps_its_last_one_and_says_why(desk: Desk) -> None:
    desk.poll()
    desk.control.say("source_temperature", "invalid", "T: no answer within 1 s")
    desk.poll()
    raw = desk.raw("slow:source_temperature")
    assert raw.value == 293.0
    assert (raw.alarm.severity, raw.alarm.message) == (3, "T: no answer within 1 s")
    assert desk.server.latest("slow:source_temperature") is None, "a gap in the history"
    assert desk.shown()["source_temperature"].value is None


def test_a_major_alarm_of_what_suspends_is_a_fault_of_the_rig(desk: Desk) -> None:
    desk.poll()
    assert desk.watch.fault() == ""
    desk.control.say("source_pressure", "minor", "a little high", 6e-5)
    desk.poll()
    assert desk.watch.fault() == "", "minor flags nothing"
    desk.control.say("source_pressure", "major", "0.001 mbar is at or above 0.0002 mbar", 1e-3)
    desk.control.say("source_temperature", "major", "hot", 400.0)
    desk.poll()
    assert desk.watch.fault() == (
        "pressure of the source chamber: 0.001 mbar is at or above 0.0002 mbar"
    ), "the temperature does not suspend"
    severities = {cause.id: cause.severity for cause in desk.watch.causes()}
    assert severities == {"slow:source_pressure": "major", "slow:source_temperature": "major"}
    desk.control.values = Control().values
    desk.poll()
    assert (desk.watch.fault(), desk.watch.causes()) == ("", [])


def test_losing_what_suspends_is_a_fault_too(desk: Desk) -> None:
    desk.poll()
    desk.control.say("discharge_power", "invalid", "gone")
    desk.control.say("lock_811", "invalid", "gone")
    desk.poll()
    assert desk.watch.fault() == "RF power of the discharge: gone"
    desk.poll(6.0)
    severities = {cause.id: cause.severity for cause in desk.watch.causes()}
    assert severities == {"slow:discharge_power": "major", "slow:lock_811": "minor"}


def test_an_alarm_counts_when_it_has_lasted(desk: Desk) -> None:
    """The 811-nm lasers are unlocked for a moment at every switch of the isotope."""
    desk.control.say("lock_811", "minor", "0", 0.0)
    desk.poll()
    desk.poll(4.9)
    assert desk.watch.causes() == []
    desk.poll(0.2)
    assert [cause.id for cause in desk.watch.causes()] == ["slow:lock_811"]
    desk.control.say("lock_811", "ok", "", 1.0)
    desk.poll()
    desk.control.say("lock_811", "minor", "0", 0.0)
    desk.poll()
    assert desk.watch.causes() == [], "it begins anew"


def test_a_noisy_value_does_not_rewrite_its_alarm(desk: Desk) -> None:
    for value in (3.0e-4, 3.1e-4, 2.9e-4):
        desk.control.say("source_pressure", "major", f"{value:g} mbar", value)
        desk.poll()
        assert [c.text for c in desk.watch.causes()] == [
            "pressure of the source chamber: 0.0003 mbar"
        ]


def test_a_silent_server_suspends_and_its_alarm_is_one(desk: Desk) -> None:
    desk.poll()
    desk.control.error = Timeout("slow_control", "not one answers")
    with pytest.raises(Timeout):
        desk.poll()
    assert desk.watch.causes() == [], "the monitor tells that the instrument is silent"
    assert "pressure of the source chamber: not one answers" in desk.watch.fault()
    assert desk.raw("slow:source_pressure").alarm.severity == 3
    assert {value.severity for value in desk.shown().values()} == {"invalid"}
    desk.control.error = None
    desk.poll()
    assert desk.watch.fault() == ""


def test_a_rig_without_slow_control_has_none_of_it() -> None:
    config = rig_config(copy.deepcopy(rig_file(PORTS, "co")), "rig.toml")
    assert slow_readings(config) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low_minor": 5e-5, "high_minor": 1e-5}, "low_minor = 5e-05 is not below high_minor"),
        ({"name": "Source Pressure"}, "name"),
        ({"pressure": 1}, "pressure"),
    ],
)
def test_what_the_rig_file_refuses(change: dict[str, Any], message: str) -> None:
    value = {"name": "p", "pv": "P", "meaning": "pressure"}
    with pytest.raises(ConfigError, match=message):
        lab(value=[{**value, **change}])


def test_two_values_of_one_name_are_refused() -> None:
    value = {"name": "p", "pv": "P", "meaning": "pressure"}
    with pytest.raises(ConfigError, match="two values of the name p"):
        lab(value=[value, value])


# --- in the monitor ------------------------------------------------------------------------------


def monitor(desk: Desk, **instruments: Any) -> Monitor:
    """One that is given what these tests ask of it; whatever else it takes stays quiet."""
    absent = dict.fromkeys(("amplifier", "camera", "power_meter", "slow_control"))
    rig = SimpleNamespace(**{**absent, **instruments})
    quiet = SimpleNamespace(fault=lambda: "", sideband=lambda read: read())
    given = {"instruments": rig, "config": desk.config, "server": desk.server}
    taken: dict[str, Any] = {
        name: given.get(name, quiet) for name in inspect.signature(Monitor).parameters
    }
    return Monitor(**taken)


def test_a_suspending_value_is_a_fault_of_the_rig(desk: Desk) -> None:
    """What `SegmentTaker.guard` asks."""
    made = monitor(desk)
    made.slow.poll(desk.control)
    assert made.fault() == ""
    desk.control.say("discharge_power", "major", "0 W is at or below 10 W", 0.0)
    made.slow.poll(desk.control)
    assert made.fault() == "RF power of the discharge: 0 W is at or below 10 W"


@pytest.mark.parametrize("locked", [True, False, None])
def test_a_generator_that_cannot_tell_its_lock_is_not_said_to_be_locked(
    desk: Desk, locked: bool | None
) -> None:
    status = SidebandStatus(230.0, 7.0, True, locked, None)
    made = monitor(desk, sideband=SimpleNamespace(status=lambda: status))
    made._sideband()
    assert desk.server.latest("sideband:locked") is locked
    assert desk.server.latest("sideband:frequency") == 230.0


def test_a_cell_on_which_the_axis_is_zeroed_is_asked_whether_it_is_there(desk: Desk) -> None:
    """Between two steps of a zeroing the laser moves, and nobody else asks it."""

    def connect() -> None:
        raise Timeout("reference_cell", "no answer to *IDN? within 1.2 s")

    made = monitor(desk, reference_cell=SimpleNamespace(name="reference_cell", connect=connect))
    made._light = cast(Any, SimpleNamespace(zeroing=True))
    with pytest.raises(Timeout):
        made._cell()
