"""The reference cell fails while the frequency axis is zeroed on it, by command or by a run.

Each cell is one fault in the middle of a zeroing, which fails with its name and leaves the axis
as it was, or goes on to the true zero; then the same zeroing, with the fault gone.
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fault_cells import Cell
from fault_matrix import NAMED_S, LaneLost, MachineBusy, Outcome, Stopwatch
from fault_midrun import BACK_S, FLAGGED_S, LONG_DWELL_S, START_S, CountingStation
from fault_results import BY_COMMAND, IN_RUN

from atta_daq.client.errors import CommandRefused, StationSilent

LEAST_POINTS = 3
"""Steps of the zeroing that were taken when the fault comes."""
ZEROED_S = 60.0
"""The longest that a zeroing takes, with the light's way there."""
WAITS_S = 5.0
"""From the naming until the run says that it waits for the cell: one try to reach it."""
PASSING = ("dropped", "restarted")
"""Faults that may be over before the cell is asked for its signal again: the zeroing may go on."""
RATIO_TOLERANCE = 1e-3
"""3 MHz; the zero of the rig file is off by 15 MHz."""


class ZeroingStation(CountingStation):
    """A rig and a station whose run has not begun."""

    def __init__(
        self, folder: Path, dwell_s: float = LONG_DWELL_S, repeats: int = 1, **options: Any
    ) -> None:
        super().__init__(folder, dwell_s, repeats, begun=False, **options)
        truth = self.rig.world.ask({"cmd": "truth"})["truth"]
        self._ratio = float(truth["cavity"]["ratio_at_zero"])

    def by_command(self, cell: Cell) -> Outcome:
        """While `zero_axis` is under way on a rig that no run uses."""
        return self._or_mended(lambda: self._by_command(cell))

    def in_run(self, cell: Cell) -> Outcome:
        """While a run prepares, which is ended afterwards."""

        def take() -> Outcome:
            outcome = self._in_run(cell)
            self._end_run()
            return outcome

        return self._or_mended(take)

    def at_start(self, cell: Cell) -> Outcome:
        """The same; the run goes on to count."""
        return self._or_mended(lambda: self._in_run(cell))

    def _or_mended(self, take: Callable[[], Outcome]) -> Outcome:
        """A cell; when it went wrong nothing is under way any more before it is told."""
        try:
            return take()
        except (AssertionError, MachineBusy) as error:
            self.rig.clear()
            try:
                self._end_run()
            except AssertionError as lost:
                raise LaneLost(f"{error}; then {lost}") from lost
            raise

    def _end_run(self) -> None:
        if self.station.client.get("run:state") not in ("", "idle"):
            self._command("abort", reason="the next fault comes")
            self.station.wait_for("run:state", lambda state: state == "idle", ZEROED_S)

    # --- what can be seen -----------------------------------------------------------------------

    def _command(self, name: str, **arguments: object) -> Any:
        """Fails the cell, and not the test, when it is refused."""
        try:
            return self.station.client.command(name, timeout_s=ZEROED_S, **arguments)
        except (CommandRefused, StationSilent) as error:
            raise AssertionError(f"{name}: {error}") from error

    def _zero(self) -> dict[str, Any]:
        """What the last zeroing came to: a zero, or a problem."""
        return json.loads(self.station.client.get("cell:zero") or "{}")

    def _problem(self) -> str:
        """Why the last zeroing has failed; '' when it has not."""
        return self._zero().get("problem", "")

    def _kept(self) -> list[float]:
        """Zeros of the axis that the station has found and goes by, newest first; none: that of
        the rig file."""
        results = self._command("calibrations", kind="axis-zero")["results"]
        return [result["quantities"][0]["value"] for result in results]

    def _zeros_of_run(self) -> list[float]:
        """Zeros of the axis that the run has journaled."""
        bodies = [d["body"] for d in self._documents() if d["doc"] == "calibration"]
        return [body["zero_ratio"] for body in bodies if body["name"] == "axis zero"]

    def _wait_for_steps(self) -> None:
        """Wait until a zeroing that has just been asked for is in its middle."""
        seen = self.station.wait_for
        seen("cell:detunings", lambda steps: len(steps) < LEAST_POINTS, START_S)
        seen("cell:detunings", lambda steps: len(steps) >= LEAST_POINTS, ZEROED_S)

    def _require_found(self, zero: dict[str, Any], before: list[float]) -> None:
        """The zeroing came to the true zero, the only one that was kept since `before`."""
        assert abs(zero["ratio"] - self._ratio) < RATIO_TOLERANCE, zero
        assert self._kept() == [zero["ratio"], *before]

    # --- one cell -------------------------------------------------------------------------------

    def _by_command(self, cell: Cell) -> Outcome:
        self._command("light_on")
        self._forget_problem()
        kept = self._kept()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self._command, "zero_axis")
            self._wait_for_steps()
            named, reason, named_s, state = self._struck(cell)
            error = asked.exception(ZEROED_S)
        if error is None:
            assert cell.fault in PASSING, "the zeroing did not fail"
            self._require_found(asked.result(), kept)
            kept = self._kept()
        else:
            assert cell.server in str(error)
            assert cell.server in self._problem()
            assert self._kept() == kept, "a zeroing that failed has left a zero"
        began = self._mended(cell)
        self._require_found(self._command("zero_axis"), kept)
        back_s = time.monotonic() - began
        return Outcome(cell, named, reason, named_s, back_s, state, BY_COMMAND)

    def _in_run(self, cell: Cell) -> Outcome:
        self._forget_problem()
        kept = self._kept()
        earlier = self._zero()
        self.begin(zero=True)
        self._wait_for_steps()
        named, reason, named_s, state = self._struck(cell)
        if cell.fault not in PASSING:
            watch = Stopwatch(self.stolen)
            while not self.suspensions():
                watch.within(FLAGGED_S, "the run was not suspended:")
                time.sleep(0.03)
            # as long as it lasts: a few tries more would end the run
            self.station.wait_for("run:suspended", lambda why: cell.server in why, WAITS_S)
            assert cell.server in self._problem()
            assert self.station.client.get("run:state") == "preparing"
            assert self._kept() == kept, "a zeroing that failed has left a zero"
            assert self._zeros_of_run() == []
        began = self._mended(cell)
        self.station.wait_for(
            "cell:zero", lambda _: "ratio" in (zero := self._zero()) and zero != earlier, ZEROED_S
        )
        back_s = time.monotonic() - began
        assert all(cell.server in why for why in self.suspensions()), self.suspensions()
        zero = self._zero()
        self._require_found(zero, kept)
        self.station.wait_for("run:state", lambda state: state == "running", BACK_S)
        assert self._zeros_of_run() == [zero["ratio"]]
        return Outcome(cell, named, reason, named_s, back_s, state, IN_RUN)

    def _forget_problem(self) -> None:
        """What a cell that went wrong has left must not be taken for the next one's."""
        if self._problem():
            self._command("light_on")
            self._command("zero_axis")

    def _struck(self, cell: Cell) -> tuple[str, str, float, str]:
        """Let it happen: who names it and how, after what time, and where the rig stands."""
        before, earlier = self.state(), set(self.alarms(cell.instrument))
        self.rig.fault(cell.server, cell.command, **dict(cell.arguments))
        named, reason, named_s = self._told(earlier)
        assert cell.server in reason, reason
        return named, reason, named_s, self._safe(cell, before)

    def _told(self, earlier: set[str]) -> tuple[str, str, float]:
        """Problem of the zeroing or first new alarm: who names it, how, after what time."""
        watch = Stopwatch(self.stolen)
        while True:
            if problem := self._problem():
                return "cell:zero", problem, watch.within(NAMED_S)
            news = [
                text for key, text in self.alarms("reference_cell").items() if key not in earlier
            ]
            if news:
                return "alarm", news[0], watch.within(NAMED_S)
            watch.within(NAMED_S)
            time.sleep(0.03)

    def _mended(self, cell: Cell) -> float:
        """End the fault; the time of its end."""
        assert self.rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        return time.monotonic()
