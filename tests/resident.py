"""Resident memory of a process through a long run, and the slope of its growth."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WARM_UP = 0.25
"""Part of a run that is left out of the fit: modules load, caches and rings fill."""


def resident_mb(pid: int) -> float:
    """Resident memory of a process (MB), as Linux tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) / 1024.0
    raise ProcessLookupError(pid)


@dataclass
class Growth:
    """Memory against what has been done so far: hours of rig time, deliveries."""

    name: str
    unit: str
    done: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)

    def add(self, done: float, mb: float) -> None:
        """Another sample."""
        self.done.append(done)
        self.mb.append(mb)

    def over(self, amount: float) -> tuple[float, float]:
        """Growth (MB) that the fitted line gives for `amount` of the unit, and its error.

        The error is of a straight line with independent residuals, times three for those that
        are not: memory moves in steps.
        """
        done, mb = np.array(self.done), np.array(self.mb)
        kept = done >= done[0] + WARM_UP * (done[-1] - done[0])
        (slope, _), covariance = np.polyfit(done[kept], mb[kept], 1, cov=True)
        return float(slope * amount), float(3.0 * np.sqrt(covariance[0, 0]) * amount)

    def line(self, amount: float) -> str:
        """For the record."""
        grown, error = self.over(amount)
        return (
            f"{self.name}: {self.mb[0]:.1f} MB at first, {self.mb[-1]:.1f} at the end, highest "
            f"{max(self.mb):.1f}; after warm-up {grown:+.1f} ± {error:.1f} MB in {amount:,.0f} "
            f"{self.unit}"
        )
