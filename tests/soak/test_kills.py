"""A measurement whose station is killed a hundred times, whose instruments lose power, whose disk
is full.

pytest -m soak tests/soak/test_kills.py -s
ATTA_DAQ_KILLS=20 sets how often (default 100), ATTA_DAQ_KILLS_SEED the seed (default: a new one,
printed).
"""

import os
import secrets
from pathlib import Path

import numpy as np
import pytest
from kill_chain import (
    Measurement,
    pulls,
    require_exactly_once,
    take_with_full_disks,
    take_with_kills,
    take_with_power_cuts,
)
from small_disk import mounted

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

BETWEEN_S = (60.0, 260.0)
"""Rig time of a run before it is killed: its calibration, its brackets, its counting."""
POINTS = 18
MOST_PULL = 4.0


def drawn() -> tuple[int, int]:
    """How often, and the seed."""
    kills = int(os.environ.get("ATTA_DAQ_KILLS", "100"))
    seed = int(os.environ.get("ATTA_DAQ_KILLS_SEED", str(secrets.randbelow(1 << 31))))
    print(f"\n{kills} times, seed {seed}", flush=True)
    return kills, seed


def compared(chain, calm, what: str) -> None:
    found = pulls(chain, calm)
    print(f"{what} less undisturbed, in standard errors: "
          f"{ {name: round(value, 2) for name, value in found.items()} }")  # fmt: skip
    assert max(abs(value) for value in found.values()) < MOST_PULL


def test_kills_of_the_station(tmp_path: Path) -> None:
    kills, seed = drawn()
    # A run takes a block a minute and loses the one that it is in, and its calibration.
    measurement = Measurement(points=POINTS, repeats=max(1, round(kills * 2.2 / POINTS)))
    moments = np.random.default_rng(seed).uniform(*BETWEEN_S, kills)
    chain = take_with_kills(tmp_path / "killed", measurement, moments, seed=seed)
    require_exactly_once(chain, measurement)
    calm = take_with_kills(tmp_path / "calm", measurement, np.array([]), seed=seed + 1)
    compared(chain, calm, "killed")


def test_power_cuts_of_all_instruments(tmp_path: Path) -> None:
    kills, seed = drawn()
    measurement = Measurement(points=POINTS, repeats=max(1, round(kills * 6 / POINTS)))
    moments = np.random.default_rng(seed).uniform(*BETWEEN_S, kills)
    chain = take_with_power_cuts(tmp_path / "cut", measurement, moments, seed=seed)
    require_exactly_once(chain, measurement)
    calm = take_with_kills(tmp_path / "calm", measurement, np.array([]), seed=seed + 200)
    compared(chain, calm, "cut off")


def test_disks_that_are_full(tmp_path: Path) -> None:
    kills, seed = drawn()
    measurement = Measurement(points=POINTS, repeats=max(1, round(kills * 3 / POINTS)))
    moments = np.random.default_rng(seed).uniform(*BETWEEN_S, kills)
    with mounted(tmp_path / "full" / "disk", "2g") as disk:
        chain = take_with_full_disks(disk, measurement, moments, seed=seed)
        require_exactly_once(chain, measurement)
    calm = take_with_kills(tmp_path / "calm", measurement, np.array([]), seed=seed + 1)
    compared(chain, calm, "with full disks")
