"""Lines of the station's log and its alarms, as they travel in `station:log`, `station:alarms`."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["info", "warning", "error"]
Severity = Literal["minor", "major"]


@dataclass(frozen=True)
class LogLine:
    """One line of the log."""

    number: int
    """Counts all lines since the station started."""
    utc_s: float
    level: Level
    source: str
    """The instrument, `run`, `operator` (a note), `station` or the client that asked."""
    text: str


@dataclass(frozen=True)
class Alarm:
    """Something that is, or was, wrong. It stays until it is both over and acknowledged."""

    id: str
    """The same cause keeps its id, such as `lock` or `amplifier:interlock`."""
    source: str
    """The instrument, for 'jump to the device'."""
    text: str
    severity: Severity
    since_utc_s: float
    active: bool
    acknowledged: bool


def log_to_json(lines: list[LogLine]) -> str:
    return json.dumps([asdict(line) for line in lines])


def log_from_json(text: str) -> list[LogLine]:
    """Inverse of `log_to_json`; an empty text is an empty log."""
    return [LogLine(**line) for line in json.loads(text or "[]")]


def alarms_to_json(alarms: list[Alarm]) -> str:
    return json.dumps([asdict(alarm) for alarm in alarms])


def alarms_from_json(text: str) -> list[Alarm]:
    """Inverse of `alarms_to_json`; an empty text means none."""
    return [Alarm(**alarm) for alarm in json.loads(text or "[]")]
