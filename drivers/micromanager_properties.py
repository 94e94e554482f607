"""Reading and writing the properties of one device in Micro-Manager's core, each set verified."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.errors import DeviceFault, ProtocolError
from drivers.micromanager_core import Core


@dataclass(frozen=True)
class PropertyNames:
    """What the camera's adapter calls things; '' for what it does not have.

    The defaults are those of the Andor adapter (mmCoreAndDevices, DeviceAdapters/Andor).
    """

    gain: str = "Gain"
    """EM gain; '': the sensor has no multiplication register."""
    gain_switch: str = "EMSwitch"
    """On/Off: whether the register is used at all."""
    temperature: str = "CCDTemperature"
    """Measured, in degC."""
    temperature_setpoint: str = "CCDTemperatureSetPoint"
    cooler: str = "CoolerMode"
    """Shown when the sensor is not cold; never set."""
    trigger: str = "Trigger"
    trigger_internal: str = "Internal"
    shutter: str = "Shutter (Internal)"
    shutter_open: str = "Open"
    shutter_closed: str = "Closed"
    binning: str = "Binning"
    serial: str = "CameraID"


class Properties:
    """Properties of the device `label`. Every error is a DriverError that names the property."""

    def __init__(self, core: Core, name: str, label: str) -> None:
        self._core = core
        self._name = name
        self._label = label
        self._known = frozenset(self._asked("has no properties", core.getDevicePropertyNames))

    def __contains__(self, prop: str) -> bool:
        return prop in self._known

    def require(self, names: PropertyNames) -> None:
        """Raise DeviceFault naming what the rig file names and the camera does not have."""
        wanted = {
            "gain": names.gain,
            "gain_switch": names.gain_switch,
            "temperature": names.temperature,
            "temperature_setpoint": names.temperature_setpoint,
            "cooler": names.cooler,
            "trigger": names.trigger,
            "shutter": names.shutter,
            "binning": names.binning,
        }
        missing = [f"{key} = '{n}'" for key, n in wanted.items() if n and n not in self._known]
        if missing:
            raise DeviceFault(
                self._name,
                f"the camera has no property {', '.join(missing)}; "
                f"it has: {', '.join(sorted(self._known))}",
                "correct [camera.properties] in the rig file, '' for what it does not have",
            )
        shutter = set[str]()
        if names.shutter:
            told = self._core.getAllowedPropertyValues
            shutter = set(self._asked("does not tell what its shutter can do", told, names.shutter))
        for word in (names.shutter_open, names.shutter_closed):
            if shutter and word not in shutter:
                raise DeviceFault(
                    self._name,
                    f"its shutter knows {', '.join(sorted(shutter))}, not '{word}'",
                    "correct shutter_open and shutter_closed in [camera.properties]",
                )

    def text(self, prop: str) -> str:
        return str(self._asked(f"'{prop}' cannot be read", self._core.getProperty, prop))

    def number(self, prop: str) -> float:
        """A finite number; ProtocolError for anything else."""
        text = self.text(prop)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ProtocolError(
                self._name,
                f"property '{prop}' is '{text}', not a number",
                "correct [camera.properties] in the rig file",
            )
        return number

    def set(self, prop: str, value: str) -> None:
        """Set and read back; words must be kept as they are, numbers to 1e-6 of themselves."""
        self.put(prop, value)
        kept = self.text(prop)
        if not same(value, kept):
            raise DeviceFault(
                self._name, f"'{prop}' was set to '{value}' but the camera kept '{kept}'",
                "check the setting",
            )  # fmt: skip

    def put(self, prop: str, value: str) -> None:
        """Set without reading back."""
        try:
            self._core.setProperty(self._label, prop, value)
            self._core.waitForDevice(self._label)
        except RuntimeError as error:
            raise self._fault(f"'{prop}' was not set to '{value}'", error) from error

    def lowest(self, prop: str) -> float:
        """Lower limit of a number; 0 where the camera tells none."""
        what = f"the limits of '{prop}' cannot be read"
        if not self._asked(what, self._core.hasPropertyLimits, prop):
            return 0.0
        return float(self._asked(what, self._core.getPropertyLowerLimit, prop))

    def _asked(self, what: str, call: Callable[..., Any], *arguments: str) -> Any:
        """One call of the core about this device, whose errors are RuntimeErrors."""
        try:
            return call(self._label, *arguments)
        except RuntimeError as error:
            raise self._fault(what, error) from error

    def _fault(self, what: str, error: RuntimeError) -> DeviceFault:
        return DeviceFault(self._name, f"{what}: {error}", "check the camera and the rig file")


def same(wanted: str, kept: str) -> bool:
    """Whether two texts of a property mean the same: equal, or equal numbers ('5', '5.0000')."""
    try:
        a, b = float(wanted), float(kept)
    except ValueError:
        return wanted == kept
    if not (math.isfinite(a) and math.isfinite(b)):
        return wanted == kept
    return abs(a - b) <= 1e-6 * max(1.0, abs(a))
