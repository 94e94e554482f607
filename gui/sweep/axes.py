"""What can stand on the axes of the sweep view; no Qt."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from atta_daq.client.runs import Point


class Quantity(Enum):
    """What is drawn upwards."""

    RATE = "normalised rate"
    INCREASE = "increase over background"


@dataclass(frozen=True)
class Axis:
    """A swept quantity; `name` is that of the scan file and of `Point`."""

    name: str
    label: str
    unit: str
    step: float
    """Two values nearer than this are the same setting, read back twice."""
    decimals: int = 1
    short_label: str = ""
    """For a narrow plot; empty where the label is short."""

    def text(self, value: float) -> str:
        """'-123.4 MHz'."""
        return f"{value:.{self.decimals}f} {self.unit}".rstrip()

    def value(self, point: Point) -> float:
        """Where a point stands; nan where it was not recorded."""
        value = getattr(point, self.name)
        return np.nan if value is None else float(value)

    def title(self, more: str = "", *, short: bool = False) -> str:
        """'819-nm power (mW)'."""
        label = f"{(short and self.short_label) or self.label} {more}".rstrip()
        return f"{label} ({self.unit})" if self.unit else label


DETUNING = Axis("detuning_mhz", "detuning from the 84Kr line", "MHz", 2.0, short_label="detuning")
POWER = Axis("power_mw", "819-nm power", "mW", 2.0)
AXES = {
    axis.name: axis
    for axis in (
        DETUNING,
        POWER,
        Axis("sideband_frequency_mhz", "sideband frequency", "MHz", 1.0),
        Axis("sideband_depth", "sideband depth (modulation index)", "", 0.02, 3, "sideband depth"),
    )
}
ON_OFF = Axis("pumping", "819-nm light", "", 0.5)
"""Of a comparison without swept quantity: 0 blocked, 1 on."""
