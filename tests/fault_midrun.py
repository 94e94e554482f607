"""The mid-run half of the fault matrix: a station counts at speed 1 while its rig fails.

The scan never ends by itself: one point with a dwell of minutes, brackets of half a second. Each
cell is one fault in the counting segment, and the way back into the next attempt's. What is only
found when a segment ends is taken on a station whose segments are short; what only a bracket needs
on one that takes brackets `often`.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
from fault_cells import LOCK, WIRE, WIRING, Cell
from fault_matrix import (
    NAMED_S,
    OWN_TIMES_S,
    LaneLost,
    MachineBusy,
    Outcome,
    StolenTime,
    Stopwatch,
)
from fault_results import BRACKET, MID_RUN
from fault_states import RigState, missing, safe_within_s
from rigs import Rig, RunningStation, start_rig, start_station

SCAN = """
name = "faults"
zero_on_reference_cell = {zero}
calibrate_counting_s = 0
max_attempts = 10000
bracket_period_s = {bracket_period_s}
[[part]]
isotope = 85
dwell_s = {dwell_s}
repeats = {repeats}
bursts = 2
[part.light]
sideband_frequency_mhz = 230.0
sideband_depth = 0.7
[[part.axis]]
quantity = "detuning_mhz"
values = [60.0]
"""
LONG_DWELL_S = 4000.0
SHORT_DWELL_S = 2.0
SHORT_SEGMENTS = 1000
"""More than end while a cell is taken."""
BRACKET_PERIOD_S, OFTEN_S = 5000.0, 1.0
"""Between two brackets: longer than any run here; shorter than a segment."""
SHORT_BRACKET = {"bursts": 2, "load_s": 0.1, "quench_s": 0.02}
BURSTS, LOAD_S, QUENCH_S = 5, 0.3, 0.02
LONG_BRACKET = {"bursts": BURSTS, "load_s": LOAD_S, "quench_s": QUENCH_S}
RECORD_S = BURSTS * (LOAD_S + QUENCH_S) + QUENCH_S
"""Of a long bracket: long enough to fail in, and read within the time of a name."""
INTO_RECORD_S = 0.3
"""After the trap stands on 83Kr, as the display tells it: the record is under way."""
NORMALISER = 83
START_S = 60.0
"""Of a run until it counts."""
ZEROING_STEPS = {"scan_points": 9}
"""Of the reference cell: a third of the usual ones, three times as far apart."""
FLAGGED_S = 4.0
"""From the naming of a fault to the flag of the segment under way in the journal: the camera is
stopped first, and one that does not answer is waited for."""
STALL_S = 20 * 0.1 + 2.0
"""The documented time of a stalled camera: told within 20 exposures and 2 s."""
AT_END = {("camera", "runaway")}
"""Faults that are found when the segment ends: ADAndor reads no temperature while it acquires."""
SETTLING_S = 1.0
"""Of the frames before those that count, and of the stop."""
LATE_NAMES = {
    ("camera", "stall"): STALL_S,
    **dict.fromkeys(AT_END, SHORT_DWELL_S + SETTLING_S),
    **OWN_TIMES_S,
}
"""Faults that have a documented time of their own."""
AFTERMATH_S = 6.0
"""The longest that a wire or a driver holds a fault back: a late answer and a timeout."""
BACK_S = 40.0
NAMED_AS = {
    "slow_control": "ATTA:SLOW:",
    "isotope_offset": "the trap is on or near 84Kr",
    "amplifier_seed": "is the seed on?",
}
"""What may stand in a flag for an instrument instead of its name: its process variables; where its
generator's defaults put the trap, which the camera's own guard may be the first to see; the light
that the lock misses first."""
QUICK_LANES = (
    ("amplifier", "power_meter"),
    ("lock", "sideband", "loading", "reference_cell"),
    ("trap_switch", "isotope_offset", "slow_control", "camera"),
)
"""Servers whose cells one station takes; every lane has a rig of its own. A lock that was lost is
led over the reference cell's line, which takes ten seconds: lanes are about equally long."""
QUICK_WIRE = ("no_reply", "restarted", "wrong_unit", "disconnected")
"""Faults of the wire that every `make test` takes in mid-run; the others are taken by `make soak`.
A station hears of each of them as an error of the driver, which the idle half has met."""
LOCK_LOST = {("lock", fault) for fault in (*LOCK, *WIRING)}
"""Faults of the laser and its cavity: the station must say that the lock is lost."""
UNFLAGGED = {
    ("loading", None): "its records carry all their settings; only a bracket would fail",
    ("reference_cell", None): "nothing in a block needs it",
    ("power_meter", None): "nothing in a block needs it",
    ("camera", "drop_frames"): "lost frames are counted as dead time",
    ("camera", "late"): "nothing is put while frames come",
    ("amplifier", "ld_enable_stuck"): "the wire rests high: seen only with the seed off",
}
"""Faults that leave the counting segment as good as it was, and why."""


def quick(cell: Cell) -> bool:
    """Whether `make test` takes this cell in mid-run."""
    if cell.server == "camera":
        return cell.fault not in ("dropped", "late")
    return cell.fault not in WIRE or cell.fault in QUICK_WIRE


