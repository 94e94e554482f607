"""Light of the 819-nm laser: seed, amplifier, modulator, and the way to the atoms."""

import math
from typing import TYPE_CHECKING

from simulators.world.amplifier import Amplifier
from simulators.world.eom import Eom
from simulators.world.guard import ShutdownTimer
from simulators.world.light_field import LightField
from simulators.world.processes import OrnsteinUhlenbeck
from simulators.world.seed import SeedDiode

if TYPE_CHECKING:
    from simulators.world.world import World


class Light:
    """Advanced exactly from event to event; every change of an input goes through a method.

    Call it with `world.lock` held. Guards of the laser's control box: `seed_limits` (power on the
    seed photodiode below `seed_power_min_mw`) and `seedonly` (current in the amplifier while the
    seed diode emits nothing); each shuts the amplifier down after its delay in rig time.
    """

    def __init__(self, world: "World") -> None:
        self._clock = world.clock
        self._world = world
        truth = world.truth.light
        self._truth = truth
        self._time_s = world.clock.now_s()
        self.seed = SeedDiode(truth)
        self.amplifier = Amplifier(truth)
        self.eom = Eom(truth)
        self.seed_limits = ShutdownTimer(delay_s=0.05)
        self.seedonly = ShutdownTimer(delay_s=0.05)
        self.seed_power_min_mw = truth.seed_minimum_mw
        self.interlock_open = False
        self.emission_button = True
        self.amplifier_trip = ""
        """Why the box switched the amplifier off by itself; empty when it did not."""
        self._noise = OrnsteinUhlenbeck(
            truth.power_noise,
            truth.power_noise_time_s,
            self._time_s,
            world.streams["819-nm power noise"],
        )
        self._reading_noise = world.streams["seed power reading"]

    # --- what the instruments do -------------------------------------------------------------

    def set_seed(self, *, enabled: bool | None = None, current_ma: float | None = None) -> None:
        self.advance()
        if enabled is not None:
            self.seed.enabled = enabled
            if not enabled:
                self._world.cavity.seed_switched_off()
        if current_ma is not None:
            self.seed.current_ma = current_ma

    def set_amplifier(
        self, *, enabled: bool | None = None, current_ma: float | None = None
    ) -> None:
        """Switching on clears an earlier trip."""
        self.advance()
        if enabled is not None:
            if enabled:
                self.amplifier_trip = ""
                self.seed_limits.tripped = self.seedonly.tripped = False
            self.amplifier.enabled = enabled
        if current_ma is not None:
            self.amplifier.current_ma = current_ma

    def set_guard(
        self,
        *,
        seed_power_min_mw: float | None = None,
        seed_limits_delay_s: float | None = None,
        seedonly_delay_s: float | None = None,
    ) -> None:
        """A delay of zero or less disarms that guard."""
        self.advance()
        if seed_power_min_mw is not None:
            self.seed_power_min_mw = seed_power_min_mw
            self.seed_limits.bad_since_s = math.inf
        if seed_limits_delay_s is not None:
            self.seed_limits.delay_s = seed_limits_delay_s
        if seedonly_delay_s is not None:
            self.seedonly.delay_s = seedonly_delay_s

    def set_emission_button(self, on: bool) -> None:
        self.advance()
        self.emission_button = on
        self._power()

    def set_interlock(self, is_open: bool) -> None:
        """Opening drops emission; closing it again needs the emission button."""
        self.advance()
        self.interlock_open = is_open
        if is_open:
            self.emission_button = False
        self._power()

    def set_rf(self, frequency_mhz: float, power_dbm: float, on: bool) -> None:
        """RF at the modulator (MHz, dBm into 50 ohm)."""
        self.eom.frequency_mhz, self.eom.power_dbm, self.eom.on = frequency_mhz, power_dbm, on

    def lose_seed(self, kept: float = 0.0, decay_s: float = 1e-3) -> None:
        """Seed light decays to the share `kept` while its diode still emits."""
        self.advance()
        self.seed.lose(self._time_s, kept, decay_s)

    def recover_seed(self) -> None:
        self.advance()
        self.seed.recover()

    def trip_amplifier(self, reason: str) -> None:
        """The box switches the amplifier off by itself."""
        self.advance()
        self._shut_down(reason)

    # --- what can be seen ---------------------------------------------------------------------

    @property
    def emission(self) -> bool:
        """Key, button and interlock allow light."""
        return self.emission_button and not self.interlock_open

    @property
    def seed_emits(self) -> bool:
        """The seed diode emits, whatever reaches the amplifier."""
        return self.seed.diode_power_mw > 0.0

    def diode_power_mw(self) -> float:
        """Light of the seed diode itself, as picked off for cavity and reference cell (mW)."""
        self.advance()
        return self.seed.diode_power_mw

    def seed_power_mw(self) -> float:
        """Seed power at the amplifier's input (mW)."""
        self.advance()
        return self.seed.power_mw(self._time_s)

    def seed_reading_mw(self) -> float:
        """Seed power as its photodiode shows it (mW): noisy, in the dark too."""
        t = self._truth
        nominal_mw = t.seed_slope_mw_per_ma * (t.seed_current_ma - t.seed_threshold_ma)
        error = t.seed_noise * float(self._reading_noise.standard_normal())
        return self.seed_power_mw() + error * nominal_mw

    def output_power_mw(self) -> float:
        """All light at the amplifier's output, broadband included (mW)."""
        return sum(self._powers_mw())

    def field(self) -> LightField:
        """Light behind the fibre, in front of the 819-nm shutter."""
        amplified_mw, _ = self._powers_mw()
        return LightField(
            detuning_mhz=self._world.cavity.detuning_mhz(),
            power_mw=amplified_mw * self._truth.transmission,
            sideband_frequency_mhz=self.eom.frequency_mhz,
            sideband_depth=self.eom.depth,
        )

    def _powers_mw(self) -> tuple[float, float]:
        amplified_mw, broadband_mw = self.amplifier.powers_mw(self.seed_power_mw())
        scatter = 1.0 + self._noise.at(self._time_s)
        return amplified_mw * scatter, broadband_mw * scatter

    # --- time ---------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring everything to the present rig time, guard by guard."""
        now_s = self._clock.now_s()
        while self._time_s < now_s:
            self._watch()
            trip_s = min(self.seed_limits.trips_at_s, self.seedonly.trips_at_s)
            end_s = min(now_s, max(trip_s, self._time_s))
            self._pass(end_s)
            if trip_s <= end_s:
                seed_first = self.seed_limits.trips_at_s <= self.seedonly.trips_at_s
                guard = self.seed_limits if seed_first else self.seedonly
                guard.tripped = True
                self._shut_down("seed power too low" if seed_first else "amplifier without seed")

    def _watch(self) -> None:
        """Start or stop the guards' timers for the conditions from now on."""
        if self.amplifier.current_a <= 0.0:
            self.seed_limits.watch(math.inf)
            self.seedonly.watch(math.inf)
            return
        self.seed_limits.watch(self.seed.below_from_s(self.seed_power_min_mw, self._time_s))
        self.seedonly.watch(math.inf if self.seed_emits else self._time_s)

    def _pass(self, end_s: float) -> None:
        deficit_s = self.seed.deficit_s(self._truth.seed_minimum_mw, self._time_s, end_s)
        self.amplifier.advance(end_s - self._time_s, deficit_s)
        self._time_s = end_s

    def _power(self) -> None:
        self.seed.powered = self.amplifier.powered = self.emission

    def _shut_down(self, reason: str) -> None:
        self.amplifier.enabled = False
        self.amplifier_trip = reason
