"""What every camera driver checks of new settings before anything is sent."""

from drivers.errors import OutOfRange
from drivers.interfaces import CameraLimits, CameraSettings


def check_exposure_and_roi(
    name: str, settings: CameraSettings, limits: CameraLimits, sensor_px: tuple[int, int]
) -> None:
    """Raise OutOfRange for an exposure outside the limits or a region not on the sensor.

    `sensor_px`: columns and rows.
    """
    change = "change the setting or the limit in the rig file"
    exposure_s, allowed = settings.exposure_s, limits.exposure_s
    if exposure_s not in allowed:
        raise OutOfRange(
            name,
            f"exposure {exposure_s:g} s is outside {allowed.low:g} to {allowed.high:g} s",
            change,
        )
    x, y, width, height = settings.roi
    columns, rows = sensor_px
    if not (0 <= x < x + width <= columns and 0 <= y < y + height <= rows):
        raise OutOfRange(
            name, f"region {settings.roi} is not on the sensor of {columns} x {rows} pixels", change
        )
