"""Calibrations of the frequency axis on the reference cell: its zero, and the cavity itself."""

import numpy as np

from atta_daq.calibration.axis import SLAVE_OVER_MASTER
from atta_daq.calibration.cavity import LITERATURE, fit_cavity
from atta_daq.calibration.reference_zero import NEIGHBOUR_SYSTEMATIC_MHZ
from atta_daq.calibration.result import Quantity
from atta_daq.rig.bench import Bench, Finding
from atta_daq.rig.procedures import zero_on_reference_cell
from drivers.errors import DeviceFault

ZERO_VALID_DAYS = 1.0
CAVITY_VALID_DAYS = 90.0
SWEEP_HALF_MHZ = 720.0
"""Reaches 83Kr's lines at -529 and +535 MHz."""
SWEEP_POINTS = 121
LEAST_HALF_MHZ = 350.0
"""A shorter sweep shows no line of 83Kr on either side."""


def calibrate_axis_zero(bench: Bench) -> Finding:
    """Zero on the 84Kr line of the reference cell. Raises DriverError."""
    seen: dict[str, np.ndarray] = {}

    def show(detunings: np.ndarray, volts: np.ndarray) -> None:
        seen.update(x=detunings, y=volts)
        bench.show(detunings, volts)

    former = bench.light.axis
    axis = zero_on_reference_cell(
        bench.instruments, bench.config, bench.light, bench.interrupted, show
    )
    return zero_finding(
        former.ratio_to_detuning(axis.zero.value), axis.zero.value, axis.zero.error, seen
    )


def zero_finding(
    shift_mhz: float, ratio: float, error: float, raw: dict[str, np.ndarray]
) -> Finding:
    """The zero of a zeroing, `raw` being its samples `x` (MHz on the former axis) and `y` (V)."""
    return Finding(
        quantities=(Quantity(name="zero_ratio", value=ratio, error=error),),
        valid_days=ZERO_VALID_DAYS,
        method="84Kr line of the reference cell, neighbouring isotopes in the fit",
        raw=raw,
        notes={"shift_mhz": shift_mhz, "neighbours_mhz": NEIGHBOUR_SYSTEMATIC_MHZ},
    )


def calibrate_cavity(bench: Bench) -> Finding:
    """Free spectral range, sign, zero and order from a sweep over the lines of natural krypton.

    The sweep goes as far to both sides of the former zero, so that a wrong sign shows.
    Raises DriverError.
    """
    lock, cell = bench.instruments.lock, bench.instruments.reference_cell
    axis, allowed = bench.light.axis, bench.config.lock.ratio
    low, high = max(allowed.low, axis.margin), min(allowed.high, 1.0 - axis.margin)
    zero, per_ratio = axis.zero.value, abs(axis.mhz_per_ratio)
    half = min(SWEEP_HALF_MHZ / per_ratio, zero - low, high - zero)
    if half * per_ratio < LEAST_HALF_MHZ:
        raise DeviceFault(
            "lock",
            f"the cavity cannot be swept {LEAST_HALF_MHZ:g} MHz to both sides of ratio {zero:.3f}",
            "choose a zero further from the master peaks (length of the cavity)",
        )
    ratios, volts = [], []
    bench.light.forget()
    bench.light.zeroing = True
    try:
        for number, ratio in enumerate(np.linspace(zero - half, zero + half, SWEEP_POINTS)):
            bench.check("reference_cell")
            bench.tell(f"step {number + 1} of {SWEEP_POINTS}")
            lock.set_ratio(float(ratio))
            trace = cell.read_signal(bench.config.reference_cell.read_s)
            ratios.append(lock.status().ratio)
            volts.append(float(trace.volts.mean()))
            bench.show(np.array([axis.ratio_to_detuning(r) for r in ratios]), np.array(volts))
    finally:
        bench.light.zeroing = False
    measured, signal = np.array(ratios), np.array(volts)
    try:
        fit = fit_cavity(measured, signal, axis.fsr.value)
    except ValueError as error:
        raise DeviceFault(
            "reference_cell",
            f"the cavity could not be calibrated: {error}",
            "check cell and lock; calibrations.cavity of the rig file must be right to 5 %",
        ) from error
    detuning = fit.sign * (measured - fit.zero_ratio) * fit.fsr_mhz * SLAVE_OVER_MASTER
    detuning = detuning + fit.order * fit.fsr_mhz
    zero_found, cavity_order = fit.zero_ratio, fit.order
    if axis.total:
        # This lock counts the orders itself: its ratio on the line holds them.
        zero_found, cavity_order = zero_found - fit.sign * fit.order / SLAVE_OVER_MASTER, 0
    order = np.argsort(detuning)
    covariance = np.zeros((4, 4))
    covariance[np.ix_((0, 2), (0, 2))] = fit.covariance
    # What the neighbours' shapes may do to the zero, as in the zeroing.
    covariance[2, 2] += (NEIGHBOUR_SYSTEMATIC_MHZ / fit.fsr_mhz) ** 2
    return Finding(
        quantities=(
            Quantity(name="fsr_mhz", value=fit.fsr_mhz, error=fit.fsr_error_mhz, unit="MHz"),
            Quantity(name="ratio_sign", value=float(fit.sign), error=0.0),
            Quantity(
                name="zero_ratio", value=zero_found, error=float(np.sqrt(covariance[2, 2]))
            ),
            Quantity(name="order", value=float(cavity_order), error=0.0),
        ),
        valid_days=CAVITY_VALID_DAYS,
        method="sweep over 82, 83, 84 and 86Kr in the reference cell; 83Kr is the ruler",
        raw={
            "ratio": measured, "x": detuning, "y": signal,
            "fit_x": detuning[order], "fit_y": fit.fitted_v[order],
        },
        covariance=tuple(tuple(float(v) for v in row) for row in covariance),
        notes={
            "even_shift_error_mhz": LITERATURE.even_mhz,
            "odd_shift_error_mhz": LITERATURE.odd_mhz,
            "a_error_mhz": LITERATURE.dipole_mhz,
            "b_error_mhz": LITERATURE.quadrupole_mhz,
            "82kr_pull": float(fit.pulls[0]),
            "86kr_pull": float(fit.pulls[1]),
            "width_mhz": fit.width_mhz,
            "noise_v": fit.noise_v,
            "jitter_mhz": fit.jitter_mhz,
            "chi_square": fit.chi_square,
            "degrees_of_freedom": float(fit.degrees_of_freedom),
            "other_sign_worse_by": fit.sign_deviance,
        },
    )  # fmt: skip
