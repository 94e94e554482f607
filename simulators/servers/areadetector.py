"""The EMCCD behind an EPICS areaDetector server, over pvAccess.

Behaves as ADAndor does (areaDetector/ADAndor, andorCCD.cpp): settings are cut to what the camera
can do and read back; while it acquires, settings and shutter are refused with 'Not allowed.
Currently acquiring data.' and the temperature is not read. A refused write leaves the read-back
as it was and gives the setting an INVALID severity.
"""

import asyncio
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from p4p.server import Server
from p4p.util import ThreadedWorkQueue

from atta_daq.search_port import search_port
from simulators.again import port_of
from simulators.faults import BOOT_S, LATE_S
from simulators.servers.areadetector_frames import CameraFault, FramePump
from simulators.servers.areadetector_pvs import (
    HIGHEST_C,
    IMAGE_MODES,
    INVALID,
    LOWEST_C,
    READOUT_MODES,
    SHUTTER_MODES,
    STATES,
    Channel,
    camera_records,
)
from simulators.wire import LOOPBACK
from simulators.world.camera import CameraSetup
from simulators.world.world import World

PREFIX = "ATTA:ANDOR:"
PIXEL_RATE_HZ = 10e6
SHIFT_S = 0.5e-6
"""Vertical shift of one row."""
STANDARD_GAIN, ADVANCED_GAIN = 300, 1000
STATUS_PERIOD_S = 0.1
"""Wall time between two looks at temperature and state."""
ACQUIRING_ERROR = "ERROR: Not allowed. Currently acquiring data."
MODE_ERROR = "ERROR: Invalid mode or mode not available."
ALWAYS_ALLOWED = ("Acquire", "ArrayCounter", "ArrayCallbacks", "WaitForPlugins", "NDAttributesFile")


class Refused(Exception):
    """The camera's own words for what it does not do."""


