"""Long runs on the simulated rig.

pytest -m soak tests/soak -s
"""

from pathlib import Path

import numpy as np
import pytest
from rig_runs import pull, take

from atta_daq.archive.run_folder import open_run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

MATCHED = {"beam": {"velocity_model": "effusive"}, "pumping": {"pumping_model": "f-level"}}


def test_a_night_of_81kr(tmp_path: Path) -> None:
    """The 81Kr spectrum: 13 hours of rig time, every frame there, the fit near the truth."""
    result = take(Path("scans/spectrum_81kr.toml"), tmp_path)
    segments = open_run(Path(result["folder"])).segments
    counting = [s for s in segments if s.kind == "rare"]
    assert sum(s.frames_lost for s in counting) == 0
    assert not any(s.flag for s in segments)
    assert abs(pull(result, "position_mhz")) < 3.5
    assert abs(pull(result, "amplitude")) < 3.5


def test_forty_demos(tmp_path: Path) -> None:
    """Pulls of the whole chain, frames to fit, over 40 seeds of the demo."""
    pulls = {"85Kr.position_mhz": [], "85Kr.amplitude": []}
    for seed in range(40):
        result = take(Path("scans/demo.toml"), tmp_path / str(seed), seed=seed, truth=MATCHED)
        for name, values in pulls.items():
            values.append(pull(result, name))
        print(seed, {name: round(values[-1], 2) for name, values in pulls.items()}, flush=True)
    for name, values in pulls.items():
        mean, spread = np.mean(values), np.std(values, ddof=1)
        print(f"{name}: mean {mean:+.2f}, standard deviation {spread:.2f}")
        assert abs(mean) < 0.5
        assert 0.7 < spread < 1.4
