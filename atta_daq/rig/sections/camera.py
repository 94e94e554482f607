"""[camera]: the EMCCD that sees single atoms."""

from typing import Literal

from pydantic import Field, model_validator

from atta_daq.rig.models import Interval
from atta_daq.rig.sections.section import InstrumentSection


class CameraConfig(InstrumentSection):
    """The EMCCD that sees single atoms."""

    roi_x: int = Field(ge=0)
    """First column of the region of interest."""
    roi_y: int = Field(ge=0)
    """First row."""
    roi_width: int = Field(default=40, ge=8, le=48)
    """Columns."""
    roi_height: int = Field(default=40, ge=8, le=48)
    """Rows."""
    exposure_s: float = Field(default=0.1, gt=0)
    """Of one frame."""
    exposures_s: Interval = Interval(low=0.01, high=10.0)
    """Exposures that may be set; photon transfer steps through them."""
    em_gain: int = Field(default=200, gt=0)
    """While counting."""
    em_gain_limit: int = Field(default=300, gt=0)
    """Above 300 a sensor ages fast."""
    temperature_c: Interval = Interval(low=-100.0, high=-60.0)
    """Sensor temperatures at which gain is allowed."""

    @model_validator(mode="after")
    def _exposure_allowed(self) -> "CameraConfig":
        allowed = self.exposures_s
        if not allowed.low <= self.exposure_s <= allowed.high:
            raise ValueError(
                f"exposure_s = {self.exposure_s:g} is outside exposures_s, {allowed.low:g} to "
                f"{allowed.high:g} s"
            )
        return self

    @model_validator(mode="after")
    def _gain_allowed(self) -> "CameraConfig":
        if self.em_gain > self.em_gain_limit:
            raise ValueError(
                f"em_gain = {self.em_gain} lies above em_gain_limit = {self.em_gain_limit}"
            )
        return self


class AreaDetectorConfig(CameraConfig):
    """EPICS areaDetector with ADAndor."""

    driver: Literal["areadetector"]
    """Which driver."""
    address: str = Field(
        pattern=r"^pva://[^\s/:]+:\d{1,5}/\S+$", examples=["pva://192.168.1.23:5076/ATTA:ANDOR:"]
    )
    """pva://host:UDP port/PREFIX: of the IOC."""
