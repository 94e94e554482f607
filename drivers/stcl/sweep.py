"""From two photodiode traces to peaks and ratios of the rising and of the falling ramp."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.stcl.peaks import Peak, find_peaks
from drivers.stcl.settings import StclSettings

FloatArray = NDArray[np.float64]

FALLING_FROM, RISING_FROM, END = 0.25, 0.75, 1.25
"""The triangle starts in the middle, rising: its first whole passes, in periods."""
EDGE = 0.015
"""Share of a pass at either end that is left out: a peak there meets its own mirror image at the
turning point."""
OWN_SHARE = 0.5
"""A peak lower than this share of the highest is no mode of the laser of its own."""


@dataclass(frozen=True)
class ScanTraces:
    """One record that starts with the ramp's burst: 811 nm and 819 nm, (n,) V each."""

    master_v: FloatArray
    slave_v: FloatArray
    dt_s: float
    taken_s: float
    """On the clock of the loop."""


@dataclass(frozen=True)
class Pass:
    """One pass of the ramp. Positions and widths of peaks are shares of the pass, in the order of
    the ramp's voltage."""

    masters: tuple[Peak, ...]
    slaves: tuple[Peak, ...]
    """The laser's own peaks: one for each order within the pass."""
    minor: tuple[Peak, ...]
    """What else stands in the slave's trace."""

    @property
    def spacing(self) -> float:
        """Between the first two master peaks; nan without them."""
        if len(self.masters) < 2:
            return math.nan
        return self.masters[1].position - self.masters[0].position

    def ratio(self, slave: Peak) -> float:
        """(x_s - x_m1)/(x_m2 - x_m1)."""
        return (slave.position - self.masters[0].position) / self.spacing

    def ratio_variance(self, slave: Peak) -> float:
        """From the errors of the three positions, which are independent fits."""
        r = self.ratio(slave)
        first, second = self.masters[0].position_error, self.masters[1].position_error
        gradient = (slave.position_error, (1.0 - r) * first, r * second)
        return sum(g * g for g in gradient) / self.spacing**2

    def covariance(self, slave: Peak) -> FloatArray:
        """Of (x_m1, x_s, x_m2), (3, 3), squared shares of the pass."""
        errors = (self.masters[0], slave, self.masters[1])
        return np.diag([peak.position_error**2 for peak in errors])


@dataclass(frozen=True)
class Sweep:
    """What one record tells. Rising and falling ramp are kept apart: the piezo's hysteresis bends
    them oppositely, and their mean is straight."""

    rising: Pass
    falling: Pass
    taken_s: float
    highest_v: float
    """Of both traces."""
    repeated: bool = False
    """The record is the former one, sample by sample."""

    @property
    def passes(self) -> tuple[tuple[str, Pass], tuple[str, Pass]]:
        return ("rising", self.rising), ("falling", self.falling)


@dataclass(frozen=True)
class Ratio:
    """The slave in one sweep, total ratios."""

    rising: float
    """On the rising ramp alone, as it stands there."""
    falling: float
    mean: float
    """Of both ramps, freed of the hysteresis."""
    error: float
    """One standard error of the mean, from the fits."""


def analyse(traces: ScanTraces, settings: StclSettings, repeated: bool = False) -> Sweep:
    """Peaks of both traces, sorted into the passes of the ramp."""
    period = 1.0 / (settings.ramp_hz * traces.dt_s)
    fwhm = 0.5 * period * settings.spacing / settings.finesse
    low, high = settings.min_height_v.low, settings.min_height_v.high
    masters = find_peaks(traces.master_v, fwhm, high).peaks
    slaves = find_peaks(traces.slave_v, fwhm, low).peaks
    return Sweep(
        rising=_pass(masters, slaves, period, True, high),
        falling=_pass(masters, slaves, period, False, high),
        taken_s=traces.taken_s,
        highest_v=float(max(traces.master_v.max(), traces.slave_v.max())),
        repeated=repeated,
    )


def total_ratio(sweep: Sweep, expected: float, order: float) -> Ratio:
    """The slave's total ratio: the one of its peaks, plus whole orders, next to `expected`.

    Where one peak is left of m1 and another right of m2 the one nearer to their middle is taken.
    Needs two master peaks and a slave's in each pass. The mean of both passes cancels hysteresis
    but for its square (0.3 MHz at 2 %), which Rayleigh's law takes out.
    """
    h = hysteresis(sweep)
    raw, straight, variance = [], [], 0.0
    for one, sign in ((sweep.rising, 1.0), (sweep.falling, -1.0)):
        slave = min(one.slaves, key=lambda peak, one=one: abs(one.ratio(peak) - 0.5))
        r = one.ratio(slave)
        whole = order * round((expected - r) / order)
        raw.append(r + whole)
        x1, x, x2 = (
            length_at(peak.position, sign * h) for peak in (one.masters[0], slave, one.masters[1])
        )
        straight.append((x - x1) / (x2 - x1) + whole)
        variance += one.ratio_variance(slave)
    return Ratio(raw[0], raw[1], 0.5 * (straight[0] + straight[1]), 0.5 * math.sqrt(variance))


def hysteresis(sweep: Sweep) -> float:
    """Hysteresis h from the two masters, which stand at the same lengths on both passes.

    By Rayleigh's law the branches of a small loop are the parabolas length = p -+ h (1 - p^2),
    p from -1 to 1 (Damjanovic, Rep. Prog. Phys. 61, 1267 (1998)).
    """
    total = 0.0
    for up, down in zip(sweep.rising.masters[:2], sweep.falling.masters[:2], strict=True):
        p_up, p_down = 2.0 * up.position - 1.0, 2.0 * down.position - 1.0
        total += (p_up - p_down) / (2.0 - p_up**2 - p_down**2)
    return 0.5 * total


def length_at(position: float, h: float) -> float:
    """Length of the cavity at a position on a pass, both in units of the ramp's half swing."""
    p = 2.0 * position - 1.0
    return p - h * (1.0 - p * p)


def _pass(
    masters: Sequence[Peak], slaves: Sequence[Peak], period: float, rising: bool, own_v: float
) -> Pass:
    found = _on_ramp(slaves, period, rising)
    highest = max((peak.height for peak in found), default=0.0)
    own = [peak.height >= max(own_v, OWN_SHARE * highest) for peak in found]
    return Pass(
        masters=_on_ramp(masters, period, rising),
        slaves=tuple(peak for peak, is_own in zip(found, own, strict=True) if is_own),
        minor=tuple(peak for peak, is_own in zip(found, own, strict=True) if not is_own),
    )


def _on_ramp(peaks: Sequence[Peak], period: float, rising: bool) -> tuple[Peak, ...]:
    """Peaks within the pass, positions and widths in shares of it, lowest voltage first."""
    start = RISING_FROM if rising else FALLING_FROM
    half = 0.5 * period
    placed = []
    for peak in peaks:
        x = (peak.position - start * period) / half
        if EDGE <= x <= 1.0 - EDGE:
            placed.append(
                peak._replace(
                    position=x if rising else 1.0 - x,
                    position_error=peak.position_error / half,
                    fwhm=peak.fwhm / half,
                    fwhm_error=peak.fwhm_error / half,
                )
            )
    return tuple(placed if rising else placed[::-1])
