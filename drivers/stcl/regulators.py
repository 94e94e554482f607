"""The two loops of the lock, and the rails of what they move."""

from dataclasses import dataclass

from drivers.stcl.loss import Loss, Lost
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import Sweep


@dataclass(frozen=True)
class Outputs:
    """What the lock puts out: offset of the ramp, and the laser's actuator."""

    ramp_offset_v: float
    laser_v: float


class Regulators:
    """Velocity-form PI for the cavity (place of m1) and for the laser (ratio).

    Raises `Lost` of the kind 'rail' where a voltage would leave its range; it then stays.
    """

    def __init__(self, settings: StclSettings, outputs: Outputs) -> None:
        self._settings = settings
        self.ramp_offset_v, self.laser_v = outputs.ramp_offset_v, outputs.laser_v
        self._m1_place = 0.5 * (1.0 - settings.spacing)
        self._last_error = self._last_cavity_error = 0.0
        self._rail_count = 0

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.ramp_offset_v, self.laser_v)

    def reset(self) -> None:
        """Forget errors of the past; the voltages stay."""
        self._last_error = 0.0
        self._rail_count = 0

    def m1_off(self, sweep: Sweep) -> float:
        """Distance of m1 on the rising ramp from its place, as a share of the pass."""
        return sweep.rising.masters[0].position - self._m1_place

    def regulate_cavity(self, sweep: Sweep) -> None:
        """Needs good master peaks."""
        s = self._settings
        error = self.m1_off(sweep)
        change = s.cavity_integral * error
        change += s.cavity_proportional * (error - self._last_cavity_error)
        self._last_cavity_error = error
        self._move_ramp(2.0 * s.ramp_amplitude_v * change)

    def fetch_masters(self, sweep: Sweep) -> None:
        """One master peak within the ramp: bring it to the nearer of its two places."""
        masters = sweep.rising.masters
        if len(masters) != 1 or sweep.repeated:
            return
        places = (self._m1_place, self._m1_place + self._settings.spacing)
        error = min((masters[0].position - place for place in places), key=abs)
        self._move_ramp(2.0 * self._settings.ramp_amplitude_v * 0.5 * error)

    def regulate_laser(self, error: float) -> None:
        """`error` is the ratio less its setpoint."""
        s = self._settings
        change = s.laser_integral * error + s.laser_proportional * (error - self._last_error)
        self.set_laser(self.laser_v - change / s.ratio_per_v)
        self._last_error = error

    def set_laser(self, volts: float) -> None:
        if volts not in self._settings.laser_v:
            raise Lost(Loss("rail", "the laser's actuator is at the end of its range"))
        self.laser_v = volts

    def inner_range(self) -> tuple[float, float]:
        """Voltages of the laser's actuator that do not count as near its rail."""
        limits, laser_v = self._settings.limits, self._settings.laser_v
        margin_v = limits.rail_margin * (laser_v.high - laser_v.low)
        return laser_v.low + margin_v, laser_v.high - margin_v

    def check_rail(self) -> None:
        """Raises Lost when the laser's actuator stood near its rail for some sweeps."""
        low, high = self.inner_range()
        self._rail_count = 0 if low <= self.laser_v <= high else self._rail_count + 1
        if self._rail_count >= self._settings.limits.rail_sweeps:
            self._rail_count = 0
            raise Lost(
                Loss("rail", f"the laser's actuator stands at {self.laser_v:.3f} V, near its rail")
            )

    def _move_ramp(self, change_v: float) -> None:
        """A later peak wants a higher offset: it stands at a fixed voltage of the piezo."""
        wanted_v = self.ramp_offset_v + change_v
        if wanted_v not in self._settings.ramp_offset_v:
            raise Lost(Loss("rail", "the ramp's offset is at the end of its range"))
        self.ramp_offset_v = wanted_v
