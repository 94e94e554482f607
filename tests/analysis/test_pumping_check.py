from dataclasses import replace

import numpy as np
import pytest

from atta_daq.analysis.points import normalise
from atta_daq.analysis.pumping_check import pumping_check
from atta_daq.analysis.records import SegmentKind


def run(make_bracket, rng, gains=(0.5, 0.5), *, walk_per_root_h=0.02, cycles=3):
    """A check at each end of six hours, brackets around and between, on a source that walks."""
    segments, level, clock = [], 1.0, 0.0

    def advance(seconds):
        nonlocal level, clock
        clock += seconds
        level *= np.exp(rng.normal(0.0, walk_per_root_h * np.sqrt(seconds / 3600.0)))

    def take(block, pumping, gain, bracket):
        bursts = level * (1.0 + gain) * rng.normal(1.0, 0.01, 5)
        one = make_bracket(
            len(segments), block, clock, float(bursts.mean()),
            float(bursts.std(ddof=1) / np.sqrt(5.0)), pumping=pumping,
        )  # fmt: skip
        kind = SegmentKind.LOADING_83 if bracket else SegmentKind.CHECK_83
        segments.append(replace(one, bracket=bracket, kind=kind))
        advance(10.0)

    last = len(gains) - 1
    for number, gain in enumerate(gains):
        block = 10 * number
        take(block, False, 0.0, True)
        for pumping in (False, True, True, False) * cycles:
            take(block, pumping, gain if pumping else 0.0, False)
        take(block, False, 0.0, True)
        for extra in range(20 if number < last else 0):
            advance(500.0)
            take(block + 1 + extra // 4, False, 0.0, True)
    return segments


def test_an_unchanged_pumping_agrees_and_its_errors_hold(make_bracket):
    rng = np.random.default_rng(8)
    checks = [pumping_check(run(make_bracket, rng)) for _ in range(60)]
    pulls = [c.pull for c in checks]
    values = [(i.value - 0.5) / i.error for c in checks for i in c.checks]
    assert abs(np.mean(pulls)) < 0.4
    assert 0.8 < np.std(pulls) < 1.25
    assert 0.8 < np.sqrt(np.mean(np.square(values))) < 1.25
    assert sum(c.disagrees for c in checks) <= 1
    assert all(0.002 < c.change_error < 0.012 for c in checks)


def test_a_pumping_that_fades_is_told_with_what_to_do(make_bracket):
    check = pumping_check(run(make_bracket, np.random.default_rng(1), (0.55, 0.45)))
    assert check.disagrees
    assert check.change == pytest.approx(-0.10, abs=4.0 * check.change_error)
    assert "is not what it was" in check.text
    assert "overlap of the 819-nm beam" in check.text


def test_flagged_and_half_checks_do_not_count(make_bracket):
    segments = run(make_bracket, np.random.default_rng(1))
    spoilt = [
        replace(s, flag="lock lost") if s.kind is SegmentKind.CHECK_83 and s.block == 10 else s
        for s in segments
    ]
    check = pumping_check(spoilt)
    assert [c.block for c in check.checks] == [0]
    assert (check.change, check.pull, check.disagrees) == (None, None, False)
    assert check.text.endswith("one check only")
    dark = [s for s in segments if not s.pumping]
    assert pumping_check(dark).checks == ()


def test_a_check_is_no_signal_and_no_bracket(make_bracket):
    segments = run(make_bracket, np.random.default_rng(1))
    with pytest.raises(ValueError, match="no usable segment of 83Kr"):
        normalise(segments, 83)
