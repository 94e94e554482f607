"""Which faults every simulated box can have: one list, which says what each of them must come to.

A cell is one fault of one server of one box. `FAULTS` names the cells of every box that the rig can
be built with; a fault that the simulators know and that stands nowhere here fails a test.
"""

from dataclasses import dataclass
from typing import Any

from atta_daq.rig.drivers import BUILT_IN

FIRST = {spec.kind: spec.driver for spec in reversed(BUILT_IN)}
"""Kind to the driver of the rig that everybody starts with."""
NO_BOX = {
    "micromanager": "a library in this process, with no wire and no simulated counterpart; what it "
    "does with an adapter that fails stands in `tests/drivers/test_micromanager*.py`",
}
"""Drivers without a simulated box, and what is tested instead."""
KIND_OF = {"isotope_offset": "trap_switch", "amplifier_seed": "amplifier"}
"""Servers that are not called like the instrument of the rig file that they belong to."""


@dataclass(frozen=True)
class Cell:
    """One fault of one simulated server, as the control socket takes it."""

    server: str
    fault: str
    arguments: tuple[tuple[str, Any], ...] = ()
    driver: str = ""
    """Of its box; '' for the first of its kind."""

    @property
    def instrument(self) -> str:
        """The instrument of the rig file that the server belongs to."""
        return KIND_OF.get(self.server, self.server)

    @property
    def make(self) -> str:
        """Driver of the box, as in the rig file."""
        return self.driver or FIRST[self.instrument]

    @property
    def command(self) -> str:
        """What the control socket calls it."""
        return COMMANDS.get(self.fault, self.fault)

    @property
    def name(self) -> str:
        """For messages and for the file of results."""
        return f"{self.make} {self.server} {self.fault}"


SLOW_S = 0.7
"""Below every time limit of an amplifier's box for one answer (1.2 s, 0.8 s)."""
COMMANDS = {"slow": "late"}
"""Cells that are a fault of the simulators with arguments of their own."""
WIRE = ("no_reply", "late", "garbled", "half", "dropped", "refused", "frozen", "restarted")
AMPLIFIER = ("wrong_unit", "trip", "seed_loss", "interlock_open", "key_off", "runaway")
LOCK = ("mode_hop", "cavity_jump")
WIRING = ("pickoff_after_eom", "swapped_photodiodes", "ramp_polarity")
CAMERA = ("no_reply", "late", "garbled", "half", "wrong_unit", "dropped", "restarted",
          "stall", "drop_frames", "runaway")  # fmt: skip
FAULTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("toptica-dlcpro", "amplifier"): (*WIRE, *AMPLIFIER, "slow"),
    ("thorlabs-itc4000", "amplifier"): (*WIRE, *AMPLIFIER, "slow", "ld_enable_stuck"),
    ("thorlabs-itc4000", "amplifier_seed"): (*WIRE, "wrong_unit", "runaway", "slow"),
    ("windfreak-synthhd", "sideband"): (*WIRE, "wrong_unit"),
    ("rigol-dsg800", "sideband"): (*WIRE, "wrong_unit", "unlocked"),
    ("keysight-mxg", "sideband"): (*WIRE, "wrong_unit", "unlocked"),
    ("arduino-stcl", "lock"): (*WIRE, *LOCK),
    ("redpitaya-stcl", "lock"): (*WIRE, "wrong_unit", *LOCK, *WIRING),
    ("redpitaya", "trap_switch"): WIRE,
    ("redpitaya", "isotope_offset"): (*WIRE, "wrong_unit"),
    ("areadetector", "camera"): CAMERA,
    ("redpitaya", "loading"): (*WIRE, "wrong_unit"),
    ("redpitaya", "reference_cell"): (*WIRE, "wrong_unit"),
    ("thorlabs-pm100", "power_meter"): (*WIRE, "wrong_unit"),
    ("epics-pva", "slow_control"): ("disconnected", "wrong_unit", "frozen"),
}
"""(driver, server) to every fault that it can have."""
ARGUMENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("lock", "cavity_jump"): {"mhz": 1500.0},
    ("reference_cell", "wrong_unit"): {"factor": 1e6},
    ("amplifier", "slow"): {"delay_s": SLOW_S},
    ("amplifier_seed", "slow"): {"delay_s": SLOW_S},
}
_RESTART = {"restart": "`restarted` with the box back at once"}
EXEMPT: dict[tuple[str, str], dict[str, str]] = {
    ("redpitaya", "trap_switch"): {"wrong_unit": "digital lines have no unit"},
    ("arduino-stcl", "lock"): {
        "wrong_unit": "the firmware's integers are counts of its clock, compiled in"
    },
}
"""Faults that a box cannot have, and why."""
ELSEWHERE: dict[tuple[str, str], dict[str, str]] = {
    ("toptica-dlcpro", "amplifier"): _RESTART,
    ("thorlabs-itc4000", "amplifier"): {
        **_RESTART,
        "temperature_runaway": "`runaway`, by its older name",
    },
    ("thorlabs-itc4000", "amplifier_seed"): {
        **_RESTART,
        "temperature_runaway": "`runaway`, by its older name",
    },
    ("arduino-stcl", "lock"): dict.fromkeys(
        WIRING,
        "a wiring fault: the software lock names it when it relocks; the firmware cannot see it",
    ),
    ("areadetector", "camera"): {
        "light_leak": "the light is wrong, not the camera: the guard of the gain acts",
        "restart": "`restarted` is the same with its time of start",
    },
    ("epics-pva", "slow_control"): dict.fromkeys(
        ("pressure_spike", "discharge_off"),
        "the source is at fault, not its instruments: an alarm that suspends the run",
    ),
}
"""Faults of the simulators that are no fault of the instrument, and what comes of them."""
NOT_IDLE = {
    ("camera", "half"): "only while it acquires",
    ("camera", "stall"): "only while it acquires",
    ("camera", "drop_frames"): "only while it acquires",
    **dict.fromkeys(
        [("amplifier", "slow"), ("amplifier_seed", "slow")],
        "each answer comes in time: only the station's watchdog asks how old a reading is",
    ),
}
"""Faults that an idle rig does not show, and why."""


