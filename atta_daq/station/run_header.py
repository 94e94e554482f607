"""What stands at the head of a run: its scan on this rig, and the calibrations that it found."""

from datetime import UTC, datetime

from atta_daq import __version__
from atta_daq.archive.header import CalibrationUse, RunHeader
from atta_daq.rig.calibrations_in_use import InUse
from atta_daq.rig.config import RigConfig
from atta_daq.scans.blocks import Block, predicted_duration_s
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.bracket_choice import with_bracket_period
from atta_daq.station.points import RATE_UNIT
from atta_daq.station.precheck import sidebands_mhz


def run_header(
    run_id: str,
    definition: ScanDefinition,
    config: RigConfig,
    blocks: tuple[Block, ...],
    calibrations: InUse,
    resumes: str | None = None,
) -> RunHeader:
    """What stands at the head of the run, which may go on with an earlier one."""
    axes = {axis.quantity for part in definition.parts for axis in part.axes}
    points = {s.point for block in blocks for s in block.segments if s.point is not None}
    keep = {"sample": definition.sample, "gas": definition.gas,
            "operator": definition.operator, "note": definition.note}  # fmt: skip
    return RunHeader(
        run_id=run_id,
        scan_name=definition.name,
        isotopes=tuple(dict.fromkeys(part.isotope for part in definition.parts)),
        geometry=config.geometry,
        axes=tuple(sorted(axes)),
        metadata={key: value for key, value in keep.items() if value},
        rate_unit=RATE_UNIT,
        scan_hash=definition.digest,
        rig=config.name,
        resumes=resumes,
        planned_blocks=len(blocks),
        planned_points=len(points),
        planned_rig_s=predicted_duration_s(blocks, config.scan_timing()),
        bracket_period_s=None
        if definition.bracket_period_s == "auto"
        else definition.bracket_period_s,
        calibrations=calibrations_used(calibrations, datetime.now(UTC), blocks),
        program=f"atta-daq {__version__}",
    )


def calibrations_used(
    calibrations: InUse, now: datetime, blocks: tuple[Block, ...] = ()
) -> tuple[CalibrationUse, ...]:
    """All calibrations that were ever measured, as a run over these blocks found them."""
    doubts = {"v_pi_v": calibrations.values.eom.doubt(sidebands_mhz(blocks))}
    return tuple(
        CalibrationUse(
            entry.name,
            entry.number.value,
            entry.number.error,
            entry.number.unit,
            entry.number.made.timestamp() if entry.number.made else None,
            entry.number.source,
            "; ".join(filter(None, (entry.number.stale(now), doubts.get(entry.key)))),
            entry.note,
        )
        for entry in calibrations.entries
        if entry.number is not None
    )


def with_geometry(definition: ScanDefinition, config: RigConfig) -> ScanDefinition:
    """The definition on this rig: with its geometry and, where the scan leaves it to the rig, with
    the bracket period that suits its source. Refuses a scan made for the other geometry.

    Raises ValueError; also where the counting rate is not known that the period depends on.
    """
    definition = with_bracket_period(definition, config)
    if definition.geometry is None:
        return definition.model_copy(update={"geometry": config.geometry})
    if definition.geometry != config.geometry:
        raise ValueError(
            f"the scan wants {definition.geometry}-propagating light, the rig file says "
            f"{config.geometry}-propagating: move the fibre and set `geometry` in the rig file, "
            "or change the scan's"
        )
    return definition
