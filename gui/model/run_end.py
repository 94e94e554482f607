"""How the last run ended, and whether that still waits for somebody to see it."""

from dataclasses import dataclass

from atta_daq.client.log import alarms_from_json
from atta_daq.client.runs import RunInfo
from gui.model.readings import Readings
from gui.theme.palettes import Tone

FAULT_ALARM = "run:fault"
"""The station raises it, with the run in its text, for a run that a fault ended or left gaps in."""
INPUTS = ("run:state", "run:id", "run:info", "run:outcome", "station:alarms")
"""The readings that decide."""


@dataclass(frozen=True)
class RunEnd:
    """The end of the run that is shown."""

    state: str
    """complete, complete with gaps, aborted."""
    reason: str
    """Empty for a run that went through."""
    unseen: bool
    """A fault had a part in it, and nobody has acknowledged its alarm."""


def end_tone(end: RunEnd) -> Tone:
    """Loud only until it has been seen; a run with gaps is there all the same."""
    if not end.unseen:
        return Tone.OFF
    return Tone.WARNING if end.state.startswith("complete") else Tone.DANGER


def tone_in_strip(readings: Readings) -> Tone | None:
    """Of the last run's end, wherever it is shown; None while there is none to show."""
    end = run_end(readings)
    return end_tone(end) if end is not None else None


def run_end(readings: Readings) -> RunEnd | None:
    """None while a run is under way, or when there has been none."""
    outcome = readings.text("run:outcome")
    if not outcome or (readings.text("run:state") or "idle") != "idle":
        return None
    state, _, reason = outcome.partition(": ")
    info = RunInfo.from_json(readings.text("run:info"))
    run_id = readings.text("run:id")
    if info is not None and info.run_id == run_id:
        state, reason = info.state, info.outcome
    alarms = alarms_from_json(readings.text("station:alarms"))
    # An alarm that is left of an earlier run says nothing of this one.
    unseen = any(
        alarm.id == FAULT_ALARM and not alarm.acknowledged and run_id in alarm.text
        for alarm in alarms
    )
    return RunEnd(state, reason, unseen)
