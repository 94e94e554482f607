"""Where the next counting time goes, on problems whose best answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atta_daq.analysis.allocation import (
    Room,
    Visit,
    best_visits,
    error_with,
    even_visits,
    information_with,
)
from atta_daq.analysis.knowledge import Knowledge, Place, Wanted

ON, OFF = Place(0, True), Place(None, False)


def two_rates(rate_on: float, rate_off: float, *, noise: float = 0.0, way_s: float = 0.0):
    """Knowledge of an on/off comparison: the difference of two rates is wanted, counts per s."""
    return Knowledge(
        wanted=Wanted("difference"),
        value=rate_on - rate_off,
        names=("on", "off"),
        parameters=np.array([[rate_on, rate_off]]),
        # As if a second had been counted at each.
        information=np.array([np.diag([1.0 / rate_on, 1.0 / rate_off])]),
        direction=np.array([[1.0, -1.0]]),
        places=(ON, OFF),
        rate_per_s=np.array([[rate_on, rate_off]]),
        gradient_per_s=np.array([np.eye(2)]),
        noise_per_s2=noise * np.array([[rate_on, rate_off]]) ** 2,
        overhead_s=way_s,
    )


def dwells(visits) -> dict[Place, float]:
    return {visit.place: visit.dwell_s for visit in visits}


def test_time_is_shared_as_the_roots_of_the_rates() -> None:
    """The textbook answer: variance r1/t1 + r2/t2 is least at t1/t2 = sqrt(r1/r2)."""
    shared = dwells(best_visits(two_rates(9.0, 1.0), [], Room(4000.0, 4000.0, 1.0), [1]))
    assert shared[ON] / shared[OFF] == pytest.approx(3.0, rel=0.01)
    assert sum(shared.values()) == pytest.approx(4000.0)


def test_no_other_share_is_better() -> None:
    knowledge = two_rates(5.0, 0.7)
    room = Room(900.0, 900.0, 10.0)
    best = error_with(knowledge, best_visits(knowledge, [], room, [1]))
    others = [
        error_with(knowledge, [Visit(ON, t), Visit(OFF, 900.0 - t)]) for t in range(10, 900, 10)
    ]
    assert best <= min(others) * (1.0 + 1e-9)


def test_what_was_taken_since_counts() -> None:
    knowledge = two_rates(4.0, 4.0)
    chosen = best_visits(knowledge, [Visit(ON, 100.0)], Room(100.0, 1e4, 10.0), [1])
    assert dwells(chosen) == {OFF: 100.0}


def test_a_long_way_is_gone_only_when_it_pays() -> None:
    near = best_visits(two_rates(4.0, 4.0, way_s=0.0), [], Room(100.0, 1e4, 10.0), [1])
    far = best_visits(two_rates(4.0, 4.0, way_s=45.0), [], Room(100.0, 1e4, 10.0), [1])
    assert len(near) == 2
    assert len(far) <= 2
    assert sum(v.dwell_s for v in far) + 45.0 * len(far) <= 100.0


def test_the_noise_of_the_normaliser_ends_long_visits() -> None:
    """Beyond noise-limited dwells a visit adds almost nothing: the information saturates."""
    knowledge = two_rates(4.0, 4.0, noise=1e-3)
    longest = information_with(knowledge, [Visit(ON, 1e9)])[0, 0, 0]
    # No visit knows its rate better than the normaliser: 1 / (noise * rate^2).
    assert longest == pytest.approx(1.0 / (1e-3 * 16.0), rel=0.01)


def test_the_last_quantum_takes_a_small_rest_along() -> None:
    visits = best_visits(two_rates(4.0, 4.0), [], Room(1e6, 35.0, 10.0), [1])
    assert sum(v.dwell_s for v in visits) == pytest.approx(35.0)
    assert min(v.dwell_s for v in visits) >= 10.0


def test_equals_fall_by_the_seed_and_the_seed_alone() -> None:
    knowledge = two_rates(4.0, 4.0)
    room = Room(30.0, 1e4, 10.0)
    by_seed = {seed: best_visits(knowledge, [], room, [seed, 7]) for seed in range(12)}
    assert by_seed == {seed: best_visits(knowledge, [], room, [seed, 7]) for seed in range(12)}
    assert len({visits[0].place for visits in by_seed.values()}) == 2


def test_a_place_that_the_fit_has_not_seen_adds_nothing() -> None:
    knowledge = two_rates(4.0, 4.0)
    assert error_with(knowledge, [Visit(Place(99, True), 1e6)]) == knowledge.error


def test_knowledge_survives_its_record() -> None:
    import json

    knowledge = two_rates(3.7, 1.1 / 3.0, noise=1e-4, way_s=1.5)
    again = Knowledge.from_dict(json.loads(json.dumps(knowledge.to_dict())))
    room = Room(500.0, 1e4, 10.0)
    assert best_visits(again, [], room, [1, 2]) == best_visits(knowledge, [], room, [1, 2])
    assert again.error == knowledge.error


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0.0, 500.0), min_size=1, max_size=6),
    st.floats(1.0, 5000.0),
    st.floats(1.0, 200.0),
    st.floats(10.0, 2000.0),
)
def test_even_time_goes_where_least_was_counted(counted, budget_s, quantum_s, fill_s) -> None:
    before = {Place(i, True): seconds for i, seconds in enumerate(counted)}
    visits = even_visits(before, Room(fill_s, budget_s, quantum_s))
    total = sum(v.dwell_s for v in visits)
    assert visits
    assert total <= max(fill_s, 1.5 * quantum_s) + 1e-6
    assert total <= budget_s + 1e-6
    after = dict(before)
    for visit in visits:
        after[visit.place] += visit.dwell_s
    # Whoever got a quantum was among the least counted before it.
    least = min(after.values())
    for visit in visits:
        assert after[visit.place] - 1.5 * quantum_s <= least + 1e-6
