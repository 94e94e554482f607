"""Conversion, read noise and EM gain of a camera from mean and variance of its frames.

Janesick, Photon Transfer (SPIE, 2007): without multiplication the variance of a pixel is
K mean + read^2 (ADU), K in ADU per electron. The multiplication register adds its own noise: the
variance of the output is F^2 times as large as that of multiplied shot noise, F^2 = 2 at high gain
(Basden et al., MNRAS 345, 985 (2003)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

EXCESS_NOISE = 2.0
MINIMUM_LEVELS = 3


@dataclass(frozen=True)
class Level:
    """Mean and variance of a pixel at one level of light."""

    exposure_s: float
    gain: int
    """As set; 0: no multiplication."""
    mean_adu: float
    mean_error_adu: float
    variance_adu2: float
    variance_error_adu2: float


@dataclass(frozen=True)
class PhotonTransfer:
    """What the levels say of the camera; `covariance` in the order of the first four."""

    electrons_per_adu: float
    read_noise_electrons: float
    bias_adu: float
    em_gain_scale: float
    """True multiplication over the gain that was set."""
    covariance: FloatArray
    excess_noise: float
    """F^2, should be 2."""
    excess_noise_error: float


def measure_level(frames: Sequence[NDArray[np.uint16]], exposure_s: float, gain: int) -> Level:
    """Level of frames (rows, columns) of the same even light.

    The variance is half that of the difference of successive frames: pixels that differ for good
    drop out. The mean of each difference is taken off too: light that flickers as a whole is no
    noise of the pixels. Raises ValueError for fewer than four frames.
    """
    stack = np.asarray(frames, dtype=np.float64)
    pairs = stack.shape[0] // 2
    if pairs < 2:
        raise ValueError(f"{stack.shape[0]} frames are too few (4 are needed)")
    differences = (stack[1 : 2 * pairs : 2] - stack[0 : 2 * pairs : 2]).reshape(pairs, -1)
    variances = 0.5 * differences.var(axis=1, ddof=1)
    means = stack.reshape(stack.shape[0], -1).mean(axis=1)
    return Level(
        exposure_s,
        gain,
        float(means.mean()),
        float(means.std(ddof=1) / np.sqrt(means.size)),
        float(variances.mean()),
        float(variances.std(ddof=1) / np.sqrt(pairs)),
    )


def fit_photon_transfer(levels: Sequence[Level]) -> PhotonTransfer:
    """Photon transfer of levels without gain and with one gain, the same light at all of them.

    Without gain: read noise from variance against mean, bias and light from mean against exposure.
    With gain: its scale from the rise of the mean with the exposure, the conversion from the rise
    of the variance with the mean, given the excess noise of 2; the slope without gain measures
    that excess noise and so checks it. Raises ValueError when there are too
    few levels, several gains, or no light.
    """
    plain = [level for level in levels if level.gain <= 1]
    multiplied = [level for level in levels if level.gain > 1]
    gains = {level.gain for level in multiplied}
    if len(plain) < MINIMUM_LEVELS or len(multiplied) < MINIMUM_LEVELS or len(gains) != 1:
        raise ValueError(f"{MINIMUM_LEVELS} levels without gain and with one gain are needed")
    light = _line([(v.exposure_s, v.mean_adu, v.mean_error_adu) for v in plain])
    noise = _line([(v.mean_adu, v.variance_adu2, v.variance_error_adu2) for v in plain])
    if not (light.slope > 3.0 * light.slope_error and noise.slope > 3.0 * noise.slope_error):
        raise ValueError("variance and mean do not rise with the exposure: is there light?")
    bright = _line([(v.exposure_s, v.mean_adu, v.mean_error_adu) for v in multiplied])
    excess = _line([(v.mean_adu, v.variance_adu2, v.variance_error_adu2) for v in multiplied])
    gain = float(next(iter(gains)))
    scale = bright.slope / light.slope / gain
    scale2 = (bright.slope_error / bright.slope) ** 2 + (light.slope_error / light.slope) ** 2
    # The register multiplies light that a plain exposure would need minutes for: with its known
    # excess noise it gives the conversion far better than the plain frames, which check it.
    conversion = EXCESS_NOISE * gain * scale / excess.slope
    conversion2 = scale2 + (excess.slope_error / excess.slope) ** 2
    bias, bias_error = light.at(0.0)
    read2, read2_error = noise.at(bias)
    if read2 <= 0.0:
        raise ValueError("no read noise is left: the light is not even")
    read = float(np.sqrt(read2)) * conversion
    # The error of the bias moves the read noise along the line.
    own2 = (0.5 * float(np.hypot(read2_error, noise.slope * bias_error)) / read2) ** 2
    covariance = np.diag(
        [conversion**2 * conversion2, read**2 * (own2 + conversion2), bias_error**2,
         scale**2 * scale2]
    )  # fmt: skip
    covariance[0, 1] = covariance[1, 0] = conversion * read * conversion2
    covariance[0, 3] = covariance[3, 0] = conversion * scale * scale2
    covariance[1, 3] = covariance[3, 1] = read * scale * scale2
    factor = excess.slope / (noise.slope * gain * scale)
    factor2 = (
        (excess.slope_error / excess.slope) ** 2 + (noise.slope_error / noise.slope) ** 2 + scale2
    )
    return PhotonTransfer(
        conversion, read, bias, scale, covariance, factor, factor * float(np.sqrt(factor2))
    )


@dataclass(frozen=True)
class _Line:
    centre: float
    value: float
    value_error: float
    slope: float
    slope_error: float

    def at(self, x: float) -> tuple[float, float]:
        error = np.hypot(self.value_error, (x - self.centre) * self.slope_error)
        return self.value + (x - self.centre) * self.slope, float(error)


def _line(points: Sequence[tuple[float, float, float]]) -> _Line:
    """Weighted straight line about the weighted centre, where value and slope are independent."""
    x, y, error = np.array(points).T
    weight = 1.0 / np.maximum(error, 1e-12) ** 2
    total = float(weight.sum())
    centre = float(weight @ x) / total
    offset = x - centre
    spread = float(weight @ offset**2)
    if spread <= 0.0:
        raise ValueError("the levels are all the same")
    return _Line(
        centre,
        float(weight @ y) / total,
        total**-0.5,
        float(weight @ (offset * y)) / spread,
        spread**-0.5,
    )
