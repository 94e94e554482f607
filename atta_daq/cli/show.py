"""`atta-daq show`: how a run went. What it lost, to which cause, what cured it, what is missing."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import ChainedRun, open_chain
from atta_daq.archive.gaps import lost_repeats, missing_points, skipped_blocks
from atta_daq.archive.intervals import Interval, duty, intervals
from atta_daq.archive.report_rows import clock, duration, moment
from atta_daq.cli.arguments import require_folder
from atta_daq.cli.options import DataOption


def show(
    run: Annotated[str, typer.Argument(help="Run id, the start of one, or 'last'.")] = "last",
    data: DataOption = Path("data"),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """How a run went: state, duty cycle, every interval without data, and what is missing."""
    require_folder(data)
    chain = open_chain(Catalogue(data).resolve(run))
    if as_json:
        print(json.dumps(account(chain)))
    else:
        print_account(chain)


def account(chain: ChainedRun) -> dict[str, Any]:
    """All that `show` tells, as plain JSON types. Times in rig seconds."""
    share = duty(chain)
    stop = chain.stop
    return {
        "run": chain.run_id,
        "runs": [run.run_id for run in chain.runs],
        "state": chain.state.value,
        "reason": str(stop.body.get("reason", "")) if stop else "",
        "segments": len(chain.segments),
        "flagged": sum(bool(s.flag) for s in chain.segments),
        "scan_s": share.scan_s,
        "good_live_s": share.good_live_s,
        "duty_cycle": share.duty_cycle,
        "bad_s": share.bad_s,
        "intervals": [{**asdict(i), "length_s": i.length_s} for i in intervals(chain)],
        "skipped": [asdict(block) for block in skipped_blocks(chain)],
        "missing_points": missing_points(chain),
        "lost_repeats": lost_repeats(chain),
    }


def print_account(chain: ChainedRun, console: Console | None = None) -> None:
    """The same for people."""
    console = console or Console()

    def line(text: str) -> None:
        console.print(Text(text), soft_wrap=False)

    told = account(chain)
    reason = f": {told['reason']}" if told["reason"] else ""
    line(f"{chain.run_id}  {told['state']}{reason}")
    line(f"started {moment(chain.start.utc_s)}, {duration(told['scan_s'])} of rig time")
    line(
        f"duty cycle {100.0 * told['duty_cycle']:.1f} %; lost to faults "
        f"{duration(told['bad_s'])}; {told['flagged']} of {told['segments']} segments flagged"
    )
    for block in told["skipped"]:
        later = "; taken later" if block["taken_later"] else ""
        line(f"skipped: {block['cause']}{later}")
    for part, points in told["missing_points"].items():
        line(f"{part}: no data at {', '.join(points)}")
    for part, points in told["lost_repeats"].items():
        line(f"{part}: a repeat is missing at {', '.join(points)}")
    found = intervals(chain)
    if found:
        console.print(_table(found))
    else:
        line("No interval without data.")


def _table(found: tuple[Interval, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("at (rig)", "length", "block"):
        table.add_column(heading, no_wrap=True)
    for heading in ("cause", "tried", "ended by"):
        table.add_column(heading, overflow="fold")
    for interval in found:
        tried = ", ".join(f"{use.recipe} x{use.tries}" for use in interval.tried)
        table.add_row(
            clock(interval.start_rig_s),
            duration(interval.length_s),
            str(interval.block) if interval.block >= 0 else "-",
            Text(interval.cause),
            tried,
            interval.end_in_words,
        )
    return table
