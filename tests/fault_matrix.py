"""The idle half of the fault matrix: what is done to a rig that no run uses, and what comes of it.

Drivers in this process against one simulated rig, no station. Cells of one lane run one after the
other, lanes side by side: instruments that feel each other share a lane.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fault_cells import KINDS, Cell, expected
from fault_states import OWN_PARTS, RigState, missing, safe_within_s
from rigs import Rig

from atta_daq.cli.simulated_lab import STALE_S
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import load_rig
from atta_daq.rig.light import LightControl
from atta_daq.station.precheck import axis_of
from drivers.errors import DriverError, InterlockOpen

NAMED_S = 2.0
"""A fault is named within this time."""
TRIAL_S = 8.0
"""The documented time of a trial of the guard: light on twice, off twice, seed away."""
OWN_TIMES_S = {("slow_control", "frozen"): STALE_S + NAMED_S}
"""Servers with a documented time of their own, idle and in mid-run: old values are told from new
ones when a time stamp has stood still for `stale_after_s` of the rig file."""
SETTLED_S = 0.05
"""A generator is on its frequency within this time after it was set."""
BACK_S = 12.0
"""A driver is back within this time when the fault has gone: a relock may take its landing."""
SLOW_BACK_S = {
    ("camera", "runaway"): 45.0,
    ("amplifier", "runaway"): 60.0,
    ("amplifier_seed", "runaway"): 60.0,
    ("amplifier_seed", "restarted"): 30.0,
    ("amplifier", "restarted"): 30.0,
}
"""A sensor or a laser that has warmed, or whose cooler was off, needs its cooler's time."""
IDLE_LANES = (
    ("amplifier", "lock"),
    ("trap_switch", "isotope_offset"),
    ("sideband",),
    ("loading", "slow_control"),
    ("reference_cell", "power_meter"),
    ("camera",),
)
MOST_STOLEN_S = 1.0
"""Of the time of one cell that may be the machine's fault and not the program's."""
RETAKES = 2
"""A cell of which the machine took more is taken again, so often at most."""


LASING_MW = 50.0
"""In front of the source, from where on the amplifier lases."""
RF_MHZ, RF_DBM = 230.0, 10.0


@dataclass(frozen=True)
class IdleState:
    """In which the faults of the idle half find the rig."""

    name: str
    amplifier_ma: float
    lasing: bool


LASING = IdleState("lasing", 2000.0, True)
"""Nobody measures, but the light is on: without its seed the chip dies within 0.4 s of it."""
CEILING = IdleState("at its ceiling", 300.0, False)
"""As `switch_on` leaves it: seed on, lock closed, amplifier below its threshold."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cell."""

    cell: Cell
    named: str
    """The error class, or the word of the status that names it."""
    reason: str
    named_s: float
    back_s: float
    state: str
    """The safe state that was found."""
    half: str = ""
    """The idle state, or what the station does (`fault_results`)."""


