"""What one exposure shows of the atoms: transitions within the frame and the signal they leave.

Between the start and the end of an exposure the number of atoms goes from n to n', with b
arrivals on the way and an exposure-averaged number of atoms A = (1/T) int n(t) dt that need not
be an integer: an atom that comes in the middle of the exposure gives half its signal. With a
dwell of five exposures every third frame of a trapped atom is such a frame. So the emission
belongs to the transition, not to the state:

    L(S, n', b | n) = x^b exp(-x) sum_A  Q(A, n', b | n)  p(S | A)

with x the mean arrivals in an exposure. Q does not depend on x, because arrivals are a Poisson
process; it is found by running the birth-death process through `STEPS` sub-steps of the exposure
and keeping A on a grid. p(S | A) is a gamma distribution with shift, which has the mean, variance
and skewness of an EM register's output: its k-th cumulant is k! times that of the electrons
(compound Poisson of exponential avalanches).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

FloatArray = NDArray[np.float64]

MAX_ATOMS = 5
STATES = MAX_ATOMS + 1
MAX_ARRIVALS = 3
"""Most arrivals told apart within one exposure."""
STEPS = 16
SIGNAL_BINS = 768
# Probability density of a frame that no model explains (cosmic ray), per electron: keeps one
# such frame from deciding a segment.
OUTLIER_DENSITY = 1e-12


@dataclass(frozen=True)
class SignalModel:
    """Distribution of the signal of one exposure given its mean number of atoms."""

    electrons_per_atom: float
    """Detected electrons of an atom that stays for the whole exposure."""
    zero_electrons: float
    """Signal without atoms."""
    noise_electrons: float
    """Standard deviation without atoms."""
    noise_skewness: float
    atom_variance: float
    """Variance per electron of atom signal (2 for a plain sum behind an EM register)."""
    atom_third_cumulant: float
    """Third cumulant per electron of atom signal (6 for a plain sum)."""

    def cumulants(self, atoms: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, variance and third cumulant of the signal for `atoms` (exposure average)."""
        light = self.electrons_per_atom * atoms
        mean = self.zero_electrons + light
        variance = self.noise_electrons**2 + self.atom_variance * light
        third = self.noise_skewness * self.noise_electrons**3 + self.atom_third_cumulant * light
        return mean, variance, third

    def density(self, signals: FloatArray, atoms: FloatArray) -> FloatArray:
        """p(S | A), 1/electron, shape (atoms, signals): a gamma distribution with shift."""
        mean, variance, third = (c[:, None] for c in self.cumulants(atoms))
        sigma = np.sqrt(variance)
        skewness = np.maximum(third / sigma**3, 1e-3)
        shape = 4.0 / skewness**2
        x = (signals[None, :] - mean) / sigma
        # Of the standardised variable: gamma(shape) of mean 0 and variance 1.
        argument = np.maximum(shape + x * np.sqrt(shape), 1e-300)
        log_density = (
            (shape - 1.0) * np.log(argument) - argument - gammaln(shape) + 0.5 * np.log(shape)
        )
        return np.exp(log_density) / sigma + OUTLIER_DENSITY

    def sample(self, atoms: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One signal for each element of `atoms`, from the same distribution as `density`."""
        mean, variance, third = self.cumulants(atoms)
        sigma = np.sqrt(variance)
        shape = 4.0 / np.maximum(third / sigma**3, 1e-3) ** 2
        return mean + sigma * (rng.standard_gamma(shape) - shape) / np.sqrt(shape)


def occupancy_paths(departures_per_exposure: float, steps: int) -> tuple[FloatArray, FloatArray]:
    """Q(n', b, A | n) for one exposure and its first moment in the arrival times.

    Arguments: exposure over dwell time, sub-steps. Returns two arrays (n, n', b, a): the weight,
    to be multiplied by x^b exp(-x), and the weight times the summed arrival times (in exposures
    from the start). A = a / (2 steps). Paths beyond `MAX_ATOMS` or `MAX_ARRIVALS` are left out.
    """
    shape = (STATES, STATES, MAX_ARRIVALS + 1, 2 * steps * MAX_ATOMS + 1)
    weight, moment = np.zeros(shape), np.zeros(shape)
    for start in range(STATES):
        weight[start, start, 0, 0] = 1.0
    _run_paths(_step_kernel(departures_per_exposure / steps, steps), steps, weight, moment)
    return weight, moment


def _step_kernel(departures: float, steps: int) -> FloatArray:
    """(n, m, add): weight of going from n to m atoms in a sub-step with `add` arrivals."""
    leave = -math.expm1(-departures)
    # An atom that arrives within a sub-step has on average half of it in which to leave again.
    at_once = 1.0 - leave / departures
    kernel = np.zeros((STATES, STATES, 3))
    for n in range(STATES):
        for d in range(n + 1):
            deaths = math.comb(n, d) * leave**d * (1.0 - leave) ** (n - d)
            for add in range(3):
                arrive = 1.0 / (steps**add * math.factorial(add))
                for k in range(add + 1):
                    if n - d + k < STATES:
                        stay = math.comb(add, k) * (1.0 - at_once) ** k * at_once ** (add - k)
                        kernel[n, n - d + k, add] += deaths * arrive * stay
    return kernel


@nb.njit(cache=True, nogil=True)
def _run_paths(kernel, steps, weight, moment):  # pragma: no cover - compiled
    # All bounds come from the arrays: known ones make the compiler unroll for ten seconds.
    starts, states, births, bins = weight.shape
    for start in range(starts):
        for step in range(steps):
            then = np.zeros((states, births, bins))
            then_moment = np.zeros((states, births, bins))
            time = (step + 0.5) / steps
            reached = 2 * step * (states - 1) + 1
            for n in range(states):
                for m in range(states):
                    for add in range(kernel.shape[2]):
                        p = kernel[n, m, add]
                        for b in range(births - add):
                            for a in range(reached):
                                w = p * weight[start, n, b, a]
                                then[m, b + add, a + n + m] += w
                                then_moment[m, b + add, a + n + m] += (
                                    p * moment[start, n, b, a] + add * time * w
                                )
            weight[start] = then
            moment[start] = then_moment


@lru_cache(maxsize=4)
def _paths(departures_per_exposure: float, steps: int) -> tuple[FloatArray, FloatArray]:
    # A fit moves the dwell time in one of five directions only; the arrays are never written to.
    return occupancy_paths(departures_per_exposure, steps)


@dataclass(frozen=True)
class Emission:
    """L(S, n', b | n) on a grid of signals, without the factor x^b exp(-x)."""

    first_electrons: float
    step_electrons: float
    seen: FloatArray
    """(signal, n, n', b), 1/electron."""
    blind: FloatArray
    """(n, n', b): weights of an exposure that nobody saw."""
    density: FloatArray
    """(signal, a): p(S | A)."""
    moment: FloatArray
    """(n, n', b, a): weight times the summed arrival times."""

    def at_rate(self, arrivals_per_exposure: float) -> "RateTables":
        """The tables for sums over all paths, for one arrival rate."""
        factor = _birth_factor(arrivals_per_exposure)
        number = np.arange(MAX_ARRIVALS + 1)
        return RateTables(
            transitions=self.seen @ factor,
            births=self.seen @ (factor * number),
            blind=self.blind @ factor,
        )

    def best_at_rate(self, arrivals_per_exposure: float) -> "BestTables":
        """The tables for the most probable path, for one arrival rate."""
        weighted = self.seen * _birth_factor(arrivals_per_exposure)
        chosen = np.argmax(weighted, axis=-1)[..., None]
        best = np.take_along_axis(weighted, chosen, axis=-1)[..., 0]
        bins = self.moment.shape[-1]
        timed = (self.density @ self.moment.reshape(-1, bins).T).reshape(self.seen.shape)
        number = np.maximum(np.arange(MAX_ARRIVALS + 1), 1)
        time = np.full_like(timed, 0.5)
        np.divide(timed, self.seen * number, out=time, where=self.seen > 0.0)
        with np.errstate(divide="ignore"):
            log_density = np.log(best)
        return BestTables(
            log_density=log_density,
            births=chosen[..., 0].astype(np.int8),
            time=np.take_along_axis(time, chosen, axis=-1)[..., 0],
        )


def _birth_factor(arrivals_per_exposure: float) -> FloatArray:
    if not arrivals_per_exposure > 0.0:
        raise ValueError("the arrival rate must be positive")
    number = np.arange(MAX_ARRIVALS + 1)
    factor = arrivals_per_exposure**number * math.exp(-arrivals_per_exposure)
    return np.asarray(factor, dtype=np.float64)


@dataclass(frozen=True)
class RateTables:
    """Sums over the arrivals in a frame, for one arrival rate."""

    transitions: FloatArray
    """(signal, n, n'): density, 1/electron."""
    births: FloatArray
    """(signal, n, n'): density times the number of arrivals."""
    blind: FloatArray
    """(n, n'): transition probability over one exposure that nobody saw."""


@dataclass(frozen=True)
class BestTables:
    """The most probable number of arrivals in a frame, for one arrival rate; (signal, n, n')."""

    log_density: FloatArray
    births: NDArray[np.int8]
    time: FloatArray
    """Mean time of those arrivals, in exposures from the frame's start."""


def emission(model: SignalModel, dwell_exposures: float, steps: int = STEPS) -> Emission:
    """Tables for atoms that stay `dwell_exposures` exposures on average."""
    if not dwell_exposures > 0.0:
        raise ValueError("the dwell time must be positive")
    weight, moment = _paths(1.0 / dwell_exposures, steps)
    shape, bins = weight.shape[:-1], weight.shape[-1]
    atoms = np.arange(bins) / (2.0 * steps)
    mean, variance, _ = model.cumulants(np.array([0.0, float(MAX_ATOMS)]))
    signals = np.linspace(
        mean[0] - 8.0 * math.sqrt(variance[0]), mean[1] + 6.0 * math.sqrt(variance[1]), SIGNAL_BINS
    )
    density = np.ascontiguousarray(model.density(signals, atoms).T)
    return Emission(
        first_electrons=float(signals[0]),
        step_electrons=float(signals[1] - signals[0]),
        seen=(density @ weight.reshape(-1, bins).T).reshape(SIGNAL_BINS, *shape),
        blind=weight.sum(axis=-1),
        density=density,
        moment=moment,
    )
