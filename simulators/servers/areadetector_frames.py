"""Exposures of the simulated camera, read out and posted as NTNDArray in real time."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from p4p import Value
from p4p.nt import NTNDArray
from p4p.server.thread import SharedPV
from p4p.util import WorkQueue

from simulators.world.camera import Exposure
from simulators.world.world import World

_log = logging.getLogger(__name__)

CameraFaultKind = Literal[
    "no_reply", "late", "garbled", "half", "wrong_unit", "dropped", "restarted",
    "stall", "drop_frames", "runaway", "light_leak", "restart",
]  # fmt: skip
CAMERA_FAULTS: tuple[str, ...] = get_args(CameraFaultKind)
CAMERA_FAULT_PARAMETERS: dict[str, dict[str, tuple[float, float]]] = {
    "drop_frames": {"every": (1, 1_000_000)},
    "light_leak": {"electrons_px_s": (0.0, 1e9)},
    "late": {"delay_s": (0.0, 3600.0)},
    "restarted": {"delay_s": (0.0, 60.0)},
    "restart": {"em_gain": (0, 1000), "shutter_open": (0, 1), "down_s": (0.0, 60.0)},
}
"""What a fault takes beside its kind, with the lowest and the highest value."""
SHORTEST_WAIT_S = 0.002
"""Wall time: frames that end closer together are posted in one go."""
LONGEST_WAIT_S = 0.05
LARGEST_BATCH = 256
BATCH_PAUSE_S = 0.01
"""When this process has fallen behind: frames posted in one go, and the wall time that clients
then get, whose queues would run over otherwise."""
COUNTER_PERIOD = 64
"""At high speed the counters' own PVs are posted every so many frames."""


@dataclass
class CameraFault:
    """What can go wrong with the camera, until it is cleared.

    no_reply     the server is gone and no process variable answers
    late         the server takes a put `delay_s` of wall time after it came
    garbled      temperatures read as no number, states as nonsense
    half         frames come with half of their pixels
    wrong_unit   temperatures in kelvin, exposures in milliseconds
    dropped      every connection is cut once; the server comes back at once, settings kept
    restarted    server and camera start anew after `delay_s`: nothing of the settings is left
    stall        it acquires, and no frame comes
    drop_frames  of every `every` frames one is lost on its way (seen as a gap in `uniqueId`)
    runaway      the cooler fails and the sensor warms up
    light_leak   light from outside falls on the open sensor: `electrons_px_s`
    restart      the server is gone for `down_s` (wall time), then comes up with its defaults, but
                 for a gain and a shutter that its autosave file puts back
    """

    kind: CameraFaultKind
    every: int = 10
    delay_s: float | None = None
    electrons_px_s: float = 1e5
    em_gain: int = 0
    shutter_open: float = 0
    down_s: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in CAMERA_FAULTS:
            raise ValueError(f"no camera fault {self.kind!r}: {', '.join(CAMERA_FAULTS)}")
        if self.every < 1:
            raise ValueError(f"every must be 1 or more, got {self.every}")


