"""Adaptive time on the whole simulated rig: chosen, killed in mid-choice, resumed, ended early."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
from rigs import Rig, start_rig, start_station, stop_station

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.chain import open_chain
from atta_daq.archive.run_folder import RunState
from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import load_rig
from atta_daq.scans.blocks import blocks
from atta_daq.scans.decisions import ADAPTIVE, CLOSING, EVEN, STOP, remade
from atta_daq.scans.definition import parse_scan
from atta_daq.scans.stopping import REACHED

FLOOR_S, TOTAL_S, WANTED = 15.0, 1500.0, 0.085
SCAN = f"""
name = "adaptive"
calibrate_counting_s = 60.0
zero_on_reference_cell = false
bracket_period_s = 60.0
[[part]]
isotope = 85
dwell_s = 100.0
reference_every = 3
[[part.axis]]
quantity = "detuning_mhz"
start = -500.0
stop = 600.0
points = 6
[blanks]
dwell_s = 20.0
[adaptive]
parameter = "background"
floor_s = {FLOOR_S}
total_s = {TOTAL_S}
seed = 5
[stop_when]
parameter = "background"
relative_uncertainty = {WANTED}
"""


@pytest.mark.soak
@pytest.mark.timeout(480)
def test_a_killed_adaptive_scan_goes_on_where_it_chose_and_ends_when_it_knows(
    tmp_path: Path,
) -> None:
    rig: Rig = start_rig(tmp_path, speed=120.0)
    text = rig.path.read_text()
    rig.path.write_text(text + "\n[unattended]\nresume_at_start = true\n")
    floor = len(blocks(parse_scan(SCAN), load_rig(rig.path).scan_timing()))
    data = tmp_path / "data"
    station = start_station(rig, data)
    try:
        station.client.command("run", scan=SCAN, path="adaptive.toml")
        # In the middle of a block that was chosen at run time.
        station.wait_for("run:block", lambda block: block > floor, 200.0)
        station.kill()
        station.client.close()
        station = start_station(rig, data)
        outcome = station.wait_for_end(200.0)
        station.wait_for("run:state", lambda v: v == "idle", 100.0)
        with pytest.raises(CommandRefused, match=r"ended as its scan asked|nothing to resume"):
            station.client.command("resume_run")
    finally:
        stop_station(station)
        rig.world.close()
    assert outcome.startswith(f"complete: {REACHED}: background")

    runs = sorted(folder for folder in data.glob("*Kr*") if folder.is_dir())
    chain = open_chain(runs[-1])
    assert [run.folder for run in chain.runs] == runs
    assert [run.state for run in chain.runs] == [RunState.CRASHED, RunState.COMPLETE]
    decisions = chain.decisions
    *chosen, stop, closing = decisions
    assert (stop.kind, closing.kind) == (STOP, CLOSING)
    assert {d.kind for d in chosen} <= {ADAPTIVE, EVEN}
    assert any(d.kind == ADAPTIVE for d in chosen)
    assert [d.block for d in [*chosen, closing]] == list(range(floor, floor + len(chosen) + 1))
    # The journal alone gives the same choice again.
    assert all(remade(d) == d.visits for d in chosen if d.kind == ADAPTIVE)

    good = [s for s in chain.segments if not s.flag and s.kind is SegmentKind.RARE]
    for decision in chosen:
        taken = [(s.point, s.pumping) for s in good if s.block == decision.block]
        assert taken == [(v.place.point, v.place.pumping) for v in decision.visits]
    counted: Counter[tuple[int | None, bool]] = Counter()
    for s in good:
        counted[s.point, s.pumping] += round(s.live_s)
    assert len(counted) == 6 + 1
    assert min(counted.values()) >= 0.95 * FLOOR_S
    assert sum(counted.values()) < TOTAL_S
    # What was wanted is the rate without light: the references got the most.
    assert max(counted, key=lambda place: counted[place]) == (None, False)
    assert sum(not s.flag and s.kind is SegmentKind.BLANK for s in chain.segments) == 4
    starts = [s.start_rig_s for s in chain.segments]
    assert all(a <= b for a, b in itertools.pairwise(starts))
    fit = chain.fits["85Kr"]["background"]
    assert fit.error < 1.2 * WANTED * fit.value
