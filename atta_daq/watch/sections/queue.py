"""The queue of the night: what runs, what comes, what has ended."""

from typing import Any

from atta_daq.client.queue import QueueLine, queue_lines
from atta_daq.watch.values import Look

MOST_ENTRIES = 30
_STATES = {
    "idle": ("nothing is left in the queue", "off"),
    "waiting": ("the next entry waits", "busy"),
    "running": ("a run of the queue is under way", "ok"),
    "paused": ("the queue is paused", "warning"),
}
_TONES = {
    "waiting": "busy",
    "running": "ok",
    "interrupted": "warning",
    "done": "off",
    "aborted": "danger",
    "failed": "danger",
}


def queue(look: Look) -> dict[str, Any] | None:
    """State and reason in a line, then the entries in their order; None for an empty queue.

    Times of the entries are UTC for the page to show in its own; on a simulated rig that runs
    faster they are the rig's.
    """
    table = look.value("queue:table")
    lines = queue_lines(table.value if table is not None else None)
    state = look.text("queue:state")
    if not lines and state in ("", "idle"):
        return None
    word, tone = _STATES.get(state, (state, "stale"))
    reason = look.text("queue:reason")
    return {
        "word": f"{word}: {reason}" if reason else word,
        "tone": tone,
        "entries": [_entry(line) for line in lines[:MOST_ENTRIES]],
        "more": max(0, len(lines) - MOST_ENTRIES),
    }


def _entry(line: QueueLine) -> dict[str, Any]:
    done = f"{line.done} of {line.repeats} done" if line.repeats > 1 else ""
    said = [done, line.waits_for and f"waits: {line.waits_for}", line.reason]
    return {
        "name": f"{line.entry} · {line.name}",
        "state": line.state,
        "tone": _TONES.get(line.state, "stale"),
        "note": "; ".join(text for text in said if text),
        "start_s": line.expected_start if line.state == "waiting" else None,
        "end_s": line.expected_end if line.open else None,
    }
