"""The station's watchdog over the amplifier: when it acts, and the alarm that says so."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.log import Level, alarms_from_json
from atta_daq.rig.config import rig_config
from atta_daq.station import monitor as monitor_module
from atta_daq.station.alarms import Alarms
from atta_daq.station.monitor import Monitor, Watch
from atta_daq.station.watchdog import Watchdog
from drivers.errors import DeviceFault, InterlockOpen, Timeout
from drivers.interfaces import AmplifierStatus, SidebandStatus

UP = AmplifierStatus(
    seed_on=True, seed_current_set_ma=90.0, seed_current_ma=90.0, seed_power_mw=22.0,
    amplifier_on=True, amplifier_current_set_ma=2000.0, amplifier_current_ma=2000.0,
    output_power_mw=500.0, interlock_open=False, emission_enabled=True,
    seed_protection_armed=True, message="ok",
)  # fmt: skip


def _say(text: str, level: Level = "info", source: str = "station") -> None:
    """The log is no concern of these tests."""


@dataclass
class Bench:
    """An amplifier whose seed a test takes away, and what the station then does."""

    done: list[str] = field(default_factory=list)
    posted: dict[str, object] = field(default_factory=dict)
    spoiled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alarms = Alarms(self._post, _say, lambda: 1000.0)
        amplifier = SimpleNamespace(make_safe=lambda: self.done.append("made safe"))
        light = SimpleNamespace(forget=lambda: self.done.append("light forgotten"))
        server = SimpleNamespace(
            post=self._post,
            limits=lambda *_: None,
            latest=lambda _name: None,
            stale=lambda *_: None,
            alarm_limits=lambda *_: None,
        )
        self.monitor = Monitor(
            cast(Any, SimpleNamespace(amplifier=amplifier, camera=None)),
            rig_config(rig_file(PORTS, "co"), "rig.toml"),
            cast(Any, light),
            cast(Any, SimpleNamespace(spoil=self.spoiled.append)),
            cast(Any, server),
            self.alarms,
            cast(Any, None),
        )

    def _post(self, name: str, value: object, *_: object) -> None:
        self.posted[name] = value

    def sees(self, **changes: Any) -> None:
        self.monitor._watchdog(replace(UP, **changes), started=time.monotonic())


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed_power_mw": 9.9},
        {"seed_on": False},
        # on its way: what is set counts as well as what flows
        {"seed_power_mw": 9.9, "amplifier_current_ma": 200.0},
        {"seed_power_mw": 9.9, "amplifier_current_set_ma": 200.0},
    ],
)
def test_an_amplifier_without_seed_is_taken_down_and_is_an_alarm(
    bench: Bench, changes: dict[str, Any]
) -> None:
    bench.sees(**changes)
    assert bench.done == ["made safe", "light forgotten"]
    bench.alarms.publish()
    (alarm,) = alarms_from_json(str(bench.posted["station:alarms"]))
    assert (alarm.id, alarm.source, alarm.severity) == ("amplifier:watchdog", "amplifier", "major")
    assert (alarm.active, alarm.acknowledged) == (False, False)
    assert "while at 2000 mA" in alarm.text
    assert bench.spoiled == [f"amplifier: watchdog: {alarm.text}"], "the segment is flagged"
    assert "Check the seed" in alarm.text
    assert cast(float, bench.posted["station:watchdog"]) > 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed_power_mw": 0.0, "amplifier_on": False},
        {"seed_on": False, "amplifier_current_set_ma": 300.0, "amplifier_current_ma": 300.04},
    ],
)
def test_it_leaves_alone_what_is_safe(bench: Bench, changes: dict[str, Any]) -> None:
    bench.sees(**changes)
    assert bench.done == []
    bench.alarms.publish()
    assert alarms_from_json(str(bench.posted.get("station:alarms", "[]"))) == []


class Chip:
    """Goes down in 30 ms of its clock."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def make_safe(self) -> None:
        self.now_s += 0.03


