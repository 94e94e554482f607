"""Power in front of the source against the amplifier's current."""

import numpy as np

from atta_daq.calibration.dated import Calibrated
from atta_daq.calibration.power import chip_threshold, fit_fibre_power
from atta_daq.calibration.result import Quantity
from atta_daq.rig.bench import Bench, Finding, FloatArray
from drivers.errors import DeviceFault

VALID_DAYS = 30.0
STEPS = 9
LOWEST_SHARE = 0.1
"""Of the way from the former threshold to the highest current: at threshold the line bends."""
SETTLE_RIG_S = 10.0
"""The chip warms up for some seconds."""
READINGS = 8
READING_GAP_RIG_S = 1.0
HEAD_RELATIVE_ERROR = 0.03
"""Of a calibrated photodiode head (Thorlabs S120C: 3 % at 440-980 nm)."""


def calibrate_fibre_power(bench: Bench) -> Finding:
    """Step the current up and down and read the power meter.

    On a rig without one the amplifier's own output reading times the monitor ratio in use has to
    do. Raises DriverError.
    """
    amplifier, meter = bench.instruments.amplifier, bench.instruments.power_meter
    fibre = bench.light.calibrations.fibre_power
    chip = bench.config.amplifier.amplifier_current_ma
    lowest = fibre.threshold_ma + LOWEST_SHARE * (chip.high - fibre.threshold_ma)
    up = np.linspace(max(lowest, chip.low), chip.high, STEPS)
    currents, monitors, heads = [], [], []
    bench.light.forget()
    for number, current in enumerate((*up, *up[::-1])):
        bench.check("amplifier")
        bench.tell(f"step {number + 1} of {2 * STEPS}: {current:.0f} mA")
        amplifier.set_amplifier_current(float(current))
        bench.wait(SETTLE_RIG_S)
        monitor, head, flowing = [], [], []
        for _ in range(READINGS):
            bench.wait(READING_GAP_RIG_S)
            status = amplifier.status()
            monitor.append(status.output_power_mw)
            flowing.append(status.amplifier_current_ma)
            if meter is not None:
                reading = meter.read()
                if reading.over_range:
                    raise DeviceFault(
                        "power_meter", "more light than the head takes", "check the pick-off"
                    )
                head.append(reading.power_mw)
        currents.append(np.mean(flowing))
        monitors.append(np.mean(monitor))
        heads.append(np.mean(head) if head else np.nan)
    current_ma, monitor_mw, head_mw = (
        np.array(currents), np.array(monitors), np.array(heads)
    )  # fmt: skip
    section = bench.config.power_meter
    measured = meter is not None and section is not None
    power = monitor_mw * fibre.monitor_ratio
    if section is not None and measured:
        power = head_mw * section.source_over_head
    try:
        line = fit_fibre_power(current_ma, power)
    except ValueError as error:
        raise DeviceFault("amplifier", f"the power could not be calibrated: {error}") from error
    fitted = line.slope.value * (current_ma - line.threshold.value)
    # A chip that warms up makes a bent line; where it is worst, the straight one is off by this.
    bent_mw = float(np.max(np.abs(power - fitted)))
    scale_error = HEAD_RELATIVE_ERROR if measured else fibre.relative_error
    slope = line.slope
    quantities = [
        Quantity(
            name="threshold_ma",
            value=line.threshold.value,
            error=float(np.hypot(line.threshold.error, bent_mw / slope.value)),
            unit="mA",
        ),
        Quantity(
            name="slope_mw_per_ma",
            value=slope.value,
            error=float(np.hypot(slope.error, scale_error * slope.value)),
            unit="mW/mA",
        ),
    ]
    if measured:
        ratio = float(power @ monitor_mw / (monitor_mw @ monitor_mw))
        rest = power - ratio * monitor_mw
        own = float(np.sqrt(rest @ rest / (rest.size - 1) / (monitor_mw @ monitor_mw)))
        quantities.append(
            Quantity(
                name="monitor_ratio",
                value=ratio,
                error=float(np.hypot(own, scale_error * ratio)),
            )
        )
    chip_ma = chip_threshold(current_ma, power, line.threshold.value)
    if chip_ma is not None:
        value, error = chip_ma
        quantities.append(Quantity(name="chip_threshold_ma", value=value, error=error, unit="mA"))
    how = "power meter" if measured else "amplifier's own reading times the monitor ratio in use"
    return Finding(
        quantities=tuple(quantities),
        valid_days=VALID_DAYS,
        method=f"{how}, {2 * STEPS} steps of the current, up and down",
        raw={
            "x": current_ma, "y": power, "monitor_mw": monitor_mw, "head_mw": head_mw,
            "fit_x": current_ma, "fit_y": slope.value * (current_ma - line.threshold.value),
        },
        covariance=_covariance(tuple(quantities), line.threshold.value, slope, current_ma,
                               scale_error),
        notes={"scale_relative_error": scale_error, "bent_mw": bent_mw},
    )  # fmt: skip


def _covariance(
    quantities: tuple[Quantity, ...],
    threshold: float,
    slope: Calibrated,
    current_ma: FloatArray,
    scale_error: float,
) -> tuple[tuple[float, ...], ...]:
    """Threshold and slope go together by the line's own error; slope and monitor ratio by the
    meter's scale."""
    covariance = np.diag([q.error**2 for q in quantities])
    # threshold = centre - mean/slope: d threshold/d slope = (centre - threshold)/slope.
    arm = (float(np.mean(current_ma)) - threshold) / slope.value
    covariance[0, 1] = covariance[1, 0] = arm * slope.error**2
    if quantities[2:] and quantities[2].name == "monitor_ratio":
        shared = scale_error**2 * quantities[1].value * quantities[2].value
        covariance[1, 2] = covariance[2, 1] = shared
    return tuple(tuple(float(v) for v in row) for row in covariance)
