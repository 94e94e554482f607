"""Peaks of a scanned cavity: search, then a Gauss-Newton fit of a Lorentzian to each of them.

A trace of 10,000 samples is reduced to the means of short blocks, which shows every peak above the
noise at a fraction of the cost; the fit uses the samples themselves. Positions are samples from
the first one given, heights volts, widths full widths at half maximum.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MOST_PEAKS = 12
"""More are not looked for: a trace with so many is no scan of two lasers."""
NOISE_THRESHOLD = 6.0
"""A peak rises above the baseline by this many standard errors of a block."""
WINDOW_FWHM = 2.0
"""Samples on either side of a peak that enter its fit. What lies beyond holds less than 1e-3 of the
information on the position."""
ITERATIONS = 12
CONVERGED_SAMPLES = 1e-3
BASELINE_STEP = 3


class Peak(NamedTuple):
    """One fitted Lorentzian with the standard errors of its parameters."""

    position: float
    """Samples."""
    position_error: float
    height: float
    """V above the local baseline."""
    height_error: float
    fwhm: float
    """Samples."""
    fwhm_error: float


class TracePeaks(NamedTuple):
    """What was found in one trace, peaks in the order of their positions."""

    peaks: tuple[Peak, ...]
    baseline_v: float
    noise_v: float
    """Standard deviation of one sample."""


def find_peaks(volts: FloatArray, expected_fwhm: float, min_height_v: float) -> TracePeaks:
    """Fit every peak of `volts` (n,) that rises above `min_height_v` and the noise.

    `expected_fwhm` (samples) sets the length of the blocks; a peak whose fit does not converge to a
    positive height and a width within a factor of 8 of it is left out.
    """
    block = 4 * max(1, int(expected_fwhm / 12.0))
    table, count, baseline, noise = _fit_trace(
        np.ascontiguousarray(volts, dtype=np.float64), block, float(expected_fwhm), min_height_v
    )
    peaks = tuple([Peak(*row) for row in table[:count].tolist()])
    return TracePeaks(peaks, baseline, noise)


def compile_fits() -> None:
    """Compile (or load from the cache) what `find_peaks` runs, so that no sweep waits for it."""
    find_peaks(lorentzian(np.arange(256.0), 128.0, 1.0, 16.0), 16.0, 0.1)


def lorentzian(x: FloatArray, centre: float, height: float, fwhm: float) -> FloatArray:
    """Height at the centre times 1/(1 + (2 (x - centre)/fwhm)^2)."""
    return height / (1.0 + (2.0 * (x - centre) / fwhm) ** 2)


@numba.njit(cache=True)
def _fit_trace(
    volts: FloatArray, block: int, expected_fwhm: float, min_height_v: float
) -> tuple[FloatArray, int, float, float]:
    """Table (peaks, 6) as the fields of `Peak`, number of rows in use, baseline, noise."""
    table = np.zeros((MOST_PEAKS, 6))
    means = _block_means(volts, block)
    baseline, spread = _baseline(means)
    threshold = baseline + max(min_height_v, NOISE_THRESHOLD * spread)
    gap = max(2, int(expected_fwhm / block))
    count = 0
    i = 0
    while i < means.size and count < MOST_PEAKS:
        if means[i] <= threshold:
            i += 1
            continue
        highest = last = i
        # Noise cuts the foot of a peak into pieces: it ends where a whole width lies below.
        while i < means.size and i - last <= gap:
            if means[i] > threshold:
                last = i
            if means[i] > means[highest]:
                highest = i
            i += 1
        start = highest * block + 0.5 * (block - 1)
        # A piece of a peak's foot leads to the same peak again.
        if _fit_peak(volts, start, baseline, expected_fwhm, table[count]) and (
            count == 0 or table[count, 0] - table[count - 1, 0] > 0.5 * table[count, 4]
        ):
            count += 1
    return table, count, baseline, spread * block**0.5


@numba.njit(cache=True, fastmath=True)
def _block_means(volts: FloatArray, block: int) -> FloatArray:
    """Means of blocks of a multiple of 4 samples; a rest at the end is left out."""
    n = volts.size // block
    means = np.empty(n)
    scale = 1.0 / block
    for i in range(n):
        total = 0.0
        for j in range(i * block, (i + 1) * block, 4):
            total += (volts[j] + volts[j + 1]) + (volts[j + 2] + volts[j + 3])
        means[i] = total * scale
    return means


@numba.njit(cache=True, fastmath=True)
def _moments_below(means: FloatArray, limit: float, origin: float) -> tuple[float, float, float]:
    """Number, sum and sum of squares (from `origin`) of every third mean below `limit`."""
    n = total = squares = 0.0
    for i in range(0, means.size, BASELINE_STEP):
        value = means[i]
        weight = 1.0 if value < limit else 0.0
        d = weight * (value - origin)
        n += weight
        total += d
        squares += d * d
    return n, total, squares


@numba.njit(cache=True)
def _baseline(means: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation of the blocks that hold no peak, by repeated clipping."""
    limit = np.inf
    centre = spread = 0.0
    for _ in range(8):
        n, total, squares = _moments_below(means, limit, centre)
        if n < 2.0:
            break
        shift = total / n
        spread = max(squares / n - shift * shift, 0.0) ** 0.5
        centre += shift
        new_limit = centre + 3.0 * spread
        if abs(new_limit - limit) < 0.1 * spread:
            break
        limit = new_limit
    return centre, spread


