"""The electron-multiplying sensor: from light on the pixels to counts in the file.

Photo-electrons and clock-induced charge are Poisson; the multiplication register turns n of
them into Gamma(n, G) electrons (Basden et al., MNRAS 345, 985 (2003)), which has the excess
noise F^2 = 2; the amplifier adds Gaussian read noise; the converter rounds and clips.

Two samplers give the same distribution. `exact_frame` draws every pixel. `FrameSampler` draws
the pixels of an even background from the inverse of its distribution function and adds the rest
electron by electron: Poisson electrons add, and so do their Gamma outputs. It is some twenty
times faster.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

TABLE_SIZE = 65536
ADC_MAXIMUM = 65535

CONVERTER_NOISE_ADU = 0.3
"""Noise of the converter itself: rounding, 1/sqrt(12)."""


@dataclass(frozen=True)
class Readout:
    """How electrons become counts in one frame."""

    gain: float
    """Mean multiplication of one electron; 1 or less: the register does not multiply."""
    read_noise_electrons: float
    electrons_per_adu: float
    bias_adu: float
    full_well_electrons: float
    """A pixel holds no more before the register."""

    @property
    def multiplies(self) -> bool:
        return self.gain > 1.0


@dataclass(frozen=True)
class Spot:
    """Atoms' image on the frame."""

    electrons: float
    """Expected number on the whole sensor."""
    x_px: float
    """Of its centre, in pixels of the frame; whole numbers are pixel centres."""
    y_px: float
    sigma_x_px: float
    sigma_y_px: float


