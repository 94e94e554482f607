"""The pair of ITC4000: SCPI as in the manual, over a socket to pyvisa, and its protections."""

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import RigClock
from simulators.rig import SimulatedRig
from simulators.servers import itc4000
from simulators.servers.itc4000 import make_pair
from simulators.servers.itc4000_scpi import itc_number
from simulators.truth import Truth
from simulators.world.world import World

PHOTODIODE_A_PER_MW = 0.0497e-3


@pytest.fixture
def world(make_world) -> World:
    return make_world(light={"power_noise": 0.0, "seed_noise": 0.0})


@pytest.fixture
def pair(world):
    return make_pair(world)


@pytest.fixture
def lit(pair, wall):
    """Both on, the amplifier at 0.25 A."""
    seed, amplifier = pair
    seed.execute(b"OUTP1:STAT ON")
    wall.pass_(0.1)
    amplifier.execute(b"SOUR:CURR 0.25;:OUTP1:STAT ON")
    assert amplifier.execute(b"OUTP?") == b"1"
    return pair


def test_each_box_says_who_it_is(pair):
    assert pair[0].execute(b"*IDN?") == b"THORLABS,ITC4001,M00310001,1.4.0/2.0.3/1.6.0"
    assert pair[1].execute(b"*IDN?").startswith(b"THORLABS,ITC4005,")


@pytest.mark.parametrize(
    ("command", "amperes"),
    [
        (b"SOUR:CURR 80mA", 0.08),
        (b"sour1:curr 80m", 0.08),
        (b"SOURce:CURRent:LEVel:IMMediate:AMPLitude 80e-3", 0.08),
        (b"SOUR:CURR 80000UA", 0.08),
        (b"SOUR:CURR MAX", 0.1),
        (b"SOUR:CURR MIN", 0.0),
    ],
)
def test_currents_are_in_amperes_with_prefixes(pair, command, amperes):
    assert pair[0].execute(command) == b""
    assert float(pair[0].execute(b"SOUR:CURR?")) == pytest.approx(amperes, abs=1e-5)


def test_hexadecimal_numbers():
    assert itc_number("#H1F", "A") == 31.0
    assert itc_number("#B101", "A") == 5.0


def test_extremes_are_told_without_being_set(pair):
    seed, amplifier = pair
    assert float(amplifier.execute(b"SOUR:CURR:LIM? MAX")) == 5.0
    assert float(seed.execute(b"SOUR:CURR? MAX")) == 0.1
    assert float(seed.execute(b"SOUR2:TEMP:SPO? DEF")) == 25.0
    assert float(seed.execute(b"SOUR:CURR?")) == pytest.approx(0.09, abs=1e-5)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"NOSUCH?", "-113"),
        (b"SOUR:CURR?  4", "-115"),
        (b"SOUR:CURR", "-109"),
        (b"SOUR:CURR 0.2", "-222"),
        (b"SOUR:CURR 1V", "-131"),
        (b"SOUR:CURR abc", "-104"),
        (b"SOUR2:CURR 0.05", "-113"),
        (b"OUTP3 ON", "-113"),
        (b"OUTP:PROT:EXT:MODE SOMETIMES", "-224"),
    ],
)
def test_what_is_not_understood_stays_unanswered_and_is_queued(pair, command, code):
    seed = pair[0]
    assert seed.execute(command) == b""
    assert seed.execute(b"SYST:ERR?").decode().startswith(f'{code},"')
    assert seed.execute(b"SYST:ERR?") == b'+0,"No error"'
    assert float(seed.execute(b"SOUR:CURR?")) == pytest.approx(0.09, abs=1e-5)


def test_the_eleventh_error_overwrites_the_tenth_and_reset_keeps_them(pair):
    seed = pair[0]
    for _ in range(12):
        seed.execute(b"NOSUCH?")
    seed.execute(b"*RST")
    told = [seed.execute(b"SYST:ERR?") for _ in range(11)]
    assert told[:9] == [b'-113,"Undefined header"'] * 9
    assert told[9:] == [b'-350,"Error queue overflow"', b'+0,"No error"']


def test_reset_switches_all_off(lit):
    seed, amplifier = lit
    amplifier.execute(b"*RST")
    assert amplifier.execute(b"OUTP1:STAT?;:OUTP2:STAT?") == b"0;0"
    assert seed.execute(b"OUTP1:STAT?;:OUTP2:STAT?") == b"1;1"


def test_photodiodes_and_currents(lit, wall):
    seed, amplifier = lit
    amplifier.execute(b"SOUR:CURR 2.0")
    wall.pass_(60.0)
    seed_a = float(seed.execute(b"MEAS:CURR2?"))
    assert seed_a / PHOTODIODE_A_PER_MW == pytest.approx(20.0, rel=1e-3)
    assert float(seed.execute(b"MEAS:POW2?")) == pytest.approx(seed_a / 0.5)
    assert float(amplifier.execute(b"MEAS:CURR1?")) == pytest.approx(2.0, abs=1e-4)
    # 0.35 W/A above 0.8 A, some per mille more for a chip that is not at its maximum.
    assert float(amplifier.execute(b"FETC:CURR2?")) / 2.01e-6 == pytest.approx(420.0, rel=0.03)


