"""Every instrument times every fault that it can have: what is done and what must come of it.

The idle half: drivers in this process against one simulated rig, no station. Cells of one lane
run one after the other, lanes side by side: instruments that feel each other share a lane.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rigs import Rig

from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import load_rig
from atta_daq.rig.light import LightControl
from atta_daq.station.precheck import axis_of
from drivers.errors import DriverError

RAISED_MA = 2000.0
"""Without its seed the chip dies within 0.4 s of it."""
NAMED_S = 2.0
"""A fault is named within this time."""
SAFE_S = 1.0
"""How long the box may take to act after the error has named it."""
BACK_S = 12.0
"""A driver is back within this time when the fault has gone: a relock may take its landing."""
SLOW_BACK_S = {("camera", "runaway"): 45.0}
"""A sensor that has warmed by half a kelvin cools with the time constant of its cooler."""


@dataclass(frozen=True)
class Cell:
    """One fault of one simulated server, as the control socket takes it."""

    server: str
    fault: str
    arguments: tuple[tuple[str, Any], ...] = ()

    @property
    def instrument(self) -> str:
        """The instrument of the rig file that the server belongs to."""
        return "trap_switch" if self.server == "isotope_offset" else self.server


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


SILENT, REFUSED, SAID = "no answer", "answer refused", "said by its status"
KINDS = {
    "Timeout": SILENT,
    "ConnectionLost": SILENT,
    "ProtocolError": REFUSED,
    "DeviceFault": REFUSED,
    "read-back": REFUSED,
    "status": SAID,
}
"""Error class of a driver to what the operator is told."""
EXPECTED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("no_reply", "late", "half", "dropped", "refused", "frozen"), (SILENT,)),
    # wrong characters may hide an end of line, or the echo that an answer is known by
    "garbled": (REFUSED, SILENT),
    "restarted": (SILENT, REFUSED),
    "wrong_unit": (REFUSED,),
    "disconnected": (SILENT,),
    **dict.fromkeys(
        (
            "trip",
            "seed_loss",
            "interlock_open",
            "key_off",
            "runaway",
            "mode_hop",
            "cavity_jump",
            "unlocked",
        ),
        (SAID,),
    ),
}
"""What the idle half must find, by fault."""
EXPECTED_OF = {("slow_control", "wrong_unit"): (SAID,)}
"""Where one instrument differs: the IOC tells its unit with every value."""


def expected(cell: "Cell") -> tuple[str, ...]:
    """How the fault of `cell` may be named while the rig is idle."""
    return EXPECTED_OF.get((cell.server, cell.fault)) or EXPECTED[cell.fault]


WIRE = ("no_reply", "late", "garbled", "half", "dropped", "refused", "frozen", "restarted")
BOX = {
    "amplifier": ("wrong_unit", "trip", "seed_loss", "interlock_open", "key_off", "runaway"),
    "sideband": ("wrong_unit",),
    "lock": ("mode_hop", "cavity_jump"),
    "trap_switch": (),
    "isotope_offset": ("wrong_unit",),
    "loading": ("wrong_unit",),
    "reference_cell": ("wrong_unit",),
    "power_meter": ("wrong_unit",),
}
ARGUMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("lock", "cavity_jump"): {"mhz": 1500.0},
    ("reference_cell", "wrong_unit"): {"factor": 1e6},
}
CAMERA = ("no_reply", "late", "garbled", "half", "wrong_unit", "dropped", "restarted",
          "stall", "drop_frames", "runaway")  # fmt: skip
SLOW = ("disconnected", "wrong_unit")
SERVERS = ("amplifier", "lock", "sideband", "trap_switch", "isotope_offset", "camera", "loading",
           "reference_cell", "power_meter", "slow_control")  # fmt: skip
"""Simulated servers that the program talks to."""
IDLE_LANES = (
    ("amplifier", "lock"),
    ("trap_switch", "isotope_offset"),
    ("sideband",),
    ("loading",),
    ("reference_cell", "power_meter"),
    ("camera", "slow_control"),
)
EXEMPT = {
    "trap_switch": {"wrong_unit": "digital lines have no unit"},
    "lock": {"wrong_unit": "the firmware's integers are counts of its clock, compiled in"},
}
"""Faults that a box cannot have, and why."""
ELSEWHERE = {
    "amplifier": {"restart": "`restarted` with the box back at once"},
    "lock": dict.fromkeys(
        ("pickoff_after_eom", "swapped_photodiodes", "ramp_polarity"),
        "a wiring fault: the software lock names it when it relocks; the firmware cannot see it",
    ),
    "camera": {
        "light_leak": "the light is wrong, not the camera: the guard of the gain acts",
        "restart": "`restarted` is the same with its time of start",
    },
    "slow_control": {
        "frozen": "the server answers with old values: lost after `stale_after_s` of the rig file",
        **dict.fromkeys(
            ("pressure_spike", "discharge_off"),
            "the source is at fault, not its instruments: an alarm that suspends the run",
        ),
    },
}
"""Faults of the simulators that are no fault of the instrument, and what comes of them."""
NOT_IDLE = {("camera", fault) for fault in ("half", "stall", "drop_frames")}
"""Faults of an acquisition."""


def cells(server: str) -> list[Cell]:
    """All cells of a server."""
    own = {"camera": CAMERA, "slow_control": SLOW}
    faults = own.get(server) or (*WIRE, *BOX[server])
    return [Cell(server, f, tuple(ARGUMENTS.get((server, f), {}).items())) for f in faults]


class IdleRig:
    """The drivers of a rig, connected, with the light on and the amplifier raised."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        config = load_rig(rig.path)
        assembly = RigAssembly(config)
        assembly.allow_gain(lambda: "")
        self.instruments = assembly.instruments
        failed = [answer.error for answer in self.instruments.connect() if answer.error]
        assert not failed, failed
        self.light = LightControl(self.instruments, config, axis_of(config))
        self.config = config
        self._raise_light()
        self.instruments.trap_switch.set_trap_light(True)
        self.stolen = StolenTime()

    def close(self) -> None:
        self.stolen.close()
        self.instruments.close()

    def status(self) -> dict[str, Any]:
        return self.rig.world.ask({"cmd": "status"})["status"]

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
                return (s.frequency_mhz, s.power_dbm, s.rf_on), ""
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
        if instrument == "amplifier":
            self._raise_light()
        if instrument == "lock":
            self.light.switch_on()
        if instrument == "trap_switch":
            self.instruments.trap_switch.set_trap_light(True)

    def _raise_light(self) -> None:
        """Above what an amplifier bears without its seed: below it nothing could go wrong."""
        self.light.switch_on()
        self.instruments.amplifier.set_amplifier_current(RAISED_MA)

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
        self.rig.fault(cell.server, cell.fault, **dict(cell.arguments))
        named, reason, named_s = self._named(cell, before)
        assert named_s <= NAMED_S, f"named after {named_s:.2f} s: {reason}"
        assert KINDS[named] in expected(cell), f"{named}: {reason}"
        state = self._safe(cell)
        assert self.rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
        back_s = self._back(cell, before)
        return Outcome(cell, named, reason, named_s, back_s, state)

    def _settled(self, instrument: str) -> tuple[Any, ...]:
        deadline = time.monotonic() + BACK_S
        while True:
            values, wrong = self.read(instrument)
            if not wrong:
                return values
            assert time.monotonic() < deadline, f"{instrument} before the fault: {wrong}"
            time.sleep(0.05)

    def _named(self, cell: Cell, before: tuple[Any, ...]) -> tuple[str, str, float]:
        began = time.monotonic() - self.stolen.total_s

        def since() -> float:
            return time.monotonic() - self.stolen.total_s - began

        while True:
            try:
                values, wrong = self.read(cell.instrument)
            except DriverError as error:
                return type(error).__name__, str(error), since()
            if wrong:
                return "status", wrong, since()
            changed = values != before
            if changed and cell.fault == "restarted":
                return "read-back", f"{before} became {values}", since()
            assert not changed, f"{before} was read as {values}"
            assert since() < 2 * NAMED_S, "it is not noticed"
            time.sleep(0.02)

    def _safe(self, cell: Cell) -> str:
        """Where the amplifier stands; its box may take a moment longer than the error."""
        ceiling = self.config.amplifier.unseeded_ceiling_ma
        deadline = time.monotonic() + SAFE_S
        while True:
            status = self.status()
            assert not status["amplifier_destroyed"], cell
            current = status["amplifier_current_ma"]
            if current <= ceiling or status["seed_power_mw"] >= 10.0:
                return f"amplifier at {current:.0f} mA"
            assert time.monotonic() < deadline, (cell, status)
            time.sleep(0.02)

    def _back(self, cell: Cell, before: tuple[Any, ...]) -> float:
        began = time.monotonic()
        while True:
            last: object = None
            try:
                self.restore(cell.instrument)
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


class StolenTime:
    """Time that the machine did not give to this process: what sleeps of 10 ms last too long.

    Subtracted where a limit is on the program and not on the machine that runs ten others.
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


def run_lanes(lanes: Sequence[tuple[Runner, Sequence[Cell]]]) -> tuple[list[Outcome], list[str]]:
    """All lanes side by side, each cell of a lane after the other. Returns what came of them and
    what did not come out as it must; a lane goes on behind a cell that failed."""
    outcomes: list[Outcome] = []
    failures: list[str] = []

    def lane(run: Runner, cells: Sequence[Cell]) -> None:
        for cell in cells:
            try:
                outcomes.append(run(cell))
            except (AssertionError, DriverError) as error:
                failures.append(f"{cell.server} {cell.fault}: {error}")
            except LaneLost as error:
                failures.append(f"{cell.server} {cell.fault}: {error}; the lane ended here")
                return

    with ThreadPoolExecutor(len(lanes)) as pool:
        for future in [pool.submit(lane, run, cells) for run, cells in lanes]:
            future.result()
    return outcomes, failures
