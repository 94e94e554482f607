"""The safe states of the rig, as the simulated hardware itself tells: not as a driver reports it.

Whatever fails, nothing may move towards danger (`RigState.danger`); and of some faults the rig must
come to a state of its own (`REQUIRED`), as `docs/explanation/protection.md` says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fault_cells import LOCK, WIRE, WIRING, Cell

CEILING_MA = 300.0
SEED_MIN_MW = 10.0
RF_MOST_DBM = 15.0
"""Of the rig file of the simulated lab; `test_limits_of_the_rig_file` holds them against it."""
DOSE_SHARE = 0.5
"""Of what destroys the amplifier."""
EXPOSED_S = 0.6
"""An abundant isotope's light on a multiplying sensor: one look of the station, and its way."""
HELD_MHZ = 20.0
"""A lock that holds moves the laser by its converter's steps and its piezo's creep."""


PARTS = ("amplifier", "lock", "rf", "trap", "camera")
OWN_PARTS: dict[str, tuple[str, ...]] = {
    "amplifier": ("amplifier",),
    "lock": ("amplifier", "lock"),
    "sideband": ("rf",),
    "trap_switch": ("trap",),
    "camera": ("camera",),
    "loading": (),
    "reference_cell": (),
    "power_meter": (),
    "slow_control": (),
}
"""What an instrument moves; in the idle half other lanes move the rest meanwhile."""


@dataclass(frozen=True)
class RigState:
    """What light, boxes and camera really do."""

    amplifier_ma: float
    seed_mw: float
    destroyed: bool
    dose_share: float
    actuator_mhz: float
    rf_on: bool
    rf_dbm: float
    pumping_light: bool
    trap_light: bool
    em_gain: int
    camera_open: bool
    overexposed_s: float

    @classmethod
    def of(cls, status: dict[str, Any]) -> "RigState":
        """From the answer of the simulators' control socket to `status`."""
        atoms, camera = status["atoms"], status["camera"]
        return cls(
            amplifier_ma=status["amplifier_current_ma"],
            seed_mw=status["seed_power_mw"],
            destroyed=status["amplifier_destroyed"],
            dose_share=status["damage_dose_a_s"] / status["damage_limit_a_s"],
            actuator_mhz=status["lock_actuator_mhz"],
            rf_on=status["rf_on"],
            rf_dbm=status["rf_power_dbm"],
            pumping_light=atoms["pumping_light"],
            trap_light=atoms["trap_light"],
            em_gain=camera["em_gain"],
            camera_open=camera["shutter_open"],
            overexposed_s=atoms["overexposed_s"],
        )

    @property
    def seeded(self) -> bool:
        return self.seed_mw >= SEED_MIN_MW

    @property
    def down(self) -> bool:
        """At what the amplifier bears without its seed."""
        return self.amplifier_ma <= CEILING_MA

    def danger(self, before: "RigState") -> str:
        """What has moved towards danger since `before`; '' when nothing has. A state that the rig
        had is allowed, and every safe one."""
        found = {
            "the amplifier is destroyed": self.destroyed,
            f"a damage dose of {self.dose_share:.2f} of the limit": self.dose_share > DOSE_SHARE,
            f"RF went on, {self.rf_dbm:.1f} dBm": self.rf_on and not before.rf_on,
            f"RF at {self.rf_dbm:.1f} dBm": self.rf_on and self.rf_dbm > RF_MOST_DBM,
            "the 819-nm shutter opened": self.pumping_light and not before.pumping_light,
            "the trap light went on": self.trap_light and not before.trap_light,
            f"gain went up to {self.em_gain}": self.em_gain > before.em_gain,
            "the camera's shutter opened": self.camera_open and not before.camera_open,
            "an abundant isotope on a multiplying sensor": (
                self.overexposed_s > before.overexposed_s + EXPOSED_S
            ),
        }
        return "; ".join(what for what, true in found.items() if true)

    def words(self, before: "RigState", parts: tuple[str, ...] = PARTS) -> str:
        """For the table: the parts of the rig that are named."""
        moved_mhz = abs(self.actuator_mhz - before.actuator_mhz)
        said = {
            "amplifier": f"amplifier {self.amplifier_ma:.0f} mA, "
            f"{'seeded' if self.seeded else 'no seed'}",
            "lock": f"actuator moved {moved_mhz:.1f} MHz",
            "rf": f"RF {f'{self.rf_dbm:.1f} dBm' if self.rf_on else 'off'}",
            "trap": f"819-nm shutter {'open' if self.pumping_light else 'closed'}, "
            f"trap light {'on' if self.trap_light else 'off'}",
            "camera": f"camera {'open' if self.camera_open else 'closed'}, gain {self.em_gain}",
        }
        return ", ".join(said[part] for part in parts) or "nothing of it moves"