def cells(driver: str, server: str) -> list[Cell]:
    """All cells of a server of a box."""
    kind = KIND_OF.get(server, server)
    named = "" if FIRST[kind] == driver else driver
    return [
        Cell(server, fault, tuple(ARGUMENTS.get((server, fault), {}).items()), named)
        for fault in FAULTS[driver, server]
    ]


def first_cells(server: str) -> list[Cell]:
    """All cells of a server of the rig that everybody starts with."""
    return cells(FIRST[KIND_OF.get(server, server)], server)


def idle_cells(driver: str, server: str) -> list[Cell]:
    """Those that an idle rig can show."""
    return [c for c in cells(driver, server) if (server, c.fault) not in NOT_IDLE]


SERVERS = tuple(s for d, s in FAULTS if FIRST[KIND_OF.get(s, s)] == d)
"""Simulated servers of the first rig that the program talks to."""
OTHER_MAKES = tuple((d, s) for d, s in FAULTS if FIRST[KIND_OF.get(s, s)] != d)
"""(driver, server) of the boxes that are not the first of their kind."""
OTHER_RIGS: tuple[dict[str, str], ...] = (
    {"amplifier": "thorlabs-itc4000", "sideband": "rigol-dsg800", "lock": "redpitaya-stcl"},
    {"sideband": "keysight-mxg"},
)
"""Rigs on which every other make plays once: kind to driver."""


def rig_cells(makes: dict[str, str]) -> list[list[Cell]]:
    """The cells of the other makes of such a rig, server by server."""
    return [cells(d, s) for d, s in OTHER_MAKES if makes.get(KIND_OF.get(s, s)) == d]


# --- what must come of them -------------------------------------------------------------------

SILENT, REFUSED, SAID = "no answer", "answer refused", "said by its status"
TRIED = "refused before the trial of the guard"
KINDS = {
    "Timeout": SILENT,
    "ConnectionLost": SILENT,
    "ProtocolError": REFUSED,
    "DeviceFault": REFUSED,
    "read-back": REFUSED,
    "status": SAID,
    "trial": TRIED,
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
        ("trip", "seed_loss", "interlock_open", "key_off", "runaway", "unlocked", *LOCK, *WIRING),
        (SAID,),
    ),
    "ld_enable_stuck": (TRIED,),
}
"""What the idle half must find, by fault."""
EXPECTED_OF: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("epics-pva", "slow_control", "wrong_unit"): (SAID,),
    ("epics-pva", "slow_control", "frozen"): (SAID,),
}
"""Where one box differs: the IOC tells its unit and its time with every value."""


def expected(cell: Cell) -> tuple[str, ...]:
    """How the fault of `cell` may be named while the rig is idle."""
    return EXPECTED_OF.get((cell.make, cell.server, cell.fault)) or EXPECTED[cell.fault]
