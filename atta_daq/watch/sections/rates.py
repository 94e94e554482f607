"""Counts and loading rates: the numbers of the moment, and 83Kr loading through the run."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from atta_daq.analysis.records import SegmentKind
from atta_daq.watch.values import Look, Row

MOST_POINTS = 400
"""Of the plot; a longer run is thinned, its last point stays."""
MOST_CAUSES = 6


def rates(look: Look) -> dict[str, Any]:
    """Lines, the loading rate of every unflagged bracket, and the causes of flagged segments."""
    rows = [
        look.quantity("atoms in this segment", "rate:counts", "", 0),
        look.quantity("counting rate, last segment", "rate:counting", "1/h", 0),
        look.quantity("83Kr loading", "rate:loading_83", "V/s", 4),
        look.quantity("84Kr loading", "rate:loading_84", "V/s", 4),
        look.quantity("84Kr with light over without", "light:ratio", "", 3),
    ]
    table = look.value("run:table")
    columns = table.value if table is not None else {}
    return {
        "rows": [asdict(row) for row in rows if not _unknown(row)],
        "loading": _loading(columns),
        "flagged": _flagged(columns),
    }


def _unknown(row: Row) -> bool:
    """Not every scan measures every rate: one that was never taken is no line."""
    return row.text.startswith("–")


def _loading(columns: dict[str, Any]) -> dict[str, Any]:
    """83Kr loading of the brackets against rig time, in hours since the first."""
    if not columns or not len(columns["index"]):
        return {"hours": [], "rate": [], "error": []}
    kind = np.asarray(columns["kind"], dtype=object)
    kept = (
        (kind == SegmentKind.LOADING_83.value)
        & np.asarray(columns["bracket"], dtype=bool)
        & (np.asarray(columns["flag"], dtype=object) == "")
    )
    times_s = np.asarray(columns["mid_rig_s"], dtype=float)[kept]
    rate = np.asarray(columns["rate"], dtype=float)[kept]
    error = np.asarray(columns["rate_error"], dtype=float)[kept]
    finite = np.isfinite(times_s) & np.isfinite(rate) & np.isfinite(error)
    places = np.flatnonzero(finite)
    if places.size > MOST_POINTS:
        places = places[np.linspace(0, places.size - 1, MOST_POINTS).astype(int)]
    times_s = times_s[places]
    return {
        "hours": [round(float(h), 4) for h in (times_s - times_s[0]) / 3600.0]
        if places.size
        else [],
        "rate": [float(f"{v:.5g}") for v in rate[places]],
        "error": [float(f"{v:.3g}") for v in error[places]],
    }


def _flagged(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """How many segments were flagged, by cause, the most frequent first."""
    causes = Counter(str(flag) for flag in columns.get("flag", ()) if flag)
    common = causes.most_common(MOST_CAUSES)
    rest = causes.total() - sum(number for _, number in common)
    rows = [{"cause": cause, "segments": number} for cause, number in common]
    return [*rows, {"cause": "other causes", "segments": rest}] if rest else rows
