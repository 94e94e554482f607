"""The chain of frames: likelihood, smoothed arrivals and the most probable path.

The hidden state is the number of atoms at the edge between two exposures, 0 to 5. It is a Markov
chain; `emission.Emission` gives the joint density of signal, next state and arrivals for
each frame. Lost frames advance the chain blindly: atoms may come and go there, but no arrival is
counted, and their time is not live time.
"""

import math
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from atta_daq.counting.emission import STATES, Emission

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@nb.njit(cache=True, nogil=True)
def _interpolate(table, position, out):  # pragma: no cover - compiled
    last = table.shape[0] - 1
    position = min(max(position, 0.0), last - 1e-9)
    low = int(position)
    fraction = position - low
    for n in range(out.shape[0]):
        for m in range(out.shape[1]):
            out[n, m] = (1.0 - fraction) * table[low, n, m] + fraction * table[low + 1, n, m]


@nb.njit(cache=True, nogil=True)
def _times(vector, matrix):  # pragma: no cover - compiled
    # Written out: for six states a call of BLAS costs more than the product.
    out = np.zeros(matrix.shape[1])
    for n in range(matrix.shape[0]):
        for m in range(matrix.shape[1]):
            out[m] += vector[n] * matrix[n, m]
    return out


@nb.njit(cache=True, nogil=True)
def _forward(signals, lost, first, step, transitions, blind, prior, alphas):  # pragma: no cover
    """Fills `alphas` (frames + 1, states), normalised; returns the log-likelihood."""
    states = prior.shape[0]
    alphas[0] = prior
    frame = np.empty((states, states))
    total = 0.0
    state = prior.copy()
    for k in range(signals.shape[0]):
        for _ in range(lost[k]):
            state = _times(state, blind)
        # The state at the start of the frame: after the gap, before the exposure.
        alphas[k] = state
        _interpolate(transitions, (signals[k] - first) / step, frame)
        state = _times(state, frame)
        norm = state.sum()
        state /= norm
        total += math.log(norm)
    alphas[signals.shape[0]] = state
    return total


@nb.njit(cache=True, nogil=True)
def _smooth(  # pragma: no cover - compiled
    signals, lost, first, step, transitions, births, blind, alphas, occupation, arrivals
):
    """Backward pass: posterior mean atoms at each frame's end and mean arrivals in each frame."""
    states = blind.shape[0]
    frame = np.empty((states, states))
    born = np.empty((states, states))
    beta = np.ones(states)
    for k in range(signals.shape[0] - 1, -1, -1):
        position = (signals[k] - first) / step
        _interpolate(transitions, position, frame)
        _interpolate(births, position, born)
        weight = 0.0
        arrived = 0.0
        mean = 0.0
        for n in range(states):
            for m in range(states):
                joint = alphas[k, n] * beta[m]
                weight += joint * frame[n, m]
                mean += joint * frame[n, m] * m
                arrived += joint * born[n, m]
        arrivals[k] = arrived / weight
        occupation[k] = mean / weight
        beta = _times(beta, frame.T)
        beta /= beta.sum()
        for _ in range(lost[k]):
            beta = _times(beta, blind.T)


@nb.njit(cache=True, nogil=True)
def _viterbi(  # pragma: no cover - compiled
    signals, lost, first, step, best, best_births, best_time, log_blind, log_prior, births, times
):
    """Fills the arrivals of each frame on the best path and their mean time in the frame."""
    frames = signals.shape[0]
    states = log_prior.shape[0]
    back = np.empty((frames, states), dtype=np.int8)
    gap_back = np.empty((frames, states), dtype=np.int8)
    score = log_prior.copy()
    after = np.empty(states)
    last = best.shape[0] - 1
    for k in range(frames):
        for n in range(states):
            gap_back[k, n] = n
        for _ in range(min(lost[k], 1)):
            for m in range(states):
                top = -np.inf
                for n in range(states):
                    value = score[n] + log_blind[k, n, m]
                    if value > top:
                        top = value
                        gap_back[k, m] = n
                after[m] = top
            score[:] = after
        index = int((signals[k] - first) / step + 0.5)
        index = min(max(index, 0), last)
        for m in range(states):
            top = -np.inf
            choice = 0
            for n in range(states):
                value = score[n] + best[index, n, m]
                if value > top:
                    top = value
                    choice = n
            after[m] = top
            back[k, m] = choice
        score[:] = after - after.max()
    state = 0
    for n in range(states):
        if score[n] > score[state]:
            state = n
    for k in range(frames - 1, -1, -1):
        index = int((signals[k] - first) / step + 0.5)
        index = min(max(index, 0), last)
        previous = back[k, state]
        births[k] = best_births[index, previous, state]
        times[k] = best_time[index, previous, state]
        state = gap_back[k, previous]


def poisson_prior(mean: float) -> FloatArray:
    """Number of atoms in the trap at equilibrium, Poisson of mean rate x dwell, cut at the top."""
    n = np.arange(STATES)
    weights = mean**n / np.array([math.factorial(k) for k in n], dtype=np.float64)
    return weights / weights.sum()


@dataclass(frozen=True)
class Arrivals:
    """Atoms that arrived on the most probable path."""

    frame: IntArray
    """Index of the frame of each arrival, ascending; two in one frame stand twice."""
    fraction: FloatArray
    """Mean time of the arrival within its exposure, 0 at its start to 1 at its end."""

    @property
    def count(self) -> int:
        return int(self.frame.size)