@numba.njit(cache=True)
def _fit_peak(
    volts: FloatArray, start: float, baseline: float, expected_fwhm: float, row: FloatArray
) -> bool:
    """Gauss-Newton from the samples above half height; fills `row`. False if there is no peak."""
    half = max(4.0, WINDOW_FWHM * expected_fwhm)
    top = volts[int(start)]
    low, high = max(0, int(start - half)), min(volts.size, int(start + half) + 1)
    for i in range(max(low, int(start - expected_fwhm)), min(high, int(start + expected_fwhm) + 1)):
        top = max(top, volts[i])
    above, moment = 0, 0.0
    for i in range(low, high):
        if volts[i] - baseline > 0.5 * (top - baseline):
            above += 1
            moment += i
    start = moment / max(above, 1)
    fwhm = max(2.0, float(above))
    half = max(4.0, WINDOW_FWHM * fwhm)
    low, high = max(0, int(start - half)), min(volts.size, int(start + half) + 1)
    n = high - low
    if n < 8:
        return False
    centre, height, width, base = start, top - baseline, 0.5 * fwhm, baseline
    converged = False
    matrix = np.empty((4, 4))
    squares = 0.0
    for _ in range(ITERATIONS):
        squares, s = _normal_equations(volts, low, high, centre, height, width, base, matrix)
        if not _invert(matrix):
            return False
        steps = np.empty(4)
        for j in range(4):
            steps[j] = 0.0
            for k in range(4):
                steps[j] += matrix[j, k] * s[k]
        # A step beyond the region of the linear model is shortened, not trusted.
        longest = max(abs(steps[0]), abs(steps[2])) / width
        scale = 1.0 if longest <= 0.5 else 0.5 / longest
        centre += scale * steps[0]
        height += scale * steps[1]
        width += scale * steps[2]
        base += scale * steps[3]
        if not (low <= centre < high and width > 0.0 and height > 0.0):
            return False
        if scale == 1.0 and abs(steps[0]) < CONVERGED_SAMPLES:
            converged = True
            break
    fwhm = 2.0 * width
    if not converged or not expected_fwhm / 8.0 < fwhm < 8.0 * expected_fwhm:
        return False
    variance = squares / (n - 4)
    row[0], row[1] = centre, (variance * matrix[0, 0]) ** 0.5
    row[2], row[3] = height, (variance * matrix[1, 1]) ** 0.5
    row[4], row[5] = fwhm, 2.0 * (variance * matrix[2, 2]) ** 0.5
    return True


@numba.njit(cache=True, fastmath=True)
def _normal_equations(
    volts: FloatArray,
    low: int,
    high: int,
    centre: float,
    height: float,
    width: float,
    base: float,
    matrix: FloatArray,
) -> tuple[float, tuple[float, float, float, float]]:
    """J^T J into `matrix`; sum of squared residuals and J^T residual. Order: centre, height, half
    width, baseline."""
    cc = ch = cw = cb = hh = hw = hb = ww = wb = 0.0
    sc = sh = sw = sb = squares = 0.0
    inverse_width = 1.0 / width
    factor = 2.0 * height * inverse_width
    for i in range(low, high):
        u = (i - centre) * inverse_width
        h = 1.0 / (1.0 + u * u)
        c = factor * u * h * h
        w = c * u
        residual = volts[i] - base - height * h
        squares += residual * residual
        cc += c * c
        ch += c * h
        cw += c * w
        cb += c
        hh += h * h
        hw += h * w
        hb += h
        ww += w * w
        wb += w
        sc += c * residual
        sh += h * residual
        sw += w * residual
        sb += residual
    rows = ((cc, ch, cw, cb), (ch, hh, hw, hb), (cw, hw, ww, wb), (cb, hb, wb, float(high - low)))
    for j in range(4):
        for k in range(4):
            matrix[j, k] = rows[j][k]
    return squares, (sc, sh, sw, sb)


@numba.njit(cache=True)
def _invert(matrix: FloatArray) -> bool:
    """Invert a symmetric positive 4 x 4 matrix in place (Gauss-Jordan). False if it is not."""
    for k in range(4):
        pivot = matrix[k, k]
        if not pivot > 0.0:
            return False
        inverse = 1.0 / pivot
        matrix[k, k] = 1.0
        for j in range(4):
            matrix[k, j] *= inverse
        for i in range(4):
            if i != k:
                factor = matrix[i, k]
                matrix[i, k] = 0.0
                for j in range(4):
                    matrix[i, j] -= factor * matrix[k, j]
    return True
