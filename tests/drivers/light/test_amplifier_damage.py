"""Either driver on its simulated boxes: nothing that is asked, lost or broken destroys the chip.

No sockets and no waiting: each exchange and each sleep moves the world's clock.
"""

import contextlib
import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drivers.dlcpro import DlcPro
from drivers.errors import DeviceFault, DriverError, InterlockOpen, Timeout
from drivers.interfaces import AmplifierLimits, Identity, Range
from drivers.itc4000 import Itc4000Pair
from simulators.clock import RigClock
from simulators.servers.dlcpro_box import DlcProBox
from simulators.servers.itc4000 import make_pair
from simulators.servers.parameters import NORMAL_LEVEL, Refused
from simulators.truth import Truth
from simulators.world.light import SEED_LOW
from simulators.world.world import World

LIMITS = AmplifierLimits(
    seed_current_ma=Range(0.0, 110.0),
    amplifier_current_ma=Range(0.0, 2500.0),
    unseeded_ceiling_ma=300.0,
    seed_power_min_mw=10.0,
)
EXCHANGE_S = 1e-3
TIMEOUT_S = 1.0


class Bench:
    """A world whose wall clock moves by what is exchanged and slept."""

    def __init__(self) -> None:
        self.now_s = 1.8e9
        self.world = World(Truth(), RigClock(1.0, lambda: self.now_s), 1)
        self.light = self.world.light
        self.silent = 0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def exchange(self) -> None:
        if self.silent:
            self.silent -= 1
            self.now_s += TIMEOUT_S
            raise Timeout("amplifier", "no answer")
        self.now_s += EXCHANGE_S


class DlcLink:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.box = DlcProBox(bench.world)
        self.lock = threading.RLock()

    def _read(self, name):
        self.bench.exchange()
        with self.bench.world.lock:
            try:
                return self.box.tree.get(name)
            except Refused as error:
                raise DeviceFault("amplifier", str(error)) from error

    read_bool = read_real = read_text = _read

    def write(self, name, value):
        self.bench.exchange()
        self.shout(name, value)

    def shout(self, name, value):
        with self.bench.world.lock:
            try:
                self.box.tree.put(name, value, NORMAL_LEVEL)
            except Refused as error:
                raise DeviceFault("amplifier", str(error)) from error

    def open(self):
        pass

    def close(self):
        pass


class ItcLine:
    name = "amplifier"
    resource = "simulated"

    def __init__(self, bench: Bench, box) -> None:
        self.bench = bench
        self.box = box
        self.lock = threading.RLock()

    def write(self, text):
        self.bench.exchange()
        with self.bench.world.lock:
            return self.box.execute(text.encode()).decode()

    def query(self, text):
        answer = self.write(text)
        assert answer, f"{text} was not answered"
        return answer

    def query_number(self, text):
        return float(self.query(text))

    def query_flag(self, text):
        return {"0": False, "1": True}[self.query(text)]

    def identify(self):
        return Identity(*self.query("*IDN?").split(","))

    def check_errors(self):
        while not (text := self.query("SYST:ERR?")).startswith("+0"):
            raise DeviceFault("amplifier", text)

    def open(self):
        pass

    def close(self):
        pass


def dlc_pro(bench: Bench):
    driver = DlcPro(
        "amplifier", "", 0, LIMITS, link=DlcLink(bench), sleep=bench.sleep,
        clock=lambda: bench.now_s,
    )  # fmt: skip
    driver.restart = lambda: None
    return driver


def itc_pair(bench: Bench):
    seed, chip = make_pair(bench.world)
    driver = Itc4000Pair(
        "amplifier", "", "", LIMITS, seed_mw_per_ma=20.0, output_mw_per_ma=500.0,
        lines=(ItcLine(bench, seed), ItcLine(bench, chip)), sleep=bench.sleep,
        clock=lambda: bench.now_s,
    )  # fmt: skip
    driver.restart = lambda: (seed.power_cycle(), chip.power_cycle())
    return driver