def test_it_measures_its_looks_and_its_reaction() -> None:
    chip = Chip()
    config = rig_config(rig_file(PORTS, "co"), "rig.toml")
    watchdog = Watchdog(cast(Any, chip), config, clock=lambda: chip.now_s)
    assert not watchdog.guard().armed, "it has not looked yet"
    for wait_s in (0.2, 0.25, 0.2):
        chip.now_s += wait_s
        assert watchdog.look(UP, chip.now_s - 0.01) == ""
    assert watchdog.longest_look_s == pytest.approx(0.25)
    chip.now_s += 0.2
    said = watchdog.look(replace(UP, seed_power_mw=float("nan")), chip.now_s - 0.01)
    assert "taken down in 40 ms" in said
    assert watchdog.slowest_s == pytest.approx(0.04)
    row = watchdog.guard()
    assert row.armed
    assert row.state == (
        "longest time between two looks 250 ms; fired 1 time(s), slowest reaction 40 ms"
    )
    chip.now_s += 3.0
    assert not watchdog.guard().armed, "it has stopped looking"
    watchdog.lost(Timeout("amplifier", "no answer"), chip.now_s)
    assert watchdog.look(UP, chip.now_s) == ""
    assert watchdog.longest_look_s == pytest.approx(0.25), "a silent box is no late look"


LOST = Timeout("amplifier", "no answer within 1.2 s")


class Guarded:
    """A watchdog that has seen its amplifier up, and what it then does to it."""

    def __init__(self) -> None:
        self.downs = 0
        self.refuses = False
        self.now_s = 10.0
        self.told: list[str] = []
        config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.watchdog = Watchdog(cast(Any, self), config, clock=lambda: self.now_s)
        assert self.sees() == ""

    def make_safe(self) -> None:
        self.downs += 1
        if self.refuses:
            raise DeviceFault("amplifier", "'OFF' IS NOT CONFIRMED", "turn the key")

    def sees(self, commanded_ma: float | None = None, **changes: Any) -> str:
        return self.watchdog.look(replace(UP, **changes), self.now_s - 0.1, commanded_ma)

    def loses(self) -> str:
        return self.watchdog.lost(LOST, self.now_s - 0.1)

    def after(self, seconds: float, stolen_s: float = 0.0) -> str:
        """So long afterwards it is asked whether the reading is overdue."""
        self.now_s += seconds
        return self.watchdog.overdue(lambda reason, _acts: self.told.append(reason), stolen_s)


@pytest.fixture
def guarded() -> Guarded:
    return Guarded()


def test_one_lost_answer_is_asked_for_again_at_once(guarded: Guarded) -> None:
    assert guarded.loses() == ""
    assert guarded.watchdog.asks_again
    assert guarded.sees() == ""
    assert not guarded.watchdog.asks_again
    assert guarded.loses() == ""
    assert guarded.downs == 0, "two lost answers with one between them are no silence"


def test_an_amplifier_that_was_up_and_cannot_be_read_is_taken_down_once(guarded: Guarded) -> None:
    guarded.loses()
    said = guarded.loses()
    assert "was at 2000 mA and can no longer be read (amplifier: no answer" in said
    assert "taken down in 100 ms" in said
    assert not guarded.watchdog.asks_again
    assert [guarded.loses() for _ in range(3)] == ["", "", ""]
    assert guarded.downs == 1
    assert "fired 1 time(s)" in guarded.watchdog.guard().state
    # Another silence, after it was up again.
    guarded.sees()
    guarded.loses()
    assert guarded.loses() != ""
    assert guarded.downs == 2


def test_a_silent_amplifier_that_was_low_is_left_alone(guarded: Guarded) -> None:
    guarded.sees(amplifier_current_set_ma=200.0, amplifier_current_ma=200.0)
    assert [guarded.loses() for _ in range(4)] == [""] * 4
    assert guarded.downs == 0


def test_an_off_that_was_not_confirmed_is_given_again_when_it_answers(guarded: Guarded) -> None:
    guarded.refuses = True
    guarded.loses()
    assert "NOT TAKEN DOWN: amplifier: 'OFF' IS NOT CONFIRMED" in guarded.loses()
    assert guarded.loses() == "", "once in each silence"
    assert guarded.sees() == "", "it is told again, the operator is not"
    assert guarded.downs == 2
    guarded.refuses = False
    assert "answers again, at 2000 mA" in guarded.sees()
    assert guarded.downs == 3
    assert guarded.sees() == "", "that one was confirmed"


