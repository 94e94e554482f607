"""`atta-daq queue`: what the rig measures next, when, and in which order."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.cli.options import ConfigOption, DataOption
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.client.errors import StationSilent
from atta_daq.client.queue import QueueLine, lines_of, queue_lines
from atta_daq.rig.config import ConfigError, RigConfig, load_rig
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.queue.table import reason_of, rows, state_of

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The queue of the night: add, list, change, move, remove, pause, resume, clear.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Take control from another client first.")
]
EntryArgument = Annotated[
    int, typer.Argument(metavar="ENTRY", help="Its number, as `queue list` shows it.")
]
NotBeforeOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", show_default=False,
        help="ISO time with its offset from UTC: 2026-11-28T22:00+01:00, or Z.",
    ),
]  # fmt: skip
WhenOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION", show_default=False,
        help="'no alarm' (all are acknowledged), 'no major alarm' (none is active), "
        "'free disk > 20 GB', or a reading such as 'rate:loading_84 > 0.05'; repeatable.",
    ),
]  # fmt: skip
ADD_TIMEOUT_S = 60.0
_STYLE = {"running": "bold", "done": "dim", "interrupted": "yellow", "failed": "red",
          "aborted": "yellow"}  # fmt: skip


class OnFault(StrEnum):
    """As an argument."""

    PAUSE = "pause"
    SKIP = "skip"


class Clear(StrEnum):
    """As an argument of the command."""

    ENDED = "ended"
    ALL = "all"


@app.command()
def add(
    scan: Annotated[Path, typer.Argument(help="Scan file (TOML); it is kept whole.")],
    config: ConfigOption,
    priority: Annotated[int, typer.Option(help="The higher first.")] = 0,
    repeats: Annotated[int, typer.Option(help="So many complete measurements.")] = 1,
    not_before: NotBeforeOption = None,
    when: WhenOption = None,
    on_fault: Annotated[
        OnFault, typer.Option(help="A fault ends its run: stop the queue, or skip the entry.")
    ] = OnFault.PAUSE,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a scan into the queue. Refused with the reason if the rig could not take it now."""
    text = scan.read_text()
    with _commanding(config, force) as client:
        answer = client.command(
            "queue_add", ADD_TIMEOUT_S, scan=text, path=scan, priority=priority, repeats=repeats,
            not_before=not_before or "", conditions="\n".join(when or ()), on_fault=on_fault.value,
        )  # fmt: skip
        paused = bool(client.get("queue:paused"))
        reason = str(client.get("queue:reason"))
    if as_json:
        print(json.dumps({**answer, "paused": paused}))
        return
    hours, size = answer["duration_s"] / 3600.0, answer["archive_bytes"] / 1e9
    print(f"entry {answer['entry']}: {answer['name']}, {hours:.1f} h and {size:.2f} GB each time")
    if paused:
        print(f"the queue is paused: {reason}", file=sys.stderr)


@app.command("list")
def list_(
    config: ConfigOption, data: DataOption = Path("data"), as_json: JsonOption = False
) -> None:
    """Entries in the order in which they are taken; without a station as they stand on disk."""
    rig = load_rig(config)
    endpoint = find_station(rig.name)
    if endpoint is not None:
        with StationClient(endpoint) as client:
            state, reason = str(client.get("queue:state")), str(client.get("queue:reason"))
            lines = queue_lines(client.get("queue:table"))
    else:
        state, reason, lines = _on_disk(rig, data)
    if as_json:
        print(json.dumps({"state": state, "reason": reason, "entries": [asdict(x) for x in lines]}))
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(Text(f"{state}{': ' if reason else ''}{reason}"))
    if lines:
        console.print(_table(lines))


