"""Options that several commands share, in the same words."""

from pathlib import Path
from typing import Annotated

import typer

SpeedOption = Annotated[
    float | None, typer.Option(help="Rig seconds per second, with --simulate.", show_default="1")
]
SeedOption = Annotated[
    int | None, typer.Option(help="Of the simulated world, with --simulate.", show_default="1")
]
TruthOption = Annotated[
    Path | None,
    typer.Option(help="TOML that overrides the simulated world's truth, with --simulate."),
]
ConfigOption = Annotated[Path, typer.Option("--config", help="Rig file (TOML).")]
OptionalConfigOption = Annotated[Path | None, typer.Option("--config", help="Rig file (TOML).")]
DataOption = Annotated[Path, typer.Option("--data", help="Folder of the runs.")]
InstrumentsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="ROLE=DRIVER",
        help="Another box on the simulated rig, such as amplifier=thorlabs-itc4000; repeatable.",
        show_default=False,
    ),
]
