"""Alarms that nobody has acknowledged outlive their station, however it ends."""

import errno
import json
import os
from pathlib import Path

import pytest

from atta_daq.client.log import Alarm, alarms_from_json
from atta_daq.station import alarm_store
from atta_daq.station.alarm_store import TRY_AGAIN_S, AlarmStore
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.queue.conditions import Look, parse

LOST = Cause("lock", "lock", "the lock is open")
FAULT = Cause("run:fault", "run", "run x: aborted", once=True)


class Life:
    """A station's alarms from its start on; it ends without a word."""

    def __init__(self, data: Path) -> None:
        self.now = 1000.0
        self.posted = ""
        self.said: list[str] = []
        self.recorded: list[tuple[str, str, bool]] = []
        self.store = AlarmStore(data, "rig", steady=lambda: self.now)
        self.alarms = Alarms(
            self._post, self._say, lambda: self.now,
            steady=lambda: self.now, save=self.store.save, record=self._record,
        )  # fmt: skip
        self.store.restore(self.alarms)

    def _say(self, text: str, level: str = "info", source: str = "station") -> None:
        self.said.append(text)

    def _record(self, event: str, alarm: Alarm) -> None:
        self.recorded.append((event, alarm.id, alarm.active))

    def _post(self, _name: str, value: object) -> None:
        self.posted = str(value)

    def step(self) -> None:
        """As the station does it, five times a second."""
        self.now += 0.2
        self.alarms.publish()

    @property
    def held(self) -> dict[str, tuple[bool, bool]]:
        """Whether each is active and acknowledged, as clients see it."""
        return {a.id: (a.active, a.acknowledged) for a in alarms_from_json(self.posted)}

    def waits_for(self, condition: str) -> str:
        look = Look(lambda _name: None, self.alarms.current, lambda: 0)
        return parse(condition).unmet(look)


def test_a_kill_does_not_acknowledge(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.step()
    assert list(tmp_path.iterdir()) == [], "a rig without alarms has no file"
    first.alarms.raise_(LOST)
    first.alarms.raise_(FAULT)
    first.step()
    second = Life(tmp_path)
    second.step()
    # Nobody knows whether the lock is still open: who watches raises it anew.
    assert second.held == {"lock": (False, False), "run:fault": (False, False)}
    assert second.said == [], "told by the station that raised them"
    assert second.recorded == [("over", "lock", False)], "the history knew no end of it"
    assert second.waits_for("no alarm") == "alarm not acknowledged: the lock is open"
    assert second.waits_for("no major alarm") == ""
    second.alarms.acknowledge("lock", "bench")
    second.step()
    third = Life(tmp_path)
    third.step()
    assert third.held == {"run:fault": (False, False)}
    third.alarms.acknowledge("all", "bench")
    third.step()
    fourth = Life(tmp_path)
    fourth.step()
    assert fourth.held == {}
    assert fourth.waits_for("no alarm") == ""


def test_one_that_comes_again_after_the_kill_is_the_same(tmp_path: Path) -> None:
    first = Life(tmp_path)
    first.alarms.raise_(LOST)
    first.step()
    second = Life(tmp_path)
    second.alarms.raise_(LOST)
    second.step()
    assert second.held == {"lock": (True, False)}
    second.alarms.acknowledge("lock", "bench")
    second.step()
    third = Life(tmp_path)
    third.step()
    assert third.held == {}
    third.alarms.clear("lock")
    assert third.said == []


def test_it_is_on_the_medium_before_a_client_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    seen: list[tuple[str, bool]] = []
    write = alarm_store.write_whole

    def written(path: Path, text: str) -> Path:
        seen.append((json.loads(text)[0]["id"], "lock" in life.posted))
        return write(path, text)

    monkeypatch.setattr(alarm_store, "write_whole", written)
    life.alarms.raise_(LOST)
    life.step()
    assert seen == [("lock", False)]
    life.alarms.raise_(Cause("lock", "lock", "the lock is open: no light"))
    life.step()
    assert len(seen) == 1, "a reading in its text may change with every look"
    assert "no light" in life.posted


def test_a_full_disk_keeps_no_alarm_from_being_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    tries: list[float] = []

    def full(*_: object) -> None:
        tries.append(life.now)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(alarm_store, "write_whole", full)
        life.alarms.raise_(LOST)
        for _ in range(round(2.5 * TRY_AGAIN_S / 0.2)):
            life.step()
        assert life.held == {"lock": (True, False)}
        (cause,) = life.store.causes()
        assert (cause.id, cause.severity) == ("alarms:file", "minor")
        assert "would forget alarms" in cause.text
        assert "No space left on device; free the disk" in cause.text
        assert len(tries) == 3, "not five times a second"
    life.now += TRY_AGAIN_S
    life.step()
    assert list(life.store.causes()) == []
    again = Life(tmp_path)
    again.step()
    assert again.held == {"lock": (False, False)}


@pytest.mark.parametrize("text", ["", "{", "null", '["lock"]', '[{"id": "lock"}]', "\udcff"])
def test_a_file_that_cannot_be_read_is_an_alarm(tmp_path: Path, text: str) -> None:
    path = AlarmStore(tmp_path, "rig").path
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for _ in range(2):
        life = Life(tmp_path)
        life.step()
        assert life.held == {"alarms:lost": (False, False)}
        assert "rig.json cannot be read" in life.posted
        assert life.waits_for("no alarm")
