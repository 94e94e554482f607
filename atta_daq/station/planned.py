"""A scan that a client sent, made ready for the rig as it stands now."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import ConfigError, RigConfig, validated
from atta_daq.rig.light import LightControl
from atta_daq.scans.blocks import Block, blocks
from atta_daq.scans.definition import ScanDefinition, rename_parts
from atta_daq.station.fitting import FitRequest
from atta_daq.station.precheck import require_reachable
from atta_daq.station.prior import prior_from_run
from atta_daq.station.run_header import with_geometry


@dataclass(frozen=True)
class Planned:
    """What a run needs."""

    definition: ScanDefinition
    plan: tuple[Block, ...]
    request: FitRequest
    scan_toml: str


def planned(
    scan_toml: str, path: str, config: RigConfig, light: LightControl, data: Path
) -> Planned:
    """Raises CommandRefused with everything that is wrong with the scan on this rig.

    `path` is the scan's name in messages; `data` holds the run that a prior may come from.
    """
    try:
        config = config.with_calibrations(light.calibrations)
        definition = with_geometry(scan_of(scan_toml, path), config)
        plan = blocks(definition, config.scan_timing())
        require_reachable(plan, light, config)
        request = FitRequest(definition, config, prior_from_run(definition, data))
    except Exception as error:
        raise CommandRefused(f"the scan cannot be used: {error}") from error
    return Planned(definition, plan, request, scan_toml)


def scan_of(scan_toml: str, path: str) -> ScanDefinition:
    """The scan of a text. Raises ConfigError in an operator's words."""
    try:
        data = tomllib.loads(scan_toml)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a scan file: {error}") from error
    return validated(ScanDefinition, rename_parts(data), path)
