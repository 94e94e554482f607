"""The queue as clients read it: one line an entry, from the columns of `queue:table`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from atta_daq.client.queue_names import QUEUE_COLUMNS


@dataclass(frozen=True)
class QueueLine:
    """One entry. Times are UTC, seconds since 1970, None where there is none; on a rig whose clock
    runs faster they are the rig's."""

    entry: int
    """Its number, which the commands take."""
    name: str
    state: str
    """waiting, running, interrupted, done, aborted, failed."""
    priority: int
    repeats: int
    done: int
    not_before: float | None
    conditions: str
    on_fault: str
    waits_for: str
    """What keeps a waiting entry from its turn; empty when it is its turn alone."""
    reason: str
    """Why it ended early."""
    run: str
    """Its newest run; empty for none."""
    duration_s: float
    """Rig time of one measurement."""
    archive_bytes: float
    """Of one measurement."""
    expected_start: float | None
    expected_end: float | None
    added_by: str
    added: float
    """UTC."""

    @property
    def open(self) -> bool:
        """It has not ended."""
        return self.state in ("waiting", "running", "interrupted")

    @property
    def needs(self) -> str:
        """What must hold when its turn comes, of an entry that waits; empty for none.

        Not why it waits: by themselves the words of a condition read as what is the case.
        """
        waits = self.conditions and self.state == "waiting"
        return f"needs: {self.conditions}" if waits else ""

    @property
    def unfinished(self) -> bool:
        """Its run can be gone on with."""
        return self.state in ("interrupted", "aborted", "failed")


def queue_lines(table: Mapping[str, Any] | None) -> tuple[QueueLine, ...]:
    """From the value of `queue:table`, in its order."""
    if not table:
        return ()
    names = [name for name, _ in QUEUE_COLUMNS]
    # p4p has None for a column of text without rows.
    columns = [() if table[name] is None else table[name] for name in names]
    return lines_of(dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def lines_of(rows: Iterable[Mapping[str, Any]]) -> tuple[QueueLine, ...]:
    """From one mapping a row, with the names of the columns."""
    kinds = dict(QUEUE_COLUMNS)
    return tuple(
        QueueLine(**{f.name: _plain(row[f.name], kinds[f.name]) for f in fields(QueueLine)})
        for row in rows
    )


def _plain(value: Any, code: str) -> Any:
    if code == "s":
        return str(value)
    if value is None or math.isnan(value):
        return None
    return int(value) if code == "l" else float(value)