def test_an_off_that_was_not_confirmed_but_came_is_not_given_again(guarded: Guarded) -> None:
    guarded.refuses = True
    guarded.loses()
    guarded.loses()
    assert guarded.sees(amplifier_on=False) == ""
    assert guarded.sees() == "", "somebody has switched it on since"
    assert guarded.downs == 1


SLOW = "amplifier: it is up and was not read within 1 s"


def test_a_reading_that_takes_too_long_is_lost_and_the_second_second_takes_it_down(
    guarded: Guarded,
) -> None:
    guarded.watchdog.begin(guarded.now_s)
    assert [guarded.after(0.5), guarded.after(0.4)] == ["", ""]
    assert guarded.told == []
    assert guarded.after(0.2) == ""
    assert guarded.told[0].startswith(SLOW)
    assert guarded.after(0.9) == "", "the next is counted a second later"
    said = guarded.after(0.2)
    assert f"was at 2000 mA and can no longer be read ({SLOW}" in said
    assert "taken down in 2200 ms" in said, "since the reading began"
    assert (len(guarded.told), guarded.downs) == (2, 1)
    assert guarded.after(5.0) == "", "once in each silence"
    assert guarded.watchdog.look(UP, 10.0) == "", "it was read before it was taken down"
    assert guarded.sees(amplifier_on=False) == ""
    assert [guarded.after(5.0) for _ in range(3)] == [""] * 3, "down, it may be as slow as it is"
    assert guarded.downs == 1


def test_one_slow_reading_is_followed_by_another_at_once(guarded: Guarded) -> None:
    guarded.watchdog.begin(guarded.now_s)
    guarded.after(1.1)
    guarded.now_s += 0.4
    assert guarded.watchdog.look(UP, guarded.now_s - 1.5) == "", "too old to show the seed"
    assert guarded.watchdog.asks_again
    assert guarded.sees() == ""
    assert not guarded.watchdog.asks_again
    assert (len(guarded.told), guarded.downs) == (1, 0)


def test_a_slow_reading_is_counted_though_nobody_has_asked_meanwhile(guarded: Guarded) -> None:
    for said in ("", "can no longer be read"):
        guarded.watchdog.begin(guarded.now_s)
        guarded.now_s += 1.05
        assert said in guarded.watchdog.look(UP, guarded.now_s - 1.05)
    assert guarded.downs == 1


def test_a_machine_that_lets_nobody_run_is_no_slow_box(guarded: Guarded) -> None:
    guarded.watchdog.begin(guarded.now_s)
    assert guarded.after(30.0, stolen_s=29.8) == ""
    assert guarded.watchdog.look(UP, guarded.now_s - 30.0) == ""
    assert not guarded.watchdog.asks_again
    guarded.watchdog.begin(guarded.now_s)
    assert guarded.after(0.3, stolen_s=5.0) == ""
    assert guarded.after(0.9) == ""
    assert guarded.told == []
    guarded.after(0.2)
    assert len(guarded.told) == 1, "from now on its own time counts"


def test_a_slow_reading_that_fails_in_the_end_takes_it_down(guarded: Guarded) -> None:
    guarded.watchdog.begin(guarded.now_s)
    guarded.after(1.1)
    guarded.now_s += 0.1
    assert "taken down in 1200 ms" in guarded.watchdog.lost(LOST, 10.0)
    assert guarded.loses() == ""
    assert guarded.downs == 1


def test_a_bug_in_a_slow_reading_acts_at_once_all_the_same(guarded: Guarded) -> None:
    guarded.watchdog.begin(guarded.now_s)
    guarded.after(1.1)
    assert guarded.watchdog.lost(ZeroDivisionError("a bug"), 10.0, at_once=True) != ""
    assert guarded.downs == 1


def test_an_amplifier_that_nobody_reads_any_more_is_taken_down(guarded: Guarded) -> None:
    assert [guarded.after(0.9), guarded.after(0.2), guarded.after(0.9)] == [""] * 3
    assert "can no longer be read" in guarded.after(0.2)


