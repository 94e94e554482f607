"""Runs to test the archive with: small, deterministic, made through the public writer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stored_runs import Clock, new_run, stored_segment

from atta_daq.analysis.records import Segment
from atta_daq.archive.run_folder import RunWriter


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_segment() -> Callable[..., Segment]:
    return stored_segment


@pytest.fixture
def make_run(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., RunWriter]]:
    writers: list[RunWriter] = []

    def make(**changes: Any) -> RunWriter:
        number = changes.pop("number", len(writers))
        writers.append(new_run(tmp_path / "data", clock, number, **changes))
        return writers[-1]

    yield make
    for writer in writers:
        writer.abandon()