def spot_map(spot: Spot, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Expected electrons of `spot` in each pixel of a frame of `shape` (rows, columns)."""

    def fractions(centre: float, sigma: float, count: int) -> NDArray[np.float64]:
        edges = (np.arange(count + 1) - 0.5 - centre) / (math.sqrt(2.0) * sigma)
        return 0.5 * np.diff(erf(edges))

    rows = fractions(spot.y_px, spot.sigma_y_px, shape[0])
    columns = fractions(spot.x_px, spot.sigma_x_px, shape[1])
    return spot.electrons * np.outer(rows, columns)


def exact_frame(
    mean_electrons: NDArray[np.float64], readout: Readout, stream: np.random.Generator
) -> NDArray[np.uint16]:
    """Draw each pixel of a frame whose expected electrons are `mean_electrons`. ADU."""
    # far above the full well the Poisson spread does not matter, but numpy's sampler overflows
    mean = np.minimum(mean_electrons, 10.0 * readout.full_well_electrons)
    electrons = np.minimum(stream.poisson(mean), readout.full_well_electrons)
    output = electrons * max(readout.gain, 1.0)
    if readout.multiplies:
        output = np.where(electrons > 0, stream.standard_gamma(np.maximum(electrons, 1)), 0.0)
        output *= readout.gain
    output = output + readout.read_noise_electrons * stream.standard_normal(mean.shape)
    counts = np.floor(readout.bias_adu + output / readout.electrons_per_adu + 0.5)
    return np.clip(counts, 0, ADC_MAXIMUM).astype(np.uint16)


def output_quantiles(
    mean_electrons: float, noise: float, multiplies: bool, size: int = TABLE_SIZE
) -> NDArray[np.float32]:
    """Quantiles (i + 1/2)/size of one pixel's output, in units of the gain.

    `mean_electrons` are Poisson, each becomes an exponential of mean 1 (or exactly 1 if the
    register does not multiply), and Gaussian `noise` (rms, same unit, > 0) is added. Found by a
    Fourier transform of the characteristic function; without multiplication the output is a comb
    smoothed by the noise, and the same formula holds.
    """
    spread = math.sqrt((2.0 if multiplies else 1.0) * mean_electrons + noise**2)
    low = -12.0 * noise
    high = mean_electrons + 12.0 * spread + 25.0
    points = 1 << math.ceil(math.log2((high - low) / (noise / 16.0)))
    step = (high - low) / points
    omega = 2.0 * np.pi * np.fft.rfftfreq(points, step)
    one = 1.0 / (1.0 - 1j * omega) if multiplies else np.exp(1j * omega)
    transform = np.exp(mean_electrons * (one - 1.0) - 0.5 * (noise * omega) ** 2)
    # exp(-i omega low) moves the interval's start to zero; irfft wants the conjugate sign
    density = np.fft.irfft(np.conj(transform) * np.exp(1j * omega * low), points)
    cumulative = np.cumsum(np.maximum(density, 0.0))
    cumulative /= cumulative[-1]
    wanted = (np.arange(size) + 0.5) / size
    return (low + step * (0.5 + np.interp(wanted, cumulative, np.arange(points)))).astype(
        np.float32
    )


@numba.njit(cache=True, inline="always")
def _next(state):
    """One step of xoshiro256** (Blackman and Vigna 2018): 64 random bits."""
    result = state[1] * np.uint64(5)
    result = ((result << np.uint64(7)) | (result >> np.uint64(57))) * np.uint64(9)
    shifted = state[1] << np.uint64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << np.uint64(45)) | (state[3] >> np.uint64(19))
    return result


@numba.njit(cache=True, inline="always")
def _uniform(state):
    return (np.float64(_next(state) >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True)
def _draw(state, table, extra, spot_electrons, spot, rows, columns, multiplies, scale, offset):
    """A frame from the background's quantiles, `extra` electrons anywhere, and a spot."""
    pixels = rows * columns
    output = np.empty(pixels, np.float32)
    for first in range(0, pixels, 4):
        bits = _next(state)
        for pixel in range(first, min(first + 4, pixels)):
            output[pixel] = table[bits & np.uint64(0xFFFF)]
            bits >>= np.uint64(16)
    for _ in range(extra):
        pixel = int(_uniform(state) * pixels)
        output[pixel] += -np.log(_uniform(state)) if multiplies else 1.0
    x, y, sigma_x, sigma_y = spot
    for _ in range(spot_electrons):
        # Box-Muller gives both coordinates of one electron
        radius = np.sqrt(-2.0 * np.log(_uniform(state)))
        angle = 2.0 * np.pi * _uniform(state)
        column = int(np.floor(x + sigma_x * radius * np.cos(angle) + 0.5))
        row = int(np.floor(y + sigma_y * radius * np.sin(angle) + 0.5))
        amplified = -np.log(_uniform(state)) if multiplies else 1.0
        if 0 <= row < rows and 0 <= column < columns:
            output[row * columns + column] += amplified
    frame = np.empty((rows, columns), np.uint16)
    flat = frame.reshape(pixels)
    for pixel in range(pixels):
        counts = output[pixel] * scale + offset + 0.5
        flat[pixel] = np.uint16(min(max(counts, 0.0), 65535.0))
    return frame


class FrameSampler:
    """Draws frames of an even background with a spot, from tables that it keeps.

    A table belongs to a background level (steps of 8 %) and a ratio of read noise to gain
    (steps of 1 %). A frame takes the level just below its own background and adds what is
    missing electron by electron, so that any background is met exactly and tables are rebuilt
    only when gain or background have really moved.
    """

    LEVEL_STEP = 0.08
    NOISE_STEP = 0.01
    TABLES = 64
    STRONG_ELECTRONS = 200.0
    """Above this many electrons a pixel, pixel by pixel is as fast and stays exact."""
    SPOT_LIMIT = 50_000.0

    def __init__(self, stream: np.random.Generator) -> None:
        self._stream = stream
        self._state = stream.integers(1, 2**63, 4).astype(np.uint64)
        self._tables: OrderedDict[tuple[int, int, bool], NDArray[np.float32]] = OrderedDict()

    def frame(
        self, background_electrons: float, spot: Spot, shape: tuple[int, int], readout: Readout
    ) -> NDArray[np.uint16]:
        """A frame (rows, columns), ADU.

        `background_electrons`: expected electrons in each pixel, clock-induced charge included.
        """
        if background_electrons > self.STRONG_ELECTRONS or spot.electrons > self.SPOT_LIMIT:
            return exact_frame(background_electrons + spot_map(spot, shape), readout, self._stream)
        pixels = shape[0] * shape[1]
        gain = max(readout.gain, 1.0)
        noise = max(readout.read_noise_electrons, CONVERTER_NOISE_ADU * readout.electrons_per_adu)
        level, table = self._table(background_electrons, noise / gain, readout.multiplies)
        missing = pixels * (background_electrons - level)
        return _draw(
            self._state,
            table,
            int(self._stream.poisson(missing)) if missing > 0.0 else 0,
            int(self._stream.poisson(spot.electrons)) if spot.electrons > 0.0 else 0,
            (spot.x_px, spot.y_px, spot.sigma_x_px, spot.sigma_y_px),
            shape[0],
            shape[1],
            readout.multiplies,
            gain / readout.electrons_per_adu,
            readout.bias_adu,
        )

    def _table(
        self, background: float, noise: float, multiplies: bool
    ) -> tuple[float, NDArray[np.float32]]:
        step = math.floor(math.log(max(background, 1e-6)) / self.LEVEL_STEP)
        level = math.exp(step * self.LEVEL_STEP)
        noise_step = round(math.log(noise) / self.NOISE_STEP)
        key = (step, noise_step, multiplies)
        table = self._tables.get(key)
        if table is None:
            table = output_quantiles(level, math.exp(noise_step * self.NOISE_STEP), multiplies)
            self._tables[key] = table
            if len(self._tables) > self.TABLES:
                self._tables.popitem(last=False)
        else:
            self._tables.move_to_end(key)
        return level, table
