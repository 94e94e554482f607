"""Segments of a made-up run, drawn from a known truth."""

from collections.abc import Callable

import pytest
from drawn_runs import SpectrumRun, bracket, draw_spectrum, rare

from atta_daq.analysis.records import Segment


@pytest.fixture
def spectrum_run() -> Callable[..., SpectrumRun]:
    """Draws a run; see `draw_spectrum`."""
    return draw_spectrum


@pytest.fixture
def make_rare() -> Callable[..., Segment]:
    """Makes one counting segment."""
    return rare


@pytest.fixture
def make_bracket() -> Callable[..., Segment]:
    """Makes one bracket."""
    return bracket
