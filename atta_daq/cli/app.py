"""The command line: which commands there are, and how their errors become exit codes.

0 done · 1 the run or the fit failed · 2 a wrong file or argument, nothing connected ·
3 an instrument or a station did not answer · 130 interrupted
"""

import sys

import typer

from atta_daq.archive.errors import ArchiveError
from atta_daq.cli import data, documents, model, rig, run
from atta_daq.client.client import CommandRefused, StationSilent
from atta_daq.rig.config import ConfigError
from drivers.errors import DriverError

app = typer.Typer(
    help="Runs an Atom Trap Trace Analysis rig for krypton, real or simulated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(model.app, name="model", help="The pumping model: efficiencies, lines, spectra.")
app.add_typer(documents.app, name="docs", help="Reference pages made from the code.")
app.command("run")(run.run)
app.command("station")(rig.station)
app.command("check")(rig.check)
app.command(
    "simulate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)(rig.simulate)
app.command("runs")(data.runs)
app.command("fit")(data.fit)
app.command("report")(data.report)
app.command("export")(data.export)
app.command("import")(data.import_table)


class ExitCode:
    """What the process returns."""

    FAILED = 1
    WRONG_INPUT = 2
    NO_ANSWER = 3
    INTERRUPTED = 130


def main() -> None:
    """Entry of the command `atta-daq`."""
    sys.exit(run_app(sys.argv[1:]))


def run_app(arguments: list[str]) -> int:
    """Carry out one command; returns its exit code. Errors go to standard error."""
    try:
        code = app(args=arguments, prog_name="atta-daq", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except ConfigError as error:
        return _failed(str(error), ExitCode.WRONG_INPUT)
    except (CommandRefused, ArchiveError) as error:
        return _failed(str(error), ExitCode.WRONG_INPUT)
    except (StationSilent, DriverError, rig.RigUnreachable) as error:
        return _failed(str(error), ExitCode.NO_ANSWER)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if type(error).__module__.startswith("click") and hasattr(error, "exit_code"):
            error.show()  # type: ignore[attr-defined]
            return int(error.exit_code)  # type: ignore[attr-defined]
        raise
    return int(code or 0)


def _failed(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