Required = Callable[[RigState, RigState], bool]
"""Of (now, before the fault)."""
DOWN, HELD, RF_OFF, SHUT, NO_TRAP, DARK = (
    "amplifier at or below its ceiling",
    "lock LOST, its actuator held",
    "RF off",
    "819-nm shutter closed",
    "trap light off",
    "camera closed, gain 0",
)
CHECKS: dict[str, Required] = {
    DOWN: lambda now, _: now.down,
    HELD: lambda now, before: abs(now.actuator_mhz - before.actuator_mhz) < HELD_MHZ,
    RF_OFF: lambda now, _: not now.rf_on,
    SHUT: lambda now, _: not now.pumping_light,
    NO_TRAP: lambda now, _: not now.trap_light,
    DARK: lambda now, _: now.em_gain == 0 and not now.camera_open,
}
REQUIRED: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys(
        [("amplifier", f) for f in ("trip", "seed_loss", "interlock_open", "key_off", "runaway")],
        (DOWN,),
    ),
    **dict.fromkeys([("amplifier", f) for f in ("restarted", "restart")], (DOWN,)),
    # a seed that cannot be read: the driver brings a high amplifier down before it says so
    **dict.fromkeys(
        [("amplifier_seed", f) for f in (*WIRE, "wrong_unit", "runaway", "restart")], (DOWN,)
    ),
    **dict.fromkeys([("lock", f) for f in (*LOCK, *WIRING)], (HELD,)),
    ("sideband", "restarted"): (RF_OFF,),
    ("trap_switch", "restarted"): (SHUT, NO_TRAP),
    ("camera", "restarted"): (DARK,),
}
"""The state that the box, or the driver alone, must bring the rig to."""
WATCHED: dict[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys(
        [("amplifier", fault) for fault in ("no_reply", "late", "garbled", "half", "wrong_unit")],
        (DOWN,),
    ),
    **dict.fromkeys([(s, "slow") for s in ("amplifier", "amplifier_seed")], (DOWN,)),
    ("camera", "runaway"): (DARK,),
    # a trap of which nobody knows where it is may be on an abundant isotope
    **dict.fromkeys([("isotope_offset", fault) for fault in (*WIRE, "wrong_unit")], (DARK,)),
}
"""What the station must bring the rig to in mid-run beside that: its watchdog takes down an
amplifier that it can no longer read (in time) but that still hears it, and its look at the gain
darkens the camera."""
BOX_ACTS_S = 1.0
"""How long a box may take to act after the error has named the fault."""
WATCHDOG_S = {"toptica-dlcpro": 4.0, "thorlabs-itc4000": 2.0}
"""How long the station's watchdog takes to be sure of a silent box (`protection.md`)."""
ASKED_TWICE_S = 2.4
"""How long the station takes to be sure that the trap's generator is silent."""
SOFTWARE_LOCK = "redpitaya-stcl"


def required(cell: Cell, station: bool) -> tuple[str, ...]:
    """States that the rig must come to."""
    key = (cell.server, cell.fault)
    lost = (*WIRE, "wrong_unit")
    if cell.make == SOFTWARE_LOCK and cell.fault in lost and cell.fault != "restarted":
        # Its loop is in the driver: without its board nobody regulates any more.
        return (HELD,)
    return REQUIRED.get(key, ()) + (WATCHED.get(key, ()) if station else ())


def safe_within_s(cell: Cell, station: bool) -> float:
    """The time from the naming of the fault for that."""
    if not station:
        return BOX_ACTS_S
    if cell.server == "isotope_offset":
        return BOX_ACTS_S + ASKED_TWICE_S
    return BOX_ACTS_S + WATCHDOG_S.get(cell.make, 0.0)


def missing(cell: Cell, now: RigState, before: RigState, station: bool) -> str:
    """Required states that the rig has not come to; '' when it has come to all of them. Whatever
    the fault, an amplifier without seed must be down; the damage dose tells how long it was not."""
    lacks = [f"not: {name}" for name in required(cell, station) if not CHECKS[name](now, before)]
    if not (now.down or now.seeded):
        lacks.append(f"{now.amplifier_ma:.0f} mA without seed")
    return "; ".join(lacks)
