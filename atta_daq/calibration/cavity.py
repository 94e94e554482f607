"""Free spectral range, sign, zero and order of the cavity from the lines of the reference cell.

The samples are ratios of the cavity's peaks and the cell's signal there. The lines of natural
krypton are known in MHz, so that they measure the cavity: their distance the free spectral range,
their order on the ratio axis the sign, their place the zero, and how many free spectral ranges
the zero lies away the order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.physics.hyperfine import components, hyperfine_energy_mhz
from atta_daq.physics.krypton import PUMPING_LINE, isotope, line

FloatArray = NDArray[np.float64]

EVEN_SHIFT_MHZ = 100.0
EVEN_SHIFT_ERROR_MHZ = 5.0
"""82Kr and 86Kr lie so far below and above 84Kr (assumed: mass scaling of the known shifts)."""
ODD_SHIFT_ERROR_MHZ = 1.0
"""Of the centre of gravity of 83Kr (assumed: rounding and errors of the paper's Table 4)."""
DIPOLE_ERROR_MHZ = 0.05
QUADRUPOLE_ERROR_MHZ = 0.5
"""Of each A and B of 83Kr (assumed). They set the error of the free spectral range: the lines of
83Kr are its ruler."""
SEARCH_FSR = (0.96, 0.98, 1.0, 1.02, 1.04)
"""The free spectral range is looked for within 5 % of the former one."""
SEARCH_STEP_MHZ = 8.0
SEARCH_WIDTHS_MHZ = (30.0, 45.0, 70.0)
MINIMUM_SAMPLES = 40
SIGN_SIGNIFICANCE = 25.0
"""Least -2 ln L by which one sign must be better than the other."""
MINIMUM_VARIANCE_RATIO = 4.0
"""Variance of the samples over what the lines leave unexplained: 1 in noise."""
ISOTOPES = (84, 82, 86, 83)


@dataclass(frozen=True)
class Ruler:
    """Errors of what the literature says of the lines (MHz)."""

    even_mhz: float = EVEN_SHIFT_ERROR_MHZ
    odd_mhz: float = ODD_SHIFT_ERROR_MHZ
    dipole_mhz: float = DIPOLE_ERROR_MHZ
    quadrupole_mhz: float = QUADRUPOLE_ERROR_MHZ

    def errors(self) -> FloatArray:
        """Of 82Kr, 86Kr, 83Kr, A lower, B lower, A upper, B upper."""
        a, b = self.dipole_mhz, self.quadrupole_mhz
        return np.array([self.even_mhz, self.even_mhz, self.odd_mhz, a, b, a, b])


LITERATURE = Ruler()


@dataclass(frozen=True)
class CavityFit:
    """What the samples say of the cavity."""

    fsr_mhz: float
    sign: int
    zero_ratio: float
    """Ratio on the 84Kr line, at order 0."""
    order: int
    covariance: FloatArray
    """Of free spectral range and zero."""
    width_mhz: float
    noise_v: float
    """Rms of a sample away from the lines."""
    jitter_mhz: float
    """Rms that the samples' frequency adds on the slopes of the lines."""
    chi_square: float
    degrees_of_freedom: int
    sign_deviance: float
    """By how much the other sign is worse."""
    pulls: FloatArray
    """Fitted less literature over its error, as in `Ruler.errors`."""
    fitted_v: FloatArray

    @property
    def fsr_error_mhz(self) -> float:
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def zero_error(self) -> float:
        """In ratio."""
        return float(np.sqrt(self.covariance[1, 1]))


def fit_cavity(
    ratio: FloatArray, volts: FloatArray, fsr_mhz: float, ruler: Ruler = LITERATURE
) -> CavityFit:
    """Fit samples (n,) of the cell's signal against the ratio; `fsr_mhz` within 5 % of the truth.

    Line shape, height of each isotope and offset are free; the positions are the literature's
    within its errors. Raises ValueError when the samples do not show the lines of krypton or do
    not tell the sign.
    """
    if ratio.size < MINIMUM_SAMPLES or ratio.size != volts.size:
        raise ValueError(f"{ratio.size} samples are too few ({MINIMUM_SAMPLES} are needed)")
    problem = _Problem(ratio, volts, fsr_mhz, ruler)
    found = {sign: problem.solve(sign) for sign in (1, -1)}
    best = min(found, key=lambda sign: found[sign].deviance)
    fit, other = found[best], found[-best]
    difference = other.deviance - fit.deviance
    unexplained = float(np.mean((volts - fit.fitted) ** 2))
    if float(np.var(volts)) < MINIMUM_VARIANCE_RATIO * unexplained:
        raise ValueError("the lines of krypton do not stand out of the noise")
    if difference < SIGN_SIGNIFICANCE:
        raise ValueError("the samples do not tell the sign: the lines look alike mirrored")
    order, zero = _order(fit.zero, best)
    return CavityFit(
        fsr_mhz=fit.fsr, sign=best, zero_ratio=zero, order=order, covariance=fit.covariance,
        width_mhz=fit.width, noise_v=fit.noise, jitter_mhz=fit.jitter,
        chi_square=fit.chi_square, degrees_of_freedom=ratio.size - problem.free,
        sign_deviance=difference, pulls=fit.pulls, fitted_v=fit.fitted,
    )  # fmt: skip


def _order(zero: float, sign: int) -> tuple[int, float]:
    """Order in use, and the ratio on the 84Kr line where that is seen at order 0.

    One free spectral range of the master moves the ratio on a line by 1/0.9906.
    """
    candidates = ((n, zero + sign * n / SLAVE_OVER_MASTER) for n in range(-5, 6))
    return min(candidates, key=lambda c: abs(c[1] - 0.5))


def positions_mhz(corrections: FloatArray) -> list[FloatArray]:
    """Line positions (MHz from 84Kr) of each of `ISOTOPES`; corrections as in `Ruler.errors`."""
    d82, d86, d83, a_low, b_low, a_high, b_high = corrections
    lower, upper = PUMPING_LINE
    pumped, spin = line(lower, upper), isotope(83).nuclear_spin
    j_low, j_high = float(pumped.j_lower), float(pumped.j_upper)
    odd = [
        c.total_mhz
        + d83
        + hyperfine_energy_mhz(c.f_upper, j_high, spin, a_high, b_high)
        - hyperfine_energy_mhz(c.f_lower, j_low, spin, a_low, b_low)
        for c in components(83)
    ]
    return [
        np.zeros(1),
        np.array([d82 - EVEN_SHIFT_MHZ]),
        np.array([d86 + EVEN_SHIFT_MHZ]),
        np.array(odd),
    ]


_STRENGTHS = [np.ones(1), np.ones(1), np.ones(1), np.array([c.strength for c in components(83)])]


def _shapes(detuning_mhz: FloatArray, width_mhz: float, corrections: FloatArray) -> FloatArray:
    """Signal of each isotope at unit height, and a constant: (n, 5)."""
    columns = []
    for centres, strengths in zip(positions_mhz(corrections), _STRENGTHS, strict=True):
        x = (detuning_mhz[:, None] - centres) / (0.5 * width_mhz)
        columns.append((16.0 / 9.0 * x / (1.0 + x**2 / 3.0) ** 2) @ strengths)
    return np.column_stack([*columns, np.ones_like(detuning_mhz)])


@dataclass(frozen=True)
class _Solution:
    fsr: float
    zero: float
    width: float
    covariance: FloatArray
    noise: float
    jitter: float
    chi_square: float
    deviance: float
    """-2 ln L, but for a constant."""
    pulls: FloatArray
    fitted: FloatArray


def _noise_and_jitter(rest: FloatArray, slope_squared: FloatArray) -> tuple[float, float]:
    """Rms of the noise (V) and of the laser's jitter (MHz) that make squared residuals likeliest.

    A sample's variance is noise^2 + (jitter slope)^2. Least squares on the squares themselves would
    be ruled by the few largest on the slopes, and find no noise where there is some.
    """
    total = max(float(np.mean(rest)), 1e-300)
    steepness = slope_squared / max(float(np.mean(slope_squared)), 1e-300)
    scaled = rest / total

    def minus_log(p: FloatArray) -> tuple[float, FloatArray]:
        parts = np.exp(p[0]) * np.ones_like(steepness), np.exp(p[1]) * steepness
        variance = parts[0] + parts[1]
        pull = (1.0 - scaled / variance) / variance
        gradient = np.array([float(pull @ part) for part in parts])
        return float(np.sum(np.log(variance) + scaled / variance)), gradient

    bounds = [(-14.0, 3.0), (-14.0, 3.0)]
    found = minimize(minus_log, np.log([0.5, 0.5]), jac=True, bounds=bounds, method="L-BFGS-B")
    share = np.exp(found.x)
    scale = max(float(np.mean(slope_squared)), 1e-300)
    return float(np.sqrt(total * share[0])), float(np.sqrt(total * share[1] / scale))


class _Problem:
    """Least squares with the linear part (heights, offset) solved in every step."""

    free = 8
    """Parameters that the data determine: scale, zero, width and five linear ones."""

    def __init__(self, ratio: FloatArray, volts: FloatArray, fsr_mhz: float, ruler: Ruler) -> None:
        self._ratio = ratio
        self._volts = volts
        self._fsr = fsr_mhz
        self._errors = ruler.errors()

    def solve(self, sign: int) -> _Solution:
        """Best fit with this sign."""
        start = self._search(sign)
        weights = np.ones_like(self._volts)
        noise, jitter = 1.0, 0.0
        for _ in range(4):
            found = least_squares(self._residuals, start, args=(sign, weights), method="lm")
            start = found.x
            fitted, slope = self._model(found.x, sign, weights)
            # A sample's variance: noise, and on the slope of a line the laser's jitter.
            noise, jitter = _noise_and_jitter((self._volts - fitted) ** 2, slope**2)
            weights = 1.0 / np.sqrt(noise**2 + (jitter * slope) ** 2)
        found = least_squares(self._residuals, start, args=(sign, weights), method="lm")
        fitted, _slope = self._model(found.x, sign, weights)
        covariance = np.linalg.pinv(found.jac.T @ found.jac)
        fsr, zero, width, corrections = self._unpack(found.x)
        scale = np.diag([fsr * 0.01, 1.0 / self._fsr])
        chi_square = float(np.sum((weights * (self._volts - fitted)) ** 2))
        deviance = (
            chi_square - 2.0 * float(np.log(weights).sum()) + float(found.x[3:] @ found.x[3:])
        )
        return _Solution(
            fsr, zero, width, scale @ covariance[:2, :2] @ scale, noise, jitter,
            chi_square, deviance,
            corrections / self._errors, fitted,
        )  # fmt: skip

    def _unpack(self, p: FloatArray) -> tuple[float, float, float, FloatArray]:
        """Parameters in units in which all are of order one."""
        # In noise the search may run away: keep the exponentials finite.
        fsr = self._fsr * float(np.exp(np.clip(0.01 * p[0], -0.3, 0.3)))
        width = float(np.exp(np.clip(p[2], 1.0, 6.0)))
        return fsr, float(p[1]) / self._fsr, width, p[3:] * self._errors

    def _design(self, p: FloatArray, sign: int) -> FloatArray:
        fsr, zero, width, corrections = self._unpack(p)
        detuning = sign * (self._ratio - zero) * fsr * SLAVE_OVER_MASTER
        return _shapes(detuning, width, corrections)

    def _residuals(self, p: FloatArray, sign: int, weights: FloatArray) -> FloatArray:
        design = self._design(p, sign) * weights[:, None]
        target = self._volts * weights
        heights, *_ = np.linalg.lstsq(design, target, rcond=None)
        return np.concatenate([target - design @ heights, p[3:]])

    def _model(
        self, p: FloatArray, sign: int, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Fitted signal and its slope with the frequency (V/MHz)."""
        design = self._design(p, sign)
        heights, *_ = np.linalg.lstsq(design * weights[:, None], self._volts * weights, rcond=None)
        moved = p.copy()
        moved[1] += 0.5
        ahead = self._design(moved, sign) @ heights
        moved[1] -= 1.0
        behind = self._design(moved, sign) @ heights
        return design @ heights, (ahead - behind) / SLAVE_OVER_MASTER

    def _search(self, sign: int) -> FloatArray:
        """Scale, zero and width on a grid, positions as in the literature."""
        low, high = float(self._ratio.min()), float(self._ratio.max())
        span = (high - low) * self._fsr
        steps = round(2.0 * span / SEARCH_STEP_MHZ)
        best, start = np.inf, np.zeros(10)
        heights_in = np.array([0.570, 0.116, 0.173, 0.115]) / 0.570
        for zero in np.linspace(low - 0.5 * (high - low), high + 0.5 * (high - low), steps):
            for width in SEARCH_WIDTHS_MHZ:
                # Natural abundances: free heights would fit any dispersive line anywhere.
                p = np.array([0.0, zero * self._fsr, np.log(width), *np.zeros(7)])
                rest = self._rest(p, sign, heights_in)
                if rest < best:
                    best, start = rest, p
        around = start.copy()
        for factor in SEARCH_FSR:
            for shift in np.arange(-24.0, 25.0, SEARCH_STEP_MHZ):
                p = around.copy()
                p[0], p[1] = 100.0 * np.log(factor), around[1] + shift
                rest = self._rest(p, sign, heights_in)
                if rest < best:
                    best, start = rest, p
        return start

    def _rest(self, p: FloatArray, sign: int, heights: FloatArray) -> float:
        design = self._design(p, sign)
        shape = np.column_stack([design[:, :4] @ heights, design[:, 4]])
        solution, *_ = np.linalg.lstsq(shape, self._volts, rcond=None)
        return float(np.sum((shape @ solution - self._volts) ** 2))
