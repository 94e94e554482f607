"""Cameras."""

import importlib.util

from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.clock import RigClock
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.errors import ConfigError
from atta_daq.rig.sections.camera import AreaDetectorConfig, CameraConfig, MicroManagerConfig
from drivers.areadetector import AreaDetectorCamera
from drivers.interfaces import CameraLimits, Range
from drivers.micromanager import MicroManagerCamera
from drivers.micromanager_core import INSTALL, MicroManagerDevice
from drivers.micromanager_properties import PropertyNames


def areadetector(section: AreaDetectorConfig, context: BuildContext) -> AreaDetectorCamera:
    """An EPICS areaDetector."""
    return AreaDetectorCamera(
        "camera",
        section.address,
        limits(section),
        gain_permit=context.gain_forbidden,
        bias_adu=section.bias_adu,
        electrons_per_adu=section.electrons_per_adu,
    )


def micromanager(section: MicroManagerConfig, context: BuildContext) -> MicroManagerCamera:
    """A camera behind Micro-Manager's core. Raises ConfigError when that is not installed."""
    if importlib.util.find_spec("pymmcore") is None:
        raise ConfigError(
            f"camera: driver 'micromanager' needs pymmcore, which is not installed; {INSTALL}"
        )
    if context.config.clock.rate != 1.0:
        raise ConfigError(
            "camera: driver 'micromanager' stamps real seconds; set clock.rate = 1 in the rig file"
        )
    return MicroManagerCamera(
        "camera",
        MicroManagerDevice(
            section.adapter,
            section.device,
            section.config_file,
            section.search_paths,
            section.settings,
        ),
        limits(section),
        PropertyNames(**section.properties.model_dump()),
        gain_permit=context.gain_forbidden,
        bias_adu=section.bias_adu,
        electrons_per_adu=section.electrons_per_adu,
        rig_now=RigClock().now_s,
        buffer_mb=section.buffer_mb,
    )


def limits(section: CameraConfig) -> CameraLimits:
    """The envelope in the rig file."""
    return CameraLimits(
        exposure_s=range_of(section.exposures_s),
        em_gain=Range(0, section.em_gain_limit),
        temperature_c=range_of(section.temperature_c),
        em_gain_unlocked=section.em_gain_unlocked,
        saturated_adu=section.saturated_adu,
    )
