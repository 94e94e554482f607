"""Calibrations that a run takes before its first block."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.records import SegmentKind
from atta_daq.calibration.axis import AxisCalibration
from atta_daq.calibration.reference_zero import fit_reference_zero
from atta_daq.counting.calibrate import calibrate
from atta_daq.counting.efficiency import efficiency_curve
from atta_daq.counting.measured import CalibrationError
from atta_daq.counting.segment import SegmentCounter
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.rig.taker import CountingSetup, Place, SegmentTaker
from atta_daq.scans.blocks import PlannedSegment, Target
from drivers.errors import DeviceFault
from drivers.interfaces import Frame

FloatArray = NDArray[np.float64]


def zero_on_reference_cell(
    instruments: Instruments,
    config: RigConfig,
    light: LightControl,
    interrupted: Callable[[], str],
    show: Callable[[FloatArray, FloatArray], None] = lambda _detunings, _volts: None,
) -> AxisCalibration:
    """Step the laser over the 84Kr line of the reference cell; the zero crossing is the zero.

    Returns the axis with its new zero. Raises DeviceFault when the signal is not that line.
    After every step `show` gets all detunings so far (MHz, read back on the former axis) and the
    error signal there (V).
    """
    cell = config.reference_cell
    power = config.calibrations.fibre_power.full_power_mw
    steps = np.linspace(-cell.scan_half_width_mhz, cell.scan_half_width_mhz, cell.scan_points)
    ratios, volts = [], []
    for step in steps:
        cause = interrupted()
        if cause:
            raise DeviceFault("reference_cell", f"zeroing was interrupted: {cause}")
        light.move(ResolvedTarget(float(step), power, 0.0, 0.0))
        trace = instruments.reference_cell.read_signal(cell.read_s)
        ratios.append(instruments.lock.status().ratio)
        volts.append(float(trace.volts.mean()))
        detunings = [light.axis.ratio_to_detuning(ratio) for ratio in ratios]
        show(np.array(detunings), np.array(volts))
    try:
        return fit_reference_zero(
            light.axis, np.array(ratios), np.array(volts), expected_v=cell.line_height_v
        )
    except ValueError as error:
        raise DeviceFault(
            "reference_cell",
            f"no 84Kr line within {cell.scan_half_width_mhz:g} MHz of the rig file's zero: {error}",
            "check the cell, or set calibrations.cavity.zero_ratio in the rig file",
        ) from error


class CalibrationFlagged(DeviceFault):
    """The rig failed while the frames of a calibration were taken: they tell nothing."""


def calibrate_counting(
    taker: SegmentTaker,
    config: RigConfig,
    run_id: str,
    dwell_s: float,
    ended: Callable[[], str] = lambda: "",
) -> CountingSetup:
    """Watch 85Kr for `dwell_s` with pumping light and calibrate the counting from the frames.

    85Kr gives ten times more atoms than 81Kr; spot, electrons per atom and dwell are the same.
    Raises CalibrationFlagged when the rig failed meanwhile, DeviceFault with what to change when
    the frames do not allow it. `ended`: why nothing is to be watched any more.
    """
    taker.counting = None
    settled = watch_85(taker, config, run_id, dwell_s, ended)
    lost_each = lost_before(settled)
    try:
        calibration = calibrate(
            stack(settled),
            config.camera.exposure_s,
            lost=lost_each,
            saturated_adu=config.camera.saturated_adu,
        )
    except CalibrationError as error:
        lost = int(lost_each.sum())
        raise DeviceFault(
            "camera",
            f"the counting could not be calibrated from {len(settled)} frames ({lost} lost): "
            f"{error}",
        ) from error
    setup = CountingSetup(calibration, efficiency_curve(calibration))
    # The first count compiles; that must not happen while atoms are waited for.
    counter = SegmentCounter(setup.calibration, setup.efficiency)
    counter.arm(-math.inf)
    for frame in settled:
        counter.add(frame.image, frame.unique_id, frame.rig_time_s)
    counter.finish()
    return setup


def watch_85(
    taker: SegmentTaker,
    config: RigConfig,
    run_id: str,
    dwell_s: float,
    ended: Callable[[], str] = lambda: "",
) -> list[Frame]:
    """Settled frames of 85Kr with pumping light on its strongest line, nothing counted.

    Raises CalibrationFlagged when the segment is flagged.
    """
    frames: list[Frame] = []
    taker.archive, archive = frames.append, taker.archive
    taker.counting, counting = None, taker.counting
    planned = PlannedSegment(SegmentKind.RARE, 85, True, None, Target(), dwell_s, None)
    try:
        segment = taker.take(planned, Place(run_id, -1, 0, -1), ended)
    finally:
        taker.archive, taker.counting = archive, counting
    if segment.flag:
        reason = f"the counting could not be calibrated: {segment.flag}"
        raise CalibrationFlagged("camera", reason)
    return frames[config.timing.settle_frames :]


def stack(frames: Sequence[Frame]) -> NDArray[np.uint16]:
    """(n, rows, columns), ADU."""
    return np.stack([frame.image for frame in frames])


def lost_before(frames: Sequence[Frame]) -> NDArray[np.int64]:
    """How many frames went missing before each one, (n,)."""
    ids = np.array([frame.unique_id for frame in frames])
    return np.diff(ids, prepend=ids[0] - 1) - 1