def test_a_limit_takes_the_setpoint_with_it_and_shows(lit):
    amplifier = lit[1]
    amplifier.execute(b"SOUR:CURR:LIM 0.2")
    assert float(amplifier.execute(b"SOUR:CURR?")) == pytest.approx(0.2)
    assert int(amplifier.execute(b"STAT:MEAS:COND?")) == 8


def test_the_laser_needs_its_cooler(pair, wall):
    seed = pair[0]
    seed.execute(b"OUTP2 OFF")
    assert int(seed.execute(b"STAT:MEAS:COND?")) == 512
    wall.pass_(10.0)
    seed.execute(b"OUTP1 ON")
    assert seed.execute(b"SYST:ERR?").startswith(b"-221")
    seed.execute(b"OUTP2 ON;:OUTP1 ON")
    assert seed.execute(b"OUTP1?;:SYST:ERR?").startswith(b"0;-221"), "not yet in its window"
    wall.pass_(20.0)
    seed.execute(b"OUTP1 ON")
    assert seed.execute(b"OUTP1?") == b"1"


def test_a_cooler_switched_off_takes_its_laser_along(lit, world, wall):
    seed, amplifier = lit
    seed.execute(b"OUTP2 OFF")
    wall.pass_(0.05)
    assert seed.execute(b"OUTP1?;:STAT:MEAS:COND?") == b"0;768"
    assert amplifier.execute(b"OUTP1?;:OUTP:PROT:EXT:TRIP?") == b"0;1"


def test_a_runaway_ends_the_light_when_the_window_is_left_whoever_looks(wall):
    doses = []
    for looks in (1, 50):
        world = World(Truth(), RigClock(1.0, wall), 1)
        seed, amplifier = make_pair(world)
        seed.execute(b"OUTP ON")
        wall.pass_(0.1)
        amplifier.execute(b"OUTP ON;:SOUR:CURR 2.5")
        world.light.set_cooler("seed", runaway=True)
        for _ in range(looks):
            wall.pass_(5.0 / looks)
            amplifier.execute(b"OUTP?")
        assert amplifier.execute(b"OUTP?") == b"0"
        doses.append(world.light.amplifier.dose_a_s)
    assert doses[0] == pytest.approx(doses[1], rel=1e-3)
    assert 0.0 < doses[0] < 0.01 * world.light.amplifier.dose_limit_a_s


def test_a_lost_seed_trips_the_amplifier_in_two_milliseconds_for_good(lit, world, wall):
    seed, amplifier = lit
    amplifier.execute(b"SOUR:CURR 2.5")
    world.light.lose_seed(0.0, 1e-3)
    wall.pass_(0.0015)
    assert amplifier.execute(b"OUTP?") == b"1"
    wall.pass_(0.002)
    assert amplifier.execute(b"OUTP?;:OUTP:PROT:EXT:TRIP?;:STAT:MEAS:COND?") == b"0;1;16"
    assert world.light.amplifier.dose_a_s < 0.02 * world.light.amplifier.dose_limit_a_s
    amplifier.execute(b"OUTP ON")
    assert amplifier.execute(b"OUTP?;:SYST:ERR?").startswith(b"0;-221")
    world.light.recover_seed()
    wall.pass_(1.0)
    assert amplifier.execute(b"OUTP?") == b"0", "it latches"
    assert seed.execute(b"OUTP?") == b"1"
    amplifier.execute(b"OUTP ON")
    assert amplifier.execute(b"OUTP?;:OUTP:PROT:EXT:TRIP?") == b"1;0"


def test_the_comparator_has_hysteresis(lit, world, wall):
    line = world.light.line
    world.light.set_seed(current_ma=70.0)  # 12 mW, between 11 and 13
    wall.pass_(1.0)
    world.light.advance()
    assert line.high
    world.light.set_seed(current_ma=66.0)  # 10.4 mW
    wall.pass_(1.0)
    world.light.advance()
    assert not line.high
    world.light.set_seed(current_ma=70.0)
    wall.pass_(1.0)
    world.light.advance()
    assert not line.high
    world.light.set_seed(current_ma=75.0)
    wall.pass_(1.0)
    world.light.advance()
    assert line.high