def test_a_lost_answer_behind_which_none_comes_takes_it_down(guarded: Guarded) -> None:
    """Its connection may hang while it is opened anew."""
    assert guarded.loses() == ""
    assert guarded.after(0.9) == ""
    assert guarded.after(0.2) != ""
    assert guarded.loses() == ""
    assert guarded.downs == 1


def test_an_off_that_a_slow_box_did_not_confirm_is_given_again(guarded: Guarded) -> None:
    guarded.refuses = True
    guarded.watchdog.begin(guarded.now_s)
    assert "NOT TAKEN DOWN" in (guarded.after(1.1) or guarded.after(1.1))
    assert guarded.watchdog.look(UP, 10.0) == ""
    guarded.refuses = False
    guarded.watchdog.begin(guarded.now_s)
    guarded.now_s += 9.0
    assert "answers again" in guarded.watchdog.look(UP, guarded.now_s - 9.0), "slow or not"
    assert guarded.downs == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amplifier_current_set_ma": 2000.1},
        {"amplifier_current_set_ma": 1500.0, "amplifier_current_ma": 1500.0},
        {"amplifier_current_ma": 2051.0},
        {"amplifier_current_set_ma": 2.0, "amplifier_current_ma": 2.0},
    ],
)
def test_a_current_that_nobody_commanded_takes_it_down(
    guarded: Guarded, changes: dict[str, Any]
) -> None:
    assert guarded.sees(2000.0, **changes) == "", "the first may be the end of a move"
    said = guarded.sees(2000.0, **changes)
    assert said.startswith("set to 2000 mA; the box says ")
    assert guarded.downs == 1


@pytest.mark.parametrize(
    ("commanded_ma", "changes"),
    [
        (2000.0, {}),
        (2000.02, {"amplifier_current_ma": 1960.0}),
        (None, {"amplifier_current_set_ma": 1500.0}),
        (2000.0, {"amplifier_on": False, "amplifier_current_ma": 0.0}),
        (100.0, {"amplifier_current_set_ma": 250.0, "amplifier_current_ma": 250.0}),
    ],
)
def test_a_current_that_is_explained_or_harmless_is_left_alone(
    guarded: Guarded, commanded_ma: float | None, changes: dict[str, Any]
) -> None:
    assert [guarded.sees(commanded_ma, **changes) for _ in range(4)] == [""] * 4
    assert guarded.downs == 0


def test_an_amplifier_that_its_box_does_not_guard_is_taken_down(guarded: Guarded) -> None:
    assert guarded.sees(seed_protection_armed=False) == "", "somebody may be setting it"
    assert guarded.sees() == ""
    assert guarded.sees(seed_protection_armed=False) == ""
    said = guarded.sees(seed_protection_armed=False)
    assert said.startswith("the box's own guard against missing seed is disarmed while at 2000 mA")
    assert "Arm it at the box" in said
    assert guarded.downs == 1
    guarded.refuses = True
    guarded.sees(seed_protection_armed=False)
    assert "NOT TAKEN DOWN" in guarded.sees(seed_protection_armed=False)


def test_an_amplifier_that_is_low_or_off_needs_no_guard(guarded: Guarded) -> None:
    low = {"amplifier_current_set_ma": 300.0, "amplifier_current_ma": 300.0}
    for changes in (low, {"amplifier_on": False}):
        for _ in range(4):
            assert guarded.sees(seed_protection_armed=False, **changes) == ""
    assert guarded.sees(seed_protection_armed=False) == "", "up now, and the first look"
    assert guarded.downs == 0


class Polled:
    """An instrument that a test lets fail, polled by a monitor's own thread."""

    name = "amplifier"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.lost_once: list[Exception] = []
        """What the next readings fail with."""
        self.refused: InterlockOpen | None = None
        """Why `connect` refuses it although it answers."""
        self.answers = threading.Event()
        self.answers.set()
        self.on = True
        self.asked_s: list[float] = []
        self.downs = 0

    def connect(self) -> None:
        self.status()
        if self.refused is not None:
            raise self.refused

    def status(self) -> AmplifierStatus:
        self.asked_s.append(time.monotonic())
        self.answers.wait()
        if self.lost_once:
            raise self.lost_once.pop()
        if self.error is not None:
            raise self.error
        return replace(UP, amplifier_on=self.on, seed_protection_armed=self.refused is None)

    def make_safe(self) -> None:
        self.downs += 1
        self.on = False


