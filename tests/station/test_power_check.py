"""The power meter in the station: what is served, and when it is held against the monitor."""

import copy
import math
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import rig_config
from atta_daq.station.alarm_rules import POWERS_DIFFER_S, rules
from atta_daq.station.power_check import NONE, PowerCheck
from drivers.interfaces import PowerReading

LAB = {**PORTS, "drivers": {"power_meter": "thorlabs-pm100"},
       "power_meter": "TCPIP0::127.0.0.1::5004::SOCKET"}  # fmt: skip


class Served:
    """Stands for the station's server."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.gone: dict[str, str] = {}

    def post(self, name: str, value: object, severity: str = "", message: str = "") -> None:
        del severity, message
        self.values[name] = value
        self.gone.pop(name, None)

    def stale(self, prefixes: tuple[str, ...], reason: str) -> None:
        for name in prefixes:
            self.values.pop(name, None)
            self.gone[name] = reason

    def read(self, name: str) -> Any:
        return self.values.get(name)


class Desk:
    def __init__(self) -> None:
        self.config = rig_config(copy.deepcopy(rig_file(LAB, "co")), "rig.toml")
        self.served: Any = Served()
        self.reading = PowerReading(4.0, False, 819.0, 50.0, 2e-3, False)
        self.check = PowerCheck(self.config, self.served, self.served.read)
        self.rules = {rule.id: rule for rule in rules(self.config)}

    def poll(self, monitor_mw: float | None, **changes: Any) -> float:
        """Disagreement as it is served; NaN for none."""
        if monitor_mw is None:
            self.served.values.pop("light:power", None)
        else:
            self.served.values["light:power"] = monitor_mw
        self.reading = PowerReading(**{**vars(self.reading), **changes})
        self.check.poll(self)  # pyright: ignore[reportArgumentType] it only reads
        return self.served.values.get("power_meter:disagreement", math.nan)

    def read(self) -> PowerReading:
        return self.reading

    def alarm(self, name: str) -> Any:
        return self.rules[f"power_meter:{name}"].cause(self.served.read)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_pick_off_is_taken_out(desk: Desk) -> None:
    assert desk.poll(400.0) == pytest.approx(0.0)
    assert desk.served.values["power_meter:power"] == 4.0
    assert desk.served.values["power_meter:source_power"] == pytest.approx(400.0)
    assert desk.served.values["power_meter:wavelength"] == 819.0


@pytest.mark.parametrize(("monitor_mw", "alarm"), [(370.0, ""), (300.0, "more"), (500.0, "less")])
def test_they_may_differ_by_the_stated_share(desk: Desk, monitor_mw: float, alarm: str) -> None:
    assert desk.poll(monitor_mw) == pytest.approx(400.0 / monitor_mw - 1.0)
    cause = desk.alarm("disagreement")
    assert (cause is None) == (alarm == "")
    if cause is not None:
        assert f"more than 10 % {alarm} power" in cause.text
    assert desk.rules["power_meter:disagreement"].after_s == POWERS_DIFFER_S > 0.5


def test_too_little_light_is_not_compared(desk: Desk) -> None:
    assert math.isnan(desk.poll(10.0, power_mw=0.001))
    assert desk.served.gone["power_meter:disagreement"] == "too little light to compare"
    assert desk.alarm("disagreement") is None


def test_either_may_be_the_one_that_fails(desk: Desk) -> None:
    assert desk.poll(400.0, power_mw=0.0) == pytest.approx(-1.0), "a broken fibre"
    assert desk.alarm("disagreement") is not None
    assert desk.poll(0.0, power_mw=4.0) > 10.0, "a dead monitor"
    assert desk.alarm("disagreement") is not None


def test_a_stale_monitor_is_no_comparison(desk: Desk) -> None:
    assert math.isnan(desk.poll(None))


def test_over_range_is_no_power(desk: Desk) -> None:
    desk.poll(400.0)
    desk.poll(400.0, power_mw=math.nan, over_range=True)
    assert "power_meter:power" not in desk.served.values
    assert desk.served.gone["power_meter:source_power"] == "over range"
    assert desk.alarm("overrange") is not None
    assert desk.alarm("disagreement") is None


def test_what_a_meter_cannot_tell_is_not_made_up(desk: Desk) -> None:
    desk.poll(400.0, zeroing=None, dark_mw=None)
    assert desk.served.gone["power_meter:zeroing"] == "the meter does not tell"
    assert desk.served.gone["power_meter:dark"] == "the meter does not tell"


def test_during_a_dark_zero_nothing_is_compared(desk: Desk) -> None:
    assert math.isnan(desk.poll(400.0, zeroing=True, power_mw=0.0))


def test_a_rig_without_one_says_so() -> None:
    served: Any = Served()
    PowerCheck(rig_config(copy.deepcopy(rig_file(PORTS, "co")), "rig.toml"), served, served.read)
    assert served.gone == {"power_meter:": NONE}
