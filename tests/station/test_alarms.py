"""Alarms stay until they are over and acknowledged; flapping ones do not flood the log."""

from pathlib import Path
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.log import alarms_from_json
from atta_daq.rig.config import rig_config
from atta_daq.station.alarm_rules import (
    DISK_LEFT_BYTES,
    HOLD_S,
    LOCK_LOST_S,
    OUTPUT_MISSING_S,
    RUN_WAITS_S,
    TRAP_UNLOCKED_S,
    AlarmWatch,
)
from atta_daq.station.alarms import QUIET_S, Alarms, Cause

LOST = Cause("lock", "lock", "the lock is open")


class Desk:
    """Alarms with a clock, a log and readings that a test sets."""

    def __init__(self, tmp_path: Path) -> None:
        self.now = 1000.0
        self.said: list[tuple[str, str, str]] = []
        self.posted = ""
        self.free = 10 * DISK_LEFT_BYTES
        self.silent: dict[str, str] = {}
        self.values: dict[str, Any] = {
            "lock:locked": True, "lock:reason": "", "amplifier:seed_on": True,
            "amplifier:seed_power": 25.0, "amplifier:on": True, "amplifier:protected": True,
            "amplifier:interlock_open": False, "camera:stable": True, "trap:locked": True,
        }  # fmt: skip
        self.alarms = Alarms(self._post, self._say, lambda: self.now, steady=lambda: self.now)
        self.watch = AlarmWatch(
            self.alarms,
            rig_config(rig_file(PORTS, "co"), "rig.toml"),
            self.values.get,
            lambda: self.silent,
            tmp_path,
            free_bytes=lambda _folder: self.free,
            now=lambda: self.now,
        )

    def _post(self, name: str, value: object) -> None:
        assert name == "station:alarms"
        self.posted = str(value)

    def _say(self, text: str, level: str = "info", source: str = "station") -> None:
        self.said.append((text, level, source))

    def run(self, seconds: float) -> None:
        """As the station does: a look every fifth of a second."""
        for _ in range(round(seconds / 0.2)):
            self.now += 0.2
            self.watch.step()

    @property
    def active(self) -> set[str]:
        return {alarm.id for alarm in self.alarms.current() if alarm.active}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.run(20.0)
    assert made.alarms.current() == []
    assert made.said == []
    return made


def test_an_alarm_stays_until_it_is_over_and_acknowledged(desk: Desk) -> None:
    desk.alarms.raise_(LOST)
    desk.alarms.raise_(LOST)
    assert desk.said == [("the lock is open", "error", "lock")]
    desk.alarms.clear("lock")
    desk.alarms.publish()
    (alarm,) = alarms_from_json(desk.posted)
    assert (alarm.active, alarm.acknowledged) == (False, False)
    assert desk.alarms.acknowledge("lock", "bench") == ["lock"]
    desk.alarms.publish()
    assert alarms_from_json(desk.posted) == []
    assert desk.said[-1] == ("acknowledged by bench: the lock is open", "info", "lock")


def test_one_acknowledged_while_active_goes_when_it_is_over(desk: Desk) -> None:
    desk.alarms.raise_(LOST)
    desk.alarms.acknowledge("all", "bench")
    (alarm,) = desk.alarms.current()
    assert (alarm.active, alarm.acknowledged) == (True, True)
    assert desk.alarms.acknowledge("all", "bench") == [], "already seen"
    desk.alarms.clear("lock")
    assert desk.alarms.current() == []
    desk.alarms.raise_(LOST)
    assert not desk.alarms.current()[0].acknowledged, "a new one is to be seen again"


def test_no_such_alarm(desk: Desk) -> None:
    with pytest.raises(KeyError):
        desk.alarms.acknowledge("lock", "bench")
    assert desk.alarms.acknowledge("all", "bench") == []


def test_what_happened_once_stays_inactive_until_seen(desk: Desk) -> None:
    desk.alarms.raise_(Cause("run:fault", "run", "run x ended", once=True))
    (alarm,) = desk.alarms.current()
    assert (alarm.active, alarm.acknowledged) == (False, False)
    desk.alarms.acknowledge("run:fault", "bench")
    assert desk.alarms.current() == []


def test_flapping_does_not_flood_the_log(desk: Desk) -> None:
    for _ in range(50):
        desk.alarms.raise_(LOST)
        desk.alarms.clear("lock")
        desk.now += 0.1
    assert len(desk.said) == 2, "that it came, that it went"
    desk.now += QUIET_S
    desk.alarms.raise_(LOST)
    assert desk.said[-1][0] == "the lock is open (49 more times since the last line)"