class Damage(RuleBasedStateMachine):
    """A lost seed costs the chip less than half of what it stands; a command costs nothing."""

    make = staticmethod(dlc_pro)

    def __init__(self):
        super().__init__()
        self.bench = Bench()
        self.driver = self.make(self.bench)
        self.dose_a_s = 0.0

    def _call(self, command, *arguments):
        with contextlib.suppress(DriverError):
            command(*arguments)

    def _fault(self, act, *arguments):
        """The dose that follows is this fault's."""
        self.dose_a_s = self.bench.light.amplifier.dose_a_s
        with self.bench.world.lock:
            act(*arguments)

    @initialize(running=st.booleans())
    def start(self, running):
        self.driver.connect()
        if running:
            self.driver.seed_on()
            self.driver.amplifier_on()
            self.driver.set_amplifier_current(2500.0)

    @rule(current_ma=st.sampled_from([0.0, 250.0, 301.0, 2000.0, 2500.0]))
    def set_amplifier_current(self, current_ma):
        self._call(self.driver.set_amplifier_current, current_ma)

    @rule(current_ma=st.floats(0.0, 100.0))
    def set_seed_current(self, current_ma):
        self._call(self.driver.set_seed_current, current_ma)

    @rule(name=st.sampled_from(
        ["seed_on", "seed_off", "amplifier_on", "amplifier_off", "make_safe", "status", "guards"]
    ))  # fmt: skip
    def command(self, name):
        self._call(getattr(self.driver, name))

    @rule()
    def exercise(self):
        self._call(self.driver.exercise_guard, 90.0)

    @rule(kept=st.sampled_from([0.0, 0.3, 0.6]), decay_s=st.sampled_from([1e-3, 0.05, 1.0]))
    def seed_lost(self, kept, decay_s):
        self._fault(self.bench.light.lose_seed, kept, decay_s)

    @rule()
    def seed_back(self):
        self._fault(self.bench.light.recover_seed)

    @rule(count=st.integers(1, 4))
    def wire_silent(self, count):
        self.bench.silent = count

    @rule(is_open=st.booleans())
    def interlock(self, is_open):
        self._fault(self.bench.light.set_interlock, is_open)

    @rule(on=st.booleans())
    def key(self, on):
        self._fault(self.bench.light.set_emission_button, on)

    @rule(laser=st.sampled_from(["seed", "amplifier"]), runaway=st.booleans())
    def temperature(self, laser, runaway):
        if laser in self.bench.light.coolers:
            light = self.bench.light
            self._fault(lambda: light.set_cooler(laser, runaway=runaway))

    @rule()
    def box_restarts(self):
        self._fault(self.driver.restart)

    @rule(seconds=st.sampled_from([0.01, 0.2, 5.0]))
    def time_passes(self, seconds):
        self.bench.sleep(seconds)

    @invariant()
    def the_chip_lives(self):
        with self.bench.world.lock:
            self.bench.light.advance()
        chip = self.bench.light.amplifier
        assert chip.dose_a_s - self.dose_a_s < 0.5 * chip.dose_limit_a_s


class PairDamage(Damage):
    make = staticmethod(itc_pair)


TestDamage = Damage.TestCase
TestDamage.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestPairDamage = PairDamage.TestCase
TestPairDamage.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(("make", "within_s", "ways"), [(dlc_pro, 0.07, 2), (itc_pair, 0.02, 1)])
def test_the_boxs_own_guards_are_exercised_at_a_harmless_current(make, within_s, ways):
    bench = Bench()
    driver = make(bench)
    driver.connect()
    trials = driver.exercise_guard(90.0)
    assert len(trials) == ways
    for trial in trials:
        assert trial.passed
        assert trial.current_ma == 150.0
        assert 0.0 < trial.trip_s < within_s
        assert 0.0 < trial.take_down_s < 0.05
        assert trial.by
    status = driver.status()
    assert not status.amplifier_on
    assert not status.seed_on
    assert bench.light.amplifier.dose_a_s == 0.0


BOTH = ("seed-limits", "seedonly-check")


@pytest.mark.parametrize(
    ("limits_s", "seedonly_s", "by_seed_off"),
    [
        # Only who has the shorter delay can have acted when it is over.
        (0.15, 0.05, BOTH[1:]),
        (0.05, 0.15, BOTH[:1]),
        (0.05, 0.05, BOTH),
    ],
)
def test_a_dlc_pro_tells_which_of_its_guards_acted(limits_s, seedonly_s, by_seed_off):
    bench = Bench()
    driver = dlc_pro(bench)
    bench.light.set_guard(seed_limits_delay_s=limits_s, seedonly_delay_s=seedonly_s)
    dimmed, off = driver.exercise_guard(90.0)
    assert (dimmed.guards, dimmed.by) == (("seed-limits",), f"Amplifier shut down: {SEED_LOW}")
    assert dimmed.how == "seed dimmed to 56.2 mA"
    assert limits_s < dimmed.trip_s < limits_s + 0.05
    assert (off.how, off.guards) == ("seed off", by_seed_off)
    assert min(limits_s, seedonly_s) < off.trip_s < min(limits_s, seedonly_s) + 0.05


