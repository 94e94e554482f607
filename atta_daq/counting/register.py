"""The EM register from the pixels that see only stray light.

A pixel with B primary electrons on average reads bias + g sum(exponential avalanches) + read
noise, g the gain in ADU per primary electron. Its distribution is known in closed form as a
characteristic function (compound Poisson of exponentials, Basden, Haniff & Mackay 2003, in the
limit of high gain):

    phi(t) = exp(i t bias - t^2 r^2 / 2 + B (1 / (1 - i t g) - 1))

Variance over mean alone (photon transfer) cannot tell g from B when the bias is unknown and only
one light level was taken; the whole shape can, so the fit needs no dark frame and no shutter.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from atta_daq.counting.measured import CalibrationError, Measured, covariance_of_minimum

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Register:
    """EM register and background, from the histogram of the pixels."""

    adu_per_electron: Measured
    """EM gain over conversion: ADU per primary (detected) electron."""
    bias_adu: Measured
    read_noise_adu: Measured
    background_electrons: Measured
    """Primary electrons per pixel and frame, clock-induced charge included."""


def pixel_probabilities(
    values: int, adu_per_electron: float, bias_adu: float, read_noise_adu: float, electrons: float
) -> FloatArray:
    """Probability of each reading 0 .. values - 1 (ADU) of one pixel with `electrons` on average.

    `values` a power of two well above the brightest pixel: the tail beyond wraps around.
    """
    t = 2.0 * np.pi * np.fft.rfftfreq(values)
    avalanche = electrons * (1.0 / (1.0 - 1j * t * adu_per_electron) - 1.0)
    # sinc: the converter rounds to whole ADU.
    phi = np.exp(1j * t * bias_adu - 0.5 * (t * read_noise_adu) ** 2 + avalanche)
    phi *= np.sinc(t / (2.0 * np.pi))
    return np.fft.irfft(np.conj(phi), values)


def fit_register(readings: NDArray[np.uint16]) -> Register:
    """Maximum-likelihood fit to the readings (any shape) of pixels outside the spot.

    Raises CalibrationError if the readings do not look like an EM register with light on it.
    """
    histogram = np.bincount(readings.ravel())
    values = 1 << max(12, math.ceil(math.log2(2.0 * histogram.size)))
    histogram = np.pad(histogram, (0, values - histogram.size)).astype(np.float64)
    occupied = np.flatnonzero(histogram)
    adu = np.arange(values)
    total = histogram.sum()
    mean = float(histogram @ adu) / total
    second = float(histogram @ (adu - mean) ** 2) / total
    third = float(histogram @ (adu - mean) ** 3) / total
    if total < 20_000 or second <= 0.0 or third <= 0.0:
        raise CalibrationError(
            "EMCCD: the background has no tail of multiplied electrons "
            f"({total:.0f} readings): check that the EM gain is on and the shutter open"
        )
    # Cumulants without read noise: 2 g^2 B and 6 g^3 B.
    gain = third / (3.0 * second)
    electrons = second / (2.0 * gain**2)

    def negative(p: FloatArray) -> float:
        g, b, r, e = math.exp(p[0]), p[1], math.exp(p[2]), math.exp(p[3])
        probability = pixel_probabilities(values, g, b, r, e)[occupied]
        return -float(histogram[occupied] @ np.log(np.maximum(probability, 1e-12)))

    start = np.array(
        [
            math.log(gain),
            max(mean - gain * electrons, 0.0),
            math.log(max(0.1 * gain, 0.5)),
            math.log(electrons),
        ]
    )
    scale = np.array([0.05, 0.1 * gain, 0.3, 0.05])
    simplex = np.vstack([start, start + np.diag(scale)])
    fit = minimize(
        negative,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "maxiter": 800, "xatol": 1e-4, "fatol": 0.01},
    )
    if not fit.success:
        raise CalibrationError(f"EMCCD: the register could not be fitted ({fit.message})")
    best = np.asarray(fit.x)
    covariance = covariance_of_minimum(negative, best, np.array([1e-3, 0.02 * gain, 0.02, 1e-3]))
    errors = np.sqrt(np.diag(covariance))
    g, r, e = (math.exp(best[k]) for k in (0, 2, 3))
    return Register(
        adu_per_electron=Measured(g, g * errors[0], "ADU/e-"),
        bias_adu=Measured(best[1], errors[1], "ADU"),
        read_noise_adu=Measured(r, r * errors[2], "ADU"),
        background_electrons=Measured(e, e * errors[3], "e-/px"),
    )
