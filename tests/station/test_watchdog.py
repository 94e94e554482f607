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
from atta_daq.station.alarms import Alarms
from atta_daq.station.monitor import Monitor, Watch
from atta_daq.station.watchdog import Watchdog
from drivers.errors import DeviceFault, Timeout
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
        self.monitor._watchdog(replace(UP, **changes), started=0.0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("changes", [{"seed_power_mw": 9.9}, {"seed_on": False}])
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
        {"seed_on": False, "amplifier_current_ma": 200.0},
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
        config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.watchdog = Watchdog(cast(Any, self), config, clock=lambda: 10.0)
        assert self.sees() == ""

    def make_safe(self) -> None:
        self.downs += 1
        if self.refuses:
            raise DeviceFault("amplifier", "'OFF' IS NOT CONFIRMED", "turn the key")

    def sees(self, commanded_ma: float | None = None, **changes: Any) -> str:
        return self.watchdog.look(replace(UP, **changes), 9.9, commanded_ma)

    def loses(self) -> str:
        return self.watchdog.lost(LOST, 9.9)


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
    guarded.sees(amplifier_current_ma=200.0)
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


class Polled:
    """An instrument that a test lets fail, polled by a monitor's own thread."""

    name = "amplifier"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.on = True
        self.asked_s: list[float] = []
        self.downs = 0

    def connect(self) -> None:
        self.status()

    def status(self) -> AmplifierStatus:
        self.asked_s.append(time.monotonic())
        if self.error is not None:
            raise self.error
        return replace(UP, amplifier_on=self.on)

    def make_safe(self) -> None:
        self.downs += 1
        self.on = False


class Generator:
    """An RF generator whose knob a test turns."""

    name = "sideband"

    def __init__(self) -> None:
        self.at = SidebandStatus(200.0, -3.0, True, True, None)
        self.refuses = False

    def status(self) -> SidebandStatus:
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
    monitor._wakes["amplifier"] = threading.Event()
    thread = threading.Thread(target=monitor._run, args=(watch,), daemon=True)
    monitor._threads.append(thread)
    thread.start()
    _until(lambda: "amplifier:current" in bench.posted)
    yield amplifier
    monitor.close()


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_a_silence_of_an_amplifier_that_is_up_is_asked_again_then_taken_down(
    bench: Bench, polled: Polled
) -> None:
    polled.error = LOST
    _until(lambda: polled.downs == 1)
    first_s, second_s = polled.asked_s[-2:]
    assert second_s - first_s < 0.3, "no back-off while the amplifier is up"
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
    _until(lambda: polled.downs == 1)
    _until(lambda: "amplifier" in bench.monitor.silent())
    assert "failed to read it (ZeroDivisionError: a bug)" in bench.monitor.silent()["amplifier"]
    assert [alarm.id for alarm in bench.alarms.current()] == ["amplifier:watchdog"]
    polled.error = None
    bench.monitor.look_again("amplifier")
    _until(lambda: not bench.monitor.silent())
