"""How many of the atoms are counted: the counting model run on signals that it made itself.

The count of a segment is N = round(information(r) r t) with r the maximum-likelihood arrival
rate and t the live time. `information(r)` is the Fisher information on log r over the true number
of atoms: the fraction of perfectly seen atoms that would tell as much. For few atoms it is the
fraction that is seen at all (an atom that stays 20 ms of a 100-ms exposure is not); for many it
also holds what overlap blurs. With it N has the mean and, to a few per cent, the variance of a
Poisson number of mean rate x live x efficiency, at every rate. Efficiency is information times
the small bias of r (paths beyond five atoms are left out). Both come from seeded simulation of
signals, once per calibration.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.chain import AtomChain
from atta_daq.counting.emission import Emission, SignalModel, emission

FloatArray = NDArray[np.float64]

# Mean atoms in the trap at which the model is run.
MEAN_ATOMS = (0.1, 0.2, 0.4, 0.7, 1.1, 1.6)


@dataclass(frozen=True)
class SimulatedSignals:
    """A stretch of exposures made by the counting model's own assumptions."""

    signals: FloatArray
    """(frames,) electrons."""
    arrivals: FloatArray
    """Arrival times in exposures from the start, ascending; atoms there at the start excluded."""
    stays: FloatArray
    """Stay of each of those atoms, exposures."""


def simulate_signals(
    model: SignalModel,
    arrivals_per_exposure: float,
    dwell_exposures: float,
    frames: int,
    rng: np.random.Generator,
) -> SimulatedSignals:
    """Atoms in continuous time, in equilibrium at the start, and the signals that they leave."""
    present = rng.poisson(arrivals_per_exposure * dwell_exposures)
    arrivals = np.sort(rng.uniform(0.0, frames, rng.poisson(arrivals_per_exposure * frames)))
    start = np.concatenate([np.zeros(present), arrivals])
    stays = rng.exponential(dwell_exposures, start.size)
    edges = np.arange(frames + 1, dtype=np.float64)
    occupied = _elapsed(start, edges) - _elapsed(start + stays, edges)
    atoms = np.maximum(np.diff(occupied), 0.0)
    return SimulatedSignals(model.sample(atoms, rng), arrivals, stays[present:])


def _elapsed(times: FloatArray, edges: FloatArray) -> FloatArray:
    """sum_i max(edge - times_i, 0) at each edge."""
    ordered = np.sort(times)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    before = np.searchsorted(ordered, edges)
    return before * edges - sums[before]


@dataclass(frozen=True)
class EfficiencyCurve:
    """Detected over true atoms as a function of the true arrival rate.

    Polynomials in the mean number of atoms (rate x dwell), coefficients with the lowest power
    first, fitted to the simulated rates and held constant beyond the highest.
    """

    dwell_s: float
    information: FloatArray
    """Coefficients of the Fisher information on log rate per true atom."""
    bias: FloatArray
    """Coefficients of the most likely rate over the true one: a constant (1 but for the grid of
    the model) and a fourth power (paths beyond five atoms)."""
    error: FloatArray
    """Coefficients of the relative standard error of the bias: the simulation's own statistics
    and the errors of the calibration."""

    def _value(self, coefficients: FloatArray, rate_per_s: float) -> float:
        atoms = min(max(rate_per_s, 0.0) * self.dwell_s, MEAN_ATOMS[-1])
        return float(np.polynomial.polynomial.polyval(atoms, coefficients))

    def information_at(self, rate_per_s: float) -> float:
        """Weight of an atom: what the count holds of the most likely number of arrivals."""
        return self._value(self.information, rate_per_s)

    def at(self, rate_per_s: float) -> float:
        """E[counts] / (rate x live)."""
        return self.information_at(rate_per_s) * self._value(self.bias, rate_per_s)

    def error_at(self, rate_per_s: float) -> float:
        """Standard error of `at`, common to all segments of one calibration."""
        return abs(self._value(self.error, rate_per_s)) * self.at(rate_per_s)

    def true_rate(self, likely_rate_per_s: float) -> float:
        """True arrival rate whose most likely rate is this on average (self-consistent)."""
        rate = likely_rate_per_s
        for _ in range(5):
            rate = likely_rate_per_s / self._value(self.bias, rate)
        return rate


