"""Fixtures that many tests share: a simulated rig, and a station on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.client.discovery import RUNTIME_VARIABLE


@pytest.fixture(autouse=True, scope="session")
def runtime_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lock files of the tests' stations, apart from those of a real user."""
    folder = tmp_path_factory.mktemp("runtime")
    os.environ[RUNTIME_VARIABLE] = str(folder)
    yield folder
    del os.environ[RUNTIME_VARIABLE]


@pytest.fixture(scope="session")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One simulated rig for all tests of a worker that do not break it."""
    rig = start_rig(tmp_path_factory.mktemp("rig"))
    yield rig
    rig.world.close()


@pytest.fixture
def own_rig(tmp_path: Path) -> Iterator[Rig]:
    """A simulated rig that a test may break."""
    rig = start_rig(tmp_path)
    yield rig
    rig.world.close()


@pytest.fixture
def station(shared_rig: Rig, tmp_path: Path) -> Iterator[RunningStation]:
    """A station on the shared rig, stopped after the test."""
    running = start_station(shared_rig, tmp_path / "data")
    yield running
    stop_station(running)
