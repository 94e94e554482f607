"""The queue as clients see it: the rows of `queue:table`, its state, and why."""

import math
from collections.abc import Mapping
from typing import Any

from atta_daq.station.queue.entry import Entry, EntryState
from atta_daq.station.queue.night import Night

ROUND_S = 60.0
"""Expected times are whole minutes: they are no better, and the table is posted when it changes."""


def rows(
    night: Night, waits: Mapping[int, str], at_s: float, remaining_s: float
) -> list[dict[str, Any]]:
    """One row an entry (`QUEUE_COLUMNS`): what runs, what is next, what has ended.

    `at_s` is now by what start times go by (NaN: nobody measures), `remaining_s` what is left of
    the run under way (NaN: not known).
    """
    expected = _expected(night, at_s, remaining_s)
    running = [night.running] if night.running else []
    return [
        _row(entry, waits.get(entry.number, ""), expected.get(entry.number, _UNKNOWN))
        for entry in (*running, *night.startable, *night.ended)
    ]


def state_of(night: Night) -> str:
    """'paused', 'running', 'waiting' or 'idle'."""
    if night.pause is not None:
        return "paused"
    if night.running is not None:
        return "running"
    return "waiting" if night.startable else "idle"


def reason_of(night: Night, waits: Mapping[int, str], busy: str) -> str:
    """Why the queue is paused, or what the next entry waits for."""
    if night.pause is not None:
        return night.pause.reason
    if night.running is not None or not night.startable:
        return ""
    return busy or waits.get(night.startable[0].number, "")


_UNKNOWN = (math.nan, math.nan)


def _expected(night: Night, at_s: float, remaining_s: float) -> dict[int, tuple[float, float]]:
    """Start and end of each open entry, if each waits for those before it and for its time."""
    found: dict[int, tuple[float, float]] = {}
    free_s = at_s
    if math.isnan(at_s):
        return found
    running = night.running
    if running is not None:
        now_s = running.duration_s if math.isnan(remaining_s) else remaining_s
        free_s += now_s + (running.left - 1) * running.duration_s
        found[running.number] = (math.nan, _rounded(free_s))
    if night.pause is not None:
        return found
    for entry in night.startable:
        start_s = max(free_s, entry.not_before_s or 0.0)
        free_s = start_s + entry.left * entry.duration_s
        found[entry.number] = (_rounded(start_s), _rounded(free_s))
    return found


def _rounded(time_s: float) -> float:
    return ROUND_S * math.floor(time_s / ROUND_S)


def _row(entry: Entry, waits_for: str, expected: tuple[float, float]) -> dict[str, Any]:
    waiting = entry.state in (EntryState.WAITING, EntryState.INTERRUPTED)
    return {
        "entry": entry.number,
        "name": entry.name,
        "state": entry.state.value,
        "priority": entry.priority,
        "repeats": entry.repeats,
        "done": entry.done,
        "not_before": entry.not_before_s,
        "conditions": "; ".join(entry.conditions),
        "on_fault": entry.on_fault,
        "waits_for": waits_for if waiting else "",
        "reason": entry.reason,
        "run": entry.last.run_id if entry.last else "",
        "duration_s": entry.duration_s,
        "archive_bytes": entry.archive_bytes,
        "expected_start": expected[0],
        "expected_end": expected[1],
        "added_by": entry.added_by,
        "added": entry.added_utc_s,
    }
