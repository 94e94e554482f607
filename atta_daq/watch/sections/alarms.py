"""What is wrong, worst first, and the last lines of the log."""

from typing import Any

from atta_daq.client.log import alarms_from_json, log_from_json
from atta_daq.watch.values import Look

LINES = 25
_TONES = {"info": "ok", "warning": "warning", "error": "danger"}


def alarms(look: Look) -> dict[str, Any]:
    """Active alarms before those that are over and wait to be acknowledged; major before minor."""
    found = sorted(
        alarms_from_json(look.text("station:alarms")),
        key=lambda alarm: (not alarm.active, alarm.severity != "major", -alarm.since_utc_s),
    )
    lines = log_from_json(look.text("station:log"))[-LINES:]
    return {
        "alarms": [
            {
                "source": alarm.source.replace("_", " "),
                "text": alarm.text,
                "tone": _tone(alarm.active, alarm.severity),
                "state": _state(alarm.active, alarm.acknowledged),
                "since_utc_s": alarm.since_utc_s,
            }
            for alarm in found
        ],
        "active": sum(alarm.active for alarm in found),
        "log": [
            {
                "utc_s": line.utc_s,
                "source": line.source.replace("_", " "),
                "text": line.text,
                "tone": _TONES[line.level],
            }
            for line in reversed(lines)
        ],
    }


def _tone(active: bool, severity: str) -> str:
    if not active:
        return "off"
    return "danger" if severity == "major" else "warning"


def _state(active: bool, acknowledged: bool) -> str:
    if not active:
        return "over"
    return "active, acknowledged" if acknowledged else "active"