def unflagged(cell: Cell, half: str = MID_RUN) -> str:
    """Why the segment under way is not flagged; '' when it must be."""
    if half != MID_RUN:
        return ""
    return UNFLAGGED.get((cell.server, None)) or UNFLAGGED.get((cell.server, cell.fault), "")


def _is_suspension(document: dict[str, Any]) -> bool:
    return document["doc"] == "recovery" and document["body"]["event"] == "suspended"


def _require_name(cell: Cell, flag: str) -> None:
    """A flag names its instrument."""
    names = (cell.server, cell.instrument, NAMED_AS.get(cell.server, cell.server))
    assert any(name in flag for name in names), flag


def at_end(cell: Cell) -> bool:
    """Whether the fault is found when the segment under way ends, and not before."""
    return (cell.server, cell.fault) in AT_END


class CountingStation:
    """A rig, a station on it, and a run that counts."""

    def __init__(
        self,
        folder: Path,
        dwell_s: float = LONG_DWELL_S,
        repeats: int = 1,
        *,
        often: bool = False,
        begun: bool = True,
        **options: Any,
    ) -> None:
        """`often`: a bracket behind every segment; `begun`: it counts when this returns."""
        folder.mkdir(parents=True)
        self.rig: Rig = start_rig(folder, speed=1.0, **options)
        # Many nights' trips within minutes: each one is to be cured here.
        self.rig.config["faults"] = {"amplifier_restarts_per_h": 1000}
        self.rig.config["loading"] |= LONG_BRACKET if often else SHORT_BRACKET
        self.rig.config["reference_cell"] |= ZEROING_STEPS
        self.rig.path.write_text(tomli_w.dumps(self.rig.config))
        self.station: RunningStation = start_station(self.rig, folder / "data")
        self._scan = {"dwell_s": dwell_s, "repeats": repeats, "bracket_period_s": BRACKET_PERIOD_S}
        if often:
            self._scan["bracket_period_s"] = OFTEN_S
        self._often = often
        self.stolen = StolenTime()
        if begun:
            self.begin()
            self.wait_until_it_counts()

    def begin(self, *, zero: bool = False) -> None:
        """Start the run; returns while it prepares. `zero`: the axis on the reference cell, too."""
        scan = SCAN.format(zero=str(zero).lower(), **self._scan)
        run_id = str(self.station.client.command("run", scan=scan)["run"])
        self.journal = self.station.data / run_id / "journal.jsonl"

    def wait_until_it_counts(self) -> None:
        self._wait_for_counting(0, START_S)

    def close(self) -> None:
        self.stolen.close()
        # The end of a run and its report are other tests' subject, and take their time.
        self.station.client.close()
        self.station.kill()
        self.rig.world.close()

    # --- what can be seen -----------------------------------------------------------------------

    def segments(self) -> list[dict[str, Any]]:
        """Segments in the journal, in the order in which they ended."""
        return [d["body"]["segment"] for d in self._documents() if d["doc"] == "event"]

    def _documents(self) -> list[dict[str, Any]]:
        """The whole lines of the journal; its last one may be under way."""
        lines = self.journal.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line[-1] == "}"]

    def flags(self) -> list[str]:
        return [s["flag"] for s in self.segments() if s["flag"]]

    def alarms(self, source: str) -> dict[str, str]:
        """Alarms of an instrument, active or past, by id and time of their beginning."""
        told = json.loads(self.station.client.get("station:alarms") or "[]")
        return {f"{a['id']} {a['since_utc_s']}": a["text"] for a in told if a["source"] == source}

    def _counting(self) -> bool:
        client = self.station.client
        return bool(client.get("camera:acquiring")) and client.get("run:suspended") == ""

    def _wait_for_bracket(self) -> None:
        """Wait until the loading detector records a bracket."""
        self.station.wait_for("trap:isotope", lambda isotope: isotope != NORMALISER, BACK_S)
        self.station.wait_for("trap:isotope", lambda isotope: isotope == NORMALISER, BACK_S)
        time.sleep(INTO_RECORD_S)

    def _wait_for_counting(self, taken: int, timeout_s: float) -> float:
        """Wait until a counting segment is under way after more than `taken` segments."""
        began = time.monotonic()
        while True:
            segments = self.segments() if self.journal.exists() else []
            if len(segments) > taken and self._counts_after(segments[-1]):
                return time.monotonic() - began
            assert time.monotonic() - began < timeout_s, (
                f"not counting: {segments[-3:]}, waits for "
                f"{self.station.client.get('run:suspended')!r}, "
                f"{self.station.log.read_text()[-2000:]}"
            )
            time.sleep(0.05)

    def _counts_after(self, last: dict[str, Any]) -> bool:
        """Whether a counting segment follows on `last`."""
        # The camera still is said to acquire for a moment after the segment that a bracket follows.
        follows = last["bracket"] or not self._often
        return follows and not last["flag"] and self._counting()

    # --- one cell -------------------------------------------------------------------------------

    def run(self, cell: Cell) -> Outcome:
        """While it counts."""
        return self._counting_again(lambda: self._run(cell))

    def run_in_bracket(self, cell: Cell) -> Outcome:
        """While a bracket is recorded."""
        return self._counting_again(lambda: self._run(cell, BRACKET))

    def _counting_again(self, take: Callable[[], Outcome]) -> Outcome:
        """A cell; when it went wrong the rig is mended, and counts, before it is told."""
        try:
            return take()
        except (AssertionError, MachineBusy) as error:
            self.rig.clear()
            # what is still under way of this fault must not be taken for the next one's
            time.sleep(AFTERMATH_S)
            try:
                self._wait_for_counting(0, BACK_S)
            except AssertionError as lost:
                raise LaneLost(f"{error}; then {lost}") from lost
            raise

    def _run(self, cell: Cell, half: str = MID_RUN) -> Outcome:
        if half == BRACKET:
            self._wait_for_bracket()
        elif at_end(cell):
            # the fault comes while a segment counts, not between two of them
            self._wait_for_counting(len(self.segments()), BACK_S)
            time.sleep(SETTLING_S)
        taken, flags, alarms = len(self.segments()), len(self.flags()), self.alarms(cell.instrument)
        before, waits = self.state(), len(self.suspensions())
        self.rig.fault(cell.server, cell.command, **dict(cell.arguments))
        named, reason, named_s = self._named(cell, flags, set(alarms), half)
        state = self._safe(cell, before)
        spared = unflagged(cell, half)
        if not spared:
            self._flagged(cell, flags, waits)
        if half == BRACKET or at_end(cell):
            flagged = next(s for s in self.segments()[taken:] if s["flag"])
            hit = flagged["bracket"] if half == BRACKET else flagged["live_s"] > 0.0
            assert hit, f"it was not the segment under way: {flagged}"
        if cell.fault == "interlock_open":
            # one that stays: the run waits and says for what
            self.station.wait_for("run:suspended", lambda reason: "interlock" in reason, 10.0)
        danger = self.state().danger(before)
        assert not danger, danger
        assert self.rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        spent = self._spared(cell, taken) if spared else self._wait_for_counting(taken + 1, BACK_S)
        return Outcome(cell, named, reason, named_s, spent, state, half)

    def state(self) -> RigState:
        return RigState.of(self.rig.world.ask({"cmd": "status"})["status"])

    def suspensions(self) -> list[str]:
        """Causes for which the run has waited, in order."""
        return [d["body"]["cause"] for d in self._documents() if _is_suspension(d)]

    def _named(self, cell: Cell, flags: int, alarms: set[str], half: str) -> tuple[str, str, float]:
        """The first new flag or alarm, as a client of the station sees it."""
        limit_s = LATE_NAMES.get((cell.server, cell.fault), NAMED_S)
        watch = Stopwatch(self.stolen)
        while True:
            told = self.flags()[flags:]
            if told:
                _require_name(cell, told[0])
                return "flag", told[0], watch.within(limit_s)
            news = [text for key, text in self.alarms(cell.instrument).items() if key not in alarms]
            if news:
                return "alarm", news[0], watch.within(limit_s)
            try:
                watch.within(limit_s)
            except AssertionError:
                spared = unflagged(cell, half)
                assert spared, f"it is not named within {limit_s:g} s"
                return "none", spared, 0.0
            time.sleep(0.03)

    def _safe(self, cell: Cell, before: RigState) -> str:
        """Where the rig stands, as soon as it is where it must be."""
        watch = Stopwatch(self.stolen)
        lost = (cell.server, cell.fault) in LOCK_LOST
        while True:
            state = self.state()
            danger = state.danger(before)
            assert not danger, danger
            lacks = missing(cell, state, before, station=True)
            if lost and self.station.client.get("lock:locked"):
                lacks = f"{lacks}; the station calls the lock locked"
            if not lacks:
                return state.words(before)
            watch.within(safe_within_s(cell, station=True), f"{lacks} ({state.words(before)})")
            time.sleep(0.03)

    def _flagged(self, cell: Cell, flags: int, waits: int) -> None:
        """The segment under way carries the cause, and the run waits for its end."""
        watch = Stopwatch(self.stolen)
        while len(self.flags()) == flags or len(self.suspensions()) == waits:
            watch.within(FLAGGED_S, "the segment was not flagged, or the run not suspended:")
            time.sleep(0.03)
        _require_name(cell, self.flags()[flags])
        assert self.suspensions()[waits] == self.flags()[flags]

    def _spared(self, cell: Cell, taken: int) -> float:
        """The segment goes on, and nothing of the fault is left."""
        began = time.monotonic()
        name = f"{cell.instrument}:silent"
        while any(
            a["id"] == name and a["active"]
            for a in json.loads(self.station.client.get("station:alarms") or "[]")
        ):
            assert time.monotonic() - began < BACK_S, "it does not come back"
            time.sleep(0.05)
        assert len(self.segments()) == taken, "it has ended the segment"
        assert self._counting()
        return time.monotonic() - began
