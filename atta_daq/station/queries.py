"""Commands that only ask, and those that write into the log: open to every client."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import RigConfig
from atta_daq.station import stored_runs
from atta_daq.station.alarms import Alarms
from atta_daq.station.calculator import Calculator
from atta_daq.station.check_scan import check_scan, theory
from atta_daq.station.history import History
from atta_daq.station.log import Say
from atta_daq.station.server import Handler

Arguments = Mapping[str, str]
MOST_RUNS = 10_000
LISTED_RUNS = 200


class Queries:
    """Handlers of the commands that move nothing."""

    def __init__(
        self,
        config: Callable[[], RigConfig],
        data: Path,
        calculator: Calculator,
        history: History,
        alarms: Alarms,
        keep_note: Callable[[str, str], str],
        say: Say,
    ) -> None:
        """`config` gives the rig with the calibrations of the moment.

        `keep_note(text, author)` keeps a note with the run under way; '' when there is none.
        """
        self._config = config
        self._data = data
        self._calculator = calculator
        self._history = history
        self._alarms = alarms
        self._keep_note = keep_note
        self._say = say

    def handlers(self) -> dict[str, Handler]:
        """Handler of each of these commands."""
        return {
            "note": self.note,
            "acknowledge": self.acknowledge,
            "check_scan": self.check_scan,
            "theory": self.theory,
            "runs": self.runs,
            "run_data": self.run_data,
            "run_scan": self.run_scan,
            "run_report": self.run_report,
            "run_export": self.run_export,
            "history": self.history,
        }

    def note(self, client: str, arguments: Arguments) -> object:
        text = _wanted(arguments, "text")
        run_id = self._keep_note(text, client)
        self._say(text, "info", "operator")
        return {"noted": run_id}

    def acknowledge(self, client: str, arguments: Arguments) -> object:
        alarm = _wanted(arguments, "alarm")
        try:
            return {"acknowledged": self._alarms.acknowledge(alarm, client)}
        except KeyError:
            raise CommandRefused(f"there is no alarm '{alarm}'; 'all' is every one") from None

    def check_scan(self, _client: str, arguments: Arguments) -> object:
        text = _wanted(arguments, "scan")
        return self._calculator.ask(check_scan, text, self._config(), self._data)

    def theory(self, _client: str, arguments: Arguments) -> object:
        return self._calculator.ask(theory, _wanted(arguments, "scan"), self._config())

    def runs(self, _client: str, arguments: Arguments) -> object:
        limit = _number(arguments, "limit", LISTED_RUNS)
        if not 1 <= limit <= MOST_RUNS:
            raise CommandRefused(f"limit = {limit:g}: 1 to {MOST_RUNS}")
        search = arguments.get("search", "")
        return self._calculator.ask(stored_runs.list_runs, self._data, search, int(limit))

    def run_data(self, _client: str, arguments: Arguments) -> object:
        return self._calculator.ask(stored_runs.run_data, self._data, _wanted(arguments, "run"))

    def run_scan(self, _client: str, arguments: Arguments) -> object:
        return self._calculator.ask(stored_runs.run_scan, self._data, _wanted(arguments, "run"))

    def run_report(self, _client: str, arguments: Arguments) -> object:
        return self._calculator.ask(stored_runs.run_report, self._data, _wanted(arguments, "run"))

    def run_export(self, _client: str, arguments: Arguments) -> object:
        run, form = _wanted(arguments, "run"), arguments.get("format", "csv")
        return self._calculator.ask(stored_runs.run_export, self._data, run, form)

    def history(self, _client: str, arguments: Arguments) -> object:
        names = [name.strip() for name in _wanted(arguments, "names").split(",")]
        try:
            return self._history.since(names, _number(arguments, "seconds", math.inf))
        except KeyError as error:
            raise CommandRefused(f"{error.args[0]} is not recorded: no such number") from None


def _wanted(arguments: Arguments, name: str) -> str:
    value = arguments.get(name, "").strip()
    if not value:
        raise CommandRefused(f"{name} is missing")
    return value


def _number(arguments: Arguments, name: str, default: float) -> float:
    try:
        return float(arguments.get(name) or default)
    except ValueError:
        raise CommandRefused(f"{name} must be a number, not '{arguments[name]}'") from None