class Generator:
    """An RF generator whose knob a test turns."""

    name = "sideband"

    def __init__(self) -> None:
        self.at = SidebandStatus(200.0, -3.0, True, True, None)
        self.fault: DeviceFault | None = None
        self.refuses = False

    def status(self) -> SidebandStatus:
        if self.fault is not None:
            raise self.fault
        return self.at

    def rf_off(self) -> None:
        if self.refuses:
            raise DeviceFault("sideband", "switch 'E' did not become 0", "")
        self.at = replace(self.at, rf_on=False)


@pytest.fixture
def generator(bench: Bench) -> Generator:
    generator = Generator()
    bench.monitor._instruments = cast(Any, SimpleNamespace(sideband=generator, amplifier=None))
    bench.monitor._vigilance = cast(
        Any, SimpleNamespace(spoil=bench.spoiled.append, sideband=lambda read: read())
    )
    return generator


def test_rf_above_the_limit_of_the_modulator_is_switched_off(
    bench: Bench, generator: Generator
) -> None:
    high_dbm = bench.monitor._config.sideband.power_dbm.high
    bench.monitor._sideband()
    generator.at = replace(generator.at, power_dbm=high_dbm + 0.01)
    bench.monitor._sideband()
    assert generator.at.rf_on, "a limit and its rounding are allowed"
    generator.at = replace(generator.at, power_dbm=high_dbm + 0.5)
    bench.monitor._sideband()
    assert not generator.at.rf_on
    assert bench.posted["sideband:on"] is False
    (spoiled,) = bench.spoiled
    assert spoiled.startswith(f"sideband: RF is on at {high_dbm + 0.5:.2f} dBm, above the ")
    (alarm,) = bench.alarms.current()
    assert (alarm.id, alarm.source) == ("sideband:power", "sideband")
    assert "it was switched off. Turn the power down at the box" in alarm.text
    assert bench.done == ["light forgotten"]
    bench.monitor._sideband()
    assert len(bench.spoiled) == 1, "off, it does no harm"


def test_a_generator_that_is_found_too_strong_is_switched_off_at_once(
    bench: Bench, generator: Generator
) -> None:
    generator.at = replace(generator.at, power_dbm=30.0)
    watch = Watch(cast(Any, generator), bench.monitor._sideband, (), interval_s=60.0)
    bench.monitor._watches = lambda: (watch,)
    bench.monitor.start()
    _until(lambda: not generator.at.rf_on)
    bench.monitor.close()


def test_rf_that_stays_on_above_its_limit_is_said(bench: Bench, generator: Generator) -> None:
    generator.at = replace(generator.at, power_dbm=30.0)
    generator.refuses = True
    with pytest.raises(DeviceFault, match=r"RF is on at 30.00 dBm.*RF IS NOT OFF.*at the box"):
        bench.monitor._sideband()


def test_rf_that_its_driver_may_have_switched_off_is_set_anew(
    bench: Bench, generator: Generator
) -> None:
    generator.fault = DeviceFault("sideband", "16.53 dBm in volts: RF was switched off", "")
    with pytest.raises(DeviceFault, match="in volts"):
        bench.monitor._sideband()
    assert bench.done == ["light forgotten"]


