"""The simulated rig as a given rig would have it: what of a rig file a rehearsal takes over.

Boxes, geometry, timing, camera and loading settings, counting rates and the source's drift are the
rig's. What the world has instead of the lab's hardware stays the world's: cavity, fibre and EOM
with their calibrations, limits, the place of the trap on the sensor, the beam's velocities.
"""

import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.cli.simulated_lab import CALIBRATIONS, TABLES
from atta_daq.rig.config import ConfigError, RigConfig
from atta_daq.rig.drivers import KINDS, names
from atta_daq.station.calibration_keeper import CalibrationKeeper

STAND_INS = {("camera", "micromanager"): "areadetector"}
"""Drivers whose hardware has no simulated wire, and who stands in for them."""
CAMERA_KEYS = (
    "roi_width", "roi_height", "exposure_s", "exposures_s", "em_gain", "em_gain_limit",
    "em_gain_unlocked",
)  # fmt: skip
LOADING_KEYS = ("bursts", "load_s", "quench_s", "slope_record_s")
ROOM = {"unattended": {"leave_free_gb": 0.0}, "faults": {"disk_free_min_gb": 0.0}}
"""A rehearsal may fill its disk, often a small one in memory: what it writes goes with it."""
TRAP_PX = 255
"""Where the simulated lab's region of interest has its middle."""
TAKEN_OVER = ("rates", "source")
"""Calibrations that mean on the simulated rig what they mean on the rig."""


def as_measured(rig: RigConfig, data: Path) -> RigConfig:
    """The rig with the calibrations that are in use, as its station has them: what was measured
    since the rig file was written lies in `data`. Raises JournalDamaged."""
    store = CalibrationStore(data, rig.name, time.time, time.time)
    return rig.with_calibrations(CalibrationKeeper(rig, store, time.time).in_use.values)


def boxes(rig: RigConfig) -> list[str]:
    """'role=driver' for every instrument of the rig whose driver is not the usual one.

    Raises ConfigError for a driver that no simulated box understands.
    """
    chosen: list[str] = []
    for kind in KINDS:
        section = rig.instrument(kind)
        if section is None:
            continue
        driver = STAND_INS.get((kind, section.driver), section.driver)
        if (kind, driver) not in TABLES:
            raise ConfigError(
                f"[{kind}] driver '{section.driver}': there is no simulated box that speaks its "
                f"protocol; let another one stand in, --with {kind}={names(kind)[0]}"
            )
        if driver != names(kind)[0] or kind in ("power_meter", "slow_control"):
            chosen.append(f"{kind}={driver}")
    return chosen


def like(rig: RigConfig, simulated: dict[str, Any]) -> dict[str, Any]:
    """The simulated lab's rig file with what a rehearsal takes from `rig`."""
    given = rig.model_dump(mode="json", exclude_none=True)
    camera = {key: given["camera"][key] for key in CAMERA_KEYS}
    camera["roi_x"] = TRAP_PX - camera["roi_width"] // 2
    camera["roi_y"] = TRAP_PX + 1 - camera["roi_height"] // 2
    loading = {key: given["loading"][key] for key in LOADING_KEYS if key in given["loading"]}
    mine = {key: given["calibrations"][key] for key in TAKEN_OVER}
    calibrations = {**simulated["calibrations"], **mine}
    return {
        **simulated,
        "timing": given["timing"],
        "camera": {**simulated["camera"], **camera},
        "loading": {**simulated["loading"], **loading},
        "calibrations": calibrations,
    }


def truth_like(rig: RigConfig, truth: Mapping[str, Any]) -> dict[str, Any]:
    """`truth` (overrides of the world's) with the rig's counting rates and its source's walk and
    drift as measured, unless it has its own.

    The rig file's rates are counts. What the world loads for a count is the simulated lab's own
    ratio of the two. The world's source steps as ever: a calibration leaves steps out.
    """
    source = dict(truth.get("source", {}))
    default = _default_truth()["source"]
    mine, lab = rig.calibrations.rates, CALIBRATIONS["rates"]
    for isotope, counted in ((81, mine.counts_81_per_h), (85, mine.counts_85_per_h)):
        if counted is not None:
            key = f"counts_{isotope}kr_per_h"
            source.setdefault(key, default[key] * counted / lab[f"counts_{isotope}_per_h"])
    measured = rig.calibrations.source
    if measured.made is not None:  # what is typical is the world's already
        source.setdefault("walk_per_root_h", measured.walk_per_root_h)
        source.setdefault("drift_per_h", measured.drift_per_h)
    return {**truth, "source": source}


def _default_truth() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "simulators", "--print-truth"],
        capture_output=True,
        text=True,
        check=True,
    )
    return tomllib.loads(done.stdout)