def test_enable_mode_gives_the_current_back_and_off_ignores_the_line(lit, world, wall):
    amplifier = lit[1]
    amplifier.execute(b"OUTP:PROT:EXT:MODE ENAB;:SOUR:CURR 2.5")
    world.light.lose_seed(0.0, 1e-3)
    wall.pass_(0.01)
    assert amplifier.execute(b"OUTP?;:MEAS:CURR1?") == b"1;0.00000000E+00"
    world.light.recover_seed()
    wall.pass_(0.01)
    assert float(amplifier.execute(b"MEAS:CURR1?")) == pytest.approx(2.5)
    amplifier.execute(b"OUTP:PROT:EXT:MODE OFF")
    world.light.lose_seed(0.0, 1e-3)
    wall.pass_(1.0)
    assert amplifier.execute(b"OUTP?") == b"1"
    assert world.light.amplifier.destroyed


@pytest.mark.parametrize(
    ("opened", "closed", "bit"),
    [
        (lambda light: light.set_interlock(True), lambda light: light.set_interlock(False), 4),
        (
            lambda light: light.set_emission_button(False),
            lambda light: light.set_emission_button(True),
            1,
        ),
    ],
)
def test_interlock_and_key_switch_both_off_for_good(lit, world, opened, closed, bit):
    opened(world.light)
    for box in lit:
        assert box.execute(b"OUTP?") == b"0"
        assert int(box.execute(b"STAT:MEAS:COND?")) & bit
        box.execute(b"OUTP ON")
        assert box.execute(b"OUTP?") == b"0"
    closed(world.light)
    for box in lit:
        assert box.execute(b"OUTP?") == b"0"


def test_a_restarted_box_has_forgotten_its_protection_but_the_chip_stays_destroyed(
    serving, world, wall
):
    rig = SimulatedRig(world, {"amplifier": "thorlabs-itc4000"})
    serving.start(_only_amplifier(rig))
    light = world.light
    light.set_seed(enabled=True)
    wall.pass_(0.1)
    light.set_amplifier(enabled=True, current_ma=2500.0)
    rig.fault("amplifier", "ld_enable_stuck", {})
    light.lose_seed()
    wall.pass_(0.4)
    assert rig.status()["amplifier_destroyed"]
    for instrument in ("amplifier", "amplifier_seed"):
        rig.fault(instrument, "restart", {})
    rig.clear("amplifier")
    status = rig.status()
    assert status["amplifier_destroyed"]
    assert status["damage_dose_a_s"] >= status["damage_limit_a_s"]
    assert light.line.mode == "OFF"
    light.set_cooler("seed", on=True)
    light.set_cooler("amplifier", on=True)
    wall.pass_(30.0)
    light.set_seed(enabled=True, current_ma=90.0)
    light.set_amplifier(enabled=True, current_ma=2500.0)
    wall.pass_(60.0)
    assert light.output_power_mw() == pytest.approx(0.02 * 595.0)


async def _only_amplifier(rig: SimulatedRig) -> SimulatedRig:
    rig.servers.update(await itc4000.start(rig.world))
    return rig


def test_pyvisa_talks_to_both(serving, world):
    servers = serving.run(itc4000.start(world))
    for server in servers.values():
        serving.start(_itself(server))
    manager = pyvisa.ResourceManager("@py")
    seed, amplifier = (
        manager.open_resource(
            servers[name].address, read_termination="\n", write_termination="\n", timeout=2000
        )
        for name in ("amplifier_seed", "amplifier")
    )
    assert seed.query("*IDN?").startswith("THORLABS,ITC4001")  # pyright: ignore
    seed.write("SOUR:CURR 85mA")  # pyright: ignore
    assert float(seed.query("SOUR:CURR?")) == pytest.approx(0.085, abs=1e-5)  # pyright: ignore
    amplifier.write("SOUR:CURR 0.1")  # pyright: ignore
    assert float(amplifier.query("SOUR:CURR?")) == pytest.approx(0.1, abs=1e-4)  # pyright: ignore
    with pytest.raises(pyvisa.errors.VisaIOError):
        amplifier.query("WHAT?")  # pyright: ignore
    assert amplifier.query("SYST:ERR?") == '-113,"Undefined header"'  # pyright: ignore
    for session in (seed, amplifier):
        session.close()
    manager.close()


async def _itself(server):
    return server


BOX = make_pair(World(Truth(), RigClock(1.0), 1))[1]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_leave_the_box_alive(data: bytes):
    BOX.execute(data)
    assert BOX.execute(b"*IDN?").startswith(b"THORLABS")


WORDS = st.sampled_from(
    ["SOUR:CURR", "OUTP1", "OUTP2:STAT?", ":MEAS:CURR2?", "OUTP:PROT:EXT:MODE", "ON", "PROT",
     "1e-3", "#H", "mA", "MIN", ";", " ", "?", ",", "*RST", "*CLS", "SOUR2:TEMP:SPO"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_any_words_leave_the_box_alive(text: str):
    BOX.execute(text.encode())
    assert BOX.execute(b"*IDN?").startswith(b"THORLABS")
