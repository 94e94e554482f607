"""Whether what a run flagged is the doing of what was done to its rig."""

from dataclasses import dataclass, field

from fault_cells import Cell

from atta_daq.analysis.records import Segment
from atta_daq.archive.journal import DocumentKind
from atta_daq.archive.run_folder import Run

EXPLAINED_S = 3600.0
"""Rig time behind the end of a fault in which what it did may still flag (18 s at speed 200: a
camera that must cool again, a box that starts)."""
NAMED: dict[str, tuple[str, ...]] = {
    # Readings are named after what they measure.
    "slow_control": ("pressure", "temperature", "power of the discharge", "slow control"),
    # A box that lost its setting shows as a trap that stands elsewhere, a cell that is dark as a
    # lock whose mode cannot be verified.
    "isotope_offset": ("isotope_offset", "trap_switch: isotope offset"),
    "reference_cell": ("reference_cell", "lock"),
    "trap_switch": ("trap_switch", "the trap light"),
    "power_meter": ("power_meter",),
}
"""What a flag may say of a fault in these servers; of others, their own name."""
RETAKEN = "its block was retaken"


@dataclass
class Happened:
    """What was done to the rig, in rig time."""

    faults: list[tuple[Cell, float, float]] = field(default_factory=list)

    def explains(self, run: Run, segment: Segment) -> bool:
        """A fault of the instrument that the flag names was there, or a moment ago.

        What was taken well and is not used, because its block failed later, names none, and comes
        before the fault: what ended that attempt at that block stands in the wait behind it.
        """
        if segment.flag != RETAKEN:
            return self._was(segment.flag, segment.start_rig_s, segment.end_rig_s)
        return any(
            self._was(str(wait.body["cause"]), wait.rig_s, wait.rig_s)
            for wait in run.content.of(DocumentKind.RECOVERY)
            if wait.body["event"] == "suspended"
            and (wait.body["block"], wait.body["attempt"]) == (segment.block, segment.attempt)
        )

    def _was(self, flag: str, start_s: float, end_s: float) -> bool:
        return any(
            begun_s < end_s
            and start_s < ended_s + EXPLAINED_S
            and any(words in flag for words in named(cell.server))
            for cell, begun_s, ended_s in self.faults
        )


def named(server: str) -> tuple[str, ...]:
    """What a flag may say of a fault in a server."""
    return NAMED.get(server, (server,))
