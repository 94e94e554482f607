"""[camera]: the EMCCD that sees single atoms."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, model_validator

from atta_daq.rig.models import STORED, Interval, RigModel
from atta_daq.rig.sections.section import InstrumentSection
from drivers.camera_protection import STANDARD_GAIN


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
    """Above 300 a sensor ages fast: only with `em_gain_unlocked`."""
    em_gain_unlocked: bool = False
    """Allow an `em_gain_limit` above 300."""
    temperature_c: Interval = Interval(low=-100.0, high=-60.0)
    """Sensor temperatures at which gain is allowed."""
    bias_adu: float = Field(default=0.0, ge=0)
    """Mean counts of a dark pixel, for the register's dose; 0: the dose is an upper bound."""
    electrons_per_adu: float = Field(default=5.0, gt=0)
    """At the output of the register, for its dose; from the camera's test sheet."""
    saturated_adu: int = Field(gt=0, le=65535)
    """Highest count of the converter that the camera is run with, at which a pixel is saturated:
    65535 for 16 bits, 16383 for 14. No default: with one too high no pixel ever is."""

    @model_validator(mode="before")
    @classmethod
    def _converter_of_then(cls, data: Any, info: ValidationInfo) -> Any:
        """A run that was kept before this key was required had its default."""
        if info.context is STORED and isinstance(data, dict):
            return {"saturated_adu": 65535, **data}
        return data

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.roi_height, self.roi_width

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
    def _converter_above_its_bias(self) -> "CameraConfig":
        if not self.bias_adu < self.saturated_adu:
            raise ValueError(
                f"bias_adu = {self.bias_adu:g} is not below saturated_adu = {self.saturated_adu}: "
                "every dark pixel would be saturated"
            )
        return self

    @model_validator(mode="after")
    def _gain_allowed(self) -> "CameraConfig":
        if self.em_gain > self.em_gain_limit:
            raise ValueError(
                f"em_gain = {self.em_gain} lies above em_gain_limit = {self.em_gain_limit}"
            )
        if self.em_gain_limit > STANDARD_GAIN and not self.em_gain_unlocked:
            raise ValueError(
                f"em_gain_limit = {self.em_gain_limit} lies above {STANDARD_GAIN}, where a sensor "
                "ages fast; lower it, or set em_gain_unlocked = true"
            )
        return self


class AreaDetectorConfig(CameraConfig):
    """EPICS areaDetector with ADAndor
    ([what its server needs](../how-to/wire-the-boards.md#the-cameras-server))."""

    driver: Literal["areadetector"]
    """Which driver."""
    address: str = Field(
        pattern=r"^pva://[^\s/:]+:\d{1,5}/\S+$", examples=["pva://192.168.1.23:5076/ATTA:ANDOR:"]
    )
    """`pva://HOST:PORT/PREFIX:`; PORT is that of the UDP search (5076), PREFIX: that of the IOC's
    PVs."""


class MicroManagerProperties(RigModel):
    """What the camera's adapter calls things; "" for what it does not have."""

    gain: str = "Gain"
    """EM gain; "": the sensor has no multiplication register."""
    gain_switch: str = "EMSwitch"
    """On/Off: whether the register is used."""
    temperature: str = "CCDTemperature"
    """Measured (degC)."""
    temperature_setpoint: str = "CCDTemperatureSetPoint"
    """Stable is within 1 K of it; "": within `temperature_c`."""
    cooler: str = "CoolerMode"
    """Shown when the sensor is not cold."""
    trigger: str = "Trigger"
    """Source of the trigger."""
    trigger_internal: str = "Internal"
    """Its value for a camera that runs freely."""
    shutter: str = "Shutter (Internal)"
    """Mode of the shutter."""
    shutter_open: str = "Open"
    """Its value for open."""
    shutter_closed: str = "Closed"
    """Its value for closed."""
    binning: str = "Binning"
    """Set to 1."""
    serial: str = "CameraID"
    """Who answers."""


class MicroManagerConfig(CameraConfig):
    """A camera with a Micro-Manager device adapter (extra `micromanager`)."""

    driver: Literal["micromanager"]
    """Which driver."""
    exclusive: ClassVar[bool] = False
    """What is named is a library: two cameras of one make have the same."""
    adapter: str = Field(default="", examples=["Andor"])
    """Adapter library."""
    device: str = Field(default="", examples=["Andor"])
    """Device of that library."""
    config_file: Path | None = Field(default=None, examples=["/etc/atta/ixon.cfg"])
    """Configuration file of Micro-Manager that names the camera, instead of the two."""
    search_paths: tuple[str, ...] = Field(default=(), examples=[["/opt/micro-manager"]])
    """Folders with the adapter libraries."""
    em_gain: int = Field(default=200, ge=0)
    """While counting; 0 for a camera without a multiplication register."""
    saturated_adu: int = Field(default=65535, gt=0, le=65535)
    """Highest count of the converter, at which a pixel is saturated; the bits that the adapter
    tells hold where they are fewer."""
    buffer_mb: int = Field(default=64, ge=1, le=4096)
    """Circular buffer of the core; when it runs over, the acquisition ends."""
    properties: MicroManagerProperties = MicroManagerProperties()
    """Names of the properties; the defaults are those of the Andor adapter."""
    settings: dict[str, str] = Field(default={}, examples=[{"FrameTransfer": "On"}])
    """Properties to set whenever the camera is configured."""

    @model_validator(mode="after")
    def _complete(self) -> "MicroManagerConfig":
        named = bool(self.adapter and self.device)
        if named == (self.config_file is not None) or bool(self.adapter) != bool(self.device):
            raise ValueError("give either adapter and device, or config_file")
        names = self.properties
        if self.em_gain and not names.gain:
            raise ValueError(
                f'em_gain = {self.em_gain}, but properties.gain = "": a camera without a '
                "multiplication register; set em_gain = 0"
            )
        unguarded = [key for key in ("temperature", "shutter") if not getattr(names, key)]
        if names.gain and unguarded:
            raise ValueError(
                f"a multiplication register needs properties.{' and properties.'.join(unguarded)}: "
                "gain is allowed only on a cold sensor, and the shutter protects it"
            )
        return self

    def addresses(self) -> dict[str, str]:
        if self.config_file is not None:
            return {"config_file": str(self.config_file)}
        return {"adapter": f"{self.adapter}/{self.device}"}
