"""The simulated power meter: what it shows of the light, and third parties that read it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.thorlabs import ThorlabsPM100USB

from simulators.clock import RigClock
from simulators.servers import pm100
from simulators.servers.pm100 import OVER_RANGE, ZERO_S, Pm100
from simulators.truth import Truth
from simulators.wire import VisaServer
from simulators.world.world import World

QUIET = {"relative_noise": 0.0, "floor_mw": 0.0, "dark_drift_mw": 0.0, "responsivity_error": 1.0}


class Bench:
    """A world whose clock stands until it is told, and the box on it."""

    def __init__(self, **head: float) -> None:
        self.wall_s = 1.8e9
        truth = Truth.model_validate({"power_head": {**QUIET, **head}, "light": {"power_noise": 0}})
        self.world = World(truth, RigClock(1.0, lambda: self.wall_s), 1)
        self.box = Pm100(self.world)

    def light(self, current_ma: float) -> None:
        """Seed on, amplifier at a current, warm."""
        with self.world.lock:
            self.world.light.set_seed(enabled=True, current_ma=90.0)
            self.world.light.set_amplifier(enabled=True, current_ma=current_ma)
        self.wall_s += 60.0

    def ask(self, command: str) -> str:
        return self.box.execute(command.encode()).decode()

    def number(self, command: str) -> float:
        return float(self.ask(command))


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.ask("SENS:CORR:WAV 819.2")
    return made


def test_it_sees_a_share_of_the_light_behind_the_fibre(bench: Bench) -> None:
    bench.light(2500.0)
    with bench.world.lock:
        behind_mw = bench.world.light.field().power_mw
    assert behind_mw == pytest.approx(500.0, rel=0.03)
    shown_mw = 1e3 * bench.number("MEAS:POW?")
    assert shown_mw == pytest.approx(0.01 * behind_mw + 2e-3, rel=1e-6), "pick-off and dark current"


def test_the_shutter_is_behind_the_pick_off(bench: Bench) -> None:
    bench.light(2500.0)
    open_w = bench.number("MEAS:POW?")
    bench.world.atoms.set_pumping_light(False)
    bench.wall_s += 1.0
    assert bench.number("MEAS:POW?") == pytest.approx(open_w, rel=1e-6)


def test_broadband_light_counts_too(bench: Bench) -> None:
    bench.light(1500.0)
    with bench.world.lock:
        bench.world.light.lose_seed(0.0, 1e-6)
    bench.wall_s += 0.04
    with bench.world.lock:
        assert bench.world.light.field().power_mw < 1e-3
    assert bench.number("MEAS:POW?") > 5 * 2e-6


def test_the_wavelength_that_it_is_corrected_for_matters(bench: Bench) -> None:
    bench.light(2500.0)
    right_w = bench.number("MEAS:POW?")
    bench.ask("SENS:CORR:WAV 635")
    assert bench.number("MEAS:POW?") == pytest.approx(right_w * 819.2 / 635.0, rel=1e-6)


def test_the_unit_changes_what_a_reading_means(bench: Bench) -> None:
    bench.light(2500.0)
    power_w = bench.number("MEAS:POW?")
    bench.ask("SENS:POW:UNIT DBM")
    assert 10.0 ** (bench.number("MEAS:POW?") / 10.0) == pytest.approx(1e3 * power_w, rel=1e-6)


def test_more_light_than_the_range_is_over_range(bench: Bench) -> None:
    bench.light(2500.0)
    bench.ask("SENS:POW:RANG:UPP 1E-3")
    assert bench.ask("SENS:POW:RANG:AUTO?") == "0"
    assert bench.number("SENS:POW:RANG:UPP?") == pytest.approx(5e-3)
    bench.ask("SENS:POW:RANG:UPP 5E-4")
    assert bench.ask("MEAS:POW?") == OVER_RANGE
    bench.ask("SENS:POW:RANG:AUTO 1")
    assert bench.number("MEAS:POW?") == pytest.approx(5e-3, rel=0.05)


@pytest.mark.parametrize("busy", [True, False])
def test_a_dark_zero_takes_its_time_and_takes_the_dark_current_away(busy: bool) -> None:
    bench = Bench()
    bench.box = Pm100(bench.world, busy=busy)
    bench.ask("SENS:CORR:WAV 819.2")
    assert bench.number("MEAS:POW?") == pytest.approx(2e-6)
    idle = bench.ask("SENS:CORR:COLL:ZERO:STAT?")
    bench.ask("SENS:CORR:COLL:ZERO:INIT")
    assert bench.ask("SENS:CORR:COLL:ZERO:STAT?") == str(int(busy)) != idle
    bench.wall_s += ZERO_S
    assert bench.ask("SENS:CORR:COLL:ZERO:STAT?") == idle
    assert bench.number("SENS:CORR:COLL:ZERO:MAGN?") == pytest.approx(2e-6)
    assert bench.number("MEAS:POW?") == pytest.approx(0.0, abs=1e-12)


def test_zeroing_with_light_on_spoils_it(bench: Bench) -> None:
    """Why the driver looks first."""
    bench.light(2500.0)
    bench.ask("SENS:CORR:COLL:ZERO:INIT")
    bench.wall_s += ZERO_S
    assert bench.number("MEAS:POW?") == pytest.approx(0.0, abs=1e-9)


def test_power_up_forgets(bench: Bench) -> None:
    bench.box.power_up()
    assert bench.number("SENS:CORR:WAV?") == 635.0
    assert bench.number("SENS:CORR:COLL:ZERO:MAGN?") == 0.0


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SENS:CORR:WAV 2000", "-222"),
        ("SENS:CORR:WAV? MIDDLE", "-224"),
        ("SENS:POW:UNIT HP", "-224"),
        ("SENS:POW:RANG:UPP 7", "-222"),
        ("MEAS:VOLT?", "-113"),
    ],
)
def test_refusals(bench: Bench, command: str, code: str) -> None:
    assert bench.ask(command) == ""
    assert bench.ask("SYST:ERR?").startswith(code)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=120))
def test_any_bytes_leave_it_alive(data: bytes) -> None:
    BENCH.box.execute(data)
    assert BENCH.ask("*IDN?").startswith("Thorlabs,PM100D")


BENCH = Bench()


# --- third parties --------------------------------------------------------------------------------


@pytest.fixture
def server(bench: Bench) -> Iterator[VisaServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    made = run(pm100.start(bench.world))
    yield made
    run(made.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def on_visa() -> Iterator[Callable[[str], VISAAdapter]]:
    made: list[VISAAdapter] = []

    def make(address: str) -> VISAAdapter:
        made.append(
            VISAAdapter(address, visa_library="@py", read_termination="\n", write_termination="\n")
        )
        return made[-1]

    yield make
    for adapter in made:
        adapter.close()
        adapter.manager.close()


@pytest.mark.filterwarnings("ignore:It is not known whether this device:FutureWarning")
def test_pymeasure_reads_it(bench: Bench, server: VisaServer, on_visa) -> None:
    bench.light(2500.0)
    meter = ThorlabsPM100USB(on_visa(server.address))
    assert (meter.sensor_name, meter.is_power_sensor, meter.wavelength_settable) == (
        "S121C", True, True,
    )  # fmt: skip
    meter.wavelength = 819
    assert meter.wavelength == 819.0
    assert (meter.wavelength_min, meter.wavelength_max) == (400.0, 1100.0)
    assert meter.power == pytest.approx(5e-3, rel=0.05)


def test_pyvisa_reads_it(server: VisaServer) -> None:
    manager = pyvisa.ResourceManager("@py")
    session: Any = manager.open_resource(
        server.address, read_termination="\n", write_termination="\n", timeout=5000
    )
    assert session.query("*IDN?").startswith("Thorlabs,PM100D")
    assert session.query("SYST:SENS:IDN?").split(",")[0] == "S121C"
    session.close()
    manager.close()
