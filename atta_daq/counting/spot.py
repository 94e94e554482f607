"""From frames of the trap's region to one number a frame: detected electrons in the spot.

The image of the trap is a Gaussian spot of known place and width. Stray light fills the whole
region and flickers as one (laser power), so its level is taken from the pixels outside the spot
of the same frame. The rest is a weighted sum over the spot with weights
`g / (b + a g)`: g the spot's share of a pixel, b the background and a the signal in electrons.
Up to a constant this is the derivative of the pixels' log-likelihood with respect to the signal
(an EM register doubles every variance, so it does not change the weights), halfway between the
matched filter of a faint spot and the plain sum of a bright one. It is normalised so that a spot
of E electrons gives E, whatever the weights.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

FloatArray = NDArray[np.float64]

# Beyond this many sigma a Gaussian spot of 2000 electrons leaves less than 0.01 electrons.
SPOT_RADIUS_SIGMA = 5.0


def spot_shares(
    shape: tuple[int, int], row_px: float, column_px: float, sigma_px: float
) -> FloatArray:
    """Share of a Gaussian spot's light in each pixel, (rows, columns); sums to 1 on a large frame.

    Positions count from the centre of pixel (0, 0). Integrated over the pixels, not sampled: at
    sigma = 1 px sampling overstates the peak by 8 %.
    """

    def edge_integral(size: int, centre: float) -> FloatArray:
        edges = np.arange(size + 1) - 0.5 - centre
        return np.diff(0.5 * erf(edges / (math.sqrt(2.0) * sigma_px)))

    return np.outer(edge_integral(shape[0], row_px), edge_integral(shape[1], column_px))


@nb.njit(cache=True, nogil=True, fastmath=True)
def _weighted_sums(frames, top, left, weights, ring, out):  # pragma: no cover - compiled
    n, rows, columns = frames.shape
    height, width = weights.shape
    inside_weight = weights.sum()
    spot_pixels = height * width
    outside = rows * columns - spot_pixels
    corners = ring.sum()
    for k in range(n):
        # Whole frame minus box plus the box's corners outside the spot: sums of integers, exact.
        total = np.int64(0)
        for i in range(rows):
            row_sum = np.int64(0)
            for j in range(columns):
                row_sum += frames[k, i, j]
            total += row_sum
        box = np.int64(0)
        box_corners = np.int64(0)
        signal = 0.0
        for i in range(height):
            row = frames[k, top + i, left : left + width]
            for j in range(width):
                value = row[j]
                box += value
                box_corners += value * ring[i, j]
                signal += value * weights[i, j]
        level = (total - box + box_corners) / (outside + corners)
        out[k, 0] = signal - level * inside_weight
        out[k, 1] = level


@dataclass(frozen=True)
class SpotFilter:
    """Weighted sum over the spot with the frame's own background taken off."""

    shape: tuple[int, int]
    """(rows, columns) of the frames."""
    row_px: float
    column_px: float
    sigma_px: float
    electrons_per_adu: float
    """Detected (primary) electrons per ADU: conversion over EM gain."""
    background_electrons: float
    """Per pixel and frame; sets the weights, not the subtraction."""
    signal_electrons: float
    """Signal for which the weights are best."""

    def __post_init__(self) -> None:
        box = self._box
        if box[0].stop - box[0].start < 2 or box[1].stop - box[1].start < 2:
            raise ValueError(
                f"the spot at row {self.row_px:.1f}, column {self.column_px:.1f} lies outside "
                f"the {self.shape[0]}x{self.shape[1]} region: move the region or recalibrate"
            )
        if self._outside_pixels < 20:
            raise ValueError("too few pixels outside the spot to take the background from")

    @cached_property
    def shares(self) -> FloatArray:
        """`spot_shares` of this spot, cut at `SPOT_RADIUS_SIGMA`, (rows, columns)."""
        return np.where(
            self._spot, spot_shares(self.shape, self.row_px, self.column_px, self.sigma_px), 0.0
        )

    @cached_property
    def weights(self) -> FloatArray:
        """Weight of each pixel, (rows, columns), with sum(weights * shares) = 1."""
        shares = self.shares
        weights = shares / (self.background_electrons + self.signal_electrons * shares)
        return weights / np.sum(weights * shares)

    def weight_moment(self, power: int, *, of_spot: bool) -> float:
        """sum w^power g (spot) or sum w^power (background), for the cumulants of the signal.

        The background's own estimate adds 1/pixels outside and is included at second order.
        """
        if of_spot:
            return float(np.sum(self.weights**power * self.shares))
        moment = float(np.sum(self.weights**power))
        if power == 2:
            moment += float(np.sum(self.weights)) ** 2 / self._outside_pixels
        return moment

    def apply(self, frames: NDArray[np.uint16]) -> FloatArray:
        """Signal of each frame in detected electrons, (n,), from frames (n, rows, columns)."""
        return self.with_background(frames)[0]

    def with_background(self, frames: NDArray[np.uint16]) -> tuple[FloatArray, FloatArray]:
        """Signal in electrons and background level in ADU (bias included) of each frame."""
        if frames.ndim != 3 or frames.shape[1:] != self.shape:
            raise ValueError(
                f"frames of shape {frames.shape[1:]} do not fit a calibration for {self.shape}"
            )
        out = np.empty((frames.shape[0], 2))
        rows, columns = self._box
        weights = np.ascontiguousarray(self.weights[rows, columns])
        ring = (~self._spot[rows, columns]).astype(np.int64)
        _weighted_sums(frames, rows.start, columns.start, weights, ring, out)
        return out[:, 0] * self.electrons_per_adu, out[:, 1]

    @cached_property
    def _spot(self) -> NDArray[np.bool_]:
        rows = np.arange(self.shape[0])[:, None] - self.row_px
        columns = np.arange(self.shape[1])[None, :] - self.column_px
        return np.hypot(rows, columns) <= SPOT_RADIUS_SIGMA * self.sigma_px

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Pixels that give the background, (rows, columns)."""
        return ~self._spot

    @property
    def _outside_pixels(self) -> int:
        return int(np.count_nonzero(~self._spot))

    @cached_property
    def _box(self) -> tuple[slice, slice]:
        radius = SPOT_RADIUS_SIGMA * self.sigma_px

        def span(centre: float, size: int) -> slice:
            low = min(max(math.floor(centre - radius), 0), size)
            high = max(min(math.ceil(centre + radius) + 1, size), low)
            return slice(low, high)

        return span(self.row_px, self.shape[0]), span(self.column_px, self.shape[1])