class AtomChain:
    """Birth-death hidden Markov model of the trap for one arrival rate.

    `arrivals_per_exposure`: mean arrivals in an exposure; `dwell_exposures`: mean stay of an atom
    over the exposure time; exposures follow each other without a break (frame transfer).
    """

    def __init__(
        self, emission: Emission, arrivals_per_exposure: float, dwell_exposures: float
    ) -> None:
        self._emission = emission
        self._rate = arrivals_per_exposure
        self._tables = emission.at_rate(arrivals_per_exposure)
        self._prior = poisson_prior(arrivals_per_exposure * dwell_exposures)

    def log_likelihood(self, signals: FloatArray, lost: IntArray | None = None) -> float:
        """Log of the density of `signals` (n,); `lost[k]` frames went missing before frame k."""
        return self._run_forward(signals, _gaps(signals, lost))[0]

    def smoothed(
        self, signals: FloatArray, lost: IntArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Posterior mean of the atoms at the end of each frame and of the arrivals in it."""
        gaps = _gaps(signals, lost)
        _, alphas = self._run_forward(signals, gaps)
        occupation, arrivals = np.empty(signals.size), np.empty(signals.size)
        _smooth(
            signals, gaps, self._emission.first_electrons, self._emission.step_electrons,
            self._tables.transitions, self._tables.births, self._tables.blind, alphas,
            occupation, arrivals,
        )  # fmt: skip
        return occupation, arrivals

    def arrivals(self, signals: FloatArray, lost: IntArray | None = None) -> Arrivals:
        """Arrivals on the most probable path (Viterbi). Atoms there at the start are none."""
        gaps = _gaps(signals, lost)
        births = np.zeros(signals.size, dtype=np.int64)
        times = np.zeros(signals.size)
        best = self._emission.best_at_rate(self._rate)
        _viterbi(
            signals, gaps, self._emission.first_electrons, self._emission.step_electrons,
            best.log_density, best.births, best.time,
            self._log_blind(gaps), np.log(self._prior), births, times,
        )  # fmt: skip
        return Arrivals(np.repeat(np.arange(signals.size), births), np.repeat(times, births))

    def _log_blind(self, gaps: IntArray) -> FloatArray:
        """Log transition probabilities over each gap, (frames, n, n'); unused without gaps."""
        out = np.zeros((gaps.size if gaps.any() else 1, STATES, STATES))
        # What cannot happen in so short a time has probability 0, and its logarithm is -inf.
        with np.errstate(divide="ignore"):
            for k in np.flatnonzero(gaps):
                out[k] = np.log(np.linalg.matrix_power(self._tables.blind, int(gaps[k])))
        return out

    def _run_forward(self, signals: FloatArray, gaps: IntArray) -> tuple[float, FloatArray]:
        alphas = np.empty((signals.size + 1, STATES))
        value = _forward(
            signals, gaps, self._emission.first_electrons, self._emission.step_electrons,
            self._tables.transitions, self._tables.blind, self._prior, alphas,
        )  # fmt: skip
        return value, alphas


def _gaps(signals: FloatArray, lost: IntArray | None) -> IntArray:
    if lost is None:
        return np.zeros(signals.size, dtype=np.int64)
    if lost.shape != signals.shape:
        raise ValueError("one number of lost frames per signal is needed")
    return np.asarray(lost, dtype=np.int64)


@dataclass(frozen=True)
class LikelyRate:
    """Maximum-likelihood arrivals per exposure."""

    arrivals_per_exposure: float
    information: float
    """Fisher information on log rate: the number of perfectly seen atoms that tell as much."""


START_ARRIVALS_PER_EXPOSURE = 0.05
# Baum-Welch gains a digit or so a step; the last steps only serve rates that go to zero.
BAUM_WELCH_STEPS = 60
RELATIVE_TOLERANCE = 1e-5
# Arrivals in all the frames below which there is nothing left to find.
NO_ARRIVALS = 1e-3


def most_likely_rate(
    emission: Emission,
    dwell_exposures: float,
    signals: FloatArray,
    lost: IntArray | None = None,
) -> LikelyRate:
    """Arrival rate that makes the arrivals within the frames most probable.

    Baum and Welch's iteration: the rate is the posterior mean of the arrivals over the number of
    frames. It uses all that the frames say, including atoms too brief or too crowded to be told
    apart, so that its expectation is the true rate at every rate. Atoms that were there at the
    start or came in a gap are no arrivals and do not add to it.
    """
    frames = max(signals.size, 1)

    def arrivals_at(rate: float) -> float:
        chain = AtomChain(emission, rate, dwell_exposures)
        return float(chain.smoothed(signals, lost)[1].sum())

    rate = START_ARRIVALS_PER_EXPOSURE
    for _ in range(BAUM_WELCH_STEPS):
        before, rate = rate, max(arrivals_at(rate), 0.1 * NO_ARRIVALS) / frames
        if abs(rate - before) < RELATIVE_TOLERANCE * rate or rate * frames < NO_ARRIVALS:
            break
    # The slope of the log-likelihood in log rate is arrivals_at(rate) - rate x frames.
    h = 0.05
    change = arrivals_at(rate * math.exp(h)) - arrivals_at(rate * math.exp(-h))
    information = rate * frames - change / (2.0 * h)
    return LikelyRate(rate, max(information, 0.0))
