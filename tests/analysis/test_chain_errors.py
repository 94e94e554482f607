"""Errors of a chain of resumed runs tell the truth: each run has an efficiency of its own."""

from dataclasses import replace

import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.options import FitOptions

INCREASE = 0.57
EFFICIENCY = 0.9
RELATIVE_ERROR = 0.04
TOYS = 150


def chain(rng, make_rare, make_bracket):
    """Three runs; the first holds most of the looks without light, the others those with it.

    Every run calibrates its efficiency anew: what it writes down scatters about what it was.
    """
    segments, clock_s = [], 0.0
    for run, looks in enumerate(([False] * 5 + [True], [True] * 3, [True] * 2 + [False])):
        written = EFFICIENCY * (1.0 + RELATIVE_ERROR * rng.standard_normal())
        for on in looks:
            block = len(segments) // 2
            segments.append(make_bracket(len(segments), block, clock_s, 2.0, 0.002))
            counts = rng.poisson(2000.0 * EFFICIENCY * (1.0 + INCREASE * on))
            taken = make_rare(
                len(segments), block, clock_s + 10.0, 600.0, int(counts), pumping=on,
                efficiency=written, efficiency_error=RELATIVE_ERROR * written,
            )  # fmt: skip
            segments.append(replace(taken, run_id=f"run-{run}"))
            clock_s += 620.0
    return segments


@pytest.mark.parametrize("known", [True, False], ids=["a chain", "as if it were one run"])
def test_pulls_over_toys_with_an_efficiency_for_each_run(known, make_rare, make_bracket):
    pulls = []
    for seed in range(TOYS):
        segments = chain(np.random.default_rng(seed), make_rare, make_bracket)
        if not known:
            segments = [replace(s, run_id="run") for s in segments]
        increase = fit_run(segments, FitOptions(85))["increase"]
        pulls.append((increase.value - INCREASE) / increase.error)
    width = float(np.std(pulls))
    # The width of 150 pulls is known to 6 %.
    if known:
        assert 0.83 < width < 1.17
        assert abs(np.mean(pulls)) < 0.3
    else:
        assert width > 1.4, "the test would see errors that are too small"