class IdleRig:
    """The drivers of a rig, connected and in an idle state: light, RF and trap light on, 819-nm
    shutter open, so that what a fault switches off is seen; camera closed and without gain."""

    def __init__(self, rig: Rig, idle: IdleState = LASING) -> None:
        self.rig = rig
        self.idle = idle
        config = load_rig(rig.path)
        assembly = RigAssembly(config)
        assembly.allow_gain(lambda: "")
        self.instruments = assembly.instruments
        failed = [answer.error for answer in self.instruments.connect() if answer.error]
        assert not failed, failed
        self.light = LightControl(self.instruments, config, axis_of(config))
        self.config = config
        self._raise_light()
        self._open_light()
        self._rf_on()
        self._require_idle_state()
        self.nominal = self.state()
        self.stolen = StolenTime()

    def close(self) -> None:
        self.stolen.close()
        self.instruments.close()

    def status(self) -> dict[str, Any]:
        return self.rig.world.ask({"cmd": "status"})["status"]

    def state(self) -> RigState:
        return RigState.of(self.status())

    def _require_idle_state(self) -> None:
        """It is what its name says, in the world and not only in the drivers."""
        power_mw = self.status()["power_mw"]
        assert (power_mw > LASING_MW) == self.idle.lasing, (self.idle, power_mw)

    # --- reading --------------------------------------------------------------------------------

    def read(self, instrument: str) -> tuple[tuple[Any, ...], str]:
        """What must not change by itself, and what the instrument says is wrong, if anything."""
        rig = self.instruments
        match instrument:
            case "amplifier":
                a = rig.amplifier.status()
                wrong = "" if a.message == "OK" else a.message
                if a.seed_power_mw < self.config.amplifier.seed_power_min_mw:
                    wrong = f"seed at {a.seed_power_mw:.1f} mW; {wrong}"
                return (
                    (a.seed_on, a.amplifier_on, a.amplifier_current_set_ma, a.interlock_open,
                     a.emission_enabled, a.seed_protection_armed), wrong,
                )  # fmt: skip
            case "lock":
                k = rig.lock.status()
                return (k.ratio_setpoint,), k.reason
            case "sideband":
                s = rig.sideband.status()
                wrong = "its synthesiser is not locked" if s.pll_locked is False else ""
                return (s.frequency_mhz, s.power_dbm, s.rf_on), wrong
            case "camera":
                rig.camera.close_shutter()
                c = rig.camera.status()
                warm = "" if c.temperature_stable else f"sensor at {c.temperature_c:.1f} C"
                return (c.em_gain, c.exposure_s, c.shutter_open), warm
            case "trap_switch":
                t = rig.trap_switch.status()
                return (t.offset_mhz, t.pumping_light, t.trap_light), ""
            case "loading":
                trace = rig.loading.quench_bursts(1, 0.03, 0.01)
                return (len(trace.volts), trace.dt_s), ""
            case "reference_cell":
                trace = rig.reference_cell.read_signal(0.02)
                return (len(trace.volts), trace.dt_s), ""
            case "power_meter":
                assert rig.power_meter is not None
                return (rig.power_meter.read().wavelength_nm,), ""
            case "slow_control":
                assert rig.slow_control is not None
                values = rig.slow_control.readings()
                return tuple(values), "; ".join(v.reason for v in values.values() if v.reason)
        raise AssertionError(instrument)

    def restore(self, instrument: str) -> None:
        """What the program does to bring an instrument back to work."""
        getattr(self.instruments, instrument).connect()
        match instrument:
            case "amplifier":
                self._raise_light()
            case "lock":
                self.light.switch_on()
            case "trap_switch":
                self._open_light()
            case "sideband":
                self._rf_on()

    def _raise_light(self) -> None:
        self.light.switch_on()
        self.instruments.amplifier.set_amplifier_current(self.idle.amplifier_ma)

    def _open_light(self) -> None:
        self.instruments.trap_switch.set_trap_light(True)
        self.instruments.trap_switch.set_pumping_light(True)

    def _rf_on(self) -> None:
        generator = self.instruments.sideband
        generator.set_frequency(RF_MHZ)
        generator.set_power(RF_DBM)
        generator.rf_on()

    # --- one cell -------------------------------------------------------------------------------

    def run(self, cell: Cell) -> Outcome:
        try:
            return self._run(cell)
        except BaseException:
            self.rig.world.ask({"cmd": "clear", "instrument": cell.server})
            raise

    def _run(self, cell: Cell) -> Outcome:
        self.restore(cell.instrument)
        before = self._settled(cell.instrument)
        # Other lanes switch their own boxes meanwhile: what the idle state has on may be on.
        rig_before = replace(self.nominal, actuator_mhz=self.state().actuator_mhz)
        self.rig.fault(cell.server, cell.command, **dict(cell.arguments))
        named, reason, named_s = self._named(cell, before)
        assert KINDS[named] in expected(cell), f"{named}: {reason}"
        state = self._safe(cell, rig_before)
        assert self.rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        back_s = self._back(cell, before)
        return Outcome(cell, named, reason, named_s, back_s, state, self.idle.name)

    def _settled(self, instrument: str) -> tuple[Any, ...]:
        deadline = time.monotonic() + BACK_S
        while True:
            values, wrong = self.read(instrument)
            if not wrong:
                return values
            assert time.monotonic() < deadline, f"{instrument} before the fault: {wrong}"
            time.sleep(0.05)

    def _named(self, cell: Cell, before: tuple[Any, ...]) -> tuple[str, str, float]:
        limit_s = OWN_TIMES_S.get((cell.server, cell.fault), NAMED_S)
        watch = Stopwatch(self.stolen)
        if cell.fault == "ld_enable_stuck":
            return self._tried(watch)
        while True:
            try:
                values, wrong = self.read(cell.instrument)
            except DriverError as error:
                return type(error).__name__, str(error), watch.within(limit_s)
            if wrong:
                return "status", wrong, watch.within(limit_s)
            changed = values != before
            if changed and cell.fault == "restarted":
                return "read-back", f"{before} became {values}", watch.within(limit_s)
            assert not changed, f"{before} was read as {values}"
            watch.within(limit_s)
            time.sleep(0.02)

    def _tried(self, watch: "Stopwatch") -> tuple[str, str, float]:
        """A broken wire rests high: only with the seed off can it be seen, before light is
        switched on and before a trial."""
        amplifier = self.instruments.amplifier
        amplifier.amplifier_off()
        amplifier.seed_off()
        with pytest.raises(InterlockOpen, match="high though the seed is off"):
            self.light.switch_on()
        assert not amplifier.status().seed_on
        with pytest.raises(InterlockOpen, match="high though the seed is off") as refusal:
            amplifier.exercise_guard(self.config.amplifier.seed_operating_ma)
        return "trial", refusal.value.reason, watch.within(TRIAL_S)

    def _safe(self, cell: Cell, before: RigState) -> str:
        """Where the rig stands; its boxes may take a moment longer than the error."""
        watch = Stopwatch(self.stolen)
        while True:
            state = self.state()
            danger = state.danger(before)
            assert not danger, danger
            if not (lacks := missing(cell, state, before, station=False)):
                return state.words(before, OWN_PARTS[cell.instrument])
            watch.within(safe_within_s(cell, station=False), f"{lacks} ({state.words(before)})")
            time.sleep(0.02)

    def _back(self, cell: Cell, before: tuple[Any, ...]) -> float:
        began = time.monotonic()
        while True:
            last: object = None
            try:
                self.restore(cell.instrument)
                values, wrong = self.read(cell.instrument)
                if wrong:
                    # A synthesiser settles; to set it again each time begins that anew.
                    time.sleep(SETTLED_S)
                    values, wrong = self.read(cell.instrument)
                if not wrong and (values == before or cell.fault == "restarted"):
                    return time.monotonic() - began
                last = (values, wrong)
            except DriverError as error:
                last = error
            limit_s = SLOW_BACK_S.get((cell.server, cell.fault), BACK_S)
            assert time.monotonic() - began < limit_s, f"it does not come back: {last}"
            time.sleep(0.05)