def test_a_seed_limit_that_does_not_act_is_found_by_the_trial():
    """Read as armed, and dead: a seed that is off would not show it, seedonly-check sees that."""
    bench = Bench()
    driver = dlc_pro(bench)
    bench.light.seed_limits.watch = lambda _bad_from_s: None
    dimmed, off = driver.exercise_guard(90.0)
    assert (dimmed.passed, dimmed.trip_s) == (False, float("inf"))
    assert off.passed
    assert bench.light.amplifier.dose_a_s == 0.0
    assert not driver.status().amplifier_on


def test_where_seedonly_check_takes_a_dim_seed_for_none_it_is_only_switched_off():
    bench = Bench()
    driver = dlc_pro(bench)
    driver._link.box.tree.live("laser1:amp:seedonly-check:seed", lambda: False)
    (off,) = driver.exercise_guard(90.0)
    assert (off.how, off.guards) == ("seed off", BOTH)


def test_a_broken_wire_of_ld_enable_is_seen_once_the_seed_is_off():
    bench = Bench()
    driver = itc_pair(bench)
    driver.connect()
    driver.seed_on()
    bench.sleep(0.1)
    bench.light.set_line(stuck=True)  # high, as an open TTL input may be
    assert all(guard.armed for guard in driver.guards()), "with the seed on nothing shows it"
    driver.seed_off()
    gaps = [guard for guard in driver.guards() if not guard.armed]
    assert [guard.state for guard in gaps] == [
        "high though the seed is off: not wired, or its wire is broken"
    ]
    for refused in (driver.connect, driver.seed_on, lambda: driver.exercise_guard(90.0)):
        with pytest.raises(InterlockOpen, match=r"LD-ENABLE.*high though the seed is off"):
            refused()
    assert not driver.status().seed_on


def test_a_wire_of_ld_enable_that_breaks_in_a_trial_is_found_by_it_and_harms_nothing():
    bench = Bench()
    driver = itc_pair(bench)
    driver.connect()
    light_harmlessly = driver._light_harmlessly

    def then_it_breaks(seed_current_ma):
        current_ma = light_harmlessly(seed_current_ma)
        bench.light.set_line(stuck=True)
        return current_ma

    driver._light_harmlessly = then_it_breaks
    (trial,) = driver.exercise_guard(90.0)
    assert not trial.passed
    assert trial.trip_s == float("inf")
    assert not driver.status().amplifier_on
    assert bench.light.amplifier.dose_a_s == 0.0


@pytest.mark.parametrize("make", [dlc_pro, itc_pair])
def test_a_trial_is_refused_while_there_is_light(make):
    bench = Bench()
    driver = make(bench)
    driver.seed_on()
    with pytest.raises(InterlockOpen, match="not exercised while seed or amplifier is on"):
        driver.exercise_guard(90.0)
    assert driver.status().seed_on


@pytest.mark.parametrize(("make", "milliseconds"), [(dlc_pro, 51.0), (itc_pair, 4.0)])
def test_reaction_time_of_the_box_to_a_seed_that_dies(make, milliseconds):
    bench = Bench()
    driver = make(bench)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(2500.0)
    with bench.world.lock:
        bench.light.lose_seed(0.0, 1e-3)
        lost_s = bench.now_s
        while bench.light.amplifier.current_a > 0.0:
            bench.sleep(1e-4)
            bench.light.advance()
    assert 1e3 * (bench.now_s - lost_s) <= milliseconds


def disarm(bench: Bench, driver) -> None:
    """A hand at the box takes its guard against missing seed away."""
    with bench.world.lock:
        if isinstance(driver, DlcPro):
            bench.light.set_guard(seedonly_delay_s=0.0)
        else:
            driver._chip.line.box.set_line_mode("OFF")


