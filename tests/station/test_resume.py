"""A run that lost its station again and again ends as one measurement with every block once."""

from pathlib import Path

import numpy as np
import pytest
from kill_chain import Measurement, require_exactly_once, take_with_kills

KILLS = 5
SEED = 20261128


@pytest.mark.timeout(240)
def test_five_kills_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=18)
    moments = np.random.default_rng(SEED).uniform(100.0, 220.0, KILLS)
    require_exactly_once(take_with_kills(tmp_path, measurement, moments), measurement)
