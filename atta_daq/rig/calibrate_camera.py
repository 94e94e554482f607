"""Calibrations with the EMCCD: photon transfer of the sensor, dwell of atoms in the trap."""

import math

import numpy as np

from atta_daq.calibration.photon_transfer import Level, fit_photon_transfer, measure_level
from atta_daq.calibration.result import Quantity
from atta_daq.counting.calibrate import calibrate
from atta_daq.counting.measured import CalibrationError
from atta_daq.rig.bench import Bench, Finding
from atta_daq.rig.frame_pump import FramePump
from atta_daq.rig.procedures import lost_before, stack, watch_85
from atta_daq.rig.taker import STALL_EXPOSURES, STALL_MARGIN_S
from drivers.errors import DeviceFault
from drivers.interfaces import CameraSettings, Frame

CAMERA_VALID_DAYS = 90.0
DWELL_VALID_DAYS = 30.0
PLAIN_LEVELS = ((0.1, 80), (4.0, 24), (8.0, 24))
"""Exposure (s) and frames without gain."""
GAIN_LEVELS = ((0.05, 160), (0.1, 160), (0.2, 160))
SETTLE_FRAMES = 2
DWELL_RIG_S = 400.0
LAGS = 20


def calibrate_camera(bench: Bench) -> Finding:
    """EM gain, read noise, conversion and bias from the stray light of the trap, off every isotope.

    Raises DriverError.
    """
    config, camera = bench.config.camera, bench.instruments.camera
    trap = bench.taker.trap
    trap.start()
    trap.to(0)
    levels = []
    try:
        for number, (exposure_s, wanted) in enumerate((*PLAIN_LEVELS, *GAIN_LEVELS)):
            gain = 0 if number < len(PLAIN_LEVELS) else config.em_gain
            bench.check("camera")
            bench.tell(f"gain {gain}, {wanted} exposures of {exposure_s:g} s")
            levels.append(_level(bench, exposure_s, gain, wanted))
    finally:
        camera.stop()
        camera.set_em_gain(0)
        camera.close_shutter()
        bench.taker.configure_camera()
    try:
        fit = fit_photon_transfer(levels)
    except ValueError as error:
        raise DeviceFault("camera", f"photon transfer: {error}") from error
    plain = levels[: len(PLAIN_LEVELS)]
    multiplied = levels[len(PLAIN_LEVELS) :]
    mean = np.array([level.mean_adu for level in multiplied]) - fit.bias_adu
    gain = config.em_gain * fit.em_gain_scale
    slope = 2.0 * gain / fit.electrons_per_adu
    read_adu2 = (fit.read_noise_electrons / fit.electrons_per_adu) ** 2
    errors = np.sqrt(np.diag(fit.covariance))
    names = (
        ("electrons_per_adu", fit.electrons_per_adu, "e-/ADU"),
        ("read_noise_electrons", fit.read_noise_electrons, "e-"),
        ("bias_adu", fit.bias_adu, "ADU"),
        ("em_gain_scale", fit.em_gain_scale, ""),
    )
    return Finding(
        quantities=tuple(
            Quantity(name=name, value=value, error=float(error), unit=unit)
            for (name, value, unit), error in zip(names, errors, strict=True)
        ),
        valid_days=CAMERA_VALID_DAYS,
        method="photon transfer on the trap's stray light, without gain and at "
        f"gain {config.em_gain}",
        raw={
            "x": mean,
            "y": np.array([level.variance_adu2 for level in multiplied]),
            "y_error": np.array([level.variance_error_adu2 for level in multiplied]),
            "fit_x": np.array([0.0, mean.max()]),
            "fit_y": read_adu2 + slope * np.array([0.0, mean.max()]),
            "plain": _table(plain),
            "multiplied": _table(multiplied),
        },
        covariance=tuple(tuple(float(v) for v in row) for row in fit.covariance),
        notes={
            "set_gain": float(config.em_gain),
            "excess_noise": fit.excess_noise,
            "excess_noise_error": fit.excess_noise_error,
            "temperature_c": camera.status().temperature_c,
        },
    )


