"""The station's PVA server: posts readings, carries out commands."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray
from p4p.nt import NTNDArray, NTScalar, NTTable
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

from atta_daq.client.client import CommandRefused
from atta_daq.client.names import (
    CALIBRATION_COLUMNS,
    CALL_NUMBER,
    COMMANDS,
    ENDPOINT,
    READINGS,
    STOPS_SEEN,
)
from atta_daq.client.pv import Command, Reading
from atta_daq.client.queue_names import QUEUE_COLUMNS
from atta_daq.search_port import search_port
from atta_daq.station.errors import CannotServe
from atta_daq.station.once import Once, Outcome

_CODES = {"double": "d", "int": "l", "bool": "?", "string": "s", "array": "ad"}
_EMPTY: dict[str, Any] = {
    "double": float("nan"),
    "int": 0,
    "bool": False,
    "string": "",
    "array": np.empty(0),
}
_WITH_UNIT = ("double", "int", "array")

TABLE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("index", "l"),
    ("block", "l"),
    ("attempt", "l"),
    ("kind", "s"),
    ("isotope", "l"),
    ("pumping", "?"),
    ("bracket", "?"),
    ("point", "l"),
    ("detuning_mhz", "d"),
    ("power_mw", "d"),
    ("sideband_frequency_mhz", "d"),
    ("sideband_depth", "d"),
    ("mid_rig_s", "d"),
    ("live_s", "d"),
    ("counts", "l"),
    ("efficiency", "d"),
    ("rate", "d"),
    ("rate_error", "d"),
    ("flag", "s"),
)

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "run:table": TABLE_COLUMNS,
    "calibrations:table": CALIBRATION_COLUMNS,
    "queue:table": QUEUE_COLUMNS,
}

Handler = Callable[[str, Mapping[str, str]], object]
"""Takes the client's name and the arguments; returns something JSON; raises CommandRefused."""

Post = Callable[..., None]
"""`StationServer.post`, for those who need no more of the server."""

AlarmLimits = tuple[float | None, float | None, float | None, float | None]
"""Low major, low minor, high minor, high major; None where there is none."""

SEVERITY = {"": 0, "minor": 1, "major": 2, "invalid": 3}


class _Rpc:
    """Runs one command when its PV is called."""

    def __init__(
        self, command: Command, handler: Handler, refused: Callable[[str, str, str], None]
    ) -> None:
        self._command = command
        self._handler = handler
        self._refused = refused
        self._once = Once()

    def rpc(self, _pv: object, operation: Any) -> None:
        query = operation.value().query
        arguments = {key: str(query[key]) for key in query}
        client, number = arguments.pop("client", ""), arguments.pop(CALL_NUMBER, "")
        common = (STOPS_SEEN,) if self._command.needs_control else ()
        unknown = sorted(set(arguments) - {*self._command.arguments, *common})
        if unknown:
            allowed = ", ".join(self._command.arguments) or "none"
            operation.done(error=f"unknown argument {', '.join(unknown)}; allowed: {allowed}")
            return
        # What only reads may be done again; its answers are too long to be kept.
        outcome, new = self._once.outcome(number if self._command.once else "")
        outcome.add_done_callback(lambda told: _tell(operation, told))
        if not new:
            return

        # A thread a call: a run that starts must not keep STOP waiting.
        def work() -> None:
            try:
                answer = json.dumps(self._handler(client, arguments))
            except Exception as error:
                known = isinstance(error, CommandRefused)
                reason = str(error) if known else f"{type(error).__name__}: {error}"
                if self._command.needs_control:
                    self._refused(client, self._command.name, reason)
                outcome.set_result(Outcome(reason, refused=True))
            else:
                outcome.set_result(Outcome(answer))

        threading.Thread(target=work, name=f"cmd-{self._command.name}", daemon=True).start()


def _tell(operation: Any, told: "Future[Outcome]") -> None:
    outcome = told.result()
    if outcome.refused:
        operation.done(error=outcome.text)
    else:
        operation.done(NTScalar("s").wrap(outcome.text))


class _Picture(NTNDArray):
    """An NTNDArray that also says when its data were taken."""

    def wrap(self, value: Any, *, data_timestamp: float = 0.0, **known: Any) -> Any:
        structure = super().wrap(value, **known)
        structure["dataTimeStamp"] = _stamp(data_timestamp)
        return structure


