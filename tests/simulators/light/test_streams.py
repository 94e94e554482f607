import numpy as np
import pytest

from simulators.world.processes import OrnsteinUhlenbeck, relaxed, wander
from simulators.world.streams import Streams


def test_a_stream_depends_on_seed_and_name_alone() -> None:
    first, second = Streams(7), Streams(7)
    second["other"].random(100)
    assert first["a"].random() == second["a"].random()
    assert Streams(7)["a"].random() != Streams(7)["b"].random()
    assert Streams(7)["a"].random() != Streams(8)["a"].random()


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        Streams(-1)


@pytest.mark.parametrize("step_s", [0.1, 1.0, 30.0])
def test_ornstein_uhlenbeck_has_its_statistics_at_any_step(step_s: float) -> None:
    process = OrnsteinUhlenbeck(2.0, 1.0, 0.0, np.random.default_rng(3))
    values = np.array([process.at(step_s * i) for i in range(1, 20001)])
    correlated = max(1.0, 2.0 / step_s)
    assert values.std() == pytest.approx(2.0, abs=5.0 * 2.0 * np.sqrt(correlated / 40000))
    neighbours = np.mean(values[1:] * values[:-1]) / values.var()
    assert neighbours == pytest.approx(np.exp(-step_s), abs=5.0 * np.sqrt(correlated / 20000))


def test_ornstein_uhlenbeck_stands_still_without_time() -> None:
    process = OrnsteinUhlenbeck(1.0, 1.0, 0.0, np.random.default_rng(3))
    value = process.at(5.0)
    assert process.at(5.0) == value
    assert process.at(4.0) == value


def test_wander_changes_by_its_rate_within_a_minute_and_stays_bounded() -> None:
    rng = np.random.default_rng(5)
    changes, late = [], []
    for _ in range(2000):
        process = wander(10.0, 3600.0, 0.0, rng)
        start = process.at(0.0)
        changes.append(process.at(60.0) - start)
        late.append(process.at(1e6))
    assert np.std(changes) == pytest.approx(10.0, rel=0.08)
    assert np.std(late) == pytest.approx(10.0 / np.sqrt(2 * (1 - np.exp(-1 / 60))), rel=0.08)


def test_relaxed() -> None:
    assert relaxed(1.0, 3.0, 2.0, 2.0) == pytest.approx(3.0 - 2.0 / np.e)
