"""Half-wave voltage of the EOM from the loading of 84Kr.

The pick-off to the cavity is before the EOM, so that the cavity shows no sidebands; the atoms do.
RF far from their resonance only dims the carrier, by J0(beta)^2; how much the carrier is worth is
measured by dimming the light itself (`calibration.sideband.fit_by_substitution`).
"""

import numpy as np

from atta_daq.calibration.result import Quantity
from atta_daq.calibration.sideband import fit_by_substitution
from atta_daq.physics.sidebands import depth_from_power_dbm
from atta_daq.rig.bench import Bench, Finding
from atta_daq.rig.calibrations_in_use import RF_FREQUENCY
from atta_daq.rig.light import ResolvedTarget
from drivers.errors import DeviceFault

VALID_DAYS = 90.0
FREQUENCY_MHZ = 900.0
"""Atoms are met within 450 MHz of the line: carrier on them, no sideband is near any."""
LEAST_FREQUENCY_MHZ = 600.0
FULL_SHARE = 0.4
"""Of full power: high enough to see, low enough that far wings of the line do not count."""
POWER_SHARES = (1.0, 0.8, 0.62, 0.48, 0.36, 0.26)
RF_STEPS_DB = (0.0, 1.0, 2.0, 3.5, 5.5)
DEEPEST = 1.9
"""Below the first zero of J0 (2.405), by the half-wave voltage in use."""
SLOPES = 8


def calibrate_sideband_depth(bench: Bench) -> Finding:
    """V_pi of the EOM, at FREQUENCY_MHZ or the generator's highest. Raises DriverError."""
    light, limits = bench.light, bench.config.sideband
    v_pi = light.calibrations.eom.v_pi_v
    frequency = min(FREQUENCY_MHZ, limits.frequency_mhz.high)
    highest = limits.power_dbm.high
    while depth_from_power_dbm(highest, v_pi) > DEEPEST:
        highest -= 0.5
    if frequency < LEAST_FREQUENCY_MHZ:
        raise DeviceFault(
            "sideband",
            f"the generator ends at {frequency:g} MHz, where sidebands still meet atoms",
            f"sidebands of at least {LEAST_FREQUENCY_MHZ:g} MHz are needed to calibrate",
        )
    detuning = light.line_as_set_mhz(84, None)
    full_mw = FULL_SHARE * light.calibrations.fibre_power.full_power_mw
    settings = [(full_mw * share, None) for share in POWER_SHARES]
    settings += [(full_mw, highest - step) for step in RF_STEPS_DB]
    # In an order that no drift of the source can take for an effect of either.
    turn = np.random.default_rng(84).permutation(len(settings))
    trap, generator = bench.taker.trap, bench.instruments.sideband
    power = np.zeros(len(settings))
    on = np.zeros((len(settings), SLOPES))
    off = np.zeros((len(settings) + 1, SLOPES))
    trap.start()
    trap.to(84)
    light.move(ResolvedTarget(detuning, full_mw, 0.0, 0.0))
    off[0] = _slopes(bench)
    for done, index in enumerate(turn):
        bench.tell(f"setting {done + 1} of {len(settings)}")
        power_mw, rf_dbm = settings[index]
        light.move(ResolvedTarget(detuning, power_mw, 0.0, 0.0))
        if rf_dbm is not None:
            generator.set_frequency(frequency)
            generator.set_power(round(rf_dbm, 2))
            generator.rf_on()
        trap.pump(True)
        on[index] = _slopes(bench)
        power[index] = light.read().power_mw
        if rf_dbm is not None:
            generator.rf_off()
        trap.pump(False)
        off[done + 1] = _slopes(bench)
    before = np.argsort(turn)
    dark = 0.5 * (off[before].mean(axis=1) + off[before + 1].mean(axis=1))
    increase = on.mean(axis=1) / dark - 1.0
    # One scatter for all: each by itself would be known to a quarter only.
    scatter = float(np.sqrt(np.mean((on.std(axis=1, ddof=1) / on.mean(axis=1)) ** 2)))
    error = (1.0 + increase) * scatter * np.sqrt(1.5 / SLOPES)
    plain = len(POWER_SHARES)
    relative = power[:plain] / power[0]
    rf = np.array([round(highest - step, 2) for step in RF_STEPS_DB])
    try:
        fit = fit_by_substitution(
            relative, increase[:plain], error[:plain], rf, increase[plain:], error[plain:], v_pi
        )
    except ValueError as wrong:
        raise DeviceFault("sideband", f"the depth could not be calibrated: {wrong}") from wrong
    unit = np.array([depth_from_power_dbm(float(p), fit.v_pi_v) for p in rf])
    grid = np.linspace(0.0, float(unit.max()), 100)
    return Finding(
        quantities=(
            Quantity(name="v_pi_v", value=fit.v_pi_v, error=fit.error_v, unit="V"),
        ),
        valid_days=VALID_DAYS,
        method="84Kr loading, carrier on the line: RF dims it as much as less light does",
        raw={
            "x": unit, "y": increase[plain:], "y_error": error[plain:],
            "fit_x": grid, "fit_y": fit.increase(np.maximum(_carrier(grid), 1e-6)),
            "power_dbm": rf, "relative_power": relative, "increase": increase[:plain],
            "increase_error": error[:plain], "slopes_on": on, "slopes_off": off,
        },
        notes={
            RF_FREQUENCY: frequency,
            "power_mw": float(power[0]),
            "chi_square": fit.chi_square,
            "degrees_of_freedom": float(fit.degrees_of_freedom),
        },
    )  # fmt: skip


def _slopes(bench: Bench) -> np.ndarray:
    rates = []
    for _ in range(SLOPES):
        bench.check("loading")
        rates.append(bench.taker.slope())
    return np.array(rates)


def _carrier(depth: np.ndarray) -> np.ndarray:
    from scipy.special import jv

    return jv(0, depth) ** 2