class _Table(NTTable):
    """NTTable that can be emptied: p4p leaves empty columns out of what it sends, so that the rows
    of before would stay."""

    def wrap(self, values: Any, **known: Any) -> Any:
        if isinstance(values, list) and not values:
            columns = {label: [] for label in self.labels}
            values = self.Value(self.type, {"labels": self.labels, "value": columns})
        return super().wrap(values, **known)


class StationServer:
    """All process variables of one station on loopback or the given interface."""

    def __init__(
        self,
        rig: str,
        handlers: Mapping[str, Handler],
        now_utc_s: Callable[[], float],
        interface: str = "127.0.0.1",
        tcp_port: int = 0,
        udp_port: int = 0,
        refused: Callable[[str, str, str], None] = lambda client, command, reason: None,
        more: Sequence[Reading] = (),
    ) -> None:
        """`refused` hears of commands that would have moved something, and why they did not;
        `more` are readings that only this rig has.

        Raises `CannotServe` when `interface` is no address of this computer, or `tcp_port` taken.
        """
        self._now_utc_s = now_utc_s
        self._limits: dict[str, tuple[float, float]] = {}
        self._alarm_limits: dict[str, AlarmLimits] = {}
        self._readings = {reading.name: reading for reading in (*READINGS, *more)}
        self._pvs: dict[str, SharedPV] = {}
        self._last: dict[str, tuple[object, int]] = {}
        provider = StaticProvider("station")
        for reading in self._readings.values():
            pv = SharedPV(nt=_type_of(reading), initial=_initial(reading, now_utc_s()))
            self._pvs[reading.name] = pv
            provider.add(f"{rig}:{reading.name}", pv)
        self._endpoint = SharedPV(nt=NTScalar("s"), initial="")
        provider.add(ENDPOINT, self._endpoint)
        for command in COMMANDS:
            rpc = _Rpc(command, handlers[command.name], refused)
            pv = SharedPV(nt=NTScalar("s"), handler=rpc, initial="")
            self._pvs[f"cmd:{command.name}"] = pv
            provider.add(f"{rig}:cmd:{command.name}", pv)
        self._provider = provider
        try:
            searched = search_port(interface, udp_port)
        except OSError as error:
            raise CannotServe(
                f"this computer has no network with the address {interface} "
                f"({error.strerror or error}): is the network up? If so, set interface in "
                "[network] of the rig file to an address of this computer; 127.0.0.1 serves this "
                "computer only, 0.0.0.0 every network"
            ) from error
        self._server = Server(
            providers=[provider],
            conf={
                "EPICS_PVAS_INTF_ADDR_LIST": interface,
                "EPICS_PVAS_SERVER_PORT": str(tcp_port),
                "EPICS_PVAS_BROADCAST_PORT": str(searched),
                "EPICS_PVAS_BEACON_ADDR_LIST": interface,
                "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            },
            useenv=False,
        )
        conf = self._server.conf()
        self.tcp_port = int(conf["EPICS_PVAS_SERVER_PORT"])
        self.udp_port = int(conf["EPICS_PVAS_BROADCAST_PORT"])
        if tcp_port not in (0, self.tcp_port):
            # The library falls back to any free port; clients would look in vain.
            self._server.stop()
            raise CannotServe(
                f"port {tcp_port} of {interface} is taken by another program; choose another "
                "tcp_port in [network] of the rig file"
            )

    def announce(self, endpoint: str) -> None:
        """Tell clients that know only host and port what this station is (JSON: `Endpoint`)."""
        self._endpoint.post(endpoint, timestamp=self._now_utc_s())

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()

    def limits(self, name: str, low: float, high: float) -> None:
        """Limits that travel with a reading; outside them its alarm is major."""
        self._limits[name] = (low, high)

    def alarm_limits(self, name: str, limits: AlarmLimits) -> None:
        """Limits (low major, low minor, high minor, high major; None: none) that travel with a
        reading in its `valueAlarm`. The severity is for the caller of `post` to give."""
        self._alarm_limits[name] = limits

    def post(self, name: str, value: object, severity: str = "", message: str = "") -> None:
        """Post a new value; unchanged values are not sent again.

        An array (1-D, of numbers) must not be written to afterwards.
        `severity` is '', 'minor', 'major' or 'invalid' (stale: the instrument does not answer).
        """
        reading = self._readings[name]
        level = SEVERITY[severity]
        limits = self._limits.get(name)
        if limits and isinstance(value, int | float) and not limits[0] <= value <= limits[1]:
            level, message = max(level, SEVERITY["major"]), message or "outside its limits"
        before = self._last.get(name)
        if before is not None and before[1] == level and _same(before[0], value):
            return
        self._last[name] = (value, level)
        stamp = self._now_utc_s()
        fields: dict[str, Any] = {
            "value": value,
            "alarm": {"severity": level, "status": 0, "message": message},
            "timeStamp": _stamp(stamp),
        }
        if reading.kind in _WITH_UNIT:
            display = {"units": reading.unit, "description": reading.meaning}
            if limits:
                display |= {"limitLow": limits[0], "limitHigh": limits[1]}
            if reading.kind == "double":
                display |= {"precision": reading.precision}
            fields["display"] = display
        else:
            fields["display"] = {"description": reading.meaning}
        if name in self._alarm_limits:
            fields["valueAlarm"] = _value_alarm(self._alarm_limits[name])
        self._pvs[name].post(fields, timestamp=stamp)

    def latest(self, name: str) -> Any:
        """The last value that was posted; None when there is none or it is stale."""
        value, level = self._last.get(name, (None, SEVERITY["invalid"]))
        return None if level == SEVERITY["invalid"] else value

    def stale(self, prefixes: tuple[str, ...], reason: str) -> None:
        """Mark the readings of a silent instrument invalid; their last values stay."""
        for name, reading in self._readings.items():
            if name.startswith(prefixes) and reading.kind not in ("table", "image"):
                last = self._last.get(name, (_EMPTY[reading.kind], 0))[0]
                self.post(name, last, "invalid", reason)

    def post_table(self, rows: list[dict[str, Any]], name: str = "run:table") -> None:
        """Post a table: the segments of the run, or another one."""
        table = [{key: _cell(row.get(key), code) for key, code in TABLES[name]} for row in rows]
        self._pvs[name].post(table, timestamp=self._now_utc_s())

    def post_image(self, image: NDArray[np.uint16], rig_time_s: float) -> None:
        """Post the latest frame. `rig_time_s`, the end of its exposure as the camera stamped it,
        is its `dataTimeStamp`; `timeStamp` is the time of this post."""
        self._pvs["camera:image"].post(
            image, timestamp=self._now_utc_s(), data_timestamp=rig_time_s
        )


def _same(before: object, value: object) -> bool:
    if isinstance(before, np.ndarray) or isinstance(value, np.ndarray):
        return np.array_equal(np.asarray(before), np.asarray(value), equal_nan=True)
    # Not a number is not equal to itself, but nothing has changed.
    return before == value or (before != before and value != value)


def _type_of(reading: Reading) -> Any:
    if reading.kind == "table":
        return _Table(columns=list(TABLES[reading.name]))
    if reading.kind == "image":
        return _Picture()
    number = reading.kind == "double"
    return NTScalar(_CODES[reading.kind], display=True, form=number, valueAlarm=number)


def _value_alarm(limits: AlarmLimits) -> dict[str, Any]:
    """`valueAlarm` of an NTScalar; a limit that is not there is NaN with severity 0."""
    names = ("lowAlarm", "lowWarning", "highWarning", "highAlarm")
    severities = ("major", "minor", "minor", "major")
    fields: dict[str, Any] = {"active": True}
    for name, severity, limit in zip(names, severities, limits, strict=True):
        fields[f"{name}Limit"] = float("nan") if limit is None else limit
        fields[f"{name}Severity"] = 0 if limit is None else SEVERITY[severity]
    return fields


def _initial(reading: Reading, utc_s: float) -> Any:
    if reading.kind == "table":
        return []
    if reading.kind == "image":
        return np.zeros((1, 1), dtype=np.uint16)
    return {
        "value": _EMPTY[reading.kind],
        "display": {"units": reading.unit, "description": reading.meaning}
        if reading.kind in _WITH_UNIT
        else {"description": reading.meaning},
        "alarm": {"severity": SEVERITY["invalid"], "status": 0, "message": "not read yet"},
        "timeStamp": _stamp(utc_s),
    }


def _stamp(utc_s: float) -> dict[str, int]:
    seconds = int(utc_s)
    return {"secondsPastEpoch": seconds, "nanoseconds": int((utc_s - seconds) * 1e9)}


def _cell(value: Any, code: str) -> Any:
    if code == "d":
        return float("nan") if value is None else float(value)
    if code == "l":
        return -1 if value is None else int(value)
    return bool(value) if code == "?" else str(value)
