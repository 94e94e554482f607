"""Zero of the frequency axis from the reference cell's modulation-transfer signal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime
from scipy.optimize import least_squares

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.physics.hyperfine import components

FloatArray = NDArray[np.float64]

_ABUNDANCE = {82: 0.116, 83: 0.115, 84: 0.570, 86: 0.173}
_EVEN_SHIFT_MHZ = 100.0
"""82Kr lies about this far to the red of 84Kr on 819 nm, 86Kr to the blue (assumed: mass scaling
of the known shifts). An error of 10 MHz in it moves the zero by less than 0.2 MHz."""
NEIGHBOUR_SYSTEMATIC_MHZ = 0.2
MINIMUM_SIGNIFICANCE = 8.0
MINIMUM_HEIGHT = 5.0
"""Over the rms of the residuals: the wing of a far line is significant as a whole, but not seen in
single samples."""
MINIMUM_GAIN = 2.0
"""Squared residuals of a cubic over those of the line, which has as many parameters: a slope is no
line. With a hundredth of noise a real one has more than 40, with a fiftieth and 1 MHz of jitter 4.
"""
MINIMUM_OF_EXPECTED = 0.5
"""Of the known height: 82Kr, 86Kr and the components of 83Kr are below a third of 84Kr's."""
WIDTHS_MHZ = (8.0, 200.0)
SEARCH_CENTRES = 25
SEARCH_WIDTHS_MHZ = (20.0, 45.0, 90.0)


@dataclass(frozen=True)
class ReferenceLine:
    """The 84Kr line in the cell's signal."""

    centre_mhz: float
    centre_error_mhz: float
    width_mhz: float
    """Distance of the signal's two extrema."""
    height_v: float
    """Of the extremum on the blue side; negative when the demodulation is inverted."""
    noise_v: float
    """Rms of the residuals."""


def cell_lines() -> tuple[FloatArray, FloatArray]:
    """Centres (MHz from 84Kr) and heights (over 84Kr's) of the isotopes in natural krypton."""
    odd = components(83)
    centres = [-_EVEN_SHIFT_MHZ, 0.0, _EVEN_SHIFT_MHZ, *(c.total_mhz for c in odd)]
    heights = [_ABUNDANCE[82], _ABUNDANCE[84], _ABUNDANCE[86]]
    heights += [_ABUNDANCE[83] * c.strength for c in odd]
    return np.array(centres), np.array(heights) / _ABUNDANCE[84]


def cell_signal(detuning_mhz: FloatArray, centre_mhz: float, width_mhz: float) -> FloatArray:
    """Signal of natural krypton over the height of the 84Kr line, shape of `detuning_mhz`.

    Each line is the derivative of a Lorentzian with its extrema `width_mhz` apart.
    """
    centres, heights = cell_lines()
    x = (detuning_mhz[:, None] - centre_mhz - centres) / (0.5 * width_mhz)
    return (16.0 / 9.0 * x / (1.0 + x**2 / 3.0) ** 2) @ heights


def fit_reference_line(
    detuning_mhz: FloatArray, volts: FloatArray, expected_v: float | None = None
) -> ReferenceLine:
    """The 84Kr line in signal samples against detuning on a preliminary axis.

    `expected_v`: height of the line as it was seen before, with its sign. Without it a strong
    component of 83Kr, which has the same shape, passes for it.

    Raises ValueError when no line stands out of the noise, or it is not within the samples, or
    it is another isotope's.
    """
    if detuning_mhz.size < 7 or detuning_mhz.size != volts.size:
        raise ValueError(f"{detuning_mhz.size} samples are too few (7 are needed)")
    low, high = float(detuning_mhz.min()), float(detuning_mhz.max())

    def residuals(p: FloatArray) -> FloatArray:
        # In noise the search may run away to any width: keep its exponential finite.
        width = np.exp(np.clip(p[1], -5.0, 10.0))
        return p[2] * cell_signal(detuning_mhz, p[0], width) + p[3] - volts

    # Height and offset are linear: search centre and width only, then polish all four.
    best = (np.inf, np.zeros(4))
    for centre in np.linspace(low, high, SEARCH_CENTRES):
        for width in SEARCH_WIDTHS_MHZ:
            shape = cell_signal(detuning_mhz, centre, width)
            design = np.column_stack([shape, np.ones_like(shape)])
            solution, *_ = np.linalg.lstsq(design, volts, rcond=None)
            rest = float(np.sum((design @ solution - volts) ** 2))
            if rest < best[0]:
                best = (rest, np.array([centre, np.log(width), *solution]))
    found = least_squares(residuals, best[1], method="lm")
    if not low <= found.x[0] <= high:
        raise ValueError("no dispersive line within the samples")
    freedom = detuning_mhz.size - 4
    noise = float(np.sqrt(2.0 * found.cost / freedom))
    information = found.jac.T @ found.jac
    covariance = np.linalg.pinv(information) * noise**2
    centre, width, height = (
        float(found.x[0]),
        float(np.exp(np.clip(found.x[1], -5.0, 10.0))),
        float(found.x[2]),
    )
    error = float(np.sqrt(covariance[2, 2]))
    if abs(height) < max(MINIMUM_SIGNIFICANCE * error, MINIMUM_HEIGHT * noise):
        raise ValueError(f"signal {abs(height):.2g} V does not stand out of {noise:.2g} V of noise")
    if _rest_of_cubic(detuning_mhz, volts) < MINIMUM_GAIN * 2.0 * found.cost:
        raise ValueError("the samples show a slope, not a line")
    if not WIDTHS_MHZ[0] <= width <= WIDTHS_MHZ[1]:
        raise ValueError(f"a line {width:.0f} MHz wide is not that of the cell")
    if expected_v is not None and height / expected_v < MINIMUM_OF_EXPECTED:
        raise ValueError(
            f"a line {height:+.2g} V high is not 84Kr's, which has {expected_v:+.2g} V here "
            "(reference_cell.line_height_v, at the seed's operating current)"
        )
    return ReferenceLine(centre, float(np.sqrt(covariance[0, 0])), width, height, noise)


def _rest_of_cubic(detuning_mhz: FloatArray, volts: FloatArray) -> float:
    """Sum of the squared residuals of a smooth curve through the samples."""
    design = np.vander((detuning_mhz - detuning_mhz.mean()) / np.ptp(detuning_mhz), 4)
    solution, *_ = np.linalg.lstsq(design, volts, rcond=None)
    return float(np.sum((design @ solution - volts) ** 2))


def fit_reference_zero(
    axis: AxisCalibration,
    ratio: FloatArray,
    volts: FloatArray,
    made: AwareDatetime | None = None,
    expected_v: float | None = None,
) -> AxisCalibration:
    """`axis` with its zero moved onto the 84Kr line of samples (ratio, volts), any order.

    The neighbouring isotopes are part of the fitted signal; the error of the zero holds a
    systematic for them. `expected_v` as in `fit_reference_line`. Raises ValueError when the
    samples do not show the line.
    """
    detuning = np.array([axis.ratio_to_detuning(float(r)) for r in ratio])
    line = fit_reference_line(detuning, np.asarray(volts, dtype=np.float64), expected_v)
    zero = axis.zero.value + line.centre_mhz / axis.mhz_per_ratio
    error = float(np.hypot(line.centre_error_mhz, NEIGHBOUR_SYSTEMATIC_MHZ))
    return axis.with_zero(zero, error, made, "reference cell, 84Kr")
