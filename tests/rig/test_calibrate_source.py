"""The source's drift from brackets that a taker delivers, on an injected clock."""

from types import SimpleNamespace

import numpy as np
import pytest

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.rig.bench import Bench
from atta_daq.rig.calibrate_source import (
    LASTS_RIG_S,
    MOST_FLAGGED,
    PERIOD_RIG_S,
    calibrate_source_drift,
    series_of,
)
from atta_daq.rig.clock import RigClock
from drivers.errors import DeviceFault
from simulators.truth import Source
from simulators.world.source import SourceDrift


class Taker:
    """Takes brackets of a source of the simulated world; 6 s each, on a clock of its own."""

    def __init__(self, flags=(), out=()):
        """`out`: the brackets, by their number, in which the source loads nothing."""
        self.wall_s = 5.0e5
        self.rng = np.random.default_rng(11)
        truth = Source(walk_per_root_h=0.03, drift_per_h=0.0, steps_per_night=0.0)
        self.source = SourceDrift(truth, self.wall_s, self.rng)
        self.flags = list(flags)
        self.out = out
        self.asked = []
        self.trap = SimpleNamespace(start=lambda: None)
        self.configure_camera = lambda: None

    def take(self, planned, place):
        self.asked.append(planned)
        start = self.wall_s
        self.wall_s += 6.0
        bursts = 6.9e9 * self.source.at(start + 3.0) * self.rng.normal(1.0, 0.01, 5)
        if len(self.asked) - 1 in self.out:
            bursts = -np.abs(self.rng.normal(0.0, 1e7, 5))
        flag = self.flags.pop(0) if self.flags else ""
        return Segment(
            place.run_id, 0, 0, place.index, planned.kind, 83, False, None, True, Setting(), start,
            self.wall_s, 5.0, exposures=5, rate=float(bursts.mean()),
            rate_error=float(bursts.std(ddof=1) / np.sqrt(5.0)), flag=flag,
        )  # fmt: skip


def bench(taker, interrupted=lambda: ""):
    def sleep(seconds):
        taker.wall_s += seconds

    nothing = SimpleNamespace()
    clock = RigClock(wall=lambda: taker.wall_s)
    return Bench(nothing, nothing, nothing, taker, clock, interrupted, sleep=sleep)


def test_an_hour_of_brackets_finds_the_walk():
    taker = Taker(flags=["lock lost"] * 3)
    found = calibrate_source_drift(bench(taker))
    assert taker.wall_s - 5.0e5 == pytest.approx(LASTS_RIG_S, abs=PERIOD_RIG_S)
    assert all(p.bracket and not p.pumping for p in taker.asked)
    values = {q.name: q for q in found.quantities}
    walk = values["walk_per_root_h"]
    assert abs(walk.value - 0.03) < 3.0 * walk.error
    assert walk.error < 0.01
    assert set(values) == {"walk_per_root_h", "drift_per_h", "excess_noise"}
    assert found.raw["time_s"].size == len(taker.asked) - 3
    assert np.all(np.diff(found.raw["x"]) > 0.0)
    assert np.array(found.covariance).shape == (3, 3)


def test_stop_and_a_rig_that_stays_broken_end_it():
    with pytest.raises(DeviceFault, match="interrupted: STOP"):
        calibrate_source_drift(bench(Taker(), interrupted=lambda: "STOP"))
    with pytest.raises(DeviceFault, match=f"{MOST_FLAGGED} brackets in a row failed: no light"):
        calibrate_source_drift(bench(Taker(flags=["no light"] * 99)))


def test_a_source_that_is_out_for_a_moment_costs_its_brackets_not_the_hour():
    taker = Taker(out=(20, 21))
    found = calibrate_source_drift(bench(taker))
    assert taker.wall_s - 5.0e5 == pytest.approx(LASTS_RIG_S, abs=PERIOD_RIG_S)
    assert found.raw["rate"].size == len(taker.asked) - 2
    assert found.raw["rate"].min() > 0.0


def test_a_source_that_stays_out_ends_it():
    taker = Taker(out=range(20, 400))
    nothing = f"{MOST_FLAGGED} brackets in a row failed: .* the trap loads nothing"
    with pytest.raises(DeviceFault, match=nothing):
        calibrate_source_drift(bench(taker))
    assert len(taker.asked) == 20 + MOST_FLAGGED


def test_only_dark_unflagged_brackets_of_a_run_that_loaded_count():
    taker = Taker()
    plan = SimpleNamespace(kind=SegmentKind.LOADING_83)
    place = SimpleNamespace(run_id="r", index=0)
    good = [taker.take(plan, place) for _ in range(3)]
    changed = [{"flag": "x"}, {"pumping": True}, {"bracket": False}, {"rate": 0.0}, {"rate": -0.1}]
    bad = [Segment(**{**good[0].__dict__, **change}) for change in changed]
    (series,) = series_of([[*bad, *good], good[:1]])
    assert series.rate.size == 3
