"""What the drivers' tests talk to: a scripted box on a loopback TCP port, for text protocols byte
by byte, and the PVs of an areaDetector camera."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from p4p.nt import NTEnum, NTNDArray, NTScalar
from p4p.server import StaticProvider
from p4p.server.thread import SharedPV
from pva_alone import served


@dataclass
class Held:
    """An answer that leaves only when the test sets `release`."""

    data: bytes
    release: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)


HANG_UP = object()
"""The box closes the connection instead of answering."""

Answer = bytes | Held | object | None


class ScriptedBox:
    """Answers each received line from `answers`; a list is used up from its front, its last entry
    stays. Unknown lines get no answer. `received` holds every line with its terminator."""

    def __init__(self) -> None:
        self.answers: dict[bytes, Answer | list[Answer]] = {}
        self.answer: Callable[[bytes], Answer] = self._from_table
        self.received: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.resource = f"TCPIP0::127.0.0.1::{self.port}::SOCKET"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _from_table(self, line: bytes) -> Answer:
        answer = self.answers.get(line.strip())
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(4096):
                pending += data
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    line += b"\n"
                    self.received.append(line)
                    answer = self.answer(line)
                    if answer is HANG_UP:
                        return
                    if isinstance(answer, Held):
                        answer.release.wait(30.0)
                        with contextlib.suppress(OSError):
                            connection.sendall(answer.data)
                        answer.sent.set()
                    elif isinstance(answer, bytes):
                        connection.sendall(answer)


STABLE = "Stabilized at set point"
IMAGE_MODES = ["Single", "Multiple", "Continuous", "Fast Kinetics"]
TRIGGERS = ["Internal", "External", "External Start", "External Exposure", "External FVP"]
GAIN_MODES = ["8 bit DAC", "12 bit DAC", "Linear Mode", "Real EM Gain"]
SHUTTERS = ["Fully Auto", "Always Open", "Always Closed", "Open for FVB", "Open for Any"]
ENUMERATIONS = {
    "Acquire": (["Done", "Acquire"], 0),
    "ImageMode": (IMAGE_MODES, 0),
    "TriggerMode": (TRIGGERS, 1),
    "DataType": (["UInt16", "UInt32"], 1),
    "AndorReadOutMode": (["FVB", "Image", "Random Track"], 0),
    "ArrayCallbacks": (["Disable", "Enable"], 0),
    "AndorEMGainMode": (GAIN_MODES, 0),
    "AndorEMGainAdvanced": (["Disabled", "Enabled"], 1),
    "AndorShutterMode": (SHUTTERS, 2),
    "AndorCooler": (["Off", "On"], 0),
}
INTEGERS = {
    "MinX": 0,
    "MinY": 0,
    "SizeX": 512,
    "SizeY": 512,
    "BinX": 2,
    "BinY": 2,
    "AndorEMGain": 0,
    "ArrayCounter": 0,
}
REALS = {"AcquireTime": 1.0, "AcquirePeriod": 1.0}
READ_ONLY = {
    "Manufacturer_RBV": "Andor",
    "Model_RBV": "DU897_BV",
    "SerialNumber_RBV": "9274",
    "FirmwareVersion_RBV": "1.2",
    "AndorTempStatus_RBV": STABLE,
    "AndorMessage_RBV": " ",
}
PREFIX = "TEST:ANDOR:"


class FakeCamera:
    """The PVs of one camera on ports of its own; `puts` holds what clients wrote, in order."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.puts: list[tuple[str, float]] = []
        self.stuck: set[str] = set()
        self.rounding: Callable[[str, float], float] = lambda _name, value: value
        self.pvs: dict[str, SharedPV] = {}
        self._lock = threading.Lock()
        for name, (labels, index) in ENUMERATIONS.items():
            for full in (name, f"{name}_RBV"):
                self._add(full, NTEnum(), {"choices": labels, "index": index})
        for name, value in INTEGERS.items():
            self._add(name, NTScalar("i"), value)
            self._add(f"{name}_RBV", NTScalar("i"), value)
        for name, value in REALS.items():
            self._add(name, NTScalar("d"), value)
            self._add(f"{name}_RBV", NTScalar("d"), value)
        for name, text in READ_ONLY.items():
            self._add(name, NTScalar("s"), text)
        self._add("MaxSizeX_RBV", NTScalar("i"), 512)
        self._add("MaxSizeY_RBV", NTScalar("i"), 512)
        self._add("TemperatureActual", NTScalar("d"), -70.0)
        states = ["Idle", "Acquire", "Readout"]
        self._add("DetectorState_RBV", NTEnum(), {"choices": states, "index": 0})
        self.image = SharedPV(initial=self.array(np.zeros((1, 1), np.uint16), 0, 0.0))
        provider = StaticProvider("camera")
        for name, pv in self.pvs.items():
            if name not in without:
                provider.add(f"{PREFIX}cam1:{name}", pv)
        provider.add(f"{PREFIX}Pva1:Image", self.image)
        self._server = served(provider)
        port = self._server.conf()["EPICS_PVAS_BROADCAST_PORT"]
        self.address = f"pva://127.0.0.1:{port}/{PREFIX}"

    def _add(self, name: str, nt: object, initial: object) -> None:
        pv = SharedPV(nt=nt, initial=initial)
        self.pvs[name] = pv

        @pv.put
        def put(pv: SharedPV, op: Any) -> None:
            value = float(op.value())
            self.puts.append((name, value))
            if name not in self.stuck:
                self.set(name, value)
                self.set(f"{name}_RBV", self.rounding(name, value))
            if name == "Acquire":
                self.set("DetectorState_RBV", value if name not in self.stuck else 0)
            op.done()

    def set(self, name: str, value: float | str) -> None:
        """Post a value as the server."""
        if name not in self.pvs:
            return
        kept = self.pvs[name].current()
        whole = isinstance(kept, int) and not isinstance(value, str)
        self.pvs[name].post(int(value) if whole else value, timestamp=time.time())

    def get(self, name: str) -> float:
        return float(self.pvs[name].current())

    @staticmethod
    def array(image: np.ndarray, unique_id: int, rig_time_s: float) -> object:
        array = NTNDArray().wrap(image, timestamp=rig_time_s)
        array.uniqueId = unique_id
        return array

    def expose(
        self, unique_id: int, rig_time_s: float = 1.0, image: np.ndarray | None = None
    ) -> None:
        """One frame, whose pixels are all its number unless given."""
        if image is None:
            image = np.full((32, 40), unique_id % 65536, np.uint16)
        self.set("ArrayCounter_RBV", unique_id)
        self.image.post(self.array(image, unique_id, rig_time_s))

    def wrote(self, name: str) -> list[float]:
        return [value for put, value in self.puts if put == name]

    def close(self) -> None:
        self._server.stop()


@pytest.fixture
def box() -> Iterator[ScriptedBox]:
    scripted = ScriptedBox()
    yield scripted
    scripted.close()


@pytest.fixture
def make_box() -> Iterator[Callable[[], ScriptedBox]]:
    made: list[ScriptedBox] = []

    def make() -> ScriptedBox:
        made.append(ScriptedBox())
        return made[-1]

    yield make
    for scripted in made:
        scripted.close()


@pytest.fixture
def held() -> type[Held]:
    return Held


@pytest.fixture
def hang_up() -> object:
    return HANG_UP


@pytest.fixture
def make_camera_server() -> Iterator[Callable[..., FakeCamera]]:
    made: list[FakeCamera] = []

    def make(without: tuple[str, ...] = ()) -> FakeCamera:
        made.append(FakeCamera(without))
        return made[-1]

    yield make
    for fake in made:
        fake.close()


@pytest.fixture
def fake(make_camera_server) -> FakeCamera:
    return make_camera_server()
