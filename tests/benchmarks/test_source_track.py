"""The track of the source against plain interpolation, over several drift laws and lengths of run.

Plain interpolation is what the normaliser did before: straight lines between the brackets as
measured, with a Brownian bridge whose strength comes from the steps between brackets less their
errors. It stands here only to be compared. Figures: docs/explanation/normalisation.md.
"""

import numpy as np
import pytest
from drifting_sources import LAWS, draw

from atta_daq.analysis.drift_judgement import judge_drift, newest_step
from atta_daq.analysis.drift_spectrum import TYPICAL
from atta_daq.analysis.normaliser import Normaliser, pooled_relative_errors
from atta_daq.analysis.points import normalise
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.scans.blocks import Timing, blocks, predicted_duration_s
from atta_daq.scans.bracket_period import chosen_period_s
from atta_daq.scans.definition import ScanDefinition

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

RUNS = {5: 300, 13: 150, 73: 40}
"""Brackets in a run, and how many runs are drawn."""


def interpolated(made):
    """Relative value and its error by straight lines and bridges, each segment at its middle."""
    t = np.array([s.mid_rig_s for s in made.brackets])
    rate = np.array([s.rate for s in made.brackets])
    error = pooled_relative_errors(made.brackets)
    gaps = np.diff(t)
    excess = np.sum(np.diff(np.log(rate)) ** 2 - error[1:] ** 2 - error[:-1] ** 2)
    pseudo = 2.0 * gaps.mean()
    walk = max(excess + TYPICAL.walk_per_s * pseudo, 0.0) / (gaps.sum() + pseudo)
    middle = 0.5 * (made.start_s + made.end_s)
    i = np.clip(np.searchsorted(t, middle), 1, t.size - 1)
    late = (middle - t[i - 1]) / gaps[i - 1]
    value = (1.0 - late) * rate[i - 1] + late * rate[i]
    variance = ((1.0 - late) * error[i - 1]) ** 2 + (late * error[i]) ** 2
    return value, np.sqrt(variance + walk * gaps[i - 1] * late * (1.0 - late))


def tracked(made):
    source = Normaliser.from_brackets(made.brackets)
    value, covariance = source.at(made.start_s, made.end_s)
    return value * source.mean_rate, np.sqrt(np.diag(covariance))


def test_track_against_interpolation():
    print()
    for count, runs in RUNS.items():
        for law in LAWS:
            rng = np.random.default_rng(count)
            found = {interpolated: [], tracked: []}
            for _ in range(runs):
                made = draw(law, count, rng)
                for method, rows in found.items():
                    value, error = method(made)
                    off = np.log(value / made.true)
                    rows.append((np.mean(off**2), np.mean((off / error) ** 2)))
            (plain, plain_pull), (track, pull) = (
                np.sqrt(np.mean(rows, axis=0)) for rows in found.values()
            )
            print(
                f"{count:3d} brackets, {law:26s} rms error {100 * plain:.3f} -> {100 * track:.3f} %"
                f", rms pull {plain_pull:.2f} -> {pull:.2f}"
            )
            assert track < 1.03 * plain
            # Four steps of a source that is six times wilder than typical say little of it.
            assert pull < (1.5 if count < 10 else 1.25)


def test_pulls_of_normalised_ratios():
    """Points of two segments each, so many counts that the normaliser is what matters."""
    print()
    for law in LAWS:
        rng = np.random.default_rng(5)
        pulls = []
        for _ in range(100):
            made = draw(law, 25, rng)
            n = made.true.size
            rare = [
                Segment(
                    "run", i // 2, 0, 100 + i, SegmentKind.RARE, 85, True, i // 4, False,
                    Setting(), a, b, b - a, counts=int(rng.poisson(1e6 * level)), efficiency=1.0,
                    efficiency_error=0.0, exposures=2400,
                )
                for i, (a, b, level) in enumerate(
                    zip(made.start_s, made.end_s, made.true, strict=True)
                )
            ]  # fmt: skip
            data = normalise([*made.brackets, *rare], 85)
            per_h = 1e6 * 3600.0 / (made.end_s[0] - made.start_s[0])
            wanted = per_h * data.normaliser.mean_rate
            pulls += [(p.ratio - wanted) / p.error for p in data.points]
            assert len(data.points) == n // 4
        rms = np.sqrt(np.mean(np.square(pulls)))
        print(f"{law:26s} pull mean {np.mean(pulls):+.2f} rms {rms:.2f}")
        assert rms < 1.2
        assert abs(np.mean(pulls)) < 0.2


def test_nights_with_an_alarm():
    """A night of 72 brackets, judged at each; counts so many that a drift matters."""
    print()
    for law, drift_at_most, drift_at_least in (
        ("steady", 0.0, 0.0),
        ("walk of 2 %/root h, 1 %/h", 0.1, 0.0),
        ("walk of 6 %/root h", 1.0, 0.9),
        ("walk of 12 %/root h", 1.0, 1.0),
        ("steps of 5 %", 0.5, 0.0),
    ):
        rng = np.random.default_rng(9)
        drifts, steps = 0, 0
        for _ in range(40):
            made = draw(law, 72, rng)
            first = made.brackets[0]
            signal = Segment(
                "run", 0, 0, 999, SegmentKind.RARE, 85, True, 0, False, Setting(),
                first.end_rig_s, first.end_rig_s + 200.0, 200.0, counts=20_000,
            )  # fmt: skip
            until = [made.brackets[:n] for n in range(4, 73)]
            drifts += any(judge_drift([*b, signal], TYPICAL, 0.005, 9.0).outruns for b in until)
            steps += any(newest_step(b, TYPICAL) is not None for b in until)
        print(f"{law:26s} drift alarm in {drifts / 40:.2f}, step in {steps / 40:.2f} of the nights")
        assert drift_at_least <= drifts / 40 <= drift_at_most
        if law.startswith(("steady", "walk of 2")):
            assert steps <= 1


def test_the_chosen_period_against_others():
    """Looks of 60 s at 250,000/h: variance of a rate times rig time, by drawn sources."""
    axis = {"quantity": "detuning_mhz", "start": -800.0, "stop": 1600.0, "points": 41}
    scan = ScanDefinition.model_validate(
        {"name": "x", "bracket_period_s": "auto",
         "parts": [{"isotope": 85, "dwell_s": 60.0, "axes": [axis], "repeats": 4}]}
    )  # fmt: skip
    timing, rate = Timing(), {85: 250_000.0}
    chosen = chosen_period_s(scan, timing, TYPICAL, rate, 0.0045)
    print(f"\nchosen: {chosen:.0f} s")
    prices = {}
    for period in (61.0, chosen, 1800.0):
        plan = blocks(scan.model_copy(update={"bracket_period_s": period}), timing)
        gap = predicted_duration_s(plan, timing) / len(plan)
        looks = len(plan[0].segments) - 2
        rng, law = np.random.default_rng(1), "walk of 2 %/root h, 1 %/h"
        mean_2 = []
        for _ in range(200):
            made = draw(law, 13, rng, period_s=round(gap, -1), per_gap=looks)
            value, _ = tracked(made)
            counted = rng.normal(0.0, np.sqrt(3600.0 / 60.0 / rate[85]), value.size)
            mean_2.append(np.mean((np.log(value / made.true) + counted) ** 2))
        prices[period] = np.mean(mean_2) * gap / looks
        print(f"{period:6.0f} s: {looks} looks, {1e6 * prices[period]:.0f}e-6 s a look")
    assert prices[chosen] == min(prices.values())