@app.command()
def change(
    entry: EntryArgument,
    config: ConfigOption,
    scan: Annotated[
        Path | None, typer.Option(help="Another scan file, unless it was measured in part.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="The higher first.")] = None,
    repeats: Annotated[int | None, typer.Option(help="So many complete measurements.")] = None,
    not_before: NotBeforeOption = None,
    when: WhenOption = None,
    on_fault: Annotated[
        OnFault | None, typer.Option(help="A fault ends its run: stop the queue, or skip it.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change a waiting entry in its place. '' takes its time, or its conditions, away."""
    given = {
        "scan": scan and scan.read_text(), "path": scan, "priority": priority,
        "repeats": repeats,
        "not_before": not_before, "conditions": None if when is None else "\n".join(when),
        "on_fault": on_fault and on_fault.value,
    }  # fmt: skip
    with _commanding(config, force) as client:
        answer = client.command(
            "queue_change", ADD_TIMEOUT_S, entry=entry,
            **{name: value for name, value in given.items() if value is not None},
        )  # fmt: skip
    _say(answer, f"entry {entry} changed: {answer['name']}", as_json)


@app.command()
def move(
    entry: EntryArgument,
    config: ConfigOption,
    before: Annotated[
        str | None, typer.Option(help="'first', 'last', or the number of another entry.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="Another priority instead.")] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move a waiting entry. Among entries of another priority it takes the nearest that fits."""
    place = {"before": before, "priority": priority}
    given = {name: value for name, value in place.items() if value is not None}
    if len(given) != 1:
        raise ConfigError("give either --before or --priority")
    with _commanding(config, force) as client:
        answer = client.command("queue_move", entry=entry, **given)
    _say(answer, f"entry {entry} moved; its priority is {answer['priority']}", as_json)


@app.command()
def remove(
    entry: EntryArgument,
    config: ConfigOption,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take an entry out of the queue. What its runs measured stays."""
    with _commanding(config, force) as client:
        answer = client.command("queue_remove", entry=entry)
    _say(answer, f"entry {entry} removed", as_json)


@app.command()
def pause(
    config: ConfigOption,
    reason: Annotated[str, typer.Option(help="For those who find it paused.")] = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start nothing more; a run under way goes on."""
    with _commanding(config, force) as client:
        answer = client.command("queue_pause", reason=reason)
    _say(answer, "paused", as_json)


@app.command()
def resume(
    config: ConfigOption,
    entry: Annotated[
        int | None,
        typer.Argument(metavar="[ENTRY]", help="One that was aborted or has failed: go on with it"),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start entries again. What was interrupted is gone on with first, at its missing blocks."""
    with _commanding(config, force) as client:
        answer = client.command("queue_resume", entry="" if entry is None else entry)
    _say(answer, "the queue goes on", as_json)


@app.command()
def clear(
    config: ConfigOption,
    which: Annotated[Clear, typer.Argument(help="What has ended, or all but what runs.")] = (
        Clear.ENDED
    ),
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what has ended; with `all` everything but what runs."""
    with _commanding(config, force) as client:
        answer = client.command("queue_clear", which=which.value)
    _say(answer, f"{len(answer['removed'])} entries removed", as_json)


@contextmanager
def _commanding(config: Path, force: bool) -> Iterator[StationClient]:
    """A client of the rig's running station, which holds control only as long as it needs it."""
    rig = load_rig(config)
    endpoint = find_station(rig.name)
    if endpoint is None:
        raise StationSilent(
            f"no station runs for rig '{rig.name}': start one with atta-daq station --config "
            f"{config}"
        )
    with StationClient(endpoint) as client:
        client.command("take_control", force=force)
        try:
            yield client
        finally:
            client.command("release_control")


def _on_disk(rig: RigConfig, data: Path) -> tuple[str, str, tuple[QueueLine, ...]]:
    night = QueueStore(rig.data_dir or data, rig.name).load()
    reason = reason_of(night, {}, "") or "no station runs"
    nan = float("nan")
    lines = lines_of(rows(night, {}, nan, nan)) if night.open or night.ended else ()
    return state_of(night), reason, lines


def _table(lines: tuple[QueueLine, ...]) -> Table:
    table = Table("entry", "scan", "state", "done", "priority", "from", "to", "run", "waits for")
    for line in lines:
        state = Text(line.state, style=_STYLE.get(line.state, ""))
        table.add_row(
            str(line.entry), line.name, state, f"{line.done}/{line.repeats}", str(line.priority),
            _moment(line.expected_start or line.not_before), _moment(line.expected_end), line.run,
            Text(line.waits_for or line.reason or line.needs),
        )  # fmt: skip
    return table


def _moment(utc_s: float | None) -> str:
    return "" if utc_s is None else f"{datetime.fromtimestamp(utc_s, UTC):%d %b %H:%M} UTC"


def _say(answer: dict[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(answer) if as_json else text)