class FramePump:
    """A thread that posts every exposure soon after its end.

    `uniqueId` counts exposures, not posts: what is lost, by a fault or because this process was
    too slow and the camera's buffer ran over, leaves a gap. Rig time is never stretched.
    """

    def __init__(
        self,
        world: World,
        queue: WorkQueue,
        ended: Callable[[], None],
        post_counters: Callable[[int, int], None],
    ) -> None:
        self._world = world
        self._camera = world.atoms.camera
        self._ended = ended
        self._post_counters = post_counters
        self.counter = 0
        """Array counter: exposures since the server started, unless a client set it."""
        self.callbacks = True
        self.acquiring = False
        self._images = 0
        self._first = True
        self._em_gain = 0
        self._fault: CameraFault | None = None
        self._wake = threading.Event()
        self._stopping = False
        # held while frames are posted, so that after an abort none follows
        self._posting = threading.RLock()
        self._thread = threading.Thread(target=self._run, name="camera frames", daemon=True)
        # What subscribers see first is an old frame. Drawing it also compiles the sampler.
        now_s = world.clock.now_s()
        first = NTNDArray().wrap(self._camera.dark_frame(now_s), timestamp=now_s)
        self._type = first.type()
        self.pv = SharedPV(initial=first, queue=queue)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with self._posting:
            self._world.atoms.stop_camera()
            self._stopping = True
        self._wake.set()
        self._thread.join()

    def set_fault(self, fault: CameraFault | None) -> None:
        self._fault = fault

    def begin(self, images: int | None, em_gain: int, *, waits_for_trigger: bool) -> None:
        """Start exposing now; `images` None runs until abort."""
        with self._posting:
            self._images = 0
            self._first = True
            self._em_gain = em_gain
            self.acquiring = True
            self._post_counters(self.counter, 0)
            if not waits_for_trigger:
                self._world.atoms.start_camera(images)
        self._wake.set()

    def abort(self) -> None:
        """Stop; when it returns no frame will be posted any more."""
        with self._posting:
            self._world.atoms.stop_camera()
            self._camera.exposures.clear()
            self._finish()

    def _finish(self) -> None:
        self.acquiring = False
        self._post_counters(self.counter, self._images)
        self._ended()

    def _run(self) -> None:
        while not self._stopping:
            try:
                wait_s = self._step()
            except Exception:
                _log.exception("camera: the simulated camera failed")
                return
            self._wake.wait(wait_s)
            self._wake.clear()

    def _step(self) -> float:
        """Post what is due; wall seconds until there is something to do again."""
        with self._posting:
            if not self.acquiring:
                return LONGEST_WAIT_S
            with self._world.lock:
                self._world.atoms.advance()
                running = self._camera.acquiring
                waiting = self._camera.exposures
                due = [waiting.popleft() for _ in range(min(len(waiting), LARGEST_BATCH))]
                late = len(waiting) > 0
                now_s = self._world.clock.now_s()
                next_s = self._camera.next_edge_s(now_s)
            for exposure in due:
                self._handle(exposure)
            if due and (len(due) < COUNTER_PERIOD or not running):
                self._post_counters(self.counter, self._images)
            stalled = self._fault is not None and self._fault.kind == "stall"
            if late:
                return BATCH_PAUSE_S
            if not running and due and not stalled:
                self._finish()
            wait_s = self._world.clock.wall_delay_s(next_s - now_s)
        return min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)

    def _handle(self, exposure: Exposure) -> None:
        self.counter += exposure.number + 1 - self._images
        self._images = exposure.number + 1
        fault = self._fault
        if fault is not None and fault.kind == "stall":
            return
        if fault is not None and fault.kind == "drop_frames" and self._images % fault.every == 0:
            return
        if self.callbacks:
            self.pv.post(self._packed(exposure))

    def _packed(self, exposure: Exposure) -> Value:
        """Only what changes is marked: clients keep the rest from the first frame."""
        pixels = self._camera.frame(exposure).ravel()
        if self._fault is not None and self._fault.kind == "half":
            pixels = pixels[: pixels.size // 2]
        seconds = int(exposure.end_s)
        stamp = {
            "secondsPastEpoch": seconds,
            "nanoseconds": int((exposure.end_s - seconds) * 1e9),
        }
        fields: dict[str, Any] = {
            "value": ("ushortValue", pixels),
            "uniqueId": self.counter,
            "dataTimeStamp": stamp,
            "timeStamp": stamp,
        }
        if self._first:
            self._first = False
            fields |= self._description(exposure, pixels.nbytes)
        return Value(self._type, fields)

    def _description(self, exposure: Exposure, size: int) -> dict[str, Any]:
        setup = exposure.setup
        rows, columns = setup.shape
        sensor = self._world.truth.camera.sensor_px

        def axis(count: int, offset: int, binning: int) -> dict[str, Any]:
            return {
                "size": count,
                "offset": offset,
                "fullSize": sensor,
                "binning": binning,
                "reverse": False,
            }

        def attribute(name: str, value: Any, description: str) -> dict[str, Any]:
            return {"name": name, "value": value, "descriptor": description, "source": "driver"}

        return {
            "compressedSize": size,
            "uncompressedSize": size,
            # the fastest axis first
            "dimension": [
                axis(columns, setup.min_x, setup.bin_x),
                axis(rows, setup.min_y, setup.bin_y),
            ],
            "attribute": [
                attribute("ColorMode", 0, "Color mode"),
                attribute("AcquireTime", setup.exposure_s, "exposure (s)"),
                attribute("AndorEMGain", self._em_gain, "electron multiplication as set"),
            ],
        }
