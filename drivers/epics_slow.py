"""Slow control: any EPICS process variables over pvAccess, read and never written.

pvAccess numbers its requests, so a late answer can reach no other one, and the client library
reconnects by itself. It notices a server that hangs only after 30 s: so values are fetched with a
time limit at every look instead of subscribed to. All time limits are wall time.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from p4p.client.thread import Cancelled, Context, Disconnected

from drivers.errors import ConnectionLost, ProtocolError, Timeout
from drivers.interfaces import Identity, Severity, SlowReading
from drivers.pva_get import fetched

SEVERITIES: tuple[Severity, ...] = ("ok", "minor", "major", "invalid")
"""In the order of EPICS: NO_ALARM, MINOR, MAJOR, INVALID."""


@dataclass(frozen=True)
class SlowQuantity:
    """One process variable and what the lab thinks of its values; None: no such limit."""

    name: str
    pv: str
    unit: str
    low_major: float | None = None
    low_minor: float | None = None
    high_minor: float | None = None
    high_major: float | None = None
    stale_after_s: float = 0.0
    """A time stamp that stands still so long means a server that hangs; 0: it may."""

    def judged(self, value: float) -> tuple[Severity, str]:
        """Severity of a value by these limits, and why; a limit itself is beyond, as in EPICS."""
        unit = f" {self.unit}" if self.unit else ""
        limits: tuple[tuple[Severity, float | None, float | None], ...] = (
            ("major", self.low_major, self.high_major),
            ("minor", self.low_minor, self.high_minor),
        )
        for severity, low, high in limits:
            if low is not None and value <= low:
                return severity, f"{value:.4g}{unit} is at or below {low:g}{unit}"
            if high is not None and value >= high:
                return severity, f"{value:.4g}{unit} is at or above {high:g}{unit}"
        return "ok", ""


class EpicsSlowControl:
    """`SlowControl`.

    `servers` are hosts, or host:port, whose UDP search port is asked for the PVs. `timeout_s` is
    for all PVs of one look together. The safe state is what it always is: it only reads.
    """

    def __init__(
        self,
        name: str,
        servers: Sequence[str],
        quantities: Sequence[SlowQuantity],
        *,
        timeout_s: float = 1.2,
        first_timeout_s: float = 5.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._servers = tuple(servers)
        self._quantities = tuple(quantities)
        self._timeout_s = timeout_s
        self._first_timeout_s = first_timeout_s
        self._now_s = now_s
        self._mutex = threading.Lock()
        self._context: Context | None = None
        self._stamps: dict[str, tuple[float, float]] = {}
        """By quantity: the newest time stamp, and when it was first seen on our own clock."""

    @property
    def name(self) -> str:
        return self._name

    def connect(self) -> Identity:
        """Find the PVs. Raises `Timeout` when not one answers; those that do not are `invalid`."""
        with self._mutex:
            if self._context is None:
                self._context = Context("pva", conf=self._conf(), useenv=False, nt=False)
        found = self._look(self._first_timeout_s)
        answering = sum(reading.severity != "invalid" for reading in found.values())
        return Identity("EPICS", "pvAccess", "none", f"{answering} of {len(found)} values valid")

    def close(self) -> None:
        with self._mutex:
            context, self._context = self._context, None
        if context is not None:
            context.close()

    def make_safe(self) -> None:
        """Nothing to do: nothing is ever written."""

    def readings(self) -> dict[str, SlowReading]:
        """All values, in the order of the rig file; `invalid` with the reason where one is lost.

        Raises `Timeout` when not one PV answers, `ConnectionLost` when not connected.
        """
        return self._look(self._timeout_s)

    def _look(self, timeout_s: float) -> dict[str, SlowReading]:
        with self._mutex:
            context = self._context
        if context is None:
            raise ConnectionLost(self._name, "not connected", "connect it first")
        pvs = [quantity.pv for quantity in self._quantities]
        structures = fetched(context, pvs, timeout_s)
        if all(isinstance(s, TimeoutError | Disconnected | Cancelled) for s in structures):
            raise Timeout(
                self._name,
                f"not one of {', '.join(pvs)} answers within {timeout_s:g} s",
                f"check the EPICS servers at {', '.join(self._servers)}",
            )
        return {
            quantity.name: self._reading(quantity, structure, timeout_s)
            for quantity, structure in zip(self._quantities, structures, strict=True)
        }

    def _reading(self, quantity: SlowQuantity, structure: Any, timeout_s: float) -> SlowReading:
        if isinstance(structure, Exception):
            silent = isinstance(structure, TimeoutError | Disconnected | Cancelled)
            why = f"no answer within {timeout_s:g} s" if silent else str(structure)
            return _invalid(quantity, f"{quantity.pv}: {why}")
        try:
            reading = reading_of(quantity, structure)
        except ProtocolError as error:
            return _invalid(quantity, error.reason)
        still_s = self._still_s(quantity.name, reading.rig_time_s)
        if quantity.stale_after_s and still_s > quantity.stale_after_s:
            return _invalid(
                quantity, f"{quantity.pv} has not changed its time stamp for {still_s:.0f} s: its "
                "server hangs",
            )  # fmt: skip
        return reading

    def _still_s(self, name: str, stamped_s: float) -> float:
        """How long a time stamp has stood still: two computers' clocks are never compared."""
        now_s = self._now_s()
        with self._mutex:
            stamp, since_s = self._stamps.get(name, (math.nan, now_s))
            if stamp != stamped_s:
                since_s = now_s
            self._stamps[name] = (stamped_s, since_s)
        return now_s - since_s

    def _conf(self) -> dict[str, str]:
        conf = {
            "EPICS_PVA_ADDR_LIST": " ".join(self._servers),
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        }
        if all(server.partition(":")[0] == "127.0.0.1" for server in self._servers):
            conf["EPICS_PVA_INTF_ADDR_LIST"] = "127.0.0.1"
        return conf