def efficiency_curve(
    calibration: CountingCalibration, *, frames: int = 200_000, seed: int = 1
) -> EfficiencyCurve:
    """Run the counting model over `frames` simulated exposures at each of `MEAN_ATOMS`.

    The calibration's errors enter as the change of the estimated rate when the same signals are
    counted with each parameter moved by its error, added in quadrature. Takes a few seconds.
    """
    rng = np.random.default_rng(seed)
    model, dwell = calibration.signal_model(), calibration.dwell_exposures
    nominal = emission(model, dwell)
    moved = _moved(calibration, model, dwell)
    information, bias, error, scatter = (np.empty(len(MEAN_ATOMS)) for _ in range(4))
    for k, mean_atoms in enumerate(MEAN_ATOMS):
        rate = mean_atoms / dwell
        made = simulate_signals(model, rate, dwell, frames, rng)
        atoms, expected = max(made.arrivals.size, 1), rate * frames
        curvature = _curvature(nominal, rate, dwell, made.signals)
        surplus = _posterior_arrivals(nominal, rate, dwell, made.signals)
        information[k] = curvature / atoms
        # One Newton step in log rate from the truth, held against the atoms that came, not
        # those expected: their scatter is no bias.
        bias[k] = 1.0 + (surplus - expected) / curvature - (atoms - expected) / expected
        scatter[k] = math.sqrt(max(1.0 / information[k] - 1.0, 1e-3) / atoms)
        variance = 0.0
        for other, other_dwell in moved:
            change = _posterior_arrivals(other, rate, other_dwell, made.signals) - surplus
            variance += (change / curvature) ** 2
        error[k] = math.sqrt(variance)
    axis, weights = np.array(MEAN_ATOMS), 1.0 / scatter

    def fit(values: FloatArray, powers: int | list[int], w: FloatArray | None) -> FloatArray:
        return np.polynomial.polynomial.polyfit(axis, values, powers, w=w).astype(np.float64)

    statistical = np.sqrt(2.0 / np.sum(weights**2))
    return EfficiencyCurve(
        dwell_s=calibration.dwell_s.value,
        information=fit(information, 2, weights),
        bias=fit(bias, [0, 4], weights),
        error=fit(np.hypot(error, statistical), 2, None),
    )


def _posterior_arrivals(tables: Emission, rate: float, dwell: float, signals: FloatArray) -> float:
    """Posterior mean of the arrivals at the true rate: less rate x frames it is the slope of the
    log-likelihood in log rate (Fisher's identity)."""
    return float(AtomChain(tables, rate, dwell).smoothed(signals)[1].sum())


def _curvature(tables: Emission, rate: float, dwell: float, signals: FloatArray) -> float:
    """Fisher information on log rate."""
    h = 0.1
    low, middle, high = (
        AtomChain(tables, rate * factor, dwell).log_likelihood(signals)
        for factor in (math.exp(-h), 1.0, math.exp(h))
    )
    return -(low - 2.0 * middle + high) / h**2


def _moved(
    calibration: CountingCalibration, model: SignalModel, dwell: float
) -> list[tuple[Emission, float]]:
    """Tables with one parameter of the calibration moved by its error."""
    atom, noise = calibration.electrons_per_atom, calibration.noise_electrons
    moved_dwell = dwell + calibration.dwell_s.error / calibration.exposure_s
    zero = calibration.zero_electrons
    return [
        (emission(replace(model, electrons_per_atom=atom.value + atom.error), dwell), dwell),
        (emission(replace(model, noise_electrons=noise.value + noise.error), dwell), dwell),
        (emission(replace(model, zero_electrons=zero.value + zero.error), dwell), dwell),
        (emission(model, moved_dwell), moved_dwell),
    ]
