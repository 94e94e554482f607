from dataclasses import replace

import numpy as np
import pytest
from drifting_sources import draw

from atta_daq.analysis.drift_judgement import FEWEST, judge_drift, newest_step
from atta_daq.analysis.drift_spectrum import TYPICAL

ERROR, COST_S = 0.005, 9.0


def judged(make_rare, made, counts=20_000):
    signal = [
        make_rare(100 + i, i, a, b - a, counts)
        for i, (a, b) in enumerate(zip(made.start_s, made.end_s, strict=True))
    ]
    return judge_drift([*made.brackets, *signal], TYPICAL, ERROR, COST_S)


def test_a_source_as_planned_raises_nothing(make_rare):
    rng = np.random.default_rng(2)
    law = "walk of 2 %/root h, 1 %/h"
    alarms = sum(judged(make_rare, draw(law, 9, rng)).outruns for _ in range(300))
    assert alarms <= 1


def test_a_source_that_drifts_harder_raises_and_says_what_to_do(make_rare):
    rng = np.random.default_rng(2)
    found = [judged(make_rare, draw("walk of 12 %/root h", 9, rng)) for _ in range(60)]
    assert sum(j.outruns for j in found) >= 54
    told = next(j for j in found if j.outruns)
    assert told.error > 1.4 * told.planned_error
    assert told.better_period_s < 500.0
    for words in ("bracket_period_s", "calibrate source-drift", "look at the discharge"):
        assert words in told.text
    assert 0.0 < told.share < 1.0


def test_what_does_not_matter_beside_the_counting_is_no_alarm(make_rare):
    made = draw("walk of 12 %/root h", 9, np.random.default_rng(3))
    assert judged(make_rare, made).outruns
    few = judged(make_rare, made, counts=20)
    assert few.share < 0.01
    assert not few.outruns


def test_few_brackets_are_not_judged(make_rare):
    made = draw("walk of 12 %/root h", FEWEST - 1, np.random.default_rng(2))
    assert judged(make_rare, made) is None


def test_a_calm_end_ends_the_alarm(make_rare):
    rng = np.random.default_rng(3)
    wild, calm = draw("walk of 12 %/root h", 9, rng), draw("steady", 9, rng)
    later = [
        replace(s, start_rig_s=s.start_rig_s + 5000.0, end_rig_s=s.end_rig_s + 5000.0)
        for s in calm.brackets
    ]
    signal = [make_rare(99, 0, 10.0, 240.0, 20_000)]
    assert judge_drift([*wild.brackets, *signal], TYPICAL, ERROR, COST_S).outruns
    both = [*wild.brackets, *later, *signal]
    assert not judge_drift(both, TYPICAL, ERROR, COST_S).outruns


def lifted(made, after, factor):
    return [
        replace(s, rate=s.rate * (factor if i > after else 1.0))
        for i, s in enumerate(made.brackets)
    ]


def test_a_step_is_told_once_at_the_bracket_after_it():
    made = draw("walk of 2 %/root h, 1 %/h", 14, np.random.default_rng(5))
    segments = lifted(made, 9, 0.85)
    told = [newest_step(segments[:n], TYPICAL) for n in range(1, 15)]
    assert [n for n, step in enumerate(told) if step is not None] == [10]
    step = told[10]
    assert step.change == pytest.approx(np.log(0.85), abs=4.0 * step.error)
    assert "% between the brackets 75.0 and 83.3 min after the first" in step.in_words(0.0)


def test_brackets_without_a_rate_are_passed_over():
    made = draw("steady", 8, np.random.default_rng(5))
    dead = [replace(s, rate=0.0) if i == 3 else s for i, s in enumerate(made.brackets)]
    assert newest_step(dead, TYPICAL) is None
    assert judge_drift(dead, TYPICAL, ERROR, COST_S) is not None
