"""The same data give the same numbers in every process, to the last bit."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

RUNS = 8
COVARIANCE = """
import json, sys
from atta_daq.analysis.points import normalise
from atta_daq.analysis.records import Segment
segments = [Segment.from_dict(s) for s in json.load(open(sys.argv[1]))]
print(normalise(segments, 85).covariance.tobytes().hex())
"""


def test_the_covariance_of_a_chain(tmp_path: Path, make_rare, make_bracket) -> None:
    """One term for each run: summed in the order of a set of their names, the last bits were those
    of the process, whose hashes of strings are its own."""
    rng = np.random.default_rng(3)
    segments = []
    for run in range(RUNS):
        for on in (False, True):
            index, start_s = len(segments), 600.0 * len(segments)
            segments.append(make_bracket(index, index // 2, start_s, 2.0, 0.02))
            error = rng.uniform(0.01, 0.04)
            counted = make_rare(
                index + 1, index // 2, start_s + 10.0, 600.0, 900, pumping=on, point=run % 3,
                efficiency_error=error,
            )  # fmt: skip
            segments.append(replace(counted, run_id=f"run-{run}"))
    stored = tmp_path / "segments.json"
    stored.write_text(json.dumps([segment.to_dict() for segment in segments]))
    found = {
        subprocess.run(
            [sys.executable, "-c", COVARIANCE, str(stored)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in (1, 2)
    }  # fmt: skip
    (covariance,) = found
    assert len(covariance.strip()) == 2 * 8 * 6**2, "three points, on and off"
