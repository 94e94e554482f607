"""A soft IOC of the lab: pressure, discharge, source temperature and the 811-nm lock, over PVA.

Records as EPICS has them: ai with display limits and HIGH/HIHI, bi for the lock. Stamped with rig
time, as every instrument of the simulated rig does.
"""

import asyncio
import math
import threading
from dataclasses import dataclass
from typing import Any, Literal, get_args

from p4p.nt import NTEnum, NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV

from atta_daq.search_port import search_port
from simulators.again import port_of
from simulators.wire import LOOPBACK
from simulators.world.world import World

PREFIX = "ATTA:SLOW:"
PERIOD_S = 0.1
"""Wall time between two scans of the records."""
SlowFaultKind = Literal["disconnected", "frozen", "wrong_unit"]
SLOW_FAULTS: tuple[str, ...] = get_args(SlowFaultKind)
NO_ALARM, MINOR, MAJOR, INVALID = 0, 1, 2, 3


@dataclass(frozen=True)
class Record:
    """An ai record. `high` and `hihi` are alarm limits of the IOC's own; inf: none."""

    name: str
    unit: str
    description: str
    high: float = math.inf
    hihi: float = math.inf

    def severity(self, value: float) -> int:
        return MAJOR if value >= self.hihi else MINOR if value >= self.high else NO_ALARM


PRESSURE = Record("SourcePressure", "mbar", "source chamber", high=1e-4, hihi=5e-4)
RF_POWER = Record("DischargePower", "W", "RF forward power of the discharge")
TEMPERATURE = Record("SourceTemperature", "K", "source tube")
RECORDS = (PRESSURE, RF_POWER, TEMPERATURE)
LOCK = "Lock811"
CHOICES = ["unlocked", "locked"]
NAMES = (*(record.name for record in RECORDS), LOCK)


class SlowPvs:
    """Serves the records and posts them ten times a second."""

    def __init__(self, world: World, prefix: str = PREFIX) -> None:
        self._world = world
        self._prefix = prefix
        self._fault: SlowFaultKind | None = None
        self._closed: set[str] = set()
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow control", daemon=True)
        self._pvs = {record.name: SharedPV(nt=NTScalar("d", display=True, valueAlarm=True))
                     for record in RECORDS}  # fmt: skip
        self._pvs[LOCK] = SharedPV(nt=NTEnum())
        self._server: Server | None = None

    def open(self) -> None:
        """Serve on 127.0.0.1, TCP and UDP ports of its own."""
        self._scan(first=True)
        self._server = Server(
            providers=[{f"{self._prefix}{name}": pv for name, pv in self._pvs.items()}],
            useenv=False,
            conf={
                "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
                "EPICS_PVA_ADDR_LIST": LOOPBACK,
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_SERVER_PORT": "0",
                "EPICS_PVA_BROADCAST_PORT": str(search_port(LOOPBACK, port_of("slow_control"))),
            },
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """`pva://127.0.0.1:<UDP search port>/<prefix>`."""
        if self._server is None:
            raise RuntimeError("slow control was not opened")
        return f"pva://{LOOPBACK}:{self._server.conf()['EPICS_PVAS_BROADCAST_PORT']}/{self._prefix}"

    @property
    def tcp_port(self) -> int:
        """Where it listens."""
        return 0 if self._server is None else int(self._server.conf()["EPICS_PVAS_SERVER_PORT"])

    async def close(self) -> None:
        """Stop serving."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._stopping.set()
        self._thread.join()
        if self._server is not None:
            self._server.stop()
            self._server = None
        for name, pv in self._pvs.items():
            if name not in self._closed:
                pv.close(destroy=True)

    def set_fault(self, kind: str | None, record: str = "") -> None:
        """One record, or all of them, 'disconnected'; the IOC 'frozen': it serves old values; or
        the pressure in a 'wrong_unit'. None mends. Raises ValueError for what does not exist."""
        if kind is not None and kind not in SLOW_FAULTS:
            raise ValueError(f"no fault {kind!r}: {', '.join(SLOW_FAULTS)}")
        if record and record not in NAMES:
            raise ValueError(f"no record {record!r}: {', '.join(NAMES)}")
        with self._mutex:
            self._fault = kind  # pyright: ignore[reportAttributeAccessIssue] checked above
            lost = set(NAMES if not record else (record,)) if kind == "disconnected" else set()
            for name in lost - self._closed:
                self._pvs[name].close()
            for name in self._closed - lost:
                self._pvs[name].open(self._value(name))
            self._closed = lost

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_S):
            self._scan()

    def _scan(self, first: bool = False) -> None:
        with self._mutex:
            if self._fault == "frozen":
                return
            for name in NAMES:
                if name in self._closed:
                    continue
                value, pv = self._value(name), self._pvs[name]
                pv.open(value) if first else pv.post(value)

    def _value(self, name: str) -> dict[str, Any]:
        """The whole structure of a record now."""
        with self._world.lock:
            now_s = self._world.clock.now_s()
            vacuum = self._world.vacuum
            number = {
                PRESSURE.name: vacuum.pressure_mbar,
                RF_POWER.name: vacuum.rf_power_w,
                TEMPERATURE.name: vacuum.temperature_k,
                LOCK: lambda: float(vacuum.trap_lasers_locked()),
            }[name]()
        stamp = {"secondsPastEpoch": int(now_s), "nanoseconds": int(now_s % 1.0 * 1e9)}
        if name == LOCK:
            return {"value": {"index": int(number), "choices": CHOICES}, "timeStamp": stamp}
        record = next(r for r in RECORDS if r.name == name)
        severity = record.severity(number)
        unit = record.unit
        if self._fault == "wrong_unit" and record is PRESSURE:
            number, unit = 100.0 * number, "Pa"
        word = ("", "HIGH", "HIHI")[severity]
        alarm = {"severity": severity, "status": 1 if severity else 0, "message": word}
        return {
            "value": number,
            "alarm": alarm,
            "timeStamp": stamp,
            "display": {"units": unit, "description": record.description},
            "valueAlarm": {"highWarningLimit": record.high, "highAlarmLimit": record.hihi},
        }


async def start(world: World, prefix: str = PREFIX) -> SlowPvs:
    """Start slow control of `world`."""
    server = SlowPvs(world, prefix)
    await asyncio.to_thread(server.open)
    return server
