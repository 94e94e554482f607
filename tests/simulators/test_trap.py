import itertools
import math

import numpy as np
import pytest
from scipy import stats

from simulators.world.cloud import Cloud
from simulators.world.quench import PulseTrain
from simulators.world.shutter import Shutter
from simulators.world.trap import SingleAtoms


def atoms(lifetime_s: float = 0.5, seed: int = 1) -> SingleAtoms:
    return SingleAtoms(lifetime_s, np.random.default_rng(seed))


def test_arrivals_are_poisson_at_the_rate():
    trap = atoms()
    per_s = [0]
    for second in range(4000):
        before = trap.wanted_total
        trap.run(second, second + 1.0, 0.7, 0.0)
        per_s.append(trap.wanted_total - before)
    counts = np.array(per_s[1:])
    assert counts.mean() == pytest.approx(0.7, abs=4 * math.sqrt(0.7 / 4000))
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.1)


def test_arrivals_do_not_depend_on_how_time_is_cut():
    coarse, fine = atoms(seed=5), atoms(seed=5)
    coarse.run(0.0, 100.0, 1.3, 0.0)
    for step in range(1000):
        fine.run(step * 0.1, (step + 1) * 0.1, 1.3, 0.0)
    assert [a.rig_time_s for a in fine.log] == pytest.approx([a.rig_time_s for a in coarse.log])


def test_a_rate_that_changes_inside():
    trap = atoms(seed=2)
    for second in range(4000):
        trap.run(second, second + 0.5, 2.0, 0.0)
        trap.run(second + 0.5, second + 1.0, 0.5, 0.0)
    phase = np.array([a.rig_time_s % 1.0 for a in trap.log])
    share = np.mean(phase < 0.5)
    assert share == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / phase.size))


def test_stays_are_exponential():
    trap = atoms(lifetime_s=0.5, seed=3)
    trap.run(0.0, 4000.0, 1.0, 0.0)
    stays = [a.leaves_s - a.rig_time_s for a in trap.log]
    assert stats.kstest(stays, stats.expon(scale=0.5).cdf).pvalue > 0.01


def test_presence_is_the_exact_overlap():
    trap = atoms(seed=4)
    edges = np.linspace(0.0, 500.0, 4001)
    presence = [trap.run(a, b, 1.5, 0.2) for a, b in itertools.pairwise(edges)]
    for k in (10, 777, 3999):
        expected = sum(
            max(0.0, min(a.leaves_s, edges[k + 1]) - max(a.rig_time_s, edges[k])) for a in trap.log
        )
        assert presence[k] == pytest.approx(expected, abs=1e-12)
    assert sum(presence) / 500.0 == pytest.approx(1.7 * 0.5, rel=0.15)


def test_false_events_have_their_own_rate_and_are_marked():
    trap = atoms(seed=6)
    trap.run(0.0, 1000.0, 1.0, 0.3)
    assert trap.false_total == sum(not a.wanted for a in trap.log)
    assert trap.false_total == pytest.approx(300, abs=4 * math.sqrt(300))
    assert trap.wanted_total == pytest.approx(1000, abs=4 * math.sqrt(1000))


def test_quench_light_expels_and_clear_empties():
    trap = atoms(lifetime_s=1e6)
    trap.run(0.0, 100.0, 5.0, 0.0)
    before = trap.present
    trap.run(100.0, 100.005, 0.0, 0.0, expel_time_s=0.005)
    assert trap.present / before == pytest.approx(math.exp(-1.0), abs=0.09)
    trap.clear()
    assert trap.present == 0
    assert trap.run(100.005, 101.0, 0.0, 0.0) == 0.0


def cloud(noise: float = 0.0) -> Cloud:
    return Cloud(0.5, 0.005, noise, 0.0, np.random.default_rng(1))


def test_cloud_loads_and_empties_exponentially():
    trap = cloud()
    trap.run(0.0, 1.0, 7e9, quenched=False)
    assert trap.atoms == pytest.approx(7e9 * 0.5 * (1 - math.exp(-2.0)))
    full = trap.atoms
    loss = 1 / 0.5 + 1 / 0.005
    trap.run(1.0, 1.05, 7e9, quenched=True)
    limit = 7e9 / loss
    assert trap.atoms == pytest.approx(limit + (full - limit) * math.exp(-loss * 0.05))


def test_cloud_integral_and_history_agree():
    trap = cloud()
    total = sum(trap.run(k * 0.1, (k + 1) * 0.1, 1e9, quenched=k == 5) for k in range(10))
    times_s = np.linspace(0.0, 1.0, 200001)
    seen, quenched = trap.history(times_s)
    assert np.trapezoid(seen, times_s) == pytest.approx(total, rel=1e-4)
    assert quenched[times_s < 0.499].sum() == 0
    assert quenched[(times_s > 0.501) & (times_s < 0.599)].all()


def test_cloud_history_survives_many_pieces_and_forgets_the_old():
    trap = Cloud(0.5, 0.005, 0.0, 0.0, np.random.default_rng(1), memory_s=10.0)
    for k in range(2000):
        trap.run(k * 0.1, (k + 1) * 0.1, 1e9, quenched=False)
    seen, _ = trap.history(np.linspace(191.0, 199.0, 50))
    assert seen == pytest.approx(np.full(50, 5e8))
    assert len(trap._pieces) < 300


def test_each_trap_cycle_has_its_own_technical_noise():
    trap = cloud(noise=0.01)
    factors = []
    for k in range(400):
        trap.run(k * 1.05, k * 1.05 + 0.05, 1e9, quenched=True)
        trap.run(k * 1.05 + 0.05, (k + 1) * 1.05, 1e9, quenched=False)
        seen, _ = trap.history(np.array([k * 1.05 + 1.0]))
        factors.append(seen[0] / (5e8 * (1 - math.exp(-0.95 / 0.5))))
    residual = np.array(factors[1:])
    assert residual.std() == pytest.approx(0.01, rel=0.15)


def test_pulse_train_edges_and_levels():
    train = PulseTrain(10.0, 1.0, 0.2, 3)
    edges, time_s = [], 0.0
    while (time_s := train.next_edge_s(time_s)) < math.inf:
        edges.append(time_s)
    assert edges == pytest.approx([10.0, 10.2, 11.0, 11.2, 12.0, 12.2])
    assert [train.high(t) for t in (9.9, 10.1, 10.3, 12.1, 12.3, 13.1)] == [
        *(False, True, False, True, False, False)
    ]


def test_shutter_takes_its_time_both_ways():
    shutter = Shutter(0.01)
    shutter.set(5.0, True)
    assert shutter.opening(5.004) == pytest.approx(0.4)
    assert shutter.next_edge_s(5.0) == pytest.approx(5.01)
    shutter.set(5.005, False)
    assert shutter.opening(5.0075) == pytest.approx(0.25)
    assert shutter.opening(6.0) == 0.0
    assert shutter.next_edge_s(6.0) == math.inf
