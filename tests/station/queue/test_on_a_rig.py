"""The queue of a real station on the simulated rig: killed in mid-run, everything is there once."""

from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.archive.chain import open_chain
from atta_daq.archive.run_folder import RunState
from atta_daq.client.queue import QueueLine, queue_lines

SPEED = 240.0
POINTS = {"one": 20, "two": 3}
SCAN = """
name = "{name}"
zero_on_reference_cell = false
[[part]]
isotope = 83
[[part.axis]]
quantity = "detuning_mhz"
start = -200.0
stop = 400.0
points = {points}
"""


def lines(station: RunningStation) -> tuple[QueueLine, ...]:
    return queue_lines(station.client.get("queue:table"))


@pytest.mark.timeout(240)
def test_two_entries_and_a_kill_in_the_first(tmp_path: Path) -> None:
    rig: Rig = start_rig(tmp_path, speed=SPEED)
    rig.path.write_text(rig.path.read_text() + "\n[unattended]\nresume_at_start = true\n")
    data = tmp_path / "data"
    station = start_station(rig, data)
    try:
        # The first is long enough that it is not over before it is killed.
        for name, points in POINTS.items():
            station.client.command("queue_add", scan=SCAN.format(name=name, points=points))
        station.wait_for("run:segment", lambda v: int(v) >= 2, 60.0)
        station.kill()
        station.client.close()
        station = start_station(rig, data)
        station.wait_for("queue:state", lambda v: v == "idle", 200.0)
        ended = lines(station)
    finally:
        stop_station(station)
        rig.world.close()
    assert [(x.name, x.state, x.done) for x in ended] == [("one", "done", 1), ("two", "done", 1)]
    runs = sorted(path.parent for path in data.glob("*/journal.jsonl"))
    assert len(runs) == 3, "the first one died, was gone on with, and the second followed"
    assert [line.run for line in ended] == [runs[1].name, runs[2].name]
    chains = ((runs[1], runs[:2], POINTS["one"]), (runs[2], runs[2:], POINTS["two"]))
    for folder, of_chain, expected in chains:
        chain = open_chain(folder)
        assert chain.state is RunState.COMPLETE
        assert chain.stop is not None
        assert chain.stop.body["fault"] is False
        assert [run.folder for run in chain.runs] == of_chain
        points = [s.point for s in chain.segments if not s.flag and s.point is not None]
        assert sorted(points) == list(range(expected))
