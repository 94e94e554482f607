"""The queue of a night, as a station tells it."""

import math
from typing import Any

from atta_daq.client.queue_names import QUEUE_COLUMNS

NIGHT_S = 1_795_903_200.0
"""2026-11-28 22:00 UTC."""


def line(entry: int, **changes: Any) -> dict[str, Any]:
    """One row of `queue:table`."""
    return {
        "entry": entry, "name": "85Kr spectrum", "state": "waiting", "priority": 0, "repeats": 1,
        "done": 0, "not_before": math.nan, "conditions": "", "on_fault": "pause", "waits_for": "",
        "reason": "", "run": "", "duration_s": 12_600.0, "archive_bytes": 2.4e8,
        "expected_start": NIGHT_S + 3600.0 * entry, "expected_end": NIGHT_S + 3600.0 * (entry + 3),
        "added_by": "bench-1", "added": NIGHT_S - 3600.0,
    } | changes  # fmt: skip


def table(*lines: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns."""
    return {name: [one[name] for one in lines] for name, _ in QUEUE_COLUMNS}


def night() -> dict[str, list[Any]]:
    """One that runs, three that wait, and what has ended in every way."""
    return table(
        line(4, name="85Kr spectrum, lake", state="running", repeats=3, done=1,
             run="20261128-221500-85Kr-spectrum-0a1b", expected_start=math.nan),
        line(5, name="81Kr spectrum", priority=2, conditions="no major alarm"),
        line(6, name="power scan, 83Kr", not_before=NIGHT_S + 18_000.0,
             waits_for="not before 2026-11-29 03:00 UTC"),
        line(7, name="blank", on_fault="skip", conditions="rate:loading_84 > 0.05",
             waits_for="rate:loading_84 is 0.0312 V/s, > 0.05 V/s wanted"),
        line(1, name="85Kr spectrum, air", state="done", done=1, expected_start=math.nan,
             expected_end=math.nan, run="20261128-190000-85Kr-spectrum-77aa"),
        line(2, name="81Kr spectrum", state="aborted", reason="aborted by bench-1",
             expected_start=math.nan, expected_end=math.nan,
             run="20261128-200000-81Kr-spectrum-1c2d"),
        line(3, name="sideband scan", state="failed", expected_start=math.nan,
             expected_end=math.nan, reason="sideband: 120 MHz asked for; 10 to 100 MHz allowed"),
    )  # fmt: skip
