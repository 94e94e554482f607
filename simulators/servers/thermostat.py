"""A thermostat of the laser head."""

import math

from simulators.servers.parameters import REFUSED, Refused
from simulators.world.processes import OrnsteinUhlenbeck, relaxed
from simulators.world.world import World

TIME_CONSTANT_S = 5.0
READY_WITHIN_K = 0.01
RANGE_C = (15.0, 30.0)
AMBIENT_C = 22.0
AMPERE_PER_K = 0.05
RUNAWAY_C = 40.0
"""Where a cooler that works the wrong way round takes the diode."""
FAULT_K = 1.0
"""Farther than this from its setpoint the box reports a fault."""


class Thermostat:
    """One thermostat: a first-order loop with a little noise."""

    def __init__(self, world: World, name: str) -> None:
        self._clock = world.clock
        self._time_s = world.clock.now_s()
        self.set_c = self._actual_c = 20.0
        self.enabled = True
        self._runs_away = False
        self._noise = OrnsteinUhlenbeck(0.001, 2.0, self._time_s, world.streams[name])

    def actual_c(self) -> float:
        now_s = self._clock.now_s()
        target_c = self.set_c if self.enabled else AMBIENT_C
        if self._runs_away:
            target_c = RUNAWAY_C
        self._actual_c = relaxed(self._actual_c, target_c, now_s - self._time_s, TIME_CONSTANT_S)
        self._time_s = now_s
        return self._actual_c + self._noise.at(now_s)

    def put_set(self, value: float) -> None:
        if not RANGE_C[0] <= value <= RANGE_C[1]:
            raise Refused(REFUSED, "temperature out of range")
        self.actual_c()
        self.set_c = value

    def put_enabled(self, value: bool) -> None:
        self.actual_c()
        self.enabled = value

    def fail(self, failed: bool) -> None:
        """Fault: the loop has lost its sensor and heats, whatever is set."""
        self.actual_c()
        self._runs_away = failed

    @property
    def faulty(self) -> bool:
        """The loop is on and has lost its setpoint for good; not while it only settles."""
        return self._runs_away and abs(self.actual_c() - self.set_c) > FAULT_K

    def ready(self) -> bool:
        return self.enabled and abs(self.actual_c() - self.set_c) < READY_WITHIN_K

    def current_a(self) -> float:
        """Current of the cooler (A), cooling positive."""
        return AMPERE_PER_K * (AMBIENT_C - self.actual_c()) if self.enabled else 0.0

    def resistance_ohm(self) -> float:
        """Thermistor, 10 kohm at 25 degC, B = 3950 K."""
        kelvin = self.actual_c() + 273.15
        return 1e4 * math.exp(3950.0 * (1.0 / kelvin - 1.0 / 298.15))
