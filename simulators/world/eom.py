"""The electro-optical modulator between seed and amplifier."""

from atta_daq.physics.sidebands import depth_from_power_dbm
from simulators.truth import Light


class Eom:
    """Phase modulation of the seed light; depth from RF power and half-wave voltage (50 ohm)."""

    def __init__(self, truth: Light) -> None:
        self._v_pi_v = truth.eom_v_pi_v
        self.frequency_mhz = 230.0
        self.power_dbm = -60.0
        self.on = False

    @property
    def depth(self) -> float:
        """Modulation index beta; 0 without RF."""
        return depth_from_power_dbm(self.power_dbm, self._v_pi_v) if self.on else 0.0
