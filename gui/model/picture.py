"""How a camera picture is shown: its levels and its place on the sensor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = tuple[float, float]
Rect = tuple[int, int, int, int]
"""x, y, width, height in pixels of the sensor."""
_SAMPLE = 64
"""Rows and columns that percentiles are taken from: 4096 pixels tell as much as 262144."""


def robust_levels(image: NDArray[Any]) -> Levels:
    """Black and white (ADU) that a few hot or dark pixels cannot move: 1 % and 99.7 %.

    A single atom lights about 1 % of the region of interest and is not cut off.
    """
    rows, columns = (max(1, -(-side // _SAMPLE)) for side in image.shape)
    low, high = np.percentile(image[::rows, ::columns], (1.0, 99.7))
    return float(low), float(max(high, low + 1.0))


def place_on_sensor(shape: tuple[int, ...], roi: Rect | None) -> Rect:
    """Where a picture lies: in the region of interest when it has its size, else at the origin."""
    height, width = shape
    if roi is not None and (width, height) == roi[2:]:
        return roi
    return 0, 0, width, height
