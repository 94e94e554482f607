"""Everything that only the simulated world knows, with unit, meaning and default.

Sources stand in the text: P the optical-pumping paper, D derived from it, A assumed. Any value
can be overridden by a TOML file of the same shape; unknown keys are refused.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PumpingModelName = Literal["f-level", "zeeman"]
VelocityModelName = Literal["effusive", "gaussian"]


def q(default: Any, unit: str, meaning: str, **limits: Any) -> Any:
    """A truth parameter: default, unit and meaning in one line."""
    return Field(default=default, description=meaning, json_schema_extra={"unit": unit}, **limits)


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Group):
    """The discharge source and its abundances."""

    loading_84kr_per_s: float = q(3.4e10, "1/s", "84Kr loading rate without pumping (A)", gt=0)
    loading_83kr_per_s: float = q(6.9e9, "1/s", "83Kr loading rate without pumping (A)", gt=0)
    counts_85kr_per_h: float = q(2500.0, "1/h", "85Kr loading rate without pumping (A)", ge=0)
    counts_81kr_per_h: float = q(200.0, "1/h", "81Kr loading rate without pumping (A)", ge=0)
    walk_per_root_h: float = q(0.02, "1/sqrt(h)", "random walk of the source, relative (A)", ge=0)
    drift_per_h: float = q(0.01, "1/h", "linear drift of the source, relative (A)")
    step_rms: float = q(0.03, "1", "size of a step of the source, relative (A)", ge=0)
    steps_per_night: float = q(1.0, "1/(10 h)", "mean number of steps in a night (A)", ge=0)


class Beam(_Group):
    """Velocities of the atoms along the laser."""

    velocity_model: VelocityModelName = q(
        "effusive", "", "'effusive' (cooled, captured beam) or 'gaussian' Doppler shifts"
    )
    temperature_k: float = q(293.0, "K", "source temperature (P: not cooled)", gt=0)
    selection_exponent_even: float = q(
        1.0, "1", "transverse cooling favours slow atoms as v^-exponent, even isotopes (A)"
    )
    selection_exponent_odd: float = q(1.3, "1", "the same for odd isotopes (A)")
    capture_velocity_m_s: float = q(350.0, "m/s", "highest velocity that is slowed (A)", gt=0)
    gaussian_mean_even_mhz: float = q(290.0, "MHz", "mean Doppler shift, gaussian model, even (A)")
    gaussian_mean_odd_mhz: float = q(260.0, "MHz", "mean Doppler shift, gaussian model, odd (A)")
    gaussian_rms_mhz: float = q(90.0, "MHz", "rms Doppler shift, gaussian model (A)", gt=0)


class Pumping(_Group):
    """819-nm optical pumping in the discharge."""

    pumping_model: PumpingModelName = q(
        "f-level", "", "'f-level' rate equations, or 'zeeman' with magnetic sublevels"
    )
    rabi_scale: float = q(4.0, "1", "factor on the Rabi frequency of Eq. 3 (D, phenomenological)")
    supply_ratio: float = q(10.2, "1", "supply of 1s4 over that of 1s5 in the discharge (D)", ge=0)
    isotope_shift_offset_81_mhz: float = q(0.0, "MHz", "true minus tabulated 819-nm shift, 81Kr")
    isotope_shift_offset_83_mhz: float = q(0.0, "MHz", "true minus tabulated 819-nm shift, 83Kr")
    isotope_shift_offset_85_mhz: float = q(0.0, "MHz", "true minus tabulated 819-nm shift, 85Kr")
    geometry: Literal["co", "counter"] = q(
        "co", "", "819-nm light along ('co') or against ('counter') the atomic beam"
    )
    waist_co_mm: float = q(7.5, "mm", "1/e2 radius at the tube, co-propagating (P)", gt=0)
    waist_counter_mm: float = q(16.0, "mm", "1/e2 radius at the tube, counter-propagating (A)")
    tube_diameter_mm: float = q(9.0, "mm", "inner diameter of the source tube (P)", gt=0)


class Trap(_Group):
    """The magneto-optical trap."""

    lifetime_s: float = q(0.5, "s", "mean stay of a single atom in the trap (A)", gt=0)
    false_counts_per_h: float = q(2.0, "1/h", "atom-like events that are no wanted atom (A)", ge=0)
    offset_81_mhz: float = q(-96.0, "MHz", "811-nm trap offset from the 84Kr master, 81Kr (A)")
    offset_83_mhz: float = q(-180.0, "MHz", "the same for 83Kr (A)")
    offset_84_mhz: float = q(0.0, "MHz", "the same for 84Kr")
    offset_85_mhz: float = q(-265.0, "MHz", "the same for 85Kr (A)")
    capture_width_mhz: float = q(5.0, "MHz", "the trap works this near its offset (A)")
    cloud_lifetime_s: float = q(0.5, "s", "lifetime of the 83Kr and 84Kr clouds (A)", gt=0)
    switching_s: float = q(1.0, "s", "until every trap laser is locked after a switch (A)", ge=0)
    settling_s: float = q(0.5, "s", "afterglow and settling after the lock reports (A)", ge=0)
    residual_decay_s: float = q(0.15, "s", "decay of residual light after a switch (A)", gt=0)
    residual_electrons_px: float = q(20.0, "e-", "residual light per pixel, sum over its decay (A)")


class Camera(_Group):
    """The EMCCD and what falls on it."""

    sensor_px: int = q(512, "px", "edge of the square sensor", gt=63)
    trap_x_px: float = q(255.3, "px", "trap position on the sensor, columns")
    trap_y_px: float = q(256.1, "px", "trap position on the sensor, rows")
    spot_sigma_px: float = q(1.5, "px", "rms radius of the trap image (A)", gt=0)
    electrons_per_atom_s: float = q(
        2400.0, "e-/s", "detected electrons per atom and second: 240 in 100 ms (A)", gt=0
    )
    background_electrons_px_s: float = q(50.0, "e-/px/s", "stray 811-nm light and glow (A)", ge=0)
    glow_share: float = q(
        0.2, "1", "share of the background that stays when the trap light is off (A)", ge=0, le=1
    )
    background_noise: float = q(
        0.02, "1", "relative power noise of the stray 811-nm light, per frame (A)", ge=0
    )
    leak_electrons_px_s: float = q(
        10.0, "e-/px/s", "819-nm light leaking to the sensor at full power, open shutter (A)", ge=0
    )
    gain_scale: float = q(1.0, "1", "true multiplication over the gain that was set (A)", gt=0)
    gain_drift_per_k: float = q(-0.02, "1/K", "relative change of gain with temperature (A)")
    read_noise_electrons: float = q(50.0, "e-", "read noise at the amplifier (A)", ge=0)
    clock_induced_charge: float = q(0.01, "e-/px", "clock-induced charge per frame (A)", ge=0)
    electrons_per_adu: float = q(5.0, "e-/ADU", "conversion (A)", gt=0)
    full_well_electrons: float = q(1.8e5, "e-", "a pixel holds no more (iXon 897)", gt=0)
    cloud_halo_per_px: float = q(
        1e-6, "1/px", "share of the light of a cloud scattered onto each pixel (A)", ge=0
    )
    bias_adu: float = q(200.0, "ADU", "bias level (A)", ge=0)
    cooling_time_s: float = q(60.0, "s", "time constant of the sensor cooler (A)", gt=0)
    starts_cold: bool = q(True, "", "sensor at its set temperature when the rig starts")


class Light(_Group):
    """Seed, amplifier, EOM and the way to the atoms."""

    seed_threshold_ma: float = q(40.0, "mA", "threshold of the seed diode (A)", ge=0)
    seed_slope_mw_per_ma: float = q(0.4, "mW/mA", "slope of the seed power at the chip (A)", gt=0)
    seed_current_ma: float = q(90.0, "mA", "current at which the seed gives 20 mW (A)", gt=0)
    seed_minimum_mw: float = q(10.0, "mW", "seed power that saturates the chip (A)", gt=0)
    amplifier_threshold_a: float = q(0.8, "A", "threshold of the amplifier (A)", ge=0)
    amplifier_slope_w_per_a: float = q(0.35, "W/A", "slope of the amplifier (A)", gt=0)
    amplifier_maximum_a: float = q(2.5, "A", "maximum current of the amplifier (A)", gt=0)
    unseeded_ceiling_a: float = q(0.3, "A", "harmless without seed below this current (A)", ge=0)
    damage_time_s: float = q(0.3, "s", "unseeded time at maximum current that destroys it (A)")
    damaged_fraction: float = q(
        0.02, "1", "output left once the amplifier is destroyed (A)", ge=0, le=1
    )
    thermal_drop: float = q(
        0.03, "1", "excess output of a cold chip over that at maximum current (A)", ge=0
    )
    thermal_time_s: float = q(2.0, "s", "time constant of the chip's temperature (A)", gt=0)
    unseeded_fraction: float = q(
        0.1, "1", "broadband light of an unseeded chip over its seeded output (A)", ge=0, le=1
    )
    transmission: float = q(0.84, "1", "amplifier to atoms: fibre and optics (A)", gt=0, le=1)
    power_noise: float = q(0.002, "1", "relative power noise (A)", ge=0)
    power_noise_time_s: float = q(1.0, "s", "correlation time of the power noise (A)", gt=0)
    seed_noise: float = q(0.002, "1", "noise of a seed-power reading over nominal (A)", ge=0)
    seed_photodiode_ma_per_mw: float = q(
        0.0497, "mA/mW", "photocurrent per seed power at the chip, ITC4000 pair (A)", gt=0
    )
    output_photodiode_ma_per_mw: float = q(
        0.00201, "mA/mW", "photocurrent per output power, ITC4000 pair (A)", gt=0
    )
    ld_enable_low_mw: float = q(
        11.0, "mW", "seed power below which the LD-ENABLE line falls, ITC4000 pair (A)", gt=0
    )
    ld_enable_high_mw: float = q(13.0, "mW", "seed power above which it rises again (A)", gt=0)
    ld_enable_delay_s: float = q(
        2e-3, "s", "delay of comparator and box until the amplifier's current ends (A)", gt=0
    )
    eom_v_pi_v: float = q(4.0, "V", "half-wave voltage of the EOM (A)", gt=0)
    shutter_s: float = q(0.01, "s", "time for the 819-nm shutter to move (A)", ge=0)


class Cavity(_Group):
    """Scanned transfer cavity and the lasers on it."""

    fsr_mhz: float = q(3000.0, "MHz", "free spectral range at the master (A)", gt=0)
    finesse: float = q(300.0, "1", "finesse (A)", gt=1)
    ramp_hz: float = q(162.0, "Hz", "ramp frequency (the firmware's own)", gt=0)
    drift_mhz_per_min: float = q(10.0, "MHz/min", "rms change of the free cavity in a minute (A)")
    ratio_sign: Literal[-1, 1] = q(1, "1", "sign of d(frequency)/d(ratio): ramp polarity (A)")
    ratio_at_zero: float = q(0.40, "1", "ratio of the slave on the 84Kr line (A)")
    laser_jitter_mhz: float = q(0.5, "MHz", "jitter of the locked laser per ramp (A)", ge=0)
    laser_drift_mhz_per_min: float = q(
        5.0, "MHz/min", "rms change of the unlocked laser within a minute (A)"
    )
    drift_time_s: float = q(
        3600.0, "s", "correlation time of both drifts: they wander and stay bounded (A)", gt=0
    )
    laser_start_mhz: float = q(120.0, "MHz", "detuning of the unlocked laser, mean (A)")
    actuator_range_mhz: float = q(
        4400.0, "MHz", "tuning range of the lock's actuator, 4096 steps (A)", gt=0
    )
    piezo_mhz_per_v: float = q(100.0, "MHz/V", "tuning by the laser's own piezo, about 70 V (A)")
    mode_spacing_mhz: float = q(5000.0, "MHz", "jump of the laser at a mode hop (A)")
    spacing_fraction: float = q(
        0.7667, "1", "master spacing (one FSR) over half a ramp period: 2366 us (A)", gt=0, lt=1
    )
    hysteresis: float = q(
        0.02, "1", "piezo hysteresis: lag of the falling ramp, bending of both (A)", ge=0, lt=0.2
    )
    cavity_jitter_mhz: float = q(2.0, "MHz", "jitter of the cavity per ramp, all peaks (A)", ge=0)
    peak_noise_us: float = q(0.3, "us", "error of one measured peak position (A)", ge=0)
    proportional_gain: float = q(
        0.2, "1", "loop gain of the lock's proportional part at its default setting (A)", ge=0
    )
    ramp_lock_time_s: float = q(
        0.5, "s", "time constant of the cavity's own loop at its default gains (A)", gt=0
    )
    lock_time_s: float = q(0.25, "s", "time constant of the closed loop after a step (A)", gt=0)
    board_ramp_mhz_per_v: float = q(
        3260.0, "MHz/V", "cavity length by OUT1 of the digitiser, on the master's scale (A)", gt=0
    )
    board_laser_mhz_per_v: float = q(
        2200.0, "MHz/V", "laser frequency by OUT2 of the digitiser (A)", gt=0
    )
    actuator_hysteresis: float = q(
        0.04, "1", "share of the laser piezo's stroke that lags (A)", ge=0, lt=0.3
    )
    master_peak_v: float = q(0.7, "V", "811-nm peak on its photodiode (A)", gt=0)
    slave_peak_v: float = q(0.5, "V", "819-nm peak on its photodiode at nominal seed (A)", gt=0)
    photodiode_offset_v: float = q(0.01, "V", "both photodiodes in the dark (A)")
    photodiode_noise_v: float = q(0.005, "V", "rms noise of one sample of both (A)", ge=0)


class ReferenceCell(_Group):
    """Modulation-transfer spectroscopy of the stable isotopes."""

    width_mhz: float = q(
        45.0, "MHz", "distance of the extrema of a line: derivative of a Lorentzian (A)", gt=0
    )
    noise_time_s: float = q(1e-4, "s", "response time of the demodulator (A)", gt=0)
    isotope_shift_82_mhz: float = q(-103.0, "MHz", "82Kr line from the 84Kr line (A)")
    isotope_shift_86_mhz: float = q(101.0, "MHz", "86Kr line from the 84Kr line (A)")
    abundance_82: float = q(0.116, "1", "abundance of 82Kr (L)", ge=0)
    abundance_83: float = q(0.115, "1", "abundance of 83Kr (L)", ge=0)
    abundance_84: float = q(0.570, "1", "abundance of 84Kr (L)", gt=0)
    abundance_86: float = q(0.173, "1", "abundance of 86Kr (L)", ge=0)
    amplitude_v: float = q(0.5, "V", "peak of the 84Kr signal (A)", gt=0)
    signal_to_noise: float = q(100.0, "1", "84Kr peak over rms noise in 10 ms (A)", gt=0)
    zero_error_mhz: float = q(0.3, "MHz", "true offset of its zero from the 84Kr line (A)")


class Loading(_Group):
    """Photodiode on the trap."""

    volts_per_atom_83: float = q(1e-10, "V", "877.9-nm burst peak per quenched atom (A)", gt=0)
    volts_per_atom_84: float = q(2e-11, "V", "811-nm fluorescence per trapped atom (A)", gt=0)
    burst_noise: float = q(0.01, "1", "technical noise of one burst, relative (L: 0.9 %)", ge=0)
    voltage_noise_v: float = q(2e-4, "V", "rms electronic noise per sample (A)", ge=0)
    background_v: float = q(0.05, "V", "stray light on the photodiode (A)", ge=0)
    quench_time_s: float = q(0.005, "s", "time constant of the quench (A)", gt=0)


class PowerHead(_Group):
    """Head of the power meter, on a pick-off behind the fibre."""

    share: float = q(0.01, "1", "share of the light behind the fibre that it gets (A)", gt=0, le=1)
    responsivity_error: float = q(
        1.015, "1", "what it shows over the light on it, at the right wavelength (A)", gt=0
    )
    relative_noise: float = q(0.001, "1", "noise of one reading, relative (A)", ge=0)
    floor_mw: float = q(2e-5, "mW", "noise of one reading in the dark (A)", ge=0)
    dark_mw: float = q(2e-3, "mW", "what it shows in the dark before a dark zero (A)")
    dark_drift_mw: float = q(2e-4, "mW", "rms wander of that (A)", ge=0)
    dark_time_s: float = q(3600.0, "s", "correlation time of that (A)", gt=0)


class Vacuum(_Group):
    """What slow control shows. Only the discharge acts on anything: without it nothing loads."""

    pressure_mbar: float = q(2e-5, "mbar", "source chamber, with gas (A)", gt=0)
    pressure_wander: float = q(0.05, "1", "rms wander of the pressure, relative (A)", ge=0)
    pump_down_s: float = q(5.0, "s", "time constant in which a burst of gas is pumped (A)", gt=0)
    rf_power_w: float = q(20.0, "W", "forward power of the discharge's RF (A)", gt=0)
    temperature_wander_k: float = q(0.2, "K", "rms wander of the source temperature (A)", ge=0)
    wander_time_s: float = q(1800.0, "s", "correlation time of both wanders (A)", gt=0)


class Truth(_Group):
    """The whole truth of one simulated rig."""

    source: Source = Source()
    beam: Beam = Beam()
    pumping: Pumping = Pumping()
    trap: Trap = Trap()
    camera: Camera = Camera()
    light: Light = Light()
    cavity: Cavity = Cavity()
    reference_cell: ReferenceCell = ReferenceCell()
    loading: Loading = Loading()
    power_head: PowerHead = PowerHead()
    vacuum: Vacuum = Vacuum()


def load_truth(path: Path | None) -> Truth:
    """Defaults, overridden by the TOML file at `path`. Raises pydantic.ValidationError."""
    if path is None:
        return Truth()
    return Truth.model_validate(tomllib.loads(path.read_text()))


def to_toml(truth: Truth) -> str:
    """The truth as TOML, each value with its unit and meaning as a comment."""
    lines: list[str] = []
    for group_name, group in truth:
        lines.append(f"[{group_name}]")
        fields = type(group).model_fields
        for name, value in group:
            info = fields[name]
            extra = info.json_schema_extra
            unit = extra["unit"] if isinstance(extra, dict) else ""
            literal = f'"{value}"' if isinstance(value, str) else str(value).lower()
            lines.append(f"{name} = {literal}  # {f'{unit}: ' if unit else ''}{info.description}")
        lines.append("")
    return "\n".join(lines)


def explain_invalid(error: ValidationError) -> list[str]:
    """What is wrong with a truth file, one line for each key, with what would be allowed."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            group = Truth.model_fields.get(str(problem["loc"][0]))
            known = Truth if len(problem["loc"]) == 1 or group is None else group.annotation
            allowed = ", ".join(getattr(known, "model_fields", {}))
            lines.append(f"unknown key {key!r}; allowed here: {allowed}")
        else:
            wanted = problem["msg"].removeprefix("Input should be ")
            if problem["type"] == "model_type":
                wanted = f"a [{key}] table"
            lines.append(f"{key}: {problem['input']!r} is not allowed; it must be {wanted}")
    return lines
