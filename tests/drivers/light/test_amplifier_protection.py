"""The amplifier's envelope: whatever is called and whatever fails, never pumped unseeded.

A fake box behind the DLC pro's link keeps parameters, loses its seed, answers late or not at
all, and watches each write that reaches it.
"""

import contextlib
import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drivers.dlcpro import DlcPro
from drivers.errors import DeviceFault, DriverError, InterlockOpen, Timeout
from drivers.interfaces import AmplifierLimits, Identity, Range
from drivers.itc4000 import Itc4000Pair

CEILING_MA = 300.0
SEED_MIN_MW = 10.0
SEED_MW_PER_MA = 20.0
LIMITS = AmplifierLimits(
    seed_current_ma=Range(0.0, 110.0),
    amplifier_current_ma=Range(0.0, 2500.0),
    unseeded_ceiling_ma=CEILING_MA,
    seed_power_min_mw=SEED_MIN_MW,
    ramp_step_ma=200.0,
)
AMP, DIODE, GUARD = "laser1:amp:cc:", "laser1:dl:cc:", "laser1:amp:seed-limits:"


class FakeBox:
    """A DLC pro as its link shows it. Seed power: 0.4 mW/mA above 40 mA, if its mode is good."""

    def __init__(self):
        self.lock = threading.RLock()
        self.values = {
            AMP + "enabled": False,
            AMP + "current-set": 0.0,
            DIODE + "enabled": False,
            DIODE + "current-set": 90.0,
            AMP + "current-clip": 2500.0,
            DIODE + "current-clip": 110.0,
            AMP + "external-input:enabled": False,
            AMP + "feedforward-enabled": False,
            GUARD + "power-min": 8.0,
            GUARD + "power-min-shutdown-delay": 0.1,
            "laser1:amp:seedonly-check:shutdown-delay": 0.05,
        }
        self.seed_good = True
        self.seed_dies_after_reads = None
        self.fails_after = None
        self.fails_for = 0
        self.keeps_current = True
        self.clock_s = 0.0
        self.exchange_s = 0.0
        self.violations = []
        self.writes = []
        self.last_power_mw = None

    @property
    def seed_mw(self):
        lit = self.values[DIODE + "enabled"] and self.seed_good
        return max(0.0, 0.4 * (self.values[DIODE + "current-set"] - 40.0)) if lit else 0.0

    @property
    def level_ma(self):
        return self.values[AMP + "current-set"] if self.values[AMP + "enabled"] else 0.0

    @property
    def unseeded(self):
        return self.level_ma > CEILING_MA and self.seed_mw < SEED_MIN_MW

    def _exchange(self):
        self.clock_s += self.exchange_s
        if self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                self.fails_for -= 1
                if self.fails_for <= 0:
                    self.fails_after = None
                raise Timeout("amplifier", "no answer")
        if self.seed_dies_after_reads is not None:
            self.seed_dies_after_reads -= 1
            if self.seed_dies_after_reads < 0:
                self.seed_dies_after_reads = None
                self.seed_good = False

    def read_bool(self, name):
        self._exchange()
        if name == AMP + "emission":
            return self.values[AMP + "enabled"]
        if name == DIODE + "emission":
            return self.values[DIODE + "enabled"]
        return self.values[name]

    def read_real(self, name):
        self._exchange()
        if name == GUARD + "power":
            self.last_power_mw = self.seed_mw
            return self.seed_mw
        if name == AMP + "current-act":
            return self.level_ma
        if name not in self.values:
            raise DeviceFault("amplifier", f"Error: no {name}")
        return self.values[name]

    def write(self, name, value):
        was_unseeded, before_ma, seed_mw = self.unseeded, self.level_ma, self.seed_mw
        self._exchange()
        self.writes.append((name, value))
        # What was asked for is held against the driver. A box that goes elsewhere (told 250 mA at
        # 300 mA, it may go to 310) no driver can forbid; `_call` asks that it is taken down.
        asked_ma = value if name == AMP + "current-set" and self.values[AMP + "enabled"] else 0.0
        if asked_ma > max(CEILING_MA, before_ma) and seed_mw < SEED_MIN_MW:
            self.violations.append(f"raised to {asked_ma} mA, unseeded")
        if name == AMP + "current-set" and not self.keeps_current:
            value = min(value + 60.0, 2500.0)
        self.values[name] = value
        if name == AMP + "enabled" and value and self.level_ma > CEILING_MA:
            self.violations.append(f"switched on at {self.level_ma} mA")
        if self.unseeded and not was_unseeded and name.startswith(DIODE) and self.seed_good:
            self.violations.append(f"seed taken away from {self.level_ma} mA by {name}")

    def shout(self, name, value):
        self.values[name] = value

    def open(self):
        pass

    def close(self):
        pass

    def read_text(self, name):
        self._exchange()
        return name