def _level(bench: Bench, exposure_s: float, gain: int, wanted: int) -> Level:
    config, camera = bench.config.camera, bench.instruments.camera
    camera.stop()
    roi = (config.roi_x, config.roi_y, config.roi_width, config.roi_height)
    camera.configure(CameraSettings(exposure_s, roi, 0))
    camera.set_em_gain(gain)
    camera.open_shutter()
    frames: list[Frame] = []
    pump = FramePump(wanted, SETTLE_FRAMES, config.frame_shape, (frames.append,))
    stall_s = bench.clock.wall_s(STALL_EXPOSURES * exposure_s) + STALL_MARGIN_S
    with pump.fed_by(camera):
        flag = pump.wait(stall_s, bench.interrupted)
    if flag:
        raise DeviceFault("camera", f"the calibration was interrupted: {flag}")
    return measure_level([frame.image for frame in frames[SETTLE_FRAMES:]], exposure_s, gain)


def _table(levels: list[Level]) -> np.ndarray:
    """Exposure, mean, its error, variance, its error: one row a level."""
    return np.array(
        [
            (v.exposure_s, v.mean_adu, v.mean_error_adu, v.variance_adu2, v.variance_error_adu2)
            for v in levels
        ]
    )


def calibrate_dwell(bench: Bench) -> Finding:
    """Stay of an atom in the trap and its light, from 85Kr with pumping light. DriverError."""
    bench.check("camera")
    bench.tell(f"85Kr for {DWELL_RIG_S:g} s of rig time")
    taker, camera = bench.taker, bench.config.camera
    exposure_s = camera.exposure_s
    taker.configure_camera()
    taker.trap.start()
    frames = watch_85(taker, bench.config, "calibration", DWELL_RIG_S)
    images, lost = stack(frames), lost_before(frames)
    bench.tell("fitting")
    try:
        found = calibrate(images, exposure_s, lost=lost, saturated_adu=camera.saturated_adu)
    except CalibrationError as error:
        raise DeviceFault("camera", f"the dwell could not be calibrated: {error}") from error
    dwell, electrons = found.dwell_s, found.electrons_per_atom
    signal = _spot_signal(images, found.spot_row_px.value, found.spot_column_px.value)
    lags = np.arange(1, LAGS + 1)
    d = signal - signal.mean()
    correlation = np.array([np.mean(d[k:] * d[:-k]) for k in lags])
    model = np.exp(-lags * exposure_s / dwell.value)
    height = float(model @ correlation / (model @ model))
    return Finding(
        quantities=(
            Quantity(name="dwell_s", value=dwell.value, error=dwell.error, unit="s"),
            Quantity(
                name="electrons_per_atom_s",
                value=electrons.value / exposure_s,
                error=electrons.error / exposure_s,
                unit="e-/s",
            ),
        ),
        valid_days=DWELL_VALID_DAYS,
        method=f"hidden Markov model of {found.frames} exposures of 85Kr with pumping light",
        raw={
            "x": lags * exposure_s, "y": correlation / height,
            "fit_x": lags * exposure_s, "fit_y": model,
            "signal_adu": signal, "mean_frame": images.mean(axis=0), "lost": lost,
        },
        notes={
            "arrivals_per_s": found.arrivals_per_s.value,
            "atoms": found.arrivals_per_s.value * found.frames * exposure_s,
        },
    )  # fmt: skip


def _spot_signal(images: np.ndarray, row: float, column: float) -> np.ndarray:
    """Light within 4 px of the spot less the frame's median, ADU."""
    rows, columns = np.indices(images.shape[1:])
    near = np.hypot(rows - row, columns - column) <= 4.0
    median = np.median(images.reshape(images.shape[0], -1), axis=1)
    return images[:, near].sum(axis=1) - median * math.fsum(near.ravel())