@pytest.fixture
def polled(bench: Bench) -> Iterator[Polled]:
    """The amplifier of `bench`, polled a hundred times a second."""
    amplifier = Polled()
    monitor = bench.monitor
    monitor._instruments = cast(Any, SimpleNamespace(amplifier=amplifier))
    monitor._vigilance = cast(
        Any, SimpleNamespace(spoil=bench.spoiled.append, amplifier=lambda read: read())
    )
    fibre = SimpleNamespace(monitor_ratio=1.0)
    monitor._light = cast(
        Any,
        SimpleNamespace(
            forget=lambda: None, calibrations=SimpleNamespace(fibre_power=fibre)
        ),
    )  # fmt: skip
    monitor.watchdog._amplifier = cast(Any, amplifier)
    watch = Watch(cast(Any, amplifier), monitor._amplifier, ("amplifier:",), 0.01)
    monitor._watches = lambda: (watch,)
    monitor.start()
    _until(lambda: "amplifier:current" in bench.posted)
    yield amplifier
    monitor.close()


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_a_silence_of_an_amplifier_that_is_up_is_asked_again_then_taken_down(
    bench: Bench, polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A back-off while the amplifier is up would outlast the wait; the one behind it does.
    monkeypatch.setattr(monitor_module, "BACK_OFF_S", (60.0,))
    polled.error = LOST
    _until(lambda: bool(bench.alarms.current()))
    assert polled.downs == 1
    assert bench.monitor.silent() == {"amplifier": str(LOST)}
    assert bench.spoiled[0] == str(LOST), "the first lost answer flags the segment, back or not"
    (spoiled,) = (text for text in bench.spoiled if text != str(LOST))
    assert spoiled.startswith("amplifier: watchdog: it was at 2000 mA and can no longer be read")
    assert [alarm.id for alarm in bench.alarms.current()] == ["amplifier:watchdog"]
    polled.error = None
    bench.monitor.look_again("amplifier")
    _until(lambda: not bench.monitor.silent())
    assert polled.downs == 1


def test_a_bug_in_the_watch_makes_the_amplifier_safe_and_ends_no_watch(
    bench: Bench, polled: Polled
) -> None:
    polled.error = ZeroDivisionError("a bug")
    _until(lambda: bool(bench.alarms.current()))
    assert polled.downs == 1
    assert "failed to read it (ZeroDivisionError: a bug)" in bench.monitor.silent()["amplifier"]
    assert [alarm.id for alarm in bench.alarms.current()] == ["amplifier:watchdog"]
    polled.error = None
    bench.monitor.look_again("amplifier")
    _until(lambda: not bench.monitor.silent())


def test_an_amplifier_whose_box_answers_slowly_is_taken_down_while_it_is_still_being_read(
    bench: Bench, polled: Polled
) -> None:
    limits = bench.monitor.watchdog._limits.model_copy(update={"seed_reading_max_age_s": 0.5})
    bench.monitor.watchdog._limits = limits
    named: list[tuple[int, object, object]] = []

    def stale(*_: object) -> None:
        """Comes behind each time that it was named."""
        monitor = bench.monitor
        named.append((polled.downs, "amplifier" in monitor.silent(), monitor.missing()))

    cast(Any, bench.monitor._server).stale = stale
    polled.answers.clear()
    asked = len(polled.asked_s)
    _until(lambda: polled.downs == 1)
    assert named[0] == (0, True, {}), "named first; nobody is to connect it anew meanwhile"
    assert len(polled.asked_s) <= asked + 1, "it is one reading that does not end"
    assert "was not read within 0.5 s" in bench.spoiled[0]
    _until(lambda: bool(bench.alarms.current()))
    assert [alarm.id for alarm in bench.alarms.current()] == ["amplifier:watchdog"]
    polled.answers.set()
    _until(lambda: not bench.monitor.silent())
    assert polled.downs == 1


def test_a_box_that_comes_back_with_its_guard_disarmed_is_looked_at_at_the_usual_pace(
    bench: Bench, polled: Polled
) -> None:
    polled.on = False
    polled.refused = InterlockOpen("amplifier", "the box does not guard the amplifier")
    polled.error = LOST
    _until(lambda: "amplifier" in bench.monitor.silent())
    polled.error = None
    bench.monitor.look_again("amplifier")
    _until(lambda: bench.posted["amplifier:protected"] is False)
    seen = len(polled.asked_s)
    # With a back-off of 0.5, 1, 2, 5 s it would take longer than the wait.
    _until(lambda: len(polled.asked_s) > seen + 40)
    assert bench.monitor.silent() == {"amplifier": str(polled.refused)}
    polled.refused = None
    _until(lambda: not bench.monitor.silent())
    assert bench.posted["amplifier:protected"] is True


def test_a_box_that_lost_an_answer_and_its_guard_is_taken_down(
    bench: Bench, polled: Polled
) -> None:
    polled.refused = InterlockOpen("amplifier", "the box does not guard the amplifier")
    polled.lost_once.append(LOST)
    _until(lambda: bool(bench.alarms.current()))
    assert polled.downs == 1
    assert "the box does not guard the amplifier" in bench.alarms.current()[0].text
