"""A run that loses its station, or its rig, ends as one measurement with every block once."""

from pathlib import Path

import numpy as np
import pytest
from kill_chain import (
    Measurement,
    require_exactly_once,
    take_with_kills,
    take_with_power_cuts,
)

KILLS = 5
SEED = 20261128


@pytest.mark.timeout(240)
def test_five_kills_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=18)
    moments = np.random.default_rng(SEED).uniform(100.0, 220.0, KILLS)
    require_exactly_once(take_with_kills(tmp_path, measurement, moments), measurement)


@pytest.mark.timeout(240)
def test_a_power_cut_of_all_instruments_and_every_block_is_there_once(tmp_path: Path) -> None:
    measurement = Measurement(points=4)
    chain = take_with_power_cuts(tmp_path, measurement, np.array([150.0]))
    require_exactly_once(chain, measurement)
    assert len(chain.runs) == 1
