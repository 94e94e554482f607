"""Where the next counting time goes. Pure: the same knowledge and seed give the same visits.

The aim is the variance of one number (c-optimality): c^T M^-1 c, M the information matrix of all
free parameters, c the derivative of the wanted number. A visit of t seconds at a place adds
g g^T t / (r + v t): g the gradient of its counts per second, r their expected rate with false
counts, v what the 83Kr normaliser adds. See F. Pukelsheim, Optimal Design of Experiments (1993),
chapter 2, and for designs averaged over what is not known yet K. Chaloner and I. Verdinelli,
Statistical Science 10, 273 (1995).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.knowledge import Knowledge, Place, expected_error

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Visit:
    """Counting for a while at one place."""

    place: Place
    dwell_s: float


@dataclass(frozen=True)
class Room:
    """What one block has room for."""

    fill_s: float
    """Time between its brackets; it takes at least one visit."""
    budget_s: float
    """Counting time that is left of the scan's."""
    quantum_s: float
    """Dwells are whole multiples of this, but for the last of the scan."""


def information_with(knowledge: Knowledge, visits: Iterable[Visit]) -> FloatArray:
    """Expected information with these visits on top, shape (k, p, p).

    Places that the knowledge does not know of add nothing.
    """
    information = knowledge.information.copy()
    rows = {place: i for i, place in enumerate(knowledge.places)}
    for visit in visits:
        i = rows.get(visit.place)
        if i is None:
            continue
        gradient = knowledge.gradient_per_s[:, i, :]
        gain = _gain(knowledge, i, visit.dwell_s)
        information += gain[:, None, None] * gradient[:, :, None] * gradient[:, None, :]
    return information


def error_with(knowledge: Knowledge, visits: Iterable[Visit]) -> float:
    """Expected standard error of the wanted number with these visits on top."""
    return expected_error(information_with(knowledge, visits)[0], knowledge.direction[0])


def best_visits(
    knowledge: Knowledge, taken: Sequence[Visit], room: Room, seed: Sequence[int]
) -> tuple[Visit, ...]:
    """The next block: each quantum goes where it lowers the wanted variance most per second.

    `taken` are visits that the knowledge does not include yet. The reduction is relative and
    averaged over the knowledge's parameter sets; going to a place that is not yet in the block
    costs the dead time of the way. `seed` decides between equals and shuffles the order of the
    visits, so that no drift of the source lies along the axis.
    """
    rng = np.random.default_rng(seed)
    rank = rng.permutation(len(knowledge.places))
    information = information_with(knowledge, taken)
    dwell = np.zeros(len(knowledge.places))
    budget_s, used_s = room.budget_s, 0.0
    while (step_s := _step(budget_s, room.quantum_s)) > 0.0:
        cost = step_s + np.where(dwell > 0.0, 0.0, knowledge.overhead_s)
        fits = used_s + cost <= room.fill_s if used_s else np.full(dwell.size, True)
        if not fits.any():
            break
        score = np.where(fits, _reduction(knowledge, information, dwell, step_s) / cost, -np.inf)
        best = np.flatnonzero(score >= score.max() * (1.0 - 1e-9))
        i = int(best[np.argmin(rank[best])])
        gradient = knowledge.gradient_per_s[:, i, :]
        gain = _gain(knowledge, i, dwell[i] + step_s) - _gain(knowledge, i, dwell[i])
        information += gain[:, None, None] * gradient[:, :, None] * gradient[:, None, :]
        dwell[i] += step_s
        used_s += float(cost[i])
        budget_s -= step_s
    chosen = [Visit(knowledge.places[i], float(dwell[i])) for i in np.flatnonzero(dwell)]
    return tuple(chosen[i] for i in rng.permutation(len(chosen)))


def even_visits(
    counted_s: Mapping[Place, float], room: Room, overhead_s: float = 0.0
) -> tuple[Visit, ...]:
    """The next block without any knowledge: a quantum each where least was counted so far.

    Equals are taken in the order of `counted_s`.
    """
    counted = dict(counted_s)
    dwell: dict[Place, float] = {}
    budget_s, used_s = room.budget_s, 0.0
    while counted and (step_s := _step(budget_s, room.quantum_s)) > 0.0:
        place = min(counted, key=lambda p: counted[p])
        cost_s = step_s + (0.0 if place in dwell else overhead_s)
        if used_s and used_s + cost_s > room.fill_s:
            break
        dwell[place] = dwell.get(place, 0.0) + step_s
        counted[place] += step_s
        used_s += cost_s
        budget_s -= step_s
    return tuple(Visit(place, seconds) for place, seconds in dwell.items())


def _step(budget_s: float, quantum_s: float) -> float:
    """The next quantum; a last one takes a rest of less than half of one along."""
    if budget_s < 1.5 * quantum_s:
        return budget_s if budget_s > 1e-6 else 0.0
    return quantum_s


def _gain(knowledge: Knowledge, i: int, dwell_s: float) -> FloatArray:
    """Factor of g g^T in the information of one visit, shape (k,)."""
    return dwell_s / (knowledge.rate_per_s[:, i] + knowledge.noise_per_s2[:, i] * dwell_s)


def _reduction(
    knowledge: Knowledge, information: FloatArray, dwell: FloatArray, step_s: float
) -> FloatArray:
    """Mean relative fall of the wanted variance by one more quantum at each place, shape (n,)."""
    inverse = np.linalg.inv(information)
    direction, gradient = knowledge.direction, knowledge.gradient_per_s
    towards = np.einsum("kpq,kq->kp", inverse, direction)
    variance = np.einsum("kp,kp->k", direction, towards)
    along = np.einsum("knp,kp->kn", gradient, towards)
    spread = np.einsum("knp,kpq,knq->kn", gradient, inverse, gradient)
    rate, noise = knowledge.rate_per_s, knowledge.noise_per_s2
    gain = (dwell + step_s) / (rate + noise * (dwell + step_s)) - dwell / (rate + noise * dwell)
    fall = along**2 * gain / (1.0 + spread * gain)
    return np.mean(fall / variance[:, None], axis=0)
