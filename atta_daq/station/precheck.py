"""Before a run: can the rig reach every point? A night must not be lost to point 40.

Nothing is sent. The frequency axis is the rig file's; a run that zeroes on the reference cell may
shift it by the error of that zero, and the driver's own limits hold in any case.
"""

from collections.abc import Iterable

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.physics.sidebands import power_dbm_from_depth
from atta_daq.rig.calibrations import Calibrations
from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.scans.blocks import Block, Target
from drivers.errors import OutOfRange

MOST_LINES = 6


def axis_of(config: RigConfig) -> AxisCalibration:
    """The frequency axis as the rig file has it."""
    cavity = config.calibrations.cavity
    return AxisCalibration.from_numbers(
        fsr_mhz=cavity.fsr_mhz,
        fsr_error_mhz=cavity.fsr_error_mhz,
        sign=cavity.ratio_sign,
        zero_ratio=cavity.zero_ratio,
        zero_error_mhz=cavity.zero_error_mhz,
        order=cavity.order,
        made=cavity.made_utc,
        valid_days=cavity.valid_days,
        total=config.lock.counts_orders,
    )


def reachable_mhz(axis: AxisCalibration, config: RigConfig) -> tuple[float, float]:
    """Detunings as set that the lock's allowed ratios and the cavity's calibration reach."""
    ratio = config.lock.ratio
    ends = sorted(axis.ratio_to_detuning(r) for r in (ratio.low, ratio.high))
    return max(ends[0], axis.range_mhz[0]), min(ends[1], axis.range_mhz[1])


def plan_warnings(plan: Iterable[Block], calibrations: Calibrations) -> list[str]:
    """What a run over the plan takes for known and is not, in words. It is no hindrance."""
    doubt = calibrations.eom.doubt(sidebands_mhz(plan))
    return [f"EOM half-wave voltage: {doubt}"] if doubt else []


def sidebands_mhz(plan: Iterable[Block]) -> set[float]:
    """Frequencies of the sidebands that the plan sets."""
    targets = (s.target for block in plan for s in block.segments if s.pumping and s.isotope)
    return {t.sideband_frequency_mhz for t in targets if _has_sidebands(t)}


def require_reachable(plan: tuple[Block, ...], light: LightControl, config: RigConfig) -> None:
    """Raises OutOfRange that names the points which this rig cannot reach, each with the limit."""
    seen: set[tuple[int, Target]] = set()
    refused: list[OutOfRange] = []
    for segment in (s for block in plan for s in block.segments):
        # Where no pumping light is needed, and in a blank, the light stays where it stands.
        if not (segment.pumping and segment.isotope):
            continue
        if (segment.isotope, segment.target) in seen:
            continue
        seen.add((segment.isotope, segment.target))
        try:
            _check(light.resolve(segment.target, segment.isotope), light, config)
        except OutOfRange as error:
            if str(error) not in map(str, refused):
                refused.append(error)
    if not refused:
        return
    lines = [f"{e.instrument}: {e.reason}; {e.remedy}" for e in refused[:MOST_LINES]]
    if len(refused) > MOST_LINES:
        lines.append(f"and {len(refused) - MOST_LINES} more")
    raise OutOfRange(
        refused[0].instrument,
        f"the rig cannot reach {len(refused)} of the scan's points; nothing was sent\n  "
        + "\n  ".join(lines),
    )


def _check(target: ResolvedTarget, light: LightControl, config: RigConfig) -> None:
    _within_axis(target.detuning_mhz, light.axis, config)
    current, chip = light.current_ma(target.power_mw), config.amplifier.amplifier_current_ma
    if not chip.low <= current <= chip.high:
        raise OutOfRange(
            "amplifier",
            f"{target.power_mw:g} mW needs {current:.0f} mA",
            f"amplifier_current_ma allows {chip.low:g} to {chip.high:g} mA",
        )
    if not _has_sidebands(target):
        return
    frequency, power = config.sideband.frequency_mhz, config.sideband.power_dbm
    if not frequency.low <= target.sideband_frequency_mhz <= frequency.high:
        raise OutOfRange(
            "sideband",
            f"{target.sideband_frequency_mhz:g} MHz asked for",
            f"frequency_mhz allows {frequency.low:g} to {frequency.high:g} MHz",
        )
    if target.sideband_depth < 0.0:
        raise OutOfRange("sideband", f"depth {target.sideband_depth:g} asked for", "at least 0")
    needed = power_dbm_from_depth(target.sideband_depth, light.calibrations.eom.v_pi_v)
    if not power.low <= needed <= power.high:
        raise OutOfRange(
            "sideband",
            f"depth {target.sideband_depth:g} needs {needed:.1f} dBm",
            f"power_dbm allows {power.low:g} to {power.high:g} dBm",
        )


def _has_sidebands(target: Target | ResolvedTarget) -> bool:
    return target.sideband_depth != 0.0 and target.sideband_frequency_mhz != 0.0


def _within_axis(detuning_mhz: float, axis: AxisCalibration, config: RigConfig) -> None:
    """The limits of the lock, as detunings: what the operator has asked in."""
    low, high = reachable_mhz(axis, config)
    if not low <= detuning_mhz <= high:
        raise OutOfRange(
            "lock",
            f"{detuning_mhz:g} MHz asked for",
            f"lock.ratio and the cavity's calibration allow {low:.0f} to {high:.0f} MHz",
        )
    axis.detuning_to_ratio(detuning_mhz)