def driver_of(box, sleep=lambda _: None):
    return DlcPro(
        "amplifier", "", 0, LIMITS, link=box, emission_timeout_s=0.0, sleep=sleep,
        clock=lambda: box.clock_s,
    )  # fmt: skip


class FakeItcLine:
    """One box of an ITC4000 pair, in front of the same fake as the DLC pro's link."""

    name = "amplifier"
    resource = "fake"

    def __init__(self, box, role):
        self.lock = threading.RLock()
        self.box = box
        self.role = role
        self.node = AMP if role == "amplifier" else DIODE

    def query(self, text):
        if text == "STAT:MEAS:COND?":
            self.box.read_bool(self.node + "enabled")
            low = self.role == "amplifier" and not self.box.values[DIODE + "enabled"]
            return "16" if low else "0"
        if text == "OUTP:PROT:EXT:MODE?":
            armed = self.box.read_real(GUARD + "power-min-shutdown-delay") > 0.0
            return "PROT" if armed else "OFF"
        return {"SOUR:FUNC:MODE?": "CURR", "SOUR:FUNC:SHAP?": "DC"}[text]

    def query_flag(self, text):
        if text == "OUTP1:STAT?":
            return self.box.read_bool(self.node + "enabled")
        return {"OUTP2:STAT?": True, "OUTP:PROT:EXT:TRIP?": False}[text]

    def query_number(self, text):
        match text, self.role:
            case "MEAS:CURR2?", "seed":
                return self.box.read_real(GUARD + "power") / SEED_MW_PER_MA / 1000.0
            case "MEAS:CURR1?", "amplifier":
                return self.box.read_real(AMP + "current-act") / 1000.0
            case "SOUR:CURR:LIM?", _:
                return self.box.read_real(self.node + "current-clip") / 1000.0
            case "SOUR:CURR?", _:
                return self.box.read_real(self.node + "current-set") / 1000.0
        raise AssertionError(text)

    def write(self, text):
        match text.split():
            case ["OUTP1:STAT", state]:
                self.box.write(self.node + "enabled", state == "ON")
            case ["SOUR:CURR", amperes]:
                self.box.write(self.node + "current-set", 1000.0 * float(amperes))
            case _:
                raise AssertionError(text)

    def identify(self):
        self.box.read_text("*IDN?")
        return Identity("THORLABS", "ITC4005", self.role, "1.4.0")

    def check_errors(self):
        self.box.read_text("SYST:ERR?")

    def open(self):
        pass

    def close(self):
        pass


def pair_of(box):
    return Itc4000Pair(
        "amplifier", "fake", "fake", LIMITS, seed_mw_per_ma=SEED_MW_PER_MA, output_mw_per_ma=500.0,
        lines=(FakeItcLine(box, "seed"), FakeItcLine(box, "amplifier")),
        emission_timeout_s=0.0, sleep=lambda _: None, clock=lambda: box.clock_s,
    )  # fmt: skip


@pytest.fixture
def box():
    return FakeBox()


@pytest.fixture
def running(box):
    """Seed on, amplifier at 2 A."""
    driver = driver_of(box)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(2000.0)
    assert box.level_ma == 2000.0
    return driver


