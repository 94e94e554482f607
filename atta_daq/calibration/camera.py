"""What the counting takes from calibrations of the EMCCD and the trap."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from atta_daq.calibration.dated import Calibrated


class CameraCalibration(BaseModel):
    """True multiplication gain, electrons of one atom, stay of an atom in the trap."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    em_gain: Calibrated
    """True over set gain is not 1 on an aged sensor; value is the true gain at `set_gain`."""
    set_gain: int
    electrons_per_atom_s: Calibrated
    dwell_s: Calibrated
    """Mean stay of a single atom in the trap."""

    def stale(self, now: datetime) -> dict[str, str]:
        """Names of what is no longer valid, with the reason."""
        named = {
            "EM gain": self.em_gain,
            "electrons per atom": self.electrons_per_atom_s,
            "dwell": self.dwell_s,
        }
        return {name: why for name, c in named.items() if (why := c.stale(now))}

    def electrons_per_atom(self, exposure_s: float) -> float:
        """Detected electrons of an atom that stays for a whole exposure."""
        return self.electrons_per_atom_s.value * exposure_s
