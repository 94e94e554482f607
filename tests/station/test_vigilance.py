"""What moved by itself flags the segment; what the run moves does not."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import rig_config
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.station.precheck import axis_of
from atta_daq.station.vigilance import Vigilance
from drivers.interfaces import (
    AmplifierStatus,
    CameraStatus,
    LockStatus,
    SidebandStatus,
    TrapStatus,
)

CONFIG = rig_config(rig_file(PORTS, "co"), "rig.toml")
PLACE = ResolvedTarget(60.0, 400.0, 200.0, 0.5)


class Rig:
    """Light that stands at `PLACE`, a trap on 85Kr, a camera that is looked at."""

    def __init__(self) -> None:
        self.light = LightControl(SimpleNamespace(), CONFIG, axis_of(CONFIG))  # type: ignore[arg-type]
        self.light._at = PLACE
        self.taker: Any = SimpleNamespace(trap=SimpleNamespace(isotope=85), looking=object())
        self.vigilance = Vigilance(CONFIG, self.light, self.taker)
        current_ma = self.light.current_ma(PLACE.power_mw)
        self.amplifier = AmplifierStatus(
            True, 90.0, 90.0, 31.0, True, current_ma, current_ma, 480.0, False, True, True, "OK"
        )
        ratio = self.light.axis.detuning_to_ratio(PLACE.detuning_mhz)
        self.lock = LockStatus(True, "", ratio, ratio, 1e-5, 0.5)
        self.sideband = SidebandStatus(200.0, 6.08, True, True, None)
        self.trap = TrapStatus(CONFIG.trap_switch.offset_mhz(85), True, True, True)
        self.camera = CameraStatus(True, -70.0, True, 200, 0.1, True, 12, 0, "")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_rig_that_stands_is_no_fault(rig: Rig) -> None:
    for _ in range(3):
        for name in ("amplifier", "lock", "sideband", "trap", "camera"):
            getattr(rig.vigilance, name)(lambda name=name: getattr(rig, name))
    assert rig.vigilance.fault() == ""


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("amplifier", {"interlock_open": True}, "interlock"),
        ("amplifier", {"seed_on": False, "message": "tripped"}, "seed is off .*tripped"),
        ("amplifier", {"amplifier_on": False}, "it is off"),
        ("amplifier", {"amplifier_current_set_ma": 300.0}, "at 300 mA instead of"),
        ("amplifier", {"seed_power_mw": 3.0}, "seed at 3.0 mW, less than 10"),
        ("lock", {"locked": False, "reason": "peaks", "ratio": math.nan}, "lock lost: peaks"),
        ("sideband", {"rf_on": False}, "RF is off"),
        ("sideband", {"frequency_mhz": 1000.0}, "at 1000 MHz instead of 200"),
        ("sideband", {"power_dbm": 3.0}, "at 3.00 dBm instead of 6.08 dBm"),
        ("sideband", {"pll_locked": False}, "not locked"),
        ("camera", {"failure": "server lost"}, "camera: server lost"),
    ],
)
def test_one_reading_is_enough(rig: Rig, name: str, changes: dict[str, Any], said: str) -> None:
    status = replace(getattr(rig, name), **changes)
    getattr(rig.vigilance, name)(lambda: status)
    assert re.search(said, rig.vigilance.fault())
    getattr(rig.vigilance, name)(lambda: getattr(rig, name))
    assert rig.vigilance.fault() == "", "over when it stands again"


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("lock", {"locked": False, "reason": "off its setpoint"}, "off its setpoint"),
        ("trap", {"offset_mhz": 0.0}, "offset at"),
        ("trap", {"trap_light": False}, "trap light is off"),
        ("trap", {"lasers_locked": False}, "not locked"),
        ("camera", {"temperature_stable": False, "temperature_c": -20.0}, r"is warm (-20.0 °C)"),
    ],
)
def test_what_may_be_noise_is_looked_at_twice(
    rig: Rig, name: str, changes: dict[str, Any], said: str
) -> None:
    status = replace(getattr(rig, name), **changes)
    getattr(rig.vigilance, name)(lambda: status)
    assert rig.vigilance.fault() == ""
    getattr(rig.vigilance, name)(lambda: status)
    assert said in rig.vigilance.fault()


def test_a_move_while_reading_leaves_nothing_to_compare(rig: Rig) -> None:
    off = replace(rig.amplifier, amplifier_on=False)

    def moved_meanwhile() -> AmplifierStatus:
        rig.light._at = replace(PLACE, power_mw=100.0)
        return off

    rig.vigilance.amplifier(moved_meanwhile)
    assert rig.vigilance.fault() == ""
    rig.light.forget()
    rig.vigilance.amplifier(lambda: off)
    assert rig.vigilance.fault() == "", "light that nobody has placed may be anywhere"


def test_a_synthesiser_that_cannot_tell_whether_it_is_locked_is_no_fault(rig: Rig) -> None:
    rig.vigilance.sideband(lambda: replace(rig.sideband, pll_locked=None))
    assert rig.vigilance.fault() == ""


def test_a_camera_that_nobody_looks_at_may_have_failed(rig: Rig) -> None:
    rig.taker.looking = None
    rig.vigilance.camera(lambda: replace(rig.camera, failure="server lost"))
    assert rig.vigilance.fault() == ""


def test_no_sidebands_wanted(rig: Rig) -> None:
    rig.light._at = replace(PLACE, sideband_depth=0.0)
    rig.vigilance.sideband(lambda: replace(rig.sideband, rf_on=False))
    assert rig.vigilance.fault() == ""
    rig.vigilance.sideband(lambda: rig.sideband)
    assert "RF is on" in rig.vigilance.fault()
