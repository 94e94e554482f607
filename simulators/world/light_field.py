"""The 819-nm light that reaches the atoms, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LightField:
    """Light behind the fibre, in front of the shutter."""

    detuning_mhz: float
    """Carrier, from the 84Kr line at rest; red negative."""
    power_mw: float
    sideband_frequency_mhz: float
    sideband_depth: float
    """Modulation index beta of the phase modulation; 0 without RF."""
