"""What a station looks for at its start must not keep it from serving on a full disk."""

import sqlite3
from pathlib import Path
from typing import Any

from atta_daq.station.alarms import Alarms
from atta_daq.station.station import Station

FULL = "database or disk is full"


def test_the_list_of_runs_on_a_full_disk(tmp_path: Path) -> None:
    station: Any = object.__new__(Station)
    station._data = tmp_path
    station._alarms = Alarms(lambda *_: None, lambda *_: None, lambda: 1.8e9)

    def refresh() -> str:
        raise sqlite3.OperationalError(FULL)

    assert station._despite_the_disk(refresh) is None
    (alarm,) = station._alarms.current()
    assert FULL in alarm.text
    assert "make room" in alarm.text
    assert station._despite_the_disk(lambda: "r1") == "r1"
