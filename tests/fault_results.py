"""What the fault matrix measured: a file of results, from which the page of the faults is made.

One JSON line for each cell that was taken. Nothing is written unless `ATTA_DAQ_FAULT_RESULTS` names
a file; `make faults` names a new one, and `commit` makes it the one that the page shows.
"""

import json
import logging
import os
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fault_cells import Cell
from fault_matrix import LASING, Outcome
from fault_states import required

RESULTS = Path(__file__).parent / "data" / "fault-results.jsonl"
VARIABLE = "ATTA_DAQ_FAULT_RESULTS"
MID_RUN = "mid-run"
BRACKET, BY_COMMAND, IN_RUN = "in a bracket", "zeroing by command", "zeroing of a run"
"""Moments in which a detector is needed that counting does without."""
WITH_STATION = (MID_RUN, BRACKET, BY_COMMAND, IN_RUN)
log = logging.getLogger(__name__)

Key = tuple[str, str, str, str]
"""Make, server, fault, and the idle state or one of `WITH_STATION`."""


@dataclass
class Measured:
    """All that was measured of one cell in one half."""

    named: list[str] = field(default_factory=list)
    named_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    required: str = ""
    state: str = ""
    reason: str = ""
    day: str = ""


def keep(outcomes: Iterable[Outcome]) -> None:
    """Into the log (pytest --log-cli-level=INFO), and into the file that the variable names."""
    path = os.environ.get(VARIABLE)
    for o in sorted(outcomes, key=lambda o: o.cell.name):
        log.info(
            "%-40s %-10s %-15s %5.2f s, back %5.2f s, %s: %.90s",
            o.cell.name, o.half, o.named, o.named_s, o.back_s, o.state, o.reason,
        )  # fmt: skip
        if path:
            with Path(path).open("a") as file:
                file.write(json.dumps(_line(o)) + "\n")


def _line(o: Outcome) -> dict[str, object]:
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "make": o.cell.make,
        "server": o.cell.server,
        "fault": o.cell.fault,
        "half": o.half,
        "named": o.named,
        "named_s": round(o.named_s, 2),
        "back_s": round(o.back_s, 2),
        "required": "; ".join(required(o.cell, o.half in WITH_STATION)),
        "state": o.state,
        "reason": o.reason,
    }


def measured(path: Path = RESULTS) -> dict[Key, Measured]:
    """What the file holds, cell by cell."""
    found: dict[Key, Measured] = {}
    if not path.exists():
        return found
    for line in path.read_text().splitlines():
        told = json.loads(line)
        key = (told["make"], told["server"], told["fault"], told["half"])
        cell = found.setdefault(key, Measured())
        if told["named"] not in cell.named:
            cell.named.append(told["named"])
        cell.named_s.append(told["named_s"])
        cell.back_s.append(told["back_s"])
        cell.required, cell.state, cell.reason = told["required"], told["state"], told["reason"]
        cell.day = max(cell.day, told["day"])
    return found


def key_of(cell: Cell, half: str = LASING.name) -> Key:
    return cell.make, cell.server, cell.fault, half


def seconds(times_s: list[float]) -> str:
    """Median, and the range where there is more than one."""
    middle = f"{statistics.median(times_s):.2f}"
    if len(times_s) == 1:
        return middle
    return f"{middle} ({min(times_s):.2f} to {max(times_s):.2f})"
