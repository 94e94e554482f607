"""Learns a `CountingCalibration` from frames of a trap that single atoms come to and go from.

In this order, each from the data alone: where the spot is (mean frame), the EM register and the
background (pixels outside the spot), a first guess of the atoms (moments), the spot's place and
width (frames between bright ones less frames between dark ones), then electrons per atom, dwell
time, arrival rate, noise and zero together as the maximum of the likelihood of the hidden Markov
model that also counts. That is the maximum that Baum and Welch's iteration climbs to; a
quasi-Newton method gets there in fewer passes and gives the errors.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import curve_fit, minimize

from atta_daq.counting.calibration import REGISTER_VARIANCE, CountingCalibration, signal_model
from atta_daq.counting.chain import AtomChain
from atta_daq.counting.emission import emission
from atta_daq.counting.measured import CalibrationError, Measured, covariance_of_minimum
from atta_daq.counting.register import Register, fit_register
from atta_daq.counting.spot import SpotFilter, spot_shares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

START_SIGMA_PX = 1.5
MINIMUM_FRAMES = 300
MINIMUM_ATOMS = 15.0
# Standard errors by which the mean frame must stand out at the spot.
MINIMUM_SIGNIFICANCE = 6.0
BRIGHT_QUANTILE, DARK_QUANTILE = 0.9, 0.3
DWELLS_AGREE = 4.0
"""Largest ratio of the dwell time by levels to the one by correlation alone."""
TAKE_MORE = "take more frames, at a higher loading rate if there is one"


@dataclass(frozen=True)
class _Place:
    """Row, column and sigma of the spot (px) with their errors."""

    values: FloatArray
    errors: FloatArray


@dataclass(frozen=True)
class _Atoms:
    """Parameters of the chain: electrons per atom, dwell and arrivals in exposures, noise, zero."""

    electrons: float
    dwell: float
    arrivals: float
    noise: float
    zero: float


def calibrate(
    frames: NDArray[np.uint16],
    exposure_s: float,
    lost: IntArray | None = None,
    *,
    saturated_adu: int = 65535,
) -> CountingCalibration:
    """Calibration from consecutive exposures (n, rows, columns) of the trap at work.

    `lost[k]` frames went missing before frame k; `saturated_adu` is the highest count of the
    camera's converter. A few hundred atoms give the electrons per atom
    to 1 % and the dwell time to 5 %. Raises CalibrationError, with what to change, if the frames
    hold too few atoms, are saturated, or show no EM register.
    """
    if frames.ndim != 3 or frames.shape[0] < MINIMUM_FRAMES:
        raise CalibrationError(f"at least {MINIMUM_FRAMES} frames are needed to calibrate")
    if np.count_nonzero(frames >= saturated_adu) > 1e-3 * frames.size:
        raise CalibrationError("EMCCD: saturated: lower the EM gain or the light")
    shape = (int(frames.shape[1]), int(frames.shape[2]))
    row, column = _brightest_spot(frames)
    nearby = SpotFilter(shape, row, column, START_SIGMA_PX, 1.0, 1.0, 0.0)
    register = fit_register(frames[:, nearby.outside])

    place = _Place(np.array([row, column, START_SIGMA_PX]), np.zeros(3))
    # Weights of a faint spot first; two rounds, as the place moves the weights.
    spot = _filter(shape, place, register, 0.0)
    signals = spot.apply(frames)
    for _ in range(2):
        guess = _from_moments(signals, register, spot)
        place = _fit_place(frames, signals, guess, place.values)
        spot = _filter(shape, place, register, guess.electrons)
        signals = spot.apply(frames)
    gaps = np.zeros(frames.shape[0], dtype=np.int64) if lost is None else lost
    background = register.background_electrons.value
    start = _from_moments(signals, register, spot)
    atoms, errors = fit_atoms(spot, background, signals, gaps, start)
    if not 1.0 / DWELLS_AGREE < atoms.dwell / start.dwell < DWELLS_AGREE:
        raise CalibrationError(
            "EMCCD: the light in the trap does not come and go like single atoms "
            f"(it stays {start.dwell * exposure_s:.2g} s, atoms of its brightness would stay "
            f"{atoms.dwell * exposure_s:.2g} s): look at the picture for a burst or other light"
        )
    seconds = 1.0 / exposure_s
    return CountingCalibration(
        shape=shape,
        exposure_s=exposure_s,
        spot_row_px=Measured(place.values[0], place.errors[0], "px"),
        spot_column_px=Measured(place.values[1], place.errors[1], "px"),
        spot_sigma_px=Measured(place.values[2], place.errors[2], "px"),
        adu_per_electron=register.adu_per_electron,
        bias_adu=register.bias_adu,
        read_noise_adu=register.read_noise_adu,
        background_electrons=register.background_electrons,
        electrons_per_atom=Measured(atoms.electrons, errors.electrons, "e-"),
        zero_electrons=Measured(atoms.zero, errors.zero, "e-"),
        noise_electrons=Measured(atoms.noise, errors.noise, "e-"),
        dwell_s=Measured(atoms.dwell * exposure_s, errors.dwell * exposure_s, "s"),
        arrivals_per_s=Measured(atoms.arrivals * seconds, errors.arrivals * seconds, "1/s"),
        frames=int(frames.shape[0]),
    )


def _filter(
    shape: tuple[int, int], place: _Place, register: Register, electrons: float
) -> SpotFilter:
    row, column, sigma = (float(v) for v in place.values)
    return SpotFilter(
        shape, row, column, sigma, 1.0 / register.adu_per_electron.value,
        register.background_electrons.value, 0.5 * electrons,
    )  # fmt: skip


def _brightest_spot(frames: NDArray[np.uint16]) -> tuple[float, float]:
    """Peak of the mean frame, smoothed to the size of a spot."""
    mean = frames.mean(axis=0)
    smooth = gaussian_filter(mean - np.median(mean), START_SIGMA_PX)
    spread = 1.4826 * np.median(np.abs(smooth - np.median(smooth)))
    row, column = np.unravel_index(np.argmax(smooth), smooth.shape)
    if smooth[row, column] < MINIMUM_SIGNIFICANCE * spread:
        raise CalibrationError(f"EMCCD: no spot stands out in the mean frame: {TAKE_MORE}")
    return float(row), float(column)


def _from_moments(signals: FloatArray, register: Register, spot: SpotFilter) -> _Atoms:
    """First guess, from correlations between different frames: their noise is independent.

    Atoms are a Poisson process, so the third cumulant over three neighbouring frames is E^3 times
    the mean number of atoms that stay through the middle one, and the second cumulant of the two
    outer ones is E^2 times the same number: their ratio is E, whatever the other parameters.
    """
    d = signals - signals.mean()
    one, two = float(np.mean(d[1:] * d[:-1])), float(np.mean(d[2:] * d[:-2]))
    three = float(np.mean(d[2:] * d[1:-1] * d[:-2]))
    if min(one, two, three) <= 0.0:
        raise CalibrationError(f"EMCCD: the frames show no atoms that stay: {TAKE_MORE}")
    electrons = three / two
    dwell = min(max(1.0 / math.log(max(one / two, 1.005)), 0.5), 200.0)
    shared = (dwell * -math.expm1(-1.0 / dwell)) ** 2
    occupation = one / (electrons**2 * shared)
    per_pixel = (
        REGISTER_VARIANCE * register.background_electrons.value
        + (register.read_noise_adu.value / register.adu_per_electron.value) ** 2
    )
    noise = math.sqrt(per_pixel * spot.weight_moment(2, of_spot=False))
    zero = float(signals.mean()) - electrons * occupation
    return _Atoms(electrons, dwell, occupation / dwell, noise, zero)


def _fit_place(
    frames: NDArray[np.uint16], signals: FloatArray, guess: _Atoms, start: FloatArray
) -> _Place:
    """Gaussian through the mean of the frames between bright ones less that between dark ones.

    Neighbours choose, so that the noise of a frame has no say in whether it is taken (it would
    pull the spot towards the place and width that were assumed).
    """
    level = signals - guess.zero
    dimmer, brighter = np.minimum(level[:-2], level[2:]), np.maximum(level[:-2], level[2:])
    bright, dark = dimmer > 0.6 * guess.electrons, brighter < 0.4 * guess.electrons
    if np.count_nonzero(bright) < 10 or np.count_nonzero(dark) < 10:
        # A burst of atoms can fool the moments. The brightest and the darkest frames hold more
        # and fewer atoms whatever one atom gives, and only the shape of the difference counts.
        bright = dimmer > np.quantile(dimmer, BRIGHT_QUANTILE)
        dark = brighter < np.quantile(brighter, DARK_QUANTILE)
    lit, unlit = frames[1:-1][bright], frames[1:-1][dark]
    image = lit.mean(axis=0) - unlit.mean(axis=0)
    error = np.sqrt(lit.var(axis=0) / len(lit) + unlit.var(axis=0) / len(unlit))
    shape = (image.shape[0], image.shape[1])

    def model(_: FloatArray, light: float, offset: float, *place: float) -> FloatArray:
        return (light * spot_shares(shape, *place) + offset).ravel()

    try:
        values, covariance = curve_fit(
            model, np.arange(image.size), image.ravel(), [max(image.sum(), 1.0), 0.0, *start],
            sigma=np.maximum(error, 1e-9).ravel(), absolute_sigma=True,
            bounds=([0.0, -np.inf, 0.0, 0.0, 0.3], [np.inf, np.inf, *shape, min(shape) / 4.0]),
        )  # fmt: skip
    except RuntimeError as failure:
        raise CalibrationError(f"EMCCD: the spot could not be fitted: {TAKE_MORE}") from failure
    return _Place(values[2:], np.sqrt(np.diag(covariance))[2:])


def fit_atoms(
    spot: SpotFilter,
    background_electrons: float,
    signals: FloatArray,
    lost: IntArray,
    start: _Atoms,
) -> tuple[_Atoms, _Atoms]:
    """Most likely parameters of the chain and their standard errors."""

    def atoms_of(p: FloatArray) -> _Atoms:
        electrons, dwell, arrivals, noise = (float(v) for v in np.exp(p[:4]))
        return _Atoms(electrons, dwell, arrivals, noise, float(p[4]))

    def vector_of(atoms: _Atoms) -> FloatArray:
        logs = np.log([atoms.electrons, atoms.dwell, atoms.arrivals, atoms.noise])
        return np.array([*logs, atoms.zero])

    def negative(p: FloatArray) -> float:
        atoms = atoms_of(p)
        model = signal_model(spot, atoms.electrons, atoms.zero, atoms.noise, background_electrons)
        tables = emission(model, atoms.dwell)
        chain = AtomChain(tables, atoms.arrivals, atoms.dwell)
        return -chain.log_likelihood(signals, lost)

    start = max(_ladder(start), key=lambda atoms: -negative(vector_of(atoms)))
    number = max(start.arrivals * signals.size, 5.0)
    # About the standard errors that so many atoms give: in these units the problem is round.
    unit = np.array(
        [
            0.15 / math.sqrt(number),
            1.2 / math.sqrt(number),
            1.1 / math.sqrt(number),
            0.8 / math.sqrt(signals.size),
            start.noise / math.sqrt(signals.size),
        ]
    )
    origin = vector_of(start)
    fit = minimize(
        lambda x: negative(origin + x * unit),
        np.zeros(5),
        method="BFGS",
        options={"gtol": 0.05, "eps": 0.05, "maxiter": 60},
    )
    best = origin + np.asarray(fit.x) * unit
    atoms = atoms_of(best)
    if atoms.arrivals * signals.size < MINIMUM_ATOMS:
        raise CalibrationError(
            f"only {atoms.arrivals * signals.size:.0f} atoms came during the frames, "
            f"{MINIMUM_ATOMS:.0f} are needed: {TAKE_MORE}"
        )
    e = np.sqrt(np.diag(covariance_of_minimum(negative, best, 0.5 * unit)))
    errors = _Atoms(
        atoms.electrons * e[0], atoms.dwell * e[1], atoms.arrivals * e[2], atoms.noise * e[3], e[4]
    )
    return atoms, errors


def _ladder(guess: _Atoms) -> list[_Atoms]:
    """The guess with other electrons per atom, second moment and mean signal kept.

    The likelihood has other maxima, where one atom is taken for two that always come together or
    two for one; and atoms that avoid each other (a trap fed one by one) fool the moments.
    """
    out = []
    for factor in np.geomspace(0.4, 3.0, 16):
        electrons, arrivals = guess.electrons * factor, guess.arrivals / factor**2
        zero = guess.zero + guess.electrons * guess.dwell * guess.arrivals * (1.0 - 1.0 / factor)
        out.append(_Atoms(electrons, guess.dwell, arrivals, guess.noise, zero))
    return out
