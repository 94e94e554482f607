"""The counter of one segment: what it counts, and that no order of calls breaks it."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.efficiency import EfficiencyCurve
from atta_daq.counting.segment import CountResult, NotArmed, SegmentCounter

SHAPE = (24, 26)
CALIBRATION = CountingCalibration.nominal(
    shape=SHAPE, exposure_s=0.1, spot_row_px=11.4, spot_column_px=13.2, spot_sigma_px=1.5,
    em_gain=200.0, electrons_per_adu=5.0, bias_adu=200.0, read_noise_electrons=50.0,
    background_electrons=5.0, electrons_per_atom=240.0, dwell_s=0.5,
)  # fmt: skip
CURVE = EfficiencyCurve(
    dwell_s=0.5,
    information=np.array([0.92, -0.14, 0.02]),
    bias=np.array([1.0]),
    error=np.array([0.01]),
)
START_S = 1.7e9


def run(frames: np.ndarray, ids=None, **options) -> CountResult:
    counter = SegmentCounter(CALIBRATION, CURVE, **options)
    counter.arm(START_S)
    for k, image in zip(range(len(frames)) if ids is None else ids, frames, strict=True):
        counter.add(image, k, START_S + 0.1 * (k + 1))
    return counter.finish()


def three_atoms() -> np.ndarray:
    atoms = np.zeros(100)
    atoms[20:26], atoms[50:53], atoms[80:90] = 1.0, 1.0, 1.0
    return atoms


def test_three_clear_atoms_are_three_with_their_times(expose) -> None:
    result = run(expose(three_atoms(), np.random.default_rng(1)))
    assert result.counts == 3
    assert result.arrivals_rig_s - START_S == pytest.approx([2.0, 5.0, 8.0], abs=0.1)
    assert result.exposures == 100
    assert result.live_s == pytest.approx(10.0)
    assert result.frames_lost == 0
    assert result.background_electrons == pytest.approx(5.0, rel=0.03)
    assert result.rate_per_s == pytest.approx(0.3 / result.efficiency, rel=0.1)
    assert result.rate_error_per_s > np.sqrt(3) / 10.0
    assert result.signals.shape == result.frame_times_rig_s.shape == (100,)


def test_an_empty_trap_counts_nothing(expose) -> None:
    result = run(expose(np.zeros(400), np.random.default_rng(2)))
    assert result.counts == 0
    assert result.arrivals_rig_s.size == 0
    assert 0.0 < result.efficiency < 1.0


def test_lost_frames_are_dead_time_and_never_guessed(expose) -> None:
    frames = expose(three_atoms(), np.random.default_rng(3))
    # The second atom's arrival falls into a gap, the third is there before and after one.
    kept = [k for k in range(100) if not (46 <= k < 51 or 83 <= k < 85)]
    result = run(frames[kept], kept)
    assert result.frames_lost == 7
    assert result.live_s == pytest.approx(9.3)
    assert result.counts == 2
    assert result.arrivals_rig_s - START_S == pytest.approx([2.0, 8.0], abs=0.1)


def test_frames_from_before_the_arming_and_settling_ones_are_ignored(expose) -> None:
    atoms = np.zeros(60)
    atoms[:8] = 1.0
    frames = expose(atoms, np.random.default_rng(4))
    counter = SegmentCounter(CALIBRATION, CURVE, settle_frames=3)
    counter.arm(START_S + 0.45)
    for k, image in enumerate(frames):
        counter.add(image, k, START_S + 0.1 * (k + 1))
    result = counter.finish()
    # Frame 4 began at 0.40 s, before the arming; 5, 6 and 7 settle.
    assert result.frames_ignored == 8
    assert result.exposures == 52
    assert result.frame_times_rig_s[0] == pytest.approx(START_S + 0.9)
    assert result.counts == 0


def test_a_segment_takes_the_exposures_it_was_armed_for(expose) -> None:
    counter = SegmentCounter(CALIBRATION, CURVE)
    counter.arm(START_S, exposures=10)
    taken = [
        counter.add(image, k, START_S + 0.1 * (k + 1))
        for k, image in enumerate(expose(np.zeros(15), np.random.default_rng(5)))
    ]
    assert taken == [*range(1, 11), 10, 10, 10, 10, 10]
    assert counter.finish().exposures == 10


def test_provisional_counts_while_the_frames_come(expose) -> None:
    counter = SegmentCounter(CALIBRATION, CURVE)
    counter.arm(START_S)
    seen = []
    for k, image in enumerate(expose(three_atoms(), np.random.default_rng(6))):
        counter.add(image, k, START_S + 0.1 * (k + 1))
        if k in (10, 40, 70, 99):
            seen.append(counter.provisional())
    assert seen == [0, 1, 2, 3]


def test_a_frame_of_another_shape_is_refused() -> None:
    counter = SegmentCounter(CALIBRATION, CURVE)
    counter.arm(START_S)
    with pytest.raises(ValueError, match="set the region back or calibrate"):
        counter.add(np.zeros((40, 40), dtype=np.uint16), 0, START_S + 0.1)


class CounterMachine(RuleBasedStateMachine):
    """Against a list of the frames that a segment should hold."""

    dark = np.full(SHAPE, 400, dtype=np.uint16)

    def __init__(self) -> None:
        super().__init__()
        self.counter = SegmentCounter(CALIBRATION, CURVE, settle_frames=2)
        self.armed = False
        self.next_id = 0
        self.now_s = START_S
        self.ids: list[int] = []
        self.first: int | None = None

    @rule()
    def arm(self) -> None:
        self.counter.arm(self.now_s)
        self.armed, self.ids, self.first = True, [], None

    @rule(lost=st.integers(0, 3))
    def frame(self, lost: int) -> None:
        unique_id = self.next_id + lost
        self.next_id, self.now_s = unique_id + 1, self.now_s + 0.1 * (lost + 1)
        if self.armed:
            self.first = unique_id if self.first is None else self.first
            if unique_id >= self.first + 2:
                self.ids.append(unique_id)
        used = self.counter.add(self.dark, unique_id, self.now_s)
        assert used == (len(self.ids) if self.armed else used)

    @rule()
    def stale_frame(self) -> None:
        """A frame of the previous acquisition, delivered late."""
        self.counter.add(self.dark, self.next_id + 1000, START_S - 5.0)

    @precondition(lambda self: self.next_id > 0)
    @rule()
    def repeated_frame(self) -> None:
        if self.ids:
            self.counter.add(self.dark, self.ids[-1], self.now_s)

    @rule()
    def provisional(self) -> None:
        if self.armed:
            assert self.counter.provisional() == 0
        else:
            with pytest.raises(NotArmed):
                self.counter.provisional()

    @rule()
    def finish(self) -> None:
        if not self.armed:
            with pytest.raises(NotArmed):
                self.counter.finish()
            return
        result = self.counter.finish()
        self.armed = False
        assert result.exposures == len(self.ids)
        assert result.live_s == pytest.approx(0.1 * len(self.ids))
        lost = self.ids[-1] - self.ids[0] + 1 - len(self.ids) if self.ids else 0
        assert result.frames_lost == lost
        assert result.counts == 0

    @invariant()
    def counts_its_exposures(self) -> None:
        if self.armed:
            assert self.counter.exposures == len(self.ids)


TestCounterMachine = CounterMachine.TestCase
TestCounterMachine.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