def reading_of(quantity: SlowQuantity, structure: Any) -> SlowReading:
    """What a PV's structure (NTScalar of a number, or NTEnum: its index) says of a quantity.

    The severity is the worse of the PV's own and the quantity's limits. `invalid` for a PV that
    says so itself, is not a number, or counts in another unit than the rig file thinks.
    Raises `ProtocolError` for what is no such structure.
    """
    try:
        value = structure["value"]
        number = float(value if isinstance(value, int | float) else value["index"])
        alarm, stamp = structure["alarm"], structure["timeStamp"]
        own = SEVERITIES[min(max(int(alarm["severity"]), 0), 3)]
        said = str(alarm["message"])
        stamped_s = float(stamp["secondsPastEpoch"]) + 1e-9 * float(stamp["nanoseconds"])
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(
            quantity.name,
            f"{quantity.pv} is not a number with alarm and time stamp",
            "check its name in the rig file",
        ) from error
    unit = _unit_of(structure)
    if own == "invalid" or not math.isfinite(number):
        return _invalid(quantity, f"{quantity.pv} says that it is not valid{_colon(said)}")
    if unit and quantity.unit and _plain(unit) != _plain(quantity.unit):
        return _invalid(
            quantity, f"{quantity.pv} is in {unit}, the rig file says {quantity.unit}; correct one"
        )
    severity, reason = quantity.judged(number)
    if SEVERITIES.index(own) > SEVERITIES.index(severity):
        severity, reason = own, f"{quantity.pv} is in alarm itself{_colon(said)}"
    return SlowReading(number, quantity.unit, severity, reason, stamped_s)


def _invalid(quantity: SlowQuantity, reason: str) -> SlowReading:
    return SlowReading(math.nan, quantity.unit, "invalid", reason, math.nan)


def _unit_of(structure: Any) -> str:
    """Unit that the PV itself tells; empty where it tells none."""
    try:
        return str(structure["display"]["units"]).strip()
    except (KeyError, IndexError, TypeError):
        return ""


def _plain(unit: str) -> str:
    """Spellings of one unit alike: degC, °C and C."""
    return unit.casefold().removeprefix("deg").removeprefix("°").strip()


def _colon(said: str) -> str:
    return f": {said[:60]}" if said else ""