def lit(driver) -> None:
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(2497.0)


@pytest.mark.parametrize("make", [dlc_pro, itc_pair])
def test_connect_brings_a_seeded_amplifier_down_that_its_box_does_not_guard(make):
    """A station that starts anew would end, and leave it up with nobody to guard it."""
    bench = Bench()
    driver = make(bench)
    lit(driver)
    disarm(bench, driver)
    with pytest.raises(InterlockOpen, match=r"guard the amplifier.*brought down to 0 mA"):
        driver.connect()
    assert bench.light.amplifier.current_a == 0.0
    with bench.world.lock:
        bench.light.lose_seed(0.0, 1e-3)
        bench.sleep(5.0)
        bench.light.advance()
    assert bench.light.amplifier.dose_a_s == 0.0


@pytest.mark.parametrize("make", [dlc_pro, itc_pair])
def test_a_move_up_brings_an_amplifier_down_that_its_box_no_longer_guards(make):
    bench = Bench()
    driver = make(bench)
    lit(driver)
    disarm(bench, driver)
    with pytest.raises(InterlockOpen, match=r"guard the amplifier.*brought down to 0 mA"):
        driver.set_amplifier_current(2498.0)
    assert bench.light.amplifier.current_a == 0.0


@pytest.mark.parametrize(
    ("switch", "factor", "ma_per_v"),
    [
        ("external-input:enabled", "external-input:factor", 2500.0),
        ("feedforward-enabled", "feedforward-factor", 100.0),
    ],
)
def test_a_dlc_pro_that_adds_to_the_current_is_refused_before_its_guard_is_tried(
    switch, factor, ma_per_v
):
    """A trial at 150 mA would be one at the clip."""
    bench = Bench()
    driver = dlc_pro(bench)
    driver.connect()
    link = driver._link
    link.write(f"laser1:amp:cc:{factor}", ma_per_v)
    link.write("laser1:dl:pc:voltage-set", 70.0)
    link.write(f"laser1:amp:cc:{switch}", True)
    for refused in (lambda: driver.exercise_guard(90.0), driver.connect):
        with pytest.raises(InterlockOpen, match=f"laser1:amp:cc:{switch} is #t"):
            refused()
    assert bench.light.amplifier.dose_a_s == 0.0
    gaps = [guard for guard in driver.guards() if not guard.armed]
    assert [guard.fault for guard in gaps] == ["the box itself raises the current"]
    assert "off at the box" in gaps[0].remedy
    link.write(f"laser1:amp:cc:{switch}", False)
    assert all(trial.passed for trial in driver.exercise_guard(90.0))


def test_a_dlc_pro_that_adds_to_a_low_current_is_switched_off_by_connect():
    bench = Bench()
    driver = dlc_pro(bench)
    driver.connect()
    driver.seed_on()
    driver.amplifier_on()
    driver._link.write("laser1:amp:cc:external-input:factor", 2000.0)
    driver._link.write("laser1:amp:cc:external-input:enabled", True)
    assert driver.status().amplifier_current_ma == 2000.0
    with pytest.raises(InterlockOpen, match=r"external-input:enabled is #t.*was switched off"):
        driver.connect()
    assert not driver.status().amplifier_on
    assert bench.light.amplifier.current_a == 0.0


def test_a_restarted_pair_is_refused_at_the_next_move_up():
    bench = Bench()
    driver = itc_pair(bench)
    driver.connect()
    driver.restart()
    assert not driver.status().seed_protection_armed
    driver.set_seed_current(90.0)
    driver.seed_on()
    with pytest.raises(InterlockOpen, match="LD-ENABLE of the amplifier's box: OFF"):
        driver.amplifier_on()


def test_a_disarmed_guard_of_the_dlc_pro_stands_in_the_table_with_what_to_do():
    bench = Bench()
    driver = dlc_pro(bench)
    with bench.world.lock:
        bench.light.set_guard(seedonly_delay_s=0.0)
    with pytest.raises(InterlockOpen, match="seedonly-check:shutdown-delay is 0 s"):
        driver.connect()
    gaps = [guard for guard in driver.guards() if not guard.armed]
    assert len(gaps) == 1
    assert "seedonly-check:shutdown-delay is 0 s" in gaps[0].state
    assert "at the box" in gaps[0].remedy