class Envelope(RuleBasedStateMachine):
    """Any commands, any losses. After a command that touches the amplifier it is never left
    above its ceiling without seed, and no command puts it there."""

    def __init__(self):
        super().__init__()
        self.box = FakeBox()
        self.driver = self.make(self.box)

    @staticmethod
    def make(box):
        return driver_of(box)

    @initialize(running=st.booleans())
    def start(self, running):
        if running:
            self.driver.seed_on()
            self.driver.amplifier_on()
            self.driver.set_amplifier_current(2000.0)

    def _call(self, command, *arguments, touches=True, ends_verified=True):
        self.box.last_power_mw = None
        completed = False
        with contextlib.suppress(DriverError):
            command(*arguments)
            completed = True
        if touches and self.box.fails_after is None and self.box.unseeded:
            # Only a seed that died after the last look at it can have escaped the driver.
            assert self.box.last_power_mw is not None, "not looked at"
            assert self.box.last_power_mw >= SEED_MIN_MW, "seen and not acted on"
            assert not (completed and ends_verified), "moved and not looked at in the end"

    @rule(current_ma=st.floats(-10.0, 2600.0) | st.sampled_from([0.0, 300.0, 301.0, 2500.0]))
    def set_amplifier_current(self, current_ma):
        inside = current_ma in LIMITS.amplifier_current_ma
        # A current equal to the present one moves nothing but is verified all the same.
        self._call(self.driver.set_amplifier_current, current_ma, touches=inside)

    @rule()
    def amplifier_on(self):
        self._call(self.driver.amplifier_on, touches=False)

    @rule()
    def amplifier_off(self):
        self._call(self.driver.amplifier_off)
        if self.box.fails_after is None and self.box.keeps_current:
            assert not self.box.values[AMP + "enabled"]

    @rule()
    def make_safe(self):
        self._call(self.driver.make_safe)

    @rule(current_ma=st.floats(0.0, 110.0))
    def set_seed_current(self, current_ma):
        self._call(self.driver.set_seed_current, current_ma, touches=False)

    @rule()
    def seed_on(self):
        self._call(self.driver.seed_on, touches=False)

    @rule()
    def seed_off(self):
        self._call(self.driver.seed_off, touches=False)

    @rule()
    def connect(self):
        self._call(self.driver.connect, ends_verified=False)

    @rule(start_ma=st.sampled_from([0.0, 250.0]), reads=st.integers(10, 90))
    def seed_dies_in_a_long_ramp(self, start_ma, reads):
        self.set_amplifier_current(start_ma)
        self.box.seed_dies_after_reads = reads
        self.set_amplifier_current(2500.0)

    @rule(good=st.booleans(), later=st.none() | st.integers(0, 30))
    def seed_mode(self, good, later):
        if later is None:
            self.box.seed_good = good
        else:
            self.box.seed_dies_after_reads = later

    @rule(after=st.integers(0, 25), times=st.integers(1, 2))
    def wire_fails(self, after, times):
        self.box.fails_after, self.box.fails_for = after, times

    @rule(keeps=st.booleans())
    def current_sticks(self, keeps):
        self.box.keeps_current = keeps

    @rule(delay_s=st.sampled_from([0.0, 0.01, 0.7]))
    def exchange_time(self, delay_s):
        self.box.exchange_s = delay_s

    @rule(delay_s=st.sampled_from([0.0, 0.1]))
    def guard(self, delay_s):
        self.box.values[GUARD + "power-min-shutdown-delay"] = delay_s

    @rule(current_ma=st.sampled_from([0.0, 250.0, 2400.0]))
    def front_panel_leaves_a_current(self, current_ma):
        if not self.box.values[AMP + "enabled"]:
            self.box.values[AMP + "current-set"] = current_ma

    @invariant()
    def no_command_endangered_the_amplifier(self):
        assert self.box.violations == []


TestEnvelope = Envelope.TestCase
TestEnvelope.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)


class PairEnvelope(Envelope):
    """The same with a pair of ITC4000."""

    @staticmethod
    def make(box):
        return pair_of(box)


TestPairEnvelope = PairEnvelope.TestCase
TestPairEnvelope.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_ramp_goes_in_steps_and_sleeps_between(box):
    slept = []
    driver = driver_of(box, slept.append)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(500.0)
    driver.set_amplifier_current(50.0)
    currents = [value for name, value in box.writes if name == AMP + "current-set"]
    assert currents == [200.0, 400.0, 500.0, 300.0, 100.0, 50.0]
    assert slept == [LIMITS.ramp_interval_s] * 4


def test_amplifier_on_needs_the_seed(box):
    with pytest.raises(InterlockOpen, match="the seed is off"):
        driver_of(box).amplifier_on()
    box.values[DIODE + "enabled"] = True
    box.seed_good = False
    with pytest.raises(InterlockOpen, match=r"seed power 0\.00 mW is below 10 mW"):
        driver_of(box).amplifier_on()
    assert box.writes == []