Runner = Callable[[Cell], Outcome]


class LaneLost(Exception):
    """The rig did not come back: the cells behind this one would only fail for the same reason."""


class MachineBusy(Exception):
    """The machine did not give this process its time: the cell says nothing."""


class StolenTime:
    """Time that the machine did not give to this process: what sleeps of 10 ms last too long.

    Subtracted where a limit is on the program and not on the machine that runs ten others, up to
    `MOST_STOLEN_S`.
    """

    SLEEP_S = 0.01

    def __init__(self) -> None:
        self._total_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def total_s(self) -> float:
        return self._total_s

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            time.sleep(self.SLEEP_S)
            self._total_s += max(0.0, time.monotonic() - began - 1.5 * self.SLEEP_S)


class Stopwatch:
    """Time of the program since it was made, without what the machine stole."""

    def __init__(self, stolen: StolenTime) -> None:
        self._stolen = stolen
        self._stolen_s = stolen.total_s
        self._began = time.monotonic()

    def within(self, limit_s: float, what: str = "not named:") -> float:
        """The time so far. AssertionError beyond `limit_s`; MachineBusy when only an allowance
        above `MOST_STOLEN_S` could tell."""
        spent_s = time.monotonic() - self._began
        if spent_s <= limit_s:
            return spent_s
        stolen_s = self._stolen.total_s - self._stolen_s
        if stolen_s > MOST_STOLEN_S:
            raise MachineBusy(f"{stolen_s:.2f} of {spent_s:.2f} s were not this program's")
        assert spent_s - stolen_s <= limit_s, f"{what} beyond {limit_s:g} s"
        return spent_s - stolen_s


def run_lanes(lanes: Sequence[tuple[Runner, Sequence[Cell]]]) -> tuple[list[Outcome], list[str]]:
    """All lanes side by side, each cell of a lane after the other. Returns what came of them and
    what did not come out as it must; a lane goes on behind a cell that failed."""
    outcomes: list[Outcome] = []
    failures: list[str] = []

    def lane(run: Runner, cells: Sequence[Cell]) -> None:
        for cell in cells:
            try:
                outcomes.append(taken(run, cell))
            except (AssertionError, DriverError, MachineBusy) as error:
                failures.append(f"{cell.name}: {error}")
            except LaneLost as error:
                failures.append(f"{cell.name}: {error}; the lane ended here")
                return

    with ThreadPoolExecutor(len(lanes)) as pool:
        for future in [pool.submit(lane, run, cells) for run, cells in lanes]:
            future.result()
    return outcomes, failures


def taken(run: Runner, cell: Cell) -> Outcome:
    """One cell, taken again when the machine was too busy to tell."""
    for _ in range(RETAKES):
        try:
            return run(cell)
        except MachineBusy:
            continue
    return run(cell)
