"""The simulated sideband generators: what they do to the modulator, and third parties on them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.agilent import Agilent8257D

from simulators.clock import RigClock
from simulators.servers import rf_generator
from simulators.servers.rf_generator import (
    FREE_RUNNING,
    KEYSIGHT,
    RIGOL,
    SETTLING_S,
    Maker,
    RfGenerator,
)
from simulators.truth import Truth
from simulators.wire import VisaServer
from simulators.world.world import World


class Bench:
    """A world whose clock stands until it is told, and a box on it."""

    def __init__(self, maker: Maker) -> None:
        self.wall_s = 1.8e9
        self.maker = maker
        self.world = World(Truth(), RigClock(1.0, lambda: self.wall_s), 1)
        self.box = RfGenerator(self.world, maker)

    def ask(self, command: str) -> str:
        return self.box.execute(command.encode()).decode()

    @property
    def eom(self) -> tuple[float, float, bool]:
        eom = self.world.light.eom
        return round(eom.frequency_mhz, 6), eom.power_dbm, eom.on


@pytest.fixture(params=[RIGOL, KEYSIGHT], ids=["rigol", "keysight"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


@pytest.fixture
def keysight() -> Bench:
    return Bench(KEYSIGHT)


def level(bench: Bench) -> str:
    return ":LEV" if bench.maker is RIGOL else ":POW"


def test_each_maker_has_its_word_for_the_level_and_not_the_other(bench: Bench) -> None:
    other = ":POW" if bench.maker is RIGOL else ":LEV"
    assert bench.ask(f"{other} -10") == ""
    assert "-113" in bench.ask("SYST:ERR?")
    bench.ask(f"{level(bench)} -10.257dBm")
    assert float(bench.ask(f"{level(bench)}?")) == pytest.approx(-10.26)


def test_frequency_level_and_output_reach_the_modulator(bench: Bench) -> None:
    assert bench.eom[2] is False
    bench.ask(f":FREQ 230MHz;{level(bench)} 10 dBm;:OUTP ON")
    assert bench.eom == (230.0, 10.0, True)
    with bench.world.lock:
        assert bench.world.light.field().sideband_depth > 0.3
    bench.ask(":OUTP OFF")
    with bench.world.lock:
        assert bench.world.light.field().sideband_depth == 0.0


def test_a_level_without_a_unit_is_in_the_unit_of_the_box(bench: Bench) -> None:
    assert bench.ask(":UNIT:POW?") == "DBM"
    bench.ask(":UNIT:POW V")
    bench.ask(f"{level(bench)} 1.5")
    assert bench.eom[1] == pytest.approx(16.53)
    assert float(bench.ask(f"{level(bench)}?")) == pytest.approx(1.5, abs=0.01)
    bench.ask(f"{level(bench)} 1.5 dBm")
    assert bench.eom[1] == 1.5
    # Two digits of a watt need a level at which they are not zero.
    for unit, dbm, shown in [
        ("DBM", 0.0, 0.0), ("DBMV", 0.0, 46.99), ("DBUV", 0.0, 106.99), ("W", 16.99, 0.05),
    ]:  # fmt: skip
        bench.ask(f":UNIT:POW DBM;{level(bench)} {dbm};:UNIT:POW {unit}")
        assert float(bench.ask(f"{level(bench)}?")) == pytest.approx(shown, abs=6e-3), unit
        bench.ask(f"{level(bench)} {shown}")
        assert bench.eom[1] == pytest.approx(dbm, abs=0.011), unit
    for refused in (":UNIT:POW OHM", f"{level(bench)} -1 V", f"{level(bench)} 5 Hz"):
        bench.ask(refused)
        assert int(bench.ask("SYST:ERR?").split(",")[0]) in (-224, -222, -131)
    bench.box.power_up()
    assert bench.ask(":UNIT:POW?") == "DBM"


def test_numbers_and_errors_in_the_makers_form() -> None:
    rigol, keysight = Bench(RIGOL), Bench(KEYSIGHT)
    for bench in (rigol, keysight):
        bench.ask(":FREQ 230.00000001 MHz")
    assert rigol.ask(":FREQ?") == "230000000.01"
    assert keysight.ask(":FREQ?") == "+2.3000000001000E+08"
    assert rigol.ask("SYST:ERR?") == '0,"No error"'
    assert keysight.ask("SYST:ERR?") == '+0,"No error"'


def test_the_synthesiser_settles_and_may_lose_its_lock(bench: Bench) -> None:
    condition = "STAT:QUES:FREQ:COND?"
    bench.wall_s += 1.0
    assert int(bench.ask(condition)) == 0
    bench.ask(":FREQ 200MHz;:OUTP ON")
    assert int(bench.ask(condition)) == 1
    bench.wall_s += 1.01 * SETTLING_S
    assert int(bench.ask(condition)) == 0
    bench.box.lose_lock()
    assert int(bench.ask(condition)) == 1
    assert bench.eom[0] == pytest.approx(200.0 * FREE_RUNNING), "it radiates beside its setting"
    assert float(bench.ask(":FREQ?")) == 200e6, "which it does not know"


def test_power_up_is_rf_off_and_no_errors(bench: Bench) -> None:
    bench.ask(":OUTP ON;:NOSUCH 1")
    bench.box.power_up()
    assert bench.eom[2] is False
    assert int(bench.ask("SYST:ERR?").split(",")[0]) == 0


@pytest.mark.parametrize(
    ("command", "code"),
    [(":FREQ 4GHz", "-222"), (":FREQ 5 V", "-131"), (":OUTP MAYBE", "-224"), (":FREQ", "-109")],
)
def test_refusals_change_nothing(bench: Bench, command: str, code: str) -> None:
    before = bench.eom
    assert bench.ask(command) == ""
    assert bench.ask("SYST:ERR?").startswith(code)
    assert bench.eom == before


BOXES = [Bench(RIGOL), Bench(KEYSIGHT)]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=120))
def test_any_bytes_leave_it_alive(data: bytes) -> None:
    for bench in BOXES:
        bench.box.execute(data)
        assert bench.ask("*IDN?").count(",") == 3


# --- third parties --------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Iterator[Callable[[Bench], VisaServer]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made: list[VisaServer] = []

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    def start(bench: Bench) -> VisaServer:
        made.append(run(rf_generator.start(bench.world, bench.maker)))
        return made[-1]

    yield start
    for server in made:
        run(server.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_pymeasure_drives_the_keysight(keysight: Bench, serve) -> None:
    adapter = VISAAdapter(
        serve(keysight).address,
        visa_library="@py", read_termination="\n", write_termination="\n",
    )  # fmt: skip
    with pytest.warns(FutureWarning, match="not known whether this device support SCPI"):
        generator: Any = Agilent8257D(adapter)
    generator.frequency = 230e6
    generator.power = 7.5
    generator.enable()
    assert (generator.frequency, generator.power, generator.is_enabled) == (230e6, 7.5, True)
    assert keysight.eom == (230.0, 7.5, True)
    assert generator.has_modulation is False
    generator.disable_modulation()
    generator.disable()
    assert generator.is_enabled is False
    assert keysight.eom[2] is False
    assert generator.ask("SYST:ERR?") == '+0,"No error"', "it understood everything"
    adapter.close()
    adapter.manager.close()


def test_pyvisa_drives_both(bench: Bench, serve) -> None:
    manager = pyvisa.ResourceManager("@py")
    session: Any = manager.open_resource(
        serve(bench).address, read_termination="\n", write_termination="\n", timeout=5000
    )
    session.write(":FREQ 250 MHz;:OUTP ON")
    assert float(session.query(":FREQ?")) == 250e6
    assert session.query(":OUTP?") == "1"
    assert bench.eom[::2] == (250.0, True)
    assert int(session.query("SYST:ERR?").split(",")[0]) == 0
    session.close()
    manager.close()