def test_amplifier_never_starts_at_a_current_left_by_the_front_panel(box):
    box.values[AMP + "current-set"] = 2400.0
    driver = driver_of(box)
    driver.seed_on()
    driver.amplifier_on()
    assert box.writes[-2:] == [(AMP + "current-set", 0.0), (AMP + "enabled", True)]


def test_current_of_a_switched_off_amplifier_stays_below_the_ceiling(box):
    driver = driver_of(box)
    driver.seed_on()
    with pytest.raises(InterlockOpen, match="the amplifier is off"):
        driver.set_amplifier_current(301.0)
    driver.set_amplifier_current(300.0)
    assert box.values[AMP + "current-set"] == 300.0


def test_a_slow_reading_is_no_verification(running, box):
    box.exchange_s = 0.51  # two exchanges: 1.02 s, above the limit of 1 s
    with pytest.raises(InterlockOpen, match=r"took 1\.02 s and is no verification"):
        running.set_amplifier_current(2100.0)
    assert box.level_ma == 0.0


def test_seed_that_dies_after_the_last_step_is_seen(running, box):
    before = len(box.writes)
    # amplifier 3, seed 2, guard 3, clips 2; in the ramp amplifier 3, seed 2, write 1, read-back 3
    box.seed_dies_after_reads = 18
    with pytest.raises(InterlockOpen, match="brought down to 0 mA"):
        running.set_amplifier_current(2100.0)
    assert [value for _, value in box.writes[before:]] == [2100.0, 0.0]


def test_lost_seed_is_acted_on_even_if_the_move_is_refused(running, box):
    box.values[GUARD + "power-min"] = 0.0
    box.seed_good = False
    with pytest.raises(InterlockOpen, match=r"seed power 0\.00 mW.*brought down to 0 mA"):
        running.set_amplifier_current(2100.0)


def test_a_disarmed_guard_lets_fall_and_brings_down_what_would_rise(running, box):
    box.values[GUARD + "power-min"] = 0.0
    running.set_amplifier_current(1500.0)
    assert box.level_ma == 1500.0
    with pytest.raises(InterlockOpen, match=r"does not guard the amplifier.*down to 0 mA"):
        running.set_amplifier_current(2100.0)
    assert box.level_ma == 0.0
    running.set_amplifier_current(250.0)
    with pytest.raises(InterlockOpen, match="does not guard the amplifier"):
        running.set_amplifier_current(2100.0)
    assert box.level_ma == 250.0
    running.amplifier_off()
    assert box.level_ma == 0.0


def test_seed_current_may_rise_but_not_fall_under_a_high_amplifier(running, box):
    with pytest.raises(InterlockOpen, match="seed current not lowered"):
        running.set_seed_current(80.0)
    running.set_seed_current(95.0)
    assert box.values[DIODE + "current-set"] == 95.0
    assert box.level_ma == 2000.0


def test_seed_that_jumps_mode_while_it_is_raised_brings_the_amplifier_down(running, box):
    box.seed_dies_after_reads = 5
    with pytest.raises(InterlockOpen, match="brought down to 0 mA"):
        running.set_seed_current(95.0)
    assert box.level_ma == 0.0


def test_amplifier_off_with_the_seed_lost_drops_at_once(running, box):
    box.seed_good = False
    box.writes.clear()
    running.amplifier_off()
    assert box.writes[0] == (AMP + "current-set", 0.0)
    assert box.values[AMP + "enabled"] is False


def test_make_safe_breaks_off_a_ramp(box):
    in_ramp, go_on = threading.Event(), threading.Event()

    def sleep(_):
        in_ramp.set()
        go_on.wait(5.0)

    driver = driver_of(box, sleep)
    driver.seed_on()
    driver.amplifier_on()
    raised = []

    def ramp():
        try:
            driver.set_amplifier_current(2000.0)
        except InterlockOpen as error:
            raised.append(error.reason)

    ramping = threading.Thread(target=ramp)
    ramping.start()
    assert in_ramp.wait(5.0)
    stopping = threading.Thread(target=driver.make_safe)
    stopping.start()
    while not driver._stops:
        pass
    go_on.set()
    ramping.join(5.0)
    stopping.join(5.0)
    assert raised[0].startswith("STOP broke off the move")
    assert box.values[AMP + "enabled"] is False
    assert box.values[AMP + "current-set"] == 0.0
    driver.amplifier_on()  # STOP does not outlast itself


