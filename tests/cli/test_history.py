"""`atta-daq history`: what it shows of a folder, and what it refuses."""

import csv
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from atta_daq.archive.history_day import DayWriter
from atta_daq.archive.history_folder import history_folder, new_day
from atta_daq.archive.history_records import AlarmEvent, Column

COLUMNS = (Column("lock:rms", "MHz", "rms of the lock"), Column("camera:gain", "", "EM gain"))
SAMPLES = 300


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Five minutes until now; the lock was silent for the second half."""
    folder = history_folder(tmp_path, "atta-1")
    folder.mkdir(parents=True)
    begin_s = time.time() - SAMPLES
    writer = DayWriter(new_day(folder, begin_s), COLUMNS)
    values = np.stack([0.1 * np.arange(SAMPLES), np.full(SAMPLES, 300.0)], axis=1).astype("<f4")
    values[SAMPLES // 2 :, 0] = np.nan
    writer.append(
        [(begin_s + i, 60.0 * i, row.tobytes()) for i, row in enumerate(values)],
        [AlarmEvent(begin_s, 0.0, "raised", "lock", "lock", "major", "the lock is open")],
    )
    writer.close()
    return tmp_path


def test_without_a_name_it_tells_what_is_recorded(call, data: Path) -> None:
    shown = call("history", "--data", data)
    assert "lock:rms" in shown.out
    assert "rms of the lock" in shown.out
    assert "1 days, " in shown.out
    names = [column["name"] for column in json.loads(call("history", "--json", "--data", data).out)]
    assert names == ["lock:rms", "camera:gain"]


def test_seconds_as_csv_with_rig_time_beside_utc(call, data: Path) -> None:
    out = call("history", "lock:rms", "camera:gain", "--csv", "--since", "1h", "--data", data).out
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["utc", "rig_s", "lock:rms", "camera:gain"]
    assert len(rows) == SAMPLES + 1
    assert rows[7][1:] == ["360.000", "0.6", "300"]
    assert rows[-1][2] == ""
    moment = datetime.fromisoformat(rows[1][0])
    assert moment.tzinfo == UTC
    assert abs(moment.timestamp() - (time.time() - SAMPLES)) < 30.0


def test_minutes_as_json_and_a_summary(call, data: Path) -> None:
    asked = ("history", "lock:rms", "--since", "2d", "--data", data)
    found = json.loads(call(*asked, "--json").out)
    assert sum(found["samples"]) == SAMPLES
    assert found["units"] == {"lock:rms": "MHz"}
    assert found["values"]["lock:rms"]["greatest"][0] < found["values"]["lock:rms"]["greatest"][1]
    assert found["values"]["lock:rms"]["mean"][-1] is None
    assert "14.9" in call(*asked).out
    assert "minutes" in call(*asked).out
    assert "300 seconds" in call(*asked, "--every", "second").out


def test_alarms(call, data: Path) -> None:
    asked = ("history", "--alarms", "--data", data)
    assert "the lock is open" in call(*asked).out
    (event,) = json.loads(call(*asked, "--json").out)
    assert (event["event"], event["severity"]) == ("raised", "major")
    assert call(*asked, "--csv").out.splitlines()[0] == "utc,rig_s,event,severity,id,source,text"


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_plot(call, data: Path, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"past{suffix}"
    asked = ("history", "lock:rms", "camera:gain", "--plot", picture, "--data", data)
    assert call(*asked).code == 0
    assert picture.stat().st_size > 5000
    assert call(*asked, "--since", "1d").code == 0


def test_what_it_refuses(call, data: Path, tmp_path: Path) -> None:
    def ask(*more: object):
        return call("history", *more, "--data", data)

    ask("lock:nonsense").refused("lock:nonsense is not recorded")
    ask("lock:rms", "--since", "yesterday").refused("'yesterday' is no time", "12h")
    ask("lock:rms", "--since", "1h", "--until", "2h").refused("not before")
    ask("lock:rms", "--csv", "--json").refused("either")
    ask("lock:rms", "--rig", "other").refused("no history of rig 'other'", "atta-1")
    ask("lock:rms", "--plot", tmp_path / "past.txt").refused(".svg")
    history_folder(data, "atta-2").mkdir()
    DayWriter(new_day(history_folder(data, "atta-2"), time.time()), COLUMNS).close()
    ask("lock:rms").refused("--rig", "atta-1, atta-2")
    empty = tmp_path / "empty"
    empty.mkdir()
    call("history", "--data", empty).refused("no history")


def test_times_are_utc_whatever_the_zone(call, data: Path, monkeypatch) -> None:
    """The hour that daylight saving repeats is two hours of the history."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        asked = ("history", "lock:rms", "--csv", "--data", data)
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
        shown = call(*asked, "--since", since)
        assert shown.code == 0
        assert len(shown.out.splitlines()) <= 62
    finally:
        monkeypatch.undo()
        time.tzset()
