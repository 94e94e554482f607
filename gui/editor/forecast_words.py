"""The station's forecast in an operator's words. Pure."""

import math
from datetime import datetime, timedelta
from typing import Any

from atta_daq.analysis.results import Parameter
from gui.sweep.words import text_of
from gui.words import duration, volume

_LEADING = ("amplitude", "increase")
"""What a scan is mostly made for; the others stand in the forecast table."""


def clock(moment: datetime, now: datetime) -> str:
    """'18:40', with the day when it is another one."""
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    if moment - now < timedelta(days=6):
        return f"{moment:%a %H:%M}"
    return f"{moment:%d %b %H:%M}"


def headline(
    answer: dict[str, Any], rate: float, now: datetime, run_left_s: float | None = None
) -> str:
    """Duration on the rig and on the clock, end, segments, volume.

    `rate` is rig seconds a second; `run_left_s` the rig time that a run under way still needs, None
    without one.
    """
    rig_s = float(answer["duration_s"])
    words = [duration(rig_s)]
    if not math.isclose(rate, 1.0, rel_tol=0.01):
        words = [f"{duration(rig_s)} rig time, {duration(rig_s / rate)} on the clock"]
    wait_s = rig_s + (run_left_s or 0.0)
    end = clock(now + timedelta(seconds=wait_s / rate), now)
    words.append(f"ends {end} if started {'now' if run_left_s is None else 'after this run'}")
    words.append(f"{answer['segments']} segments")
    words.append(volume(float(answer["archive_bytes"])))
    return ", ".join(words)


def expected(part: dict[str, Any]) -> list[Parameter]:
    """What a part's fit is expected to find."""
    return [
        Parameter(name, float(p["value"]), float(p["error"]), str(p.get("unit", "")))
        for name, p in part.get("errors", {}).items()
    ]


def leading_errors(answer: dict[str, Any]) -> str:
    """The most wanted expected error of each part, in a line; empty when there is none."""
    words = []
    for part in answer["parts"]:
        parameters = expected(part)
        if parameters:
            chosen = next((p for p in parameters if p.name.startswith(_LEADING)), parameters[0])
            words.append(f"{part['name']} {text_of(chosen)}")
    return "expected: " + "; ".join(words) if words else ""
