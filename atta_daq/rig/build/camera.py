"""Cameras."""

from atta_daq.rig.build.ranges import range_of
from atta_daq.rig.drivers import BuildContext
from atta_daq.rig.sections.camera import AreaDetectorConfig, CameraConfig
from drivers.areadetector import AreaDetectorCamera
from drivers.interfaces import CameraLimits, Range


def areadetector(section: AreaDetectorConfig, context: BuildContext) -> AreaDetectorCamera:
    """An EPICS areaDetector."""
    return AreaDetectorCamera(
        "camera", section.address, limits(section), gain_permit=context.gain_forbidden
    )


def limits(section: CameraConfig) -> CameraLimits:
    """The envelope in the rig file."""
    return CameraLimits(
        exposure_s=Range(section.exposure_s, section.exposure_s),
        em_gain=Range(0, section.em_gain_limit),
        temperature_c=range_of(section.temperature_c),
    )