class Held:
    """Keeps one kind of question of a box unanswered until it is released."""

    def __init__(self, box, name):
        self.asked, self.release = threading.Event(), threading.Event()
        self._read, self._name = box.read_real, name
        box.read_real = self._held

    def _held(self, name):
        if name == self._name:
            self.asked.set()
            assert self.release.wait(30.0)
        return self._read(name)


def until(box, condition):
    """Wait until something has reached the box."""
    deadline_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline_s, box.writes
        time.sleep(0.001)


class Order:
    """An order to a driver, in a thread of its own."""

    def __init__(self, act, *arguments):
        self.refusal = ""
        self._thread = threading.Thread(target=self._run, args=(act, *arguments))
        self._thread.start()

    def _run(self, act, *arguments):
        try:
            act(*arguments)
        except DriverError as error:
            self.refusal = error.reason

    def has_ended(self):
        self._thread.join(10.0)
        return not self._thread.is_alive()


@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_a_stop_does_not_wait_for_what_connect_reads(box, make):
    driver = make(box)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(2000.0)
    guard = Held(box, GUARD + "power-min-shutdown-delay")
    connecting = Order(driver.connect)
    assert guard.asked.wait(10.0)
    stop = Order(driver.make_safe)
    try:
        assert stop.has_ended()
        assert not box.values[AMP + "enabled"]
    finally:
        guard.release.set()
    assert connecting.has_ended()
    assert (stop.refusal, connecting.refusal) == ("", "")


HOLDS = {
    "before the ramp": GUARD + "power-min-shutdown-delay",
    "at the seed": GUARD + "power",
    "at the amplifier": AMP + "current-act",
}


@pytest.mark.parametrize("where", HOLDS)
@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_a_stop_does_not_wait_for_the_answers_of_a_move(box, make, where):
    driver = make(box)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(1000.0)
    held = Held(box, HOLDS[where])
    move = Order(driver.set_amplifier_current, 2000.0)
    assert held.asked.wait(10.0)
    box.writes.clear()
    stop = Order(driver.make_safe)
    until(box, lambda: box.writes[:2] == [(AMP + "current-set", 0.0), (AMP + "enabled", False)])
    held.release.set()
    assert move.has_ended()
    assert stop.has_ended()
    assert move.refusal.startswith("STOP broke off the move")
    assert stop.refusal == ""
    assert {value for name, value in box.writes if name == AMP + "current-set"} == {0.0}


@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_nothing_is_switched_on_behind_a_stop(box, make):
    driver = make(box)
    driver.seed_on()
    held = Held(box, HOLDS["at the seed"])
    move = Order(driver.amplifier_on)
    assert held.asked.wait(10.0)
    box.writes.clear()
    stop = Order(driver.make_safe)
    try:
        until(box, lambda: (AMP + "enabled", False) in box.writes)
    finally:
        held.release.set()
    assert move.has_ended()
    assert stop.has_ended()
    assert move.refusal.startswith("STOP broke off the move")
    assert (AMP + "enabled", True) not in box.writes


@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_a_stop_beside_the_first_look_at_the_light_is_told(box, make, monkeypatch):
    """The look shows the light that the stop has put out meanwhile."""
    driver = make(box)
    driver.seed_on()
    look = driver._amplifier_emits
    looked, release = threading.Event(), threading.Event()

    def looks():
        emits = look()
        looked.set()
        assert release.wait(30.0)
        return emits

    monkeypatch.setattr(driver, "_amplifier_emits", looks)
    move = Order(driver.amplifier_on)
    assert looked.wait(10.0)
    stop = Order(driver.make_safe)
    try:
        until(box, lambda: not box.values[AMP + "enabled"])
    finally:
        release.set()
    assert move.has_ended()
    assert stop.has_ended()
    assert move.refusal.startswith("STOP broke off the move")
    assert not box.values[AMP + "enabled"]


@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_a_stop_beside_a_move_switches_off_though_down_is_refused(box, make, monkeypatch):
    driver = make(box)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(1000.0)
    held = Held(box, HOLDS["at the seed"])
    move = Order(driver.set_amplifier_current, 2000.0)
    assert held.asked.wait(10.0)

    def refused(current_ma):
        raise DeviceFault("amplifier", f"{current_ma:g} mA refused", "")

    monkeypatch.setattr(driver, "_write_amplifier_current", refused)
    stop = Order(driver.make_safe)
    try:
        until(box, lambda: not box.values[AMP + "enabled"])
    finally:
        held.release.set()
    assert move.has_ended()
    assert stop.has_ended()
    assert not box.values[AMP + "enabled"]


