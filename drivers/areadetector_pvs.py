"""The PVs of an areaDetector camera (ADCore, ADAndor): found, verified, named.

`cam1:X` sets, `cam1:X_RBV` reads back; frames come from the pvAccess plugin as `Pva1:Image`.
Names and types are those of ADCore's ADBase.template and ADAndor's andorCCD.template.
"""

from collections.abc import Callable
from typing import Any

from drivers.errors import ConnectionLost, DeviceFault, Timeout
from drivers.interfaces import Identity
from drivers.pva_link import PvaLink

IMAGE = "Pva1:Image"
IDENTITY = ("Manufacturer_RBV", "Model_RBV", "SerialNumber_RBV", "FirmwareVersion_RBV")
MODES = {
    "ImageMode": "Continuous",
    "TriggerMode": "Internal",
    "DataType": "UInt16",
    "AndorReadOutMode": "Image",
    "AndorEMGainMode": "Real EM Gain",
    "AndorEMGainAdvanced": "Disabled",
}
"""Enumerations that every acquisition needs. Advanced gain (above 300) harms the sensor."""
ADVANCED = {False: "Disabled", True: "Enabled"}
"""`AndorEMGainAdvanced` by whether the rig file unlocks it."""
COOLER = "AndorCooler"
SHUTTER = "AndorShutterMode"
SHUTTER_OPEN, SHUTTER_CLOSED = "Always Open", "Always Closed"
ENUMERATIONS = {*MODES, COOLER, SHUTTER, "Acquire", "ArrayCallbacks"}
STATUS = (
    "Acquire_RBV",
    "TemperatureActual",
    "AndorTempStatus_RBV",
    "AndorEMGain_RBV",
    "AcquireTime_RBV",
    SHUTTER,
    "AndorMessage_RBV",
)
ROI = ("MinX", "MinY", "SizeX", "SizeY")
SETTABLE = (
    *ROI,
    "BinX",
    "BinY",
    "AcquireTime",
    "AcquirePeriod",
    "AndorEMGain",
    "ArrayCounter",
    "ArrayCallbacks",
)
SENSOR = ("MaxSizeX_RBV", "MaxSizeY_RBV")


def temperature_is_stable(status: str) -> bool:
    """Whether ADAndor's `AndorTempStatus_RBV` says stable: "Stabilized at set point", but not
    "Not stabilized at set point" nor "Stabilized but drifted" (andorCCD.cpp, checkStatus)."""
    text = status.lower()
    return "stabilized" in text and not any(word in text for word in ("not ", "drift"))


class CameraPvs:
    """Reads and verified writes of `cam1:` PVs; names are given without that prefix."""

    def __init__(self, link: PvaLink) -> None:
        self.link = link
        self.sensor_px = (0, 0)
        """Columns and rows of the sensor, known after `find`."""
        self._labels: dict[str, list[str]] = {}

    def find(self) -> Identity:
        """Look for every PV that the driver uses; learn identity, sensor and enumerations.

        Raises ConnectionLost when no PV answers, Timeout naming those that are missing.
        """
        link = self.link
        names = [*IDENTITY, *STATUS, *SENSOR, "DetectorState_RBV", "AcquirePeriod_RBV", "Acquire"]
        names += [f"{pv}{end}" for pv in (*MODES, *SETTABLE) for end in ("", "_RBV")]
        pvs = [*(f"cam1:{pv}" for pv in names), IMAGE]
        found = dict(zip(pvs, link.find(pvs), strict=True))
        missing = [pv for pv, value in found.items() if isinstance(value, Exception)]
        where = f"{link.address} within {link.timeout_s:g} s"
        if len(missing) == len(found):
            raise ConnectionLost(link.name, f"no PV answers at {where}", "start the camera server")
        if missing:
            raise Timeout(
                link.name,
                f"no answer from {', '.join(missing)} at {where}",
                "check that the server is ADAndor with the pvAccess plugin",
            )
        for pv in (*MODES, SHUTTER):
            self._labels[pv] = link.as_labels(pv, found[f"cam1:{pv}"])
        columns, rows = (round(link.as_number(pv, found[f"cam1:{pv}"])) for pv in SENSOR)
        self.sensor_px = (columns, rows)
        return Identity(*(link.as_text(pv, found[f"cam1:{pv}"]) for pv in IDENTITY))

    def get(self, *pvs: str) -> list[Any]:
        return self.link.get(*(f"cam1:{pv}" for pv in pvs))

    def numbers(self, *pvs: str) -> list[float]:
        return [
            self.link.as_number(pv, value) for pv, value in zip(pvs, self.get(*pvs), strict=True)
        ]

    def number(self, pv: str) -> float:
        return self.numbers(pv)[0]

    def text(self, pv: str) -> str:
        return self.link.as_text(pv, self.get(pv)[0])

    def put(self, pv: str, value: float) -> None:
        """Write `value`; of an enumeration its index."""
        if pv in ENUMERATIONS:
            self.link.put_index(f"cam1:{pv}", round(value))
        else:
            self.link.put(f"cam1:{pv}", value)

    def index(self, pv: str, label: str) -> int:
        """The number of `label` among the choices of the enumeration `pv`."""
        labels = self._labels.get(pv, [])
        if label not in labels:
            raise DeviceFault(
                self.link.name, f"{pv} offers {labels}, not {label}", "check the camera server"
            )
        return labels.index(label)

    def set(self, settings: dict[str, float], tolerance: float = 0.0) -> None:
        """Write each in turn, then wait until every read-back agrees (relative `tolerance`).

        Raises DeviceFault naming what the camera kept instead.
        """
        for pv, value in settings.items():
            self.put(pv, value)
        slack = {pv: tolerance * abs(value) for pv, value in settings.items()}
        self.expect({pv: (v - slack[pv], v + slack[pv]) for pv, v in settings.items()})

    def expect(self, ranges: dict[str, tuple[float, float]]) -> None:
        """Wait until the read-back of every PV lies in its range; else DeviceFault."""
        kept: list[float] = []

        def agreed() -> bool:
            kept[:] = self.numbers(*(f"{pv}_RBV" for pv in ranges))
            return all(
                low <= k <= high for k, (low, high) in zip(kept, ranges.values(), strict=True)
            )

        if not self.link.wait_until(agreed):
            refused = [
                f"{pv} was set to {(low + high) / 2:g} but the camera kept {k:g}"
                for (pv, (low, high)), k in zip(ranges.items(), kept, strict=True)
                if not low <= k <= high
            ]
            raise self.fault("; ".join(refused))

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Wait until `reached`; else DeviceFault that the camera did not `what`."""
        if not self.link.wait_until(reached):
            raise self.fault(f"it did not {what} (state {self.text('DetectorState_RBV')})")

    def fault(self, reason: str) -> DeviceFault:
        """A DeviceFault with the camera's own message."""
        said = self.text("AndorMessage_RBV")
        return DeviceFault(self.link.name, reason, f"camera says: {said}" if said else "retry")
