"""The command line: which commands there are, and how their errors become exit codes.

0 done · 1 the run or the fit failed · 2 a wrong file or argument, nothing connected ·
3 an instrument or a station did not answer · 130 interrupted
"""

import logging
import sqlite3
import sys
from typing import Annotated, Any

import typer

from atta_daq import __version__
from atta_daq.archive.errors import ArchiveError
from atta_daq.cli.lazy import LazyGroup
from atta_daq.client.errors import CommandRefused, StationSilent
from atta_daq.heap import few_heaps
from atta_daq.owner import AlreadyOwned
from atta_daq.rig.errors import ConfigError
from atta_daq.station.errors import CannotServe, RigUnreachable
from drivers.errors import DriverError

app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


class ExitCode:
    """What the process returns."""

    FAILED = 1
    WRONG_INPUT = 2
    NO_ANSWER = 3
    INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"atta-daq {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it, end."),
    ] = False,
) -> None:
    """Runs an Atom Trap Trace Analysis rig for krypton, real or simulated.

    Exit codes: 0 done, 1 the run or fit failed, 2 a wrong file or argument, 3 an instrument or
    station did not answer, 130 interrupted.
    """


def main() -> None:
    """Entry of the command `atta-daq`."""
    if sys.argv[1:2] == ["station"]:
        few_heaps()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    else:
        # Warnings (a torn journal, a run left out) are for the operator: no logger's name.
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    sys.exit(run_app(sys.argv[1:]))


def run_app(arguments: list[str]) -> int:
    """Carry out one command; returns its exit code. Errors go to standard error."""
    try:
        code = app(args=arguments, prog_name="atta-daq", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _failed("interrupted", ExitCode.INTERRUPTED)
    except (ConfigError, CommandRefused, ArchiveError, AlreadyOwned, CannotServe) as error:
        return _failed(str(error), ExitCode.WRONG_INPUT)
    except (StationSilent, DriverError, RigUnreachable) as error:
        return _failed(str(error), ExitCode.NO_ANSWER)
    except sqlite3.Error as error:
        return _failed(f"the list of runs (catalogue.sqlite): {error}", ExitCode.WRONG_INPUT)
    except OSError as error:
        if error.filename is None:
            raise
        return _failed(f"{error.filename}: {error.strerror}", ExitCode.WRONG_INPUT)
    except Exception as error:
        # A wrong argument. The package that raises it is click, or typer's own copy of it.
        if not hasattr(error, "format_message"):
            raise
        return _usage(error)
    return int(code or 0)


def _usage(error: Any) -> int:
    """Say what is wrong with an argument; without any argument, show the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.ctx.get_help())
        return ExitCode.WRONG_INPUT
    command = error.ctx.command_path if error.ctx else "atta-daq"
    return _failed(f"{_said(error)}\nsee: {command} --help", ExitCode.WRONG_INPUT)


def _said(error: Any) -> str:
    """The message with the name of the argument, the value, and what would be allowed."""
    param = getattr(error, "param", None)
    if param is None:
        return error.format_message().replace("Got unexpected extra argument(s)", "one too many:")
    name = param.opts[0] if param.param_type_name == "option" else param.name.upper()
    kind = type(error).__name__
    if kind == "MissingParameter":
        return f"{name} is missing{f' ({param.help})' if param.help else ''}"
    wrong = getattr(error.__cause__, "errors", list)()
    if not wrong:
        return f"{name}: {error.message}"
    value, message = wrong[0]["input"], wrong[0]["msg"]
    for jargon, plain in _PLAIN:
        message = message.replace(jargon, plain)
    return f"{name}: {value!r} {message}"


_PLAIN = (
    ("Input should be a valid integer, unable to parse string as an integer",
     "is not a whole number"),
    ("Input should be a valid number, unable to parse string as a number", "is not a number"),
    ("Input should be ", "is not allowed; it must be "),
    ("Value error, ", "is not allowed: "),
)  # fmt: skip


def _failed(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
