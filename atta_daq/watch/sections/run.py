"""The run under way or the last one: where it stands, and why it waits."""

from typing import Any

from atta_daq.client.runs import RunInfo
from atta_daq.watch.values import Look

_WORDS = {
    "idle": ("idle", "off"),
    "preparing": ("preparing", "busy"),
    "running": ("running", "ok"),
    "paused": ("paused", "warning"),
    "stopping": ("stopping", "busy"),
}

_ENDS = {"complete": "off", "complete with gaps": "warning"}


def run(look: Look) -> dict[str, Any]:
    """State in a word and a tone, progress (segments), the predicted end (UTC), the outcome."""
    state = look.text("run:state")
    word, tone = _WORDS.get(state, (state or "not known", "stale"))
    suspended = look.text("run:suspended")
    if suspended:
        word, tone = "waits for the rig", "danger"
    info = RunInfo.from_json(look.text("run:info"))
    activity = look.text("station:activity")
    if state == "idle" and activity:
        word, tone = activity, "busy"
    outcome = look.text("run:outcome")
    if state == "idle" and outcome and info is not None and not activity:
        word = f"idle; the last run is {info.state}"
        tone = _ENDS.get(info.state, "danger")
    return {
        "state": state,
        "word": word,
        "tone": tone,
        "suspended": suspended,
        "outcome": outcome,
        "activity": activity,
        "run": look.text("run:id"),
        "name": info.name if info else "",
        "facts": _facts(info) if info else [],
        "notes": list(info.notes) if info else [],
        "segment": look.number("run:segment"),
        "segments": look.number("run:segments"),
        "block": look.number("run:block"),
        "remaining_s": look.number("run:remaining"),
        "ends_utc_s": _end(look) if state in ("preparing", "running") and not suspended else None,
        "control": look.text("station:control"),
        "version": look.text("station:version"),
    }


def _end(look: Look) -> float | None:
    """When the run should end: what is left of it is rig time."""
    remaining, left_s = look.value("run:remaining"), look.number("run:remaining")
    rate = look.json("station:rig", {}).get("rate", 1.0)
    if remaining is None or not left_s:
        return None
    return remaining.utc_s + left_s / rate


def _facts(info: RunInfo) -> list[list[str]]:
    facts = {
        "sample": info.sample,
        "operator": info.operator,
        "819-nm light": f"{info.geometry}-propagating" if info.geometry else "",
        "note": info.note,
    }
    return [[key, text] for key, text in facts.items() if text]
