"""The station's watchdog over the amplifier: when it acts, and the alarm that says so."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.log import Level, alarms_from_json
from atta_daq.rig.config import rig_config
from atta_daq.station.alarms import Alarms
from atta_daq.station.monitor import Monitor
from atta_daq.station.watchdog import Watchdog
from drivers.interfaces import AmplifierStatus

UP = AmplifierStatus(
    seed_on=True, seed_current_ma=90.0, seed_power_mw=22.0, amplifier_on=True,
    amplifier_current_set_ma=2000.0, amplifier_current_ma=2000.0, output_power_mw=500.0,
    interlock_open=False, emission_enabled=True, seed_protection_armed=True, message="ok",
)  # fmt: skip


def _say(text: str, level: Level = "info", source: str = "station") -> None:
    """The log is no concern of these tests."""


@dataclass
class Bench:
    """An amplifier whose seed a test takes away, and what the station then does."""

    done: list[str] = field(default_factory=list)
    posted: dict[str, object] = field(default_factory=dict)

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
            cast(Any, None),
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
    watchdog.rest()
    assert watchdog.look(UP, chip.now_s) == ""
    assert watchdog.longest_look_s == pytest.approx(0.25), "a silent box is no late look"
