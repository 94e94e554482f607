"""Slow control in the station: served value by value, watched, and allowed to suspend a run."""

import math
import time
from collections.abc import Callable, Sequence

from atta_daq.client.names import slow_name
from atta_daq.client.pv import Reading
from atta_daq.client.slow import SlowValue, slow_to_json
from atta_daq.rig.config import RigConfig
from atta_daq.rig.sections.slow_control import SlowValueConfig
from atta_daq.station.alarms import Cause
from atta_daq.station.server import StationServer
from drivers.errors import DriverError
from drivers.interfaces import SlowControl, SlowReading

_POSTED = {"ok": "", "minor": "minor", "major": "major", "invalid": "invalid"}


def slow_readings(config: RigConfig) -> tuple[Reading, ...]:
    """The readings that the slow control of this rig adds to the station's."""
    return tuple(
        Reading(slow_name(v.name), "double", v.unit, v.meaning, _precision(v))
        for v in _described(config)
    )


class SlowWatch:
    """`poll` is called on one thread, `fault` and `causes` on any. Times are wall time."""

    def __init__(
        self,
        config: RigConfig,
        server: StationServer,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._values = _described(config)
        self._server = server
        self._now = now
        self._begun: dict[str, tuple[str, str, float]] = {}
        """Name to severity, first reason and since when, of what is not ok."""
        self._lost = ""
        for value in self._values:
            server.alarm_limits(
                slow_name(value.name),
                (value.low_major, value.low_minor, value.high_minor, value.high_major),
            )
        server.post("slow:readings", slow_to_json([]))

    def poll(self, control: SlowControl) -> None:
        """Read all values, serve them. Raises the driver's error when not one of them answers."""
        try:
            readings = control.readings()
        except DriverError as error:
            self._lost = str(error)
            self._serve({}, error.reason)
            raise
        self._lost = ""
        self._serve(readings, "the driver brought no such value")

    def fault(self) -> str:
        """Why a segment under way is not to be trusted; empty when nothing suspends."""
        return "; ".join(
            f"{value.meaning}: {reason}"
            for value, severity, reason in self._lasting()
            if value.suspends and severity in ("major", "invalid")
        )

    def causes(self) -> list[Cause]:
        """Alarms of single values. That not one of them answers is the driver's alarm."""
        if self._lost:
            return []
        return [
            Cause(
                slow_name(value.name),
                "slow_control",
                f"{value.meaning}: {reason}",
                "major" if severity == "major" or value.suspends else "minor",
            )
            for value, severity, reason in self._lasting()
        ]

    def _lasting(self) -> list[tuple[SlowValueConfig, str, str]]:
        """What has not been ok for as long as it takes to count: value, severity, reason."""
        begun, now = dict(self._begun), self._now()
        return [
            (value, begun[value.name][0], begun[value.name][1])
            for value in self._values
            if value.name in begun and now - begun[value.name][2] >= value.after_s
        ]

    def _serve(self, readings: dict[str, SlowReading], missing: str) -> None:
        shown = []
        for value in self._values:
            none = SlowReading(math.nan, value.unit, "invalid", missing, math.nan)
            reading = readings.get(value.name, none)
            self._note(value.name, reading)
            valid = reading.severity != "invalid"
            name, severity = slow_name(value.name), _POSTED[reading.severity]
            if valid:
                self._server.post(name, reading.value, severity, reading.reason)
            else:
                self._server.stale((name,), reading.reason)
            shown.append(
                SlowValue(
                    name=value.name,
                    meaning=value.meaning,
                    unit=value.unit,
                    value=reading.value if valid else None,
                    severity=reading.severity,
                    reason=reading.reason,
                    suspends=value.suspends,
                    low_major=value.low_major,
                    low_minor=value.low_minor,
                    high_minor=value.high_minor,
                    high_major=value.high_major,
                    rig_time_s=reading.rig_time_s if valid else None,
                )
            )
        self._server.post("slow:readings", slow_to_json(shown))

    def _note(self, name: str, reading: SlowReading) -> None:
        if reading.severity == "ok":
            self._begun.pop(name, None)
            return
        severity, _, since_s = self._begun.get(name, ("", "", self._now()))
        # The reason that it began with stays: a noisy value must not rewrite its alarm.
        if severity != reading.severity:
            self._begun[name] = (reading.severity, reading.reason, since_s)


def _described(config: RigConfig) -> Sequence[SlowValueConfig]:
    return config.slow_control.described() if config.slow_control is not None else ()


def _precision(value: SlowValueConfig) -> int:
    """Decimals that show two digits of the smallest limit."""
    limits = (value.low_major, value.low_minor, value.high_minor, value.high_major)
    sizes = [abs(limit) for limit in limits if limit]
    return max(3, 1 - math.floor(math.log10(min(sizes)))) if sizes else 3
