"""`atta-daq night`: one report over all that ran in a night."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.archive.errors import ArchiveError
from atta_daq.archive.history_folder import FOLDER, HistoryFolder, day_files
from atta_daq.archive.history_records import AlarmEvent, Past
from atta_daq.archive.night import QueueEntry, read_night
from atta_daq.archive.night_report import build_night_report
from atta_daq.archive.night_verdict import verdict
from atta_daq.cli.arguments import require_folder
from atta_daq.cli.moments import moment
from atta_daq.cli.options import DataOption
from atta_daq.rig.errors import ConfigError

BEFORE_S = 7 * 24 * 3600.0
"""So long before the night its alarms may have begun."""
WANTED = (
    "rate:loading_83", "rate:loading_84", "lock:rms", "light:power", "amplifier:seed_power",
    "camera:temperature",
)  # fmt: skip
MOST_SLOW = 8


def night(
    since: Annotated[
        str, typer.Option(help="UTC, such as 2026-11-28T18:00, or how long ago: 16h, 3d.")
    ] = "16h",
    until: Annotated[str, typer.Option(help="The same; without it, now.", show_default=False)] = "",
    rig: Annotated[str, typer.Option(help="Whose night, if the folder has several rigs.")] = "",
    data: DataOption = Path("data"),
) -> None:
    """Report on everything that ran in a night: one HTML file, and three lines here."""
    require_folder(data)
    since_s, until_s = moment(since, time.time), moment(until or "0s", time.time)
    if since_s >= until_s:
        raise ConfigError(f"--since {since} is not before --until {until or 'now'}")
    history = _history(data, rig)
    queue, paused = _queue(data, rig)
    found = read_night(
        data, since_s, until_s,
        alarms=None if history is None else _alarms(history, since_s, until_s),
        queue=queue, queue_paused=paused, rig=rig,
    )  # fmt: skip
    readings = None if history is None else _readings(history, since_s, until_s)
    path = build_night_report(found, data, readings)
    for line in verdict(found).lines:
        print(line)
    print(path)


def _history(data: Path, rig: str) -> HistoryFolder | None:
    rigs = sorted(path for path in (data / FOLDER).glob("*") if day_files(path))
    mine = [path for path in rigs if not rig or path.name == rig]
    if len(mine) > 1:
        names = ", ".join(path.name for path in mine)
        raise ConfigError(f"{data} holds the history of {names}: choose with --rig")
    return HistoryFolder(mine[0]) if mine else None


def _alarms(history: HistoryFolder, since_s: float, until_s: float) -> Sequence[AlarmEvent]:
    past = history.alarms(since_s - BEFORE_S, until_s)
    for name, reason in past.unreadable.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    return past.alarms


def _readings(history: HistoryFolder, since_s: float, until_s: float) -> Past | None:
    """Minutes of the readings that drift, of those that the rig has."""
    known = [column.name for column in history.columns()]
    slow = [name for name in known if name.startswith("slow:")][:MOST_SLOW]
    names = [name for name in (*WANTED, *slow) if name in known]
    past = history.minutes(names, since_s, until_s) if names else None
    return past if past is not None and past.minutes is not None and len(past.minutes) else None


def _queue(data: Path, rig: str) -> tuple[list[QueueEntry] | None, str]:
    """The queue as it stands on disk, and why it is paused."""
    from atta_daq.station.queue.store import QueueStore

    files = sorted((data / "queue").glob("*.json"))
    mine = [path for path in files if not rig or path.stem == rig]
    if len(mine) > 1:
        names = ", ".join(path.stem for path in mine)
        raise ConfigError(f"{data} holds the queues of {names}: choose with --rig")
    if not mine:
        return None, ""
    try:
        stored = QueueStore(data, mine[0].stem).load()
    except ArchiveError as error:
        print(f"the queue is left out: {error}", file=sys.stderr)
        return None, ""
    entries = [
        QueueEntry(
            number=entry.number,
            name=entry.name,
            state=entry.state.value,
            done=entry.done,
            repeats=entry.repeats,
            reason=entry.reason,
            runs=tuple(run.run_id for run in entry.runs),
            ended_utc_s=entry.last.ended_utc_s if entry.last is not None else None,
        )
        for entry in (*stored.ended, *stored.open)
    ]
    return entries, stored.pause.reason if stored.pause is not None else ""
