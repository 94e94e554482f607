"""Commands that are imported when they are used: the program starts in a fraction of a second."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from atta_daq.quick_start import loading

COMMANDS = {
    "gui": "atta_daq.cli.gui:gui",
    "watch": "atta_daq.cli.watch:watch",
    "run": "atta_daq.cli.run:run",
    "rehearse": "atta_daq.cli.rehearse:rehearse",
    "resume": "atta_daq.cli.resume:resume",
    "queue": "atta_daq.cli.queue:app",
    "station": "atta_daq.cli.station:station",
    "check": "atta_daq.cli.check:check",
    "calibrate": "atta_daq.cli.calibrate:calibrate",
    "calibrations": "atta_daq.cli.calibrations:app",
    "protection": "atta_daq.cli.protection:protection",
    "messages": "atta_daq.cli.messages:messages",
    "simulate": "atta_daq.cli.simulated:simulate",
    "runs": "atta_daq.cli.data:runs",
    "show": "atta_daq.cli.show:show",
    "fit": "atta_daq.cli.data:fit",
    "refit": "atta_daq.cli.ensembles:refit",
    "toys": "atta_daq.cli.ensembles:toys",
    "bootstrap": "atta_daq.cli.ensembles:bootstrap",
    "report": "atta_daq.cli.data:report",
    "night": "atta_daq.cli.night:night",
    "export": "atta_daq.cli.data:export",
    "history": "atta_daq.cli.history:history",
    "import": "atta_daq.cli.data:import_table",
    "model": "atta_daq.cli.model:app",
    "docs": "atta_daq.cli.documents:app",
}
"""Command to the module that holds it, in the order of the help; a group is a typer.Typer."""


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and build one command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        with loading():
            found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            built: Any = get_group(found)
        else:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(cmd_name)(found)
            built = get_command(alone)
        built.name = cmd_name
        return built