@pytest.mark.parametrize(
    ("changes", "alarm_id", "source", "severity"),
    [
        ({"lock:locked": False, "lock:reason": "no light"}, "lock", "lock", "major"),
        ({"amplifier:interlock_open": True}, "amplifier:interlock", "amplifier", "major"),
        ({"amplifier:protected": False}, "amplifier:protection", "amplifier", "major"),
        ({"amplifier:seed_power": 3.0}, "amplifier:seed", "amplifier", "major"),
        ({"amplifier:seed_power": 3.0, "amplifier:on": False}, "amplifier:seed", "amplifier",
         "minor"),
        ({"camera:stable": False}, "camera:warm", "camera", "minor"),
        ({"trap:locked": False}, "trap:unlocked", "trap_switch", "major"),
    ],
)  # fmt: skip
def test_each_rule(desk: Desk, changes, alarm_id, source, severity) -> None:
    before = dict(desk.values)
    desk.values.update(changes)
    desk.run(TRAP_UNLOCKED_S + 1.0)
    (alarm,) = desk.alarms.current()
    assert (alarm.id, alarm.source, alarm.severity) == (alarm_id, source, severity)
    assert alarm.active
    if changes.get("lock:reason"):
        assert "no light" in alarm.text
    desk.values.update(before)
    desk.run(HOLD_S + 1.0)
    assert not desk.active
    # What is not read is not known: a silent instrument raises no other alarm than that.
    desk.values.update(dict.fromkeys(desk.values))
    desk.run(TRAP_UNLOCKED_S + 1.0)
    assert not desk.active


@pytest.mark.parametrize(
    ("health", "told"),
    [("amplifier: LD-ENABLE is high though the seed is off", "(it says: amplifier: LD-ENABLE is "),
     ("OK", "arm it at the box"), (None, "arm it at the box")],
)  # fmt: skip
def test_a_disarmed_protection_is_told_with_what_the_box_says(
    desk: Desk, health: str | None, told: str
) -> None:
    desk.values.update({"amplifier:protected": False, "amplifier:health": health})
    desk.run(0.4)
    (alarm,) = desk.alarms.current()
    assert told in alarm.text
    assert ("it says" in alarm.text) == (health not in (None, "OK"))


def test_a_move_of_light_or_trap_raises_nothing(desk: Desk) -> None:
    for _ in range(5):
        desk.values.update({"lock:locked": False, "trap:locked": False})
        desk.run(LOCK_LOST_S - 0.4)
        desk.values.update({"lock:locked": True, "trap:locked": True})
        desk.run(1.0)
    assert desk.alarms.current() == []


def test_a_run_that_waits_long_is_an_alarm(desk: Desk) -> None:
    desk.values["run:suspended"] = "amplifier: its interlock is open"
    desk.run(RUN_WAITS_S - 1.0)
    assert not desk.active
    desk.run(2.0)
    (alarm,) = desk.alarms.current()
    assert (alarm.id, alarm.source, alarm.severity) == ("run:waiting", "run", "major")
    assert "interlock is open" in alarm.text
    desk.values["run:suspended"] = ""
    desk.run(HOLD_S + 1.0)
    assert not desk.active


def test_an_open_lock_without_seed_is_no_alarm(desk: Desk) -> None:
    desk.values.update({"lock:locked": False, "amplifier:seed_on": False})
    desk.run(10.0)
    assert desk.alarms.current() == []


def test_a_silent_instrument(desk: Desk) -> None:
    desk.silent["camera"] = "camera: no answer"
    desk.run(1.0)
    assert desk.active == {"camera:silent"}
    assert desk.said == [("camera: no answer", "error", "camera")]
    desk.silent.clear()
    desk.run(HOLD_S + 1.0)
    assert not desk.active
    assert desk.said[-1] == ("over: camera: no answer", "info", "camera")


def test_a_disk_that_fills(desk: Desk, tmp_path: Path) -> None:
    desk.free = DISK_LEFT_BYTES - 1
    desk.run(30.0)
    assert desk.active == {"disk"}
    assert str(tmp_path) in desk.alarms.current()[0].text
    assert len(desk.said) == 1
    desk.free = 2 * DISK_LEFT_BYTES
    desk.run(30.0)
    assert not desk.active


def test_an_amplifier_that_gives_little_light_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    # The lab's calibration: 0.294 mW/mA above 800 mA, so 441 mW.
    desk.values.update({"amplifier:current": 2300.0, "light:power": 430.0})
    desk.run(2.0 * OUTPUT_MISSING_S)
    assert desk.alarms.current() == []
    desk.values["light:power"] = 9.0
    desk.run(0.5 * OUTPUT_MISSING_S)
    assert desk.alarms.current() == []
    desk.run(OUTPUT_MISSING_S)
    assert [alarm.id for alarm in desk.alarms.current()] == ["amplifier:output"]
    said = desk.said[-1][0]
    assert "9 mW instead of 441 mW" in said
    # In a run the switches are the run's, and no power can be measured without light.
    assert "press STOP" in said
    assert "power meter" not in said


def test_near_its_threshold_no_power_is_expected(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.values.update({"amplifier:current": 900.0, "light:power": 0.0})
    desk.run(2.0 * OUTPUT_MISSING_S)
    assert desk.alarms.current() == []
