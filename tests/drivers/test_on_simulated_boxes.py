"""The generator's dialects and the power meter, driver against simulated box over a real wire."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from drivers.errors import DeviceFault, OutOfRange, Timeout
from drivers.interfaces import Range, SidebandLimits, SidebandStatus
from drivers.pm100 import PM100
from drivers.scpi_generator import DIALECTS, ScpiGenerator
from drivers.visa_line import VisaLine
from simulators.clock import RigClock
from simulators.faults import WireFault
from simulators.servers import pm100, rf_generator
from simulators.truth import Truth
from simulators.world.world import World

LIMITS = SidebandLimits(Range(10.0, 1000.0), Range(-40.0, 15.0))
MAKERS = {"rigol-dsg800": rf_generator.RIGOL, "keysight-mxg": rf_generator.KEYSIGHT}
SPEED = 100.0
SLOW = 5.0
"""A dark zero lasts 0.6 s of wall time: long enough to be seen under way."""


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(SPEED), 1)


@pytest.fixture
def serve() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Runs the start of a server on a loop of its own, and stops it after the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made: list[Any] = []

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    def start(coroutine: Coroutine[Any, Any, Any]) -> Any:
        made.append(run(coroutine))
        return made[-1]

    yield start
    for server in made:
        run(server.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_every_dialect_has_a_simulated_box() -> None:
    assert set(MAKERS) == set(DIALECTS)


@pytest.mark.parametrize("name", list(DIALECTS))
def test_a_generator_of_either_maker(world: World, serve, name: str) -> None:
    server = serve(rf_generator.start(world, MAKERS[name]))
    generator = ScpiGenerator(
        "sideband", server.address, LIMITS, dialect=DIALECTS[name], timeout_s=0.5
    )
    generator.connect()
    assert generator.set_frequency(230.00000001) == pytest.approx(230.0, abs=1e-7)
    assert generator.set_power(7.25) == 7.25
    generator.rf_on()
    assert generator.status() == SidebandStatus(
        pytest.approx(230.0, abs=1e-7), 7.25, True, True, None
    )
    assert world.light.eom.on
    with pytest.raises(OutOfRange, match=r"power 15\.5 dBm is outside"):
        generator.set_power(15.5)
    assert world.light.eom.power_dbm == 7.25
    server.set_fault(WireFault("no_reply", left=1))
    with pytest.raises(Timeout):
        generator.set_power(3.0)
    generator.make_safe()
    assert not world.light.eom.on
    assert generator.status().power_dbm == 3.0, "acted upon, and read back from the box itself"
    generator.close()


SWEEPS = {
    "rigol-dsg800": (":SWE:STEP:STOP:LEV 17", ":SWE:STAT LEV,FREQ"),
    "keysight-mxg": (":POW:STOP 17", ":POW:MODE LIST"),
}
MODULATIONS = {
    "rigol-dsg800": (":AM:STAT ON", ":MOD:STAT ON"),
    "keysight-mxg": (":AM:STAT ON", ":OUTP:MOD ON"),
}


@pytest.mark.parametrize("left_on", [SWEEPS, MODULATIONS], ids=["sweep", "modulation"])
@pytest.mark.parametrize("name", list(DIALECTS))
def test_what_is_left_on_in_the_box_does_not_reach_the_modulator(
    world: World, serve, name: str, left_on: dict[str, tuple[str, ...]]
) -> None:
    server = serve(rf_generator.start(world, MAKERS[name]))
    somebody = VisaLine("somebody", server.address, timeout_s=0.5)
    somebody.open()
    generator = ScpiGenerator(
        "sideband", server.address, LIMITS, dialect=DIALECTS[name], timeout_s=0.5
    )
    generator.connect()
    generator.set_power(12.0)
    for setting in left_on[name]:
        somebody.write(setting)
    somebody.check_errors()
    assert world.light.eom.power_dbm > LIMITS.power_dbm.high
    generator.rf_on()
    assert generator.status().power_dbm == world.light.eom.power_dbm == 12.0
    for setting in left_on[name]:
        somebody.write(setting)
    somebody.check_errors()
    generator.connect()
    assert world.light.eom.power_dbm == 12.0
    somebody.close()
    generator.close()


@pytest.mark.parametrize("name", list(DIALECTS))
def test_a_complaint_of_somebody_else_is_not_blamed_on_the_first_setting(
    world: World, serve, name: str
) -> None:
    server = serve(rf_generator.start(world, MAKERS[name]))
    somebody = VisaLine("somebody", server.address, timeout_s=0.5)
    somebody.open()
    somebody.write("FOO?")
    assert somebody.identify().serial, "it has been heard"
    generator = ScpiGenerator(
        "sideband", server.address, LIMITS, dialect=DIALECTS[name], timeout_s=0.5
    )
    generator.connect()
    assert generator.set_power(-3.0) == -3.0
    somebody.close()
    generator.close()


@pytest.mark.parametrize("name", list(DIALECTS))
def test_the_limit_of_the_rf_holds_in_every_unit_of_the_box(world: World, serve, name: str) -> None:
    """1.5 V are 16.5 dBm, above the limit of 15 dBm, and read back as 1.5."""
    server = serve(rf_generator.start(world, MAKERS[name]))
    generator = ScpiGenerator(
        "sideband", server.address, LIMITS, dialect=DIALECTS[name], timeout_s=0.5
    )
    panel = VisaLine("front panel", server.address)
    panel.open()
    panel.write(":UNIT:POW V")
    generator.connect()
    assert panel.query(":UNIT:POW?") == "DBM"
    assert generator.set_power(1.5) == 1.5
    assert world.light.eom.power_dbm == 1.5
    for use in (generator.status, lambda: generator.set_power(2.0), generator.rf_on):
        panel.write(":UNIT:POW V")
        # Two lines to one box: what is asked after it on this one comes behind it.
        assert panel.query(":UNIT:POW?") == "V"
        with pytest.raises(DeviceFault, match="the unit of its level was 'V'"):
            use()
    assert world.light.eom.power_dbm == 2.0
    assert not world.light.eom.on
    assert generator.status().power_dbm == 2.0
    panel.close()
    generator.close()


@pytest.mark.parametrize("name", list(DIALECTS))
def test_rf_above_its_limit_in_another_unit_is_off_after_one_look(
    world: World, serve, name: str
) -> None:
    server = serve(rf_generator.start(world, MAKERS[name]))
    generator = ScpiGenerator(
        "sideband", server.address, LIMITS, dialect=DIALECTS[name], timeout_s=2.0
    )
    generator.connect()
    generator.set_power(7.25)
    generator.rf_on()
    panel = VisaLine("front panel", server.address, timeout_s=2.0)
    panel.open()
    panel.write(f":UNIT:POW V;{DIALECTS[name].power} 1.5")
    assert panel.query(":UNIT:POW?") == "V"
    assert world.light.eom.on
    assert world.light.eom.power_dbm == pytest.approx(16.53)
    with pytest.raises(DeviceFault, match=r"16\.53 dBm, above the 15 dBm .* RF was switched off"):
        generator.status()
    assert world.light.eom.on is False
    panel.close()
    generator.close()


def test_the_power_meter_reads_and_zeroes(serve) -> None:
    world = World(Truth(), RigClock(SLOW), 1)
    server = serve(pm100.start(world))
    meter = PM100("power_meter", server.address)
    assert meter.connect().model == "PM100D"
    dark = meter.read()
    assert dark.power_mw == pytest.approx(2e-3, rel=0.4)
    assert (dark.wavelength_nm, dark.zeroing) == (819.0, None)
    meter.zero()
    zeroed = meter.read()
    assert abs(zeroed.power_mw) < 2e-4
    assert zeroed.dark_mw == pytest.approx(2e-3, rel=0.4)
    assert zeroed.zeroing is False, "it has seen what the box says while it zeroes"
    with world.lock:
        world.light.set_seed(enabled=True, current_ma=90.0)
        world.light.set_amplifier(enabled=True, current_ma=2500.0)
    with pytest.raises(OutOfRange, match="dark limit"):
        meter.zero()
    meter.close()
