"""Vacuum, discharge and source temperature: what a lab watches and this program does not drive.

What acts on what: without RF the discharge is out and makes no metastable atoms, so nothing loads.
Everything else here only shows: pressure and source temperature wander by amounts that change the
loading less than the source's own drift does, which the truth has already (`source`).
"""

import math
from typing import TYPE_CHECKING

from simulators.world.processes import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from simulators.world.world import World


class Vacuum:
    """Call it with `world.lock` held. Times are rig time."""

    def __init__(self, world: "World") -> None:
        self._world = world
        truth = self._truth = world.truth.vacuum
        now_s = world.clock.now_s()
        streams = world.streams
        self._wander = OrnsteinUhlenbeck(
            truth.pressure_wander, truth.wander_time_s, now_s, streams["source pressure"]
        )
        self._warming = OrnsteinUhlenbeck(
            truth.temperature_wander_k, truth.wander_time_s, now_s, streams["source temperature"]
        )
        self._noise = streams["slow control readings"]
        self._spike_s = -math.inf
        self._spike_factor = 1.0
        self._rf_on = True

    def pressure_mbar(self) -> float:
        """Gauge of the source chamber; 1 % of reading noise."""
        now_s = self._world.clock.now_s()
        decay = math.exp(-max(0.0, now_s - self._spike_s) / self._truth.pump_down_s)
        gas = 1.0 + (self._spike_factor - 1.0) * decay
        shown = self._truth.pressure_mbar * math.exp(self._wander.at(now_s)) * gas
        return shown * (1.0 + 0.01 * float(self._noise.standard_normal()))

    def rf_power_w(self) -> float:
        """Forward power of the discharge's RF; 0.5 % of reading noise."""
        power_w = self._truth.rf_power_w if self._rf_on else 0.0
        return power_w * (1.0 + 0.005 * float(self._noise.standard_normal()))

    def temperature_k(self) -> float:
        """Of the source tube; the sensor's noise is 10 mK."""
        wander_k = self._warming.at(self._world.clock.now_s())
        noise_k = 0.01 * float(self._noise.standard_normal())
        return self._world.truth.beam.temperature_k + wander_k + noise_k

    def trap_lasers_locked(self) -> bool:
        """Whether every 811-nm laser reports lock: not while they move to another isotope."""
        return self._world.atoms.lasers_locked()

    # --- faults -----------------------------------------------------------------------------------

    def spike(self, factor: float) -> None:
        """A burst of gas: `factor` times the pressure, pumped away exponentially."""
        self._spike_s, self._spike_factor = self._world.clock.now_s(), factor

    def set_rf(self, on: bool) -> None:
        """Lose the RF of the discharge, or light it again."""
        self._rf_on = on
        self._world.atoms.set_discharge(on)

    def mend(self) -> None:
        """Discharge lit, the gas of a spike pumped away."""
        self._spike_s = -math.inf
        self.set_rf(True)
