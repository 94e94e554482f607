"""Fixtures that many tests share: a simulated rig, and a station on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs import START_S, Rig, RunningStation, start_rig, start_station, stop_station

from atta_daq.client.discovery import RUNTIME_VARIABLE

SLOW_STARTS = {"shared_rig", "own_rig", "one_browser"}
"""Fixtures, also of others, that start processes; the first test of a worker waits for them."""
SLOW_START_S = 2 * START_S + 60.0
"""A rig, a station, and what every other test may take."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The timeout counts fixtures too. One of the test's own, or of the command, holds."""
    if config.getoption("timeout", None) is not None:
        return
    for item in items:
        names = getattr(item, "fixturenames", ())
        if SLOW_STARTS.intersection(names) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SLOW_START_S))


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
