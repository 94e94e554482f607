"""The ring of samples and its reduction, against simple models of both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.model.history import NEAR_S, Ring, reduce

steps = st.lists(st.floats(0.01, 10.0), max_size=80)
numbers = st.floats(-1e6, 1e6)


def ring_of(times: list[float], values: list[float], capacity: int) -> Ring:
    ring = Ring(capacity)
    for time, value in zip(times, values, strict=True):
        ring.add(time, value)
    return ring


@given(st.integers(1, 20), steps)
def test_a_ring_keeps_the_last_samples_in_order(capacity: int, gaps: list[float]) -> None:
    times = list(1.7e9 + np.cumsum(gaps))
    values = [float(i) for i in range(len(times))]
    ring = ring_of(times, values, capacity)
    kept, kept_values = ring.view()
    assert list(kept) == times[-capacity:]
    assert list(kept_values) == values[-capacity:]
    assert len(ring) == min(capacity, len(times))


@given(st.integers(1, 20), st.lists(st.floats(0.0, 100.0), min_size=1, max_size=80))
def test_times_always_increase_even_when_the_clock_goes_back(
    capacity: int, times: list[float]
) -> None:
    ring = ring_of(times, times, capacity)
    kept, values = ring.view()
    assert np.all(np.diff(kept) > 0.0)
    assert kept[-1] == times[-1]
    assert np.array_equal(kept, values)


@given(steps, st.floats(0.0, 1000.0))
def test_a_view_begins_where_it_is_asked_to(gaps: list[float], since: float) -> None:
    times = list(np.cumsum(gaps))
    kept, _ = ring_of(times, times, 100).view(since)
    assert list(kept) == [time for time in times if time >= since]


@given(
    st.lists(st.floats(0.01, 10.0), max_size=30), st.integers(0, 200), st.integers(0, 60),
    st.integers(1, 100),
)  # fmt: skip
def test_filling_adds_only_where_nothing_was(
    gaps: list[float], start: int, count: int, room: int
) -> None:
    own = np.cumsum(gaps)
    past = start + np.arange(float(count))
    ring = ring_of(list(own), [1.0] * len(own), len(own) + room)
    ring.fill(past, np.full(count, 2.0))
    times, values = ring.view()
    far = [time for time in past if not len(own) or np.abs(own - time).min() > NEAR_S]
    assert list(times) == sorted([*own, *far])[-ring.capacity :]
    assert set(times[values == 1.0]) <= set(own)
    assert set(times[values == 2.0]) <= set(far)


def test_a_gap_is_closed_by_the_past_that_covers_it() -> None:
    ring = ring_of([10.0, 10.2], [1.0, 1.0], 100)
    ring.gap()
    ring.gap()
    ring.add(20.0, 1.0)
    assert np.isnan(ring.view()[1]).sum() == 1
    ring.fill(np.arange(8.0, 20.0), np.full(12, 2.0))
    times, values = ring.view()
    assert not np.isnan(values).any()
    assert np.diff(times).max() <= NEAR_S + 1.0


def test_a_gap_that_nobody_can_fill_stays() -> None:
    ring = ring_of([10.0], [1.0], 100)
    ring.gap()
    ring.add(20.0, 1.0)
    ring.fill(np.array([5.0]), np.array([2.0]))
    assert np.isnan(ring.view()[1]).sum() == 1
    assert len(ring) == 4


def test_a_ring_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="one sample"):
        Ring(0)


@given(
    st.lists(st.tuples(st.floats(0.01, 3.0), numbers | st.just(np.nan)), max_size=200),
    st.floats(0.5, 50.0),
)
def test_a_reduction_keeps_every_peak_and_never_grows(
    samples: list[tuple[float, float]], bin_s: float
) -> None:
    times = np.cumsum([step for step, _ in samples])
    values = np.array([value for _, value in samples], dtype=float)
    short, reduced = reduce(times, values, bin_s)
    assert len(short) == len(reduced) <= len(times)
    assert np.all(np.diff(short) >= 0.0)
    if len(times):
        assert len(short) <= max(2.0, 2.0 * ((times[-1] - times[0]) / bin_s + 2.0))
        assert (short[0], short[-1]) == (times[0], times[-1])
    for bin_index in np.unique(np.floor(times / bin_s)):
        old = values[np.floor(times / bin_s) == bin_index]
        new = reduced[np.floor(short / bin_s) == bin_index]
        assert np.isnan(old).all() == np.isnan(new).all()
        if not np.isnan(old).all():
            assert np.nanmin(new) == np.nanmin(old)
            assert np.nanmax(new) == np.nanmax(old)
