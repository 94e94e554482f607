"""What a station looks for at its start must not keep it from serving on a full disk.

`tests/soak/test_full_disk.py` does the same on a file system that is really full.
"""

from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_station, stop_station
from stored_runs import Clock, new_run

from atta_daq.archive.catalogue import FILE as CATALOGUE
from atta_daq.archive.run_folder import OWNER, RunState, open_run
from atta_daq.client.log import Alarm, alarms_from_json


def blocked(path: Path) -> None:
    """As a full disk does, this refuses to be opened for writing."""
    path.unlink(missing_ok=True)
    path.mkdir()


def alarm(station: RunningStation, alarm_id: str) -> Alarm | None:
    """Of those that the station has told first."""
    told = alarms_from_json(station.wait_for("station:alarms", lambda text: text != ""))
    return next((alarm for alarm in told if alarm.id == alarm_id), None)


@pytest.mark.timeout(240)
def test_a_station_serves_says_what_it_could_not_look_for_and_ends(
    shared_rig: Rig, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    dead = new_run(data, Clock(), taken_by=shared_rig.name)
    dead.abandon()
    for path in (data / CATALOGUE, dead.folder / OWNER):
        blocked(path)
    station = start_station(shared_rig, data)
    try:
        told = alarm(station, "station:runs")
        assert told is not None
        assert "make room, then start the station again" in told.text
        assert not told.active
        assert dead.run_id in station.log.read_text(), "it cannot be closed"
    finally:
        station.kill()
        station.client.close()

    for path in (data / CATALOGUE, dead.folder / OWNER):
        path.rmdir()
    station = start_station(shared_rig, data)
    try:
        assert alarm(station, "station:runs") == told, "nobody has acknowledged it"
        run = open_run(dead.folder)
        assert run.stop is not None
        assert run.state is RunState.CRASHED
        station.client.command("acknowledge", alarm="station:runs")
        station.wait_for("station:alarms", lambda text: "station:runs" not in str(text))
    finally:
        station.kill()
        station.client.close()

    station = start_station(shared_rig, data)
    try:
        assert alarm(station, "station:runs") is None
        blocked(data / CATALOGUE)
    finally:
        stop_station(station)
    assert station.process.returncode == 0, station.log.read_text()
