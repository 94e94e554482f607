"""The process variables of an areaDetector camera: names, types, units, choices.

Names and types after ADCore's ADBase.template and ADAndor's andorCCD.template. Numbers are
NTScalar, enumerations and switches NTEnum, strings NTScalar of string; a setting `X` has its
read-back `X_RBV` unless `readback` is false.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from p4p.nt import NTEnum, NTScalar
from p4p.server.thread import SharedPV
from p4p.util import WorkQueue

Kind = Literal["number", "count", "text", "choice"]
INVALID = 3
"""EPICS severity of a write that the camera refused."""


@dataclass(frozen=True)
class Record:
    """One process variable, without the prefix."""

    name: str
    kind: Kind
    initial: Any
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    """Limits for display and control; equal: none."""
    choices: tuple[str, ...] = ()
    settable: bool = False


def setting(
    name: str, kind: Kind, initial: Any, *, readback: bool = True, **more: Any
) -> tuple[Record, ...]:
    """A setting with its read-back."""
    records = (Record(name, kind, initial, settable=True, **more),)
    if readback:
        records += (Record(f"{name}_RBV", kind, initial, **more),)
    return records


def reading(name: str, kind: Kind, initial: Any, **more: Any) -> tuple[Record, ...]:
    return (Record(name, kind, initial, **more),)


OFF_ON = ("Off", "On")
NO_YES = ("No", "Yes")
DISABLED_ENABLED = ("Disable", "Enable")
IMAGE_MODES = ("Single", "Multiple", "Continuous", "Fast Kinetics")
TRIGGER_MODES = (
    "Internal",
    "External",
    "External Start",
    "External Exposure",
    "External FVP",
    "Software",
)
STATES = (
    "Idle",
    "Acquire",
    "Readout",
    "Correct",
    "Saving",
    "Aborting",
    "Error",
    "Waiting",
    "Initializing",
    "Disconnected",
    "Aborted",
)
SHUTTER_MODES = ("Fully Auto", "Always Open", "Always Closed", "Open for FVB", "Open for Any")
EM_GAIN_MODES = ("8 bit DAC", "12 bit DAC", "Linear Mode", "Real EM Gain")
READOUT_MODES = ("Full Vertical Binning", "Multi-Track", "Random Track", "Single-Track", "Image")
LOWEST_C, HIGHEST_C = -120.0, 20.0


def camera_records(sensor_px: int) -> tuple[Record, ...]:
    """Everything under `cam1:`, as it stands when the server starts: gain 0, shutter closed."""
    px: dict[str, Any] = {"unit": "px", "high": float(sensor_px)}
    seconds: dict[str, Any] = {"unit": "s", "high": 3600.0}
    celsius: dict[str, Any] = {"unit": "C", "low": LOWEST_C, "high": HIGHEST_C}
    return (
        *setting("Acquire", "choice", 0, choices=("Done", "Acquire")),
        *setting("AcquireTime", "number", 0.1, **seconds),
        *setting("AcquirePeriod", "number", 0.1, **seconds),
        *setting("NumImages", "count", 1),
        *setting("NumExposures", "count", 1),
        *setting("ImageMode", "choice", 2, choices=IMAGE_MODES),
        *setting("TriggerMode", "choice", 0, choices=TRIGGER_MODES),
        *setting("MinX", "count", 0, **px),
        *setting("MinY", "count", 0, **px),
        *setting("SizeX", "count", sensor_px, **px),
        *setting("SizeY", "count", sensor_px, **px),
        *setting("BinX", "count", 1, **px),
        *setting("BinY", "count", 1, **px),
        *setting("DataType", "choice", 0, choices=("UInt16", "UInt32")),
        *setting("ArrayCounter", "count", 0),
        *setting("ArrayCallbacks", "choice", 1, choices=DISABLED_ENABLED),
        *setting("AndorCooler", "choice", 1, choices=OFF_ON),
        *setting("Temperature", "number", 0.0, **celsius),
        *setting("AndorEMGain", "count", 0, high=300.0),
        *setting("AndorEMGainMode", "choice", 3, choices=EM_GAIN_MODES),
        *setting("AndorEMGainAdvanced", "choice", 0, choices=("Disabled", "Enabled")),
        *setting("AndorPreAmpGain", "choice", 0, choices=("5.10 x",)),
        *setting("AndorADCSpeed", "choice", 0, choices=("10.00 MHz",)),
        *setting("AndorVSPeriod", "choice", 0, choices=("0.50 us",)),
        *setting("AndorVSAmplitude", "choice", 0, choices=("Normal",)),
        *setting("AndorBaselineClamp", "choice", 1, choices=OFF_ON),
        *setting("AndorFTMode", "choice", 1, choices=OFF_ON),
        *setting("AndorReadOutMode", "choice", 4, choices=READOUT_MODES),
        *setting("AndorAccumulatePeriod", "number", 0.1, **seconds),
        *setting("AndorShutterMode", "choice", 2, readback=False, choices=SHUTTER_MODES),
        *setting(
            "AndorShutterExTTL",
            "choice",
            1,
            readback=False,
            choices=("Low To Open", "High To Open"),
        ),
        *setting("ShutterMode", "choice", 2, choices=("None", "EPICS PV", "Detector output")),
        *setting("WaitForPlugins", "choice", 0, readback=False, choices=NO_YES),
        *setting("NDAttributesFile", "text", "", readback=False),
        *reading("NumImagesCounter_RBV", "count", 0),
        *reading("UniqueId_RBV", "count", 0),
        *reading("DetectorState_RBV", "choice", 0, choices=STATES),
        *reading("StatusMessage_RBV", "text", "IDLE. Waiting on instructions."),
        *reading("AndorMessage_RBV", "text", ""),
        *reading("TemperatureActual", "number", 0.0, **celsius),
        *reading("AndorTempStatus_RBV", "text", ""),
        *reading("MaxSizeX_RBV", "count", sensor_px, **px),
        *reading("MaxSizeY_RBV", "count", sensor_px, **px),
        *reading("ArraySizeX_RBV", "count", sensor_px, **px),
        *reading("ArraySizeY_RBV", "count", sensor_px, **px),
        *reading("ArraySizeZ_RBV", "count", 0, **px),
        *reading("ArraySize0_RBV", "count", sensor_px, **px),
        *reading("ArraySize1_RBV", "count", sensor_px, **px),
        *reading("ArraySize2_RBV", "count", 0, **px),
        *reading("ArraySize_RBV", "count", 2 * sensor_px**2, unit="bytes"),
        *reading("ColorMode_RBV", "choice", 0, choices=("Mono",)),
        *reading("Manufacturer_RBV", "text", "Andor"),
        *reading("Model_RBV", "text", "DU897_BV"),
        *reading("SerialNumber_RBV", "text", "9001"),
        *reading("SDKVersion_RBV", "text", "2.104.30064.0"),
        *reading("FirmwareVersion_RBV", "text", "36.1"),
        *reading("DriverVersion_RBV", "text", "2.9.0"),
        *reading("ADCoreVersion_RBV", "text", "3.13.0"),
        *reading("PortName_RBV", "text", "ANDOR"),
    )


NORMATIVE_TYPE: dict[Kind, Callable[[], Any]] = {
    "number": lambda: NTScalar("d", display=True, control=True),
    "count": lambda: NTScalar("i", display=True, control=True),
    "text": lambda: NTScalar("s", display=True),
    "choice": NTEnum,
}


class Channel:
    """One PV on the wire: holds its value, posts changes with rig time and severity."""

    def __init__(self, record: Record, now_s: float, queue: WorkQueue, on_put: Any = None) -> None:
        self.record = record
        self.value: Any = record.initial
        self._severity = 0
        nt = NORMATIVE_TYPE[record.kind]()
        handler = _PutHandler(self, on_put) if record.settable else None
        self.pv = SharedPV(handler=handler, nt=nt, queue=queue)
        self.pv.open(self._first(), timestamp=now_s)

    def _first(self) -> Any:
        record = self.record
        if record.kind == "choice":
            return {"value": {"index": record.initial, "choices": list(record.choices)}}
        first: dict[str, Any] = {"value": record.initial}
        if record.kind != "text":
            limits = {"limitLow": record.low, "limitHigh": record.high}
            first["display"] = {**limits, "units": record.unit, "description": record.name}
            first["control"] = {**limits, "minStep": 0.0}
        return first

    def post(self, value: Any, now_s: float, severity: int = 0) -> None:
        """Publish `value` if it, or the severity, is new."""
        if value == self.value and severity == self._severity:
            return
        self.value, self._severity = value, severity
        message = "WRITE" if severity else ""
        self.pv.post(value, timestamp=now_s, severity=severity, message=message)

    def taken(self, sent: Any) -> Any:
        """What a client sent, as this PV's own Python type. Raises ValueError, TypeError."""
        kind = self.record.kind
        if kind == "text":
            return str(sent)
        if kind == "number":
            return float(sent)
        value = int(sent)
        if kind == "choice" and not 0 <= value < len(self.record.choices):
            raise ValueError(f"{self.record.name} has no choice {value}")
        return value


class _PutHandler:
    def __init__(self, channel: Channel, on_put: Callable[[Channel, Any, Any], None]) -> None:
        self._channel = channel
        self._on_put = on_put

    def put(self, pv: Any, op: Any) -> None:
        """Called on the queue's one thread, so puts are handled in the order in which they came."""
        del pv
        try:
            value = self._channel.taken(op.value())
        except (TypeError, ValueError) as error:
            op.done(error=str(error))
            return
        self._on_put(self._channel, value, op)