class AreaDetector:
    """PVs, settings and the frame pump of one camera."""

    def __init__(self, world: World, prefix: str = PREFIX) -> None:
        self._world = world
        self._prefix = prefix
        self._puts = ThreadedWorkQueue(name="camera puts", maxsize=0, daemon=True)
        self._channels: dict[str, Channel] = {}
        self._fault: CameraFault | None = None
        self._mended = threading.Event()
        self._boot: threading.Timer | None = None
        now_s = world.clock.now_s()
        camera = world.atoms.camera
        for record in camera_records(world.truth.camera.sensor_px):
            self._channels[record.name] = Channel(record, now_s, self._puts, self._put)
        self._post_both("Temperature", camera.cooler.setpoint_c)
        self._frames = FramePump(world, self._puts, self._acquisition_ended, self._post_counters)
        self._waiting: list[Any] = []
        # what the camera took; a setpoint's own PV may show a value that was refused
        self._settings = {name: c.value for name, c in self._channels.items() if c.record.settable}
        self._apply_setup()
        self._look()
        self._stopping = threading.Event()
        self._status = threading.Thread(target=self._status_task, name="camera status", daemon=True)
        self._server: Server | None = None
        self._pvs: dict[str, Any] = {}
        self._tcp_port, self._udp_port = "0", port_of("camera")

    # --- life -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Serve on 127.0.0.1, TCP and UDP ports of its own."""
        self._puts.start()
        self._pvs = {f"{self._prefix}cam1:{name}": c.pv for name, c in self._channels.items()}
        self._pvs[f"{self._prefix}Pva1:Image"] = self._frames.pv
        self._serve()
        self._frames.start()
        self._status.start()

    def _serve(self) -> None:
        """Listen where clients have looked before, if this is not the first time."""
        self._server = Server(
            providers=[self._pvs],
            useenv=False,
            conf={
                "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
                "EPICS_PVA_ADDR_LIST": LOOPBACK,
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_SERVER_PORT": self._tcp_port,
                "EPICS_PVA_BROADCAST_PORT": str(search_port(LOOPBACK, self._udp_port)),
            },
        )
        conf = self._server.conf()
        self._tcp_port = conf["EPICS_PVAS_SERVER_PORT"]
        self._udp_port = int(conf["EPICS_PVAS_BROADCAST_PORT"])

    def _vanish(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def address(self) -> str:
        """`pva://127.0.0.1:<UDP search port>/<prefix>`."""
        if self._udp_port == 0:
            raise RuntimeError("the camera's server was not opened")
        return f"pva://{LOOPBACK}:{self._udp_port}/{self._prefix}"

    @property
    def tcp_port(self) -> int:
        """Where it listens."""
        return int(self._tcp_port)

    async def close(self) -> None:
        """Stop acquiring and serving."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._stopping.set()
        self._mended.set()
        if self._boot is not None:
            self._boot.cancel()
            self._boot.join()
        self._status.join()
        self._frames.close()
        self._vanish()
        for channel in self._channels.values():
            channel.pv.close(destroy=True)
        self._frames.pv.close(destroy=True)
        self._puts.stop()

    # --- faults ---------------------------------------------------------------------------------

    def set_fault(self, fault: CameraFault | None) -> None:
        """Put a fault on the camera, or None to clear all of them. A restart is over by itself."""
        if fault is not None and fault.kind == "restart":
            threading.Thread(target=self._restart, args=(fault,), daemon=True).start()
            return
        leak = fault.electrons_px_s if fault is not None and fault.kind == "light_leak" else 0.0
        with self._world.lock:
            self._world.atoms.advance()
            runaway = fault is not None and fault.kind == "runaway"
            self._world.atoms.camera.cooler.fail(self._world.clock.now_s(), runaway)
            self._world.atoms.camera.light_leak_electrons_px_s = leak
        shown_wrongly = {f.kind for f in (self._fault, fault) if f is not None}
        self._fault = fault
        self._mended.set()
        self._frames.set_fault(fault)
        match fault:
            case CameraFault("late"):
                self._mended.clear()
            case CameraFault("no_reply"):
                self._vanish()
            case CameraFault("dropped"):
                self._vanish()
                self._serve()
            case CameraFault("restarted"):
                self._vanish()
                self._power_up()
                self._boot = threading.Timer(fault.delay_s or BOOT_S, self._serve)
                self._boot.start()
            case None if self._server is None and not self._booting:
                self._serve()
        self._look(always=bool(shown_wrongly & {"garbled", "wrong_unit"}))
        self._apply_setup()

    @property
    def _booting(self) -> bool:
        return self._boot is not None and self._boot.is_alive()

    def _power_up(self) -> None:
        """Every setting and the state as when the server was first started; a cold sensor stays
        cold over the moment."""
        if self._frames.acquiring:
            self._frames.abort()
        for name, channel in self._channels.items():
            if name.startswith("Temperature"):
                continue
            if channel.record.settable:
                self._settings[name] = channel.record.initial
            self._post(name, channel.record.initial)
        self._world.atoms.set_camera_shutter(False)
        self._frames.counter = 0
        self._frames.callbacks = True

    def _as_shown(self, name: str, value: Any) -> Any:
        """`value` as the present fault lets it be seen."""
        kind = self._fault.kind if self._fault is not None else ""
        if kind == "garbled":
            return {"TemperatureActual": math.nan, "AndorTempStatus_RBV": "%&$"}.get(name, value)
        if kind == "wrong_unit" and name == "TemperatureActual":
            return value + 273.15
        if kind == "wrong_unit" and name == "AcquireTime_RBV":
            return 1000.0 * value
        return value

    def _restart(self, fault: CameraFault) -> None:
        """The server's process ends and is started again on the same ports."""
        self._vanish()
        if self._frames.acquiring:
            self._frames.abort()
        if self._stopping.wait(fault.down_s):
            return
        for channel in self._channels.values():
            if channel.record.settable:
                self._settings[channel.record.name] = channel.record.initial
                self._post_both(channel.record.name, channel.record.initial)
        self._post_both("Temperature", self._world.atoms.camera.cooler.setpoint_c)
        self._settings["AndorEMGain"] = fault.em_gain
        self._post_both("AndorEMGain", fault.em_gain)
        mode = SHUTTER_MODES.index("Always Open" if fault.shutter_open else "Always Closed")
        self._settings["AndorShutterMode"] = mode
        self._post("AndorShutterMode", mode)
        self._world.atoms.set_camera_shutter(bool(fault.shutter_open))
        self._frames.counter = 0
        self._apply_setup()
        self._serve()

    # --- puts -----------------------------------------------------------------------------------

    def _put(self, channel: Channel, value: Any, op: Any) -> None:
        name = channel.record.name
        if self._fault is not None and self._fault.kind == "late":
            self._mended.wait(self._fault.delay_s or LATE_S)
        if name == "Acquire":
            self._put_acquire(value, op)
            return
        message = ""
        try:
            if self._frames.acquiring and name not in ALWAYS_ALLOWED:
                raise Refused(ACQUIRING_ERROR)
            self._set(name, value)
        except Refused as refusal:
            message = str(refusal)
            # a setting without read-back shows what the camera holds
            shown = value if f"{name}_RBV" in self._channels else self._settings[name]
            self._post(name, shown, INVALID)
        self._post("AndorMessage_RBV", message)
        op.done()

    def _set(self, name: str, value: Any) -> None:
        """Take one setting over, or raise Refused."""
        world = self._world
        cooler = world.atoms.camera.cooler
        check = CHECKS.get(name)
        if check is not None and not check(value):
            raise Refused(MODE_ERROR)
        if name == "Temperature":
            # a C cast of what is no number is out of range, too
            if not (math.isfinite(value) and LOWEST_C < int(value) < HIGHEST_C):
                raise Refused("Temperature is out of range.")
            with world.lock:
                cooler.set(world.clock.now_s(), setpoint_c=float(int(value)))
        elif name == "AndorCooler":
            with world.lock:
                cooler.set(world.clock.now_s(), on=bool(value))
        elif name == "AndorShutterMode":
            world.atoms.set_camera_shutter(SHUTTER_MODES[value] not in CLOSED)
        elif name == "ArrayCounter":
            self._frames.counter = value
        elif name == "ArrayCallbacks":
            self._frames.callbacks = bool(value)
        self._settings[name] = value
        self._post(name, value)
        if name in APPLIED:
            self._apply_setup()
        elif f"{name}_RBV" in self._channels:
            self._post(f"{name}_RBV", value)
        self._look()

    def _put_acquire(self, value: int, op: Any) -> None:
        blocking = _blocks(op)
        if value and not self._frames.acquiring:
            self._start()
        elif not value and self._frames.acquiring:
            self._frames.abort()
        if value and blocking and self._frames.acquiring:
            self._waiting.append(op)
            return
        op.done()

    def _start(self) -> None:
        mode = IMAGE_MODES[self._value("ImageMode_RBV")]
        images = {"Single": 1, "Multiple": self._value("NumImages_RBV")}.get(mode)
        triggered = self._value("TriggerMode_RBV") != 0
        self._post_both("Acquire", 1)
        self._post("DetectorState_RBV", STATES.index("Acquire"))
        self._post("StatusMessage_RBV", "Data acquisition in progress.")
        # nothing is connected to the trigger input: such an acquisition waits for ever
        self._frames.begin(images, self._value("AndorEMGain_RBV"), waits_for_trigger=triggered)

    def _acquisition_ended(self) -> None:
        """Last frame posted, or aborted: counters first, then the state that clients wait for."""
        self._post_both("Acquire", 0)
        self._post("DetectorState_RBV", STATES.index("Idle"))
        self._post("StatusMessage_RBV", "IDLE. Waiting on instructions.")
        self._look()
        waiting, self._waiting = self._waiting, []
        for op in waiting:
            op.done()

    # --- settings -> camera -----------------------------------------------------------------------

    def _apply_setup(self) -> None:
        """Cut the settings to what the camera can do (setupAcquisition) and read them back."""
        sensor = self._world.truth.camera.sensor_px
        want = self._settings
        ceiling = ADVANCED_GAIN if want["AndorEMGainAdvanced"] else STANDARD_GAIN
        setup = CameraSetup(
            min_x=_cut(want["MinX"], 0, sensor - 1),
            min_y=_cut(want["MinY"], 0, sensor - 1),
            bin_x=_cut(want["BinX"], 1, sensor),
            bin_y=_cut(want["BinY"], 1, sensor),
            em_gain=_cut(want["AndorEMGain"], 0, ceiling),
        )
        setup = replace(
            setup,
            bin_x=min(setup.bin_x, sensor - setup.min_x),
            bin_y=min(setup.bin_y, sensor - setup.min_y),
        )
        setup = replace(
            setup,
            size_x=_cut(want["SizeX"], setup.bin_x, sensor - setup.min_x),
            size_y=_cut(want["SizeY"], setup.bin_y, sensor - setup.min_y),
        )
        rows, columns = setup.shape
        readout_s = rows * columns / PIXEL_RATE_HZ + sensor * SHIFT_S
        exposure_s = max(want["AcquireTime"], readout_s if want["AndorFTMode"] else 1e-5)
        dead_s = 0.0 if want["AndorFTMode"] else readout_s
        setup = replace(
            setup,
            exposure_s=exposure_s,
            period_s=max(want["AcquirePeriod"], exposure_s + dead_s),
        )
        with self._world.lock:
            self._world.atoms.camera.setup = setup
        readbacks = {
            "AcquireTime_RBV": setup.exposure_s,
            "AcquirePeriod_RBV": setup.period_s,
            "AndorAccumulatePeriod_RBV": setup.period_s,
            "MinX_RBV": setup.min_x,
            "MinY_RBV": setup.min_y,
            "SizeX_RBV": setup.size_x,
            "SizeY_RBV": setup.size_y,
            "BinX_RBV": setup.bin_x,
            "BinY_RBV": setup.bin_y,
            "AndorEMGain_RBV": setup.em_gain,
            "AndorEMGainAdvanced_RBV": want["AndorEMGainAdvanced"],
            "AndorFTMode_RBV": want["AndorFTMode"],
            "NumImages_RBV": max(1, want["NumImages"]),
            "ArraySizeX_RBV": columns,
            "ArraySizeY_RBV": rows,
            "ArraySize0_RBV": columns,
            "ArraySize1_RBV": rows,
            "ArraySize_RBV": 2 * rows * columns,
        }
        for name, value in readbacks.items():
            self._post(name, value)

    # --- reading ----------------------------------------------------------------------------------

    def _status_task(self) -> None:
        while not self._stopping.wait(STATUS_PERIOD_S):
            self._look()

    def _look(self, *, always: bool = False) -> None:
        """Cooler and temperature, which ADAndor reads only while it does not acquire."""
        if self._frames.acquiring and not always:
            return
        with self._world.lock:
            now_s = self._world.clock.now_s()
            cooler = self._world.atoms.camera.cooler
            temperature_c = round(cooler.temperature_c(now_s), 2)
            words = cooler.status(now_s)
        self._post("TemperatureActual", temperature_c)
        self._post("AndorTempStatus_RBV", words)

    def _post_counters(self, counter: int, images: int) -> None:
        self._post("ArrayCounter_RBV", counter)
        self._post("UniqueId_RBV", counter)
        self._post("NumImagesCounter_RBV", images)

    def _value(self, name: str) -> Any:
        return self._channels[name].value

    def _post(self, name: str, value: Any, severity: int = 0) -> None:
        self._channels[name].post(self._as_shown(name, value), self._world.clock.now_s(), severity)

    def _post_both(self, name: str, value: Any) -> None:
        self._post(name, value)
        if f"{name}_RBV" in self._channels:
            self._post(f"{name}_RBV", value)


APPLIED = (
    *("MinX", "MinY", "SizeX", "SizeY", "BinX", "BinY", "NumImages"),
    *("AcquireTime", "AcquirePeriod", "AndorAccumulatePeriod", "AndorFTMode"),
    *("AndorEMGain", "AndorEMGainAdvanced"),
)
"""Settings whose read-backs come out of `_apply_setup`."""
CLOSED = ("Always Closed", "Open for FVB")
"""Shutter modes that keep the light out in image mode."""
CHECKS: dict[str, Callable[[Any], bool]] = {
    "ImageMode": lambda value: IMAGE_MODES[value] != "Fast Kinetics",
    "DataType": lambda value: value == 0,
    "AndorEMGainMode": lambda value: value == 3,
    "AndorReadOutMode": lambda value: READOUT_MODES[value] == "Image",
    "ShutterMode": lambda value: value == 2,
    "NumExposures": lambda value: value == 1,
    "AcquireTime": lambda value: 0.0 <= value < float("inf"),
    "AcquirePeriod": lambda value: 0.0 <= value < float("inf"),
}
"""What the simulated camera has; anything else is refused, not silently taken."""


def _cut(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _blocks(op: Any) -> bool:
    """Whether the client asked that the put ends with the processing (put-callback)."""
    try:
        return str(op.pvRequest()["record._options.block"]) == "true"
    except KeyError:
        return False


async def start(world: World, prefix: str = PREFIX) -> AreaDetector:
    """Start the camera of `world`."""
    camera = AreaDetector(world, prefix)
    await asyncio.to_thread(camera.open)
    return camera