def test_a_move_that_is_broken_off_at_its_last_look_at_the_seed_is_not_made(box):
    driver = driver_of(box)
    driver.seed_on()
    driver.amplifier_on()
    driver.set_amplifier_current(1000.0)
    read = box.read_real

    def stopped_meanwhile(name):
        driver._stops += name == GUARD + "power"
        return read(name)

    # The first look is that of the order, the second that of the step.
    driver._checked_amplifier = driver._read_amplifier
    box.read_real = stopped_meanwhile
    box.writes.clear()
    with pytest.raises(InterlockOpen, match="STOP broke off the move"):
        driver.set_amplifier_current(2000.0)
    assert box.writes == [(AMP + "current-set", 0.0)]


@pytest.mark.parametrize("make", [lambda box: driver_of(box), lambda box: pair_of(box)])
def test_it_tells_what_it_was_told_and_nothing_while_that_is_under_way(box, make):
    driver = make(box)
    driver.connect()
    driver.seed_on()
    driver.amplifier_on()
    assert driver.commanded_ma() is None, "the box may stand anywhere"
    seen = []
    driver._sleep = lambda _: seen.append((driver.commanded_ma(), box.level_ma))
    driver.set_amplifier_current(1000.0)
    assert driver.commanded_ma() == 1000.0
    assert [commanded for commanded, _ in seen] == [level for _, level in seen]
    write = box.write

    def told(name, value):
        if name == AMP + "current-set":
            assert driver.commanded_ma() is None
        write(name, value)

    box.write = told
    driver.set_amplifier_current(400.0)
    box.keeps_current = False
    with pytest.raises(DeviceFault):
        driver.set_amplifier_current(500.0)
    assert driver.commanded_ma() is None
    box.keeps_current = True
    driver.amplifier_on()
    driver.set_amplifier_current(250.0)
    assert driver.commanded_ma() == 250.0
    driver.make_safe()
    assert driver.commanded_ma() is None


class HeldBack:
    """A driver's lock that one thread gets only when it may."""

    def __init__(self, lock, name):
        self.lock, self.name = lock, name
        self.waits, self.may = threading.Event(), threading.Event()

    def acquire(self, blocking=True, timeout=-1):
        if threading.current_thread().name == self.name:
            if not blocking:
                return False
            self.waits.set()
            assert self.may.wait(5.0)
        return self.lock.acquire(blocking, timeout)

    def release(self):
        self.lock.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


def test_no_move_slips_in_between_two_stops(running, box):
    lock = running._moves = HeldBack(running._moves, "second stop")
    second = threading.Thread(target=running.make_safe, name="second stop")
    second.start()
    assert lock.waits.wait(5.0)
    running.make_safe()
    with pytest.raises(InterlockOpen, match="STOP broke off the move"):
        running.amplifier_on()
    assert box.values[AMP + "enabled"] is False
    lock.may.set()
    second.join(5.0)
    running.amplifier_on()  # both are over


def test_make_safe_of_a_box_that_obeys_but_does_not_answer(running, box):
    box.fails_after, box.fails_for = 0, 10**9
    with pytest.raises(DeviceFault, match="IS NOT CONFIRMED"):
        running.make_safe()
    assert box.level_ma == 0.0


@pytest.mark.parametrize("nth", range(6))
def test_make_safe_with_any_exchange_failing(running, box, nth):
    box.fails_after, box.fails_for = nth, 1
    running.make_safe()
    assert box.level_ma == 0.0
    assert box.values[DIODE + "enabled"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"amplifier_current_ma": Range(400.0, 2500.0)},
        {"ramp_step_ma": 0.0},
        {"seed_power_min_mw": 0.0},
    ],
)
def test_limits_that_protect_nothing_are_refused(changes):
    fields = {name: getattr(LIMITS, name) for name in LIMITS.__dataclass_fields__} | changes
    with pytest.raises(ValueError, match="amplifier: "):
        DlcPro("amplifier", "", 0, AmplifierLimits(**fields))
