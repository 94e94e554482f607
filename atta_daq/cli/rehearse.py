"""`atta-daq rehearse`: what a night will bring, known before it begins."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from atta_daq.cli.arguments import require_speed_and_seed, require_writable
from atta_daq.cli.checks import require_usable
from atta_daq.cli.options import DataOption, InstrumentsOption, TruthOption
from atta_daq.cli.rehearsal import SLOWEST, Rehearsed, Scan, highest_speed, rehearse_all
from atta_daq.cli.rehearsal_words import print_rehearsal, rehearsal_object
from atta_daq.cli.rehearsed_rig import as_measured
from atta_daq.rig.config import ConfigError, RigConfig, load_rig, read_toml, validated
from atta_daq.scans.definition import ScanDefinition, parse_scan, rename_parts
from atta_daq.station.queue.entry import Entry, EntryState
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.queue.times import in_words

QUEUE = Path("queue")
"""In place of scan files."""


def rehearse(
    scans: Annotated[
        list[Path],
        typer.Argument(
            help="Scan files (TOML), in their order; or 'queue': what is left in the queue of the "
            "rig that --config names."
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Rig file (TOML): rehearse as on this rig; it is not used."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            help="Rig seconds per second; left out: the highest that keeps every frame.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated world.")] = 1,
    truth: TruthOption = None,
    instruments: InstrumentsOption = None,
    data: DataOption = Path("data"),
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder for the rehearsed runs; left out: they are thrown away."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output at the end.")
    ] = False,
) -> None:
    """Take scans on a simulated rig, hours in minutes, with the station and drivers of a real run.

    Prints how long they take, how much they write, what they count, the errors to expect of each
    fitted parameter, and which points add nothing.
    """
    rig = load_rig(config) if config is not None else None
    rate = highest_speed(rig) if speed is None else speed
    require_speed_and_seed(rate, seed)
    folder = (rig.data_dir if rig is not None else None) or data
    rig = as_measured(rig, folder) if rig is not None else None
    if scans == [QUEUE]:
        wanted = _queued(rig, folder)
    else:
        wanted = [_scan(path, rig, config) for path in scans]
    if keep is not None:
        require_writable(keep)
    console = Console(stderr=True)

    def at(rate: float) -> list[Rehearsed]:
        return rehearse_all(
            wanted, rig, speed=rate, seed=seed, truth=truth, instruments=instruments or (),
            data=folder, keep=keep, console=console,
        )  # fmt: skip

    done = at(rate)
    while speed is None and rate > SLOWEST and any(item.frames_lost for item in done):
        rate /= 2.0
        console.print(f"frames were lost: once more, at {rate:g} rig seconds per second")
        done = at(rate)
    if as_json:
        print(json.dumps({**rehearsal_object(done), "speed": rate}))
    else:
        print_rehearsal(done)
    if any(item.run.state.value != "complete" for item in done):
        raise typer.Exit(1)


def _queued(rig: RigConfig | None, data: Path) -> list[Scan]:
    """The entries that have not ended, in their order, as they stand on disk."""
    if rig is None:
        raise ConfigError("the queue belongs to a rig: name its rig file with --config")
    entries = QueueStore(data, rig.name).load().open
    if not entries:
        raise ConfigError(f"{data}: the queue of rig '{rig.name}' is empty")
    return [
        Scan(f"entry {entry.number}", entry.scan, parse_scan(entry.scan), entry.left, _waits(entry))
        for entry in entries
    ]


def _waits(entry: Entry) -> str:
    """What its next measurement waits for: one that has begun goes on by itself."""
    if entry.state is not EntryState.WAITING and entry.left <= 1:
        return ""
    moment = entry.not_before_s
    first = [f"not before {in_words(moment)}"] if moment is not None else []
    return "; ".join([*first, *entry.conditions])


def _scan(path: Path, rig: RigConfig | None, rig_path: Path | None) -> Scan:
    definition = validated(ScanDefinition, rename_parts(read_toml(path)), path)
    if rig is not None and rig_path is not None:
        require_usable(rig, rig_path, definition, path)
    return Scan(str(path), path.read_text(), definition)
