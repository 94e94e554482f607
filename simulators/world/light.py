"""Light of the 819-nm laser: seed, amplifier, modulator, and the way to the atoms."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.world.amplifier import Amplifier
from simulators.world.cooler import Cooler
from simulators.world.eom import Eom
from simulators.world.guard import ShutdownTimer
from simulators.world.ld_enable import EnableLine, LineMode
from simulators.world.light_field import LightField
from simulators.world.processes import OrnsteinUhlenbeck
from simulators.world.seed import SeedDiode

if TYPE_CHECKING:
    from simulators.world.world import World

SEED_LOW, SEED_DARK = "seed power too low", "amplifier without seed"
LINE_LOW, TEMPERATURE = "LD-ENABLE is low", "temperature outside its window"


class Light:
    """Advanced exactly from event to event; every change of an input goes through a method.

    Call it with `world.lock` held. Guards of the laser's control box: `seed_limits` (power on the
    seed photodiode below `seed_power_min_mw`) and `seedonly` (current in the amplifier while the
    seed diode emits nothing); each shuts the amplifier down after its delay in rig time. A pair
    of laser drivers has neither: there `line` leads from a seed photodiode to the amplifier's
    box, and each of `coolers` takes its laser down when it leaves its window.
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
        self.line = EnableLine(truth)
        self.coolers: dict[str, Cooler] = {}
        """Of 'seed' and 'amplifier', where their box takes them down with their temperature."""
        self.outputs_latch = False
        """An opened interlock or key switches the outputs off, not only the light."""
        self.interlock_open = False
        self.emission_button = True
        self.amplifier_trip = ""
        """Why the box switched the amplifier off by itself; empty when it did not."""
        self.seed_trip = ""
        """The same of the seed."""
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
            self._switch_seed(enabled)
        if current_ma is not None:
            self.seed.current_ma = current_ma

    def set_amplifier(
        self,
        *,
        enabled: bool | None = None,
        current_ma: float | None = None,
        added_ma: float | None = None,
    ) -> None:
        """Switching on clears an earlier trip. `added_ma`: what its box adds to the current."""
        self.advance()
        if enabled is not None:
            if enabled:
                self.amplifier_trip = ""
                self.seed_limits.tripped = self.seedonly.tripped = False
            self.amplifier.enabled = enabled
        if current_ma is not None:
            self.amplifier.current_ma = current_ma
        if added_ma is not None:
            self.amplifier.added_ma = added_ma

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

    def use_pair(self, seed: Cooler, amplifier: Cooler) -> None:
        """The boxes are a pair of laser drivers: no guard of their own but line and coolers."""
        self.set_guard(seed_limits_delay_s=0.0, seedonly_delay_s=0.0)
        self.coolers = {"seed": seed, "amplifier": amplifier}
        self.outputs_latch = True

    def set_line(self, *, mode: LineMode | None = None, stuck: bool | None = None) -> None:
        """What the amplifier's box does with its rear input, and whether the wire is whole."""
        self.advance()
        if mode is not None:
            self.line.mode = mode
        if stuck is not None:
            self.line.stuck = stuck
        self._obey_line()
        self._power()

    def set_cooler(
        self,
        laser: str,
        *,
        on: bool | None = None,
        set_c: float | None = None,
        runaway: bool | None = None,
    ) -> None:
        """Cooler of 'seed' or 'amplifier'. ValueError where the boxes have none of their own."""
        if laser not in self.coolers:
            known = ", ".join(self.coolers) or "none: the box keeps its coolers to itself"
            raise ValueError(f"no cooler {laser!r}; there are: {known}")
        self.advance()
        self.coolers[laser].change(self._time_s, on=on, set_c=set_c, runaway=runaway)

    def mend_pair(self) -> None:
        """Wire and coolers of a pair work again; what they switched off stays off."""
        self.set_line(stuck=False)
        for laser in self.coolers:
            self.set_cooler(laser, runaway=False)

    def set_emission_button(self, on: bool) -> None:
        self.advance()
        self.emission_button = on
        self._power()

    def set_interlock(self, is_open: bool) -> None:
        """Opening drops emission; closing it again needs the emission button, where there is one
        (a pair of laser drivers has a key, and its outputs stay off)."""
        self.advance()
        self.interlock_open = is_open
        if is_open and not self.outputs_latch:
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
            at_s, happen = min(self._events(), key=lambda event: event[0])
            end_s = min(now_s, max(at_s, self._time_s))
            self._pass(end_s)
            if at_s <= end_s:
                happen()

    def _events(self) -> list[tuple[float, Callable[[], None]]]:
        """What happens next by itself: (rig time, what). An earlier entry wins a tie."""
        events: list[tuple[float, Callable[[], None]]] = [
            (self.seed_limits.trips_at_s, lambda: self._trip(self.seed_limits, SEED_LOW)),
            (self.seedonly.trips_at_s, lambda: self._trip(self.seedonly, SEED_DARK)),
            (self.line.changes_at_s, self._change_line),
        ]
        if "amplifier" in self.coolers and self.amplifier.enabled:
            fails_s = self.coolers["amplifier"].fails_from_s(self._time_s)
            events.append((fails_s, lambda: self._shut_down(TEMPERATURE)))
        if "seed" in self.coolers and self.seed.enabled:
            fails_s = self.coolers["seed"].fails_from_s(self._time_s)
            events.append((fails_s, self._seed_overheats))
        return events

    def _watch(self) -> None:
        """Start or stop the guards' timers for the conditions from now on."""
        self.line.watch(self.seed, self._time_s)
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
        self.seed.powered = self.emission
        self.amplifier.powered = self.emission and not self.line.inhibits
        if self.outputs_latch and not self.emission:
            self.amplifier.enabled = False
            self._switch_seed(False)

    def _switch_seed(self, on: bool) -> None:
        self.seed.enabled = on
        if on:
            self.seed_trip = ""
        else:
            self._world.cavity.seed_switched_off()

    def _seed_overheats(self) -> None:
        self._switch_seed(False)
        self.seed_trip = TEMPERATURE

    def _change_line(self) -> None:
        self.line.change()
        self._obey_line()
        self._power()

    def _obey_line(self) -> None:
        if self.line.mode == "PROT" and not self.line.high and self.amplifier.enabled:
            self._shut_down(LINE_LOW)

    def _trip(self, guard: ShutdownTimer, reason: str) -> None:
        guard.tripped = True
        self._shut_down(reason)

    def _shut_down(self, reason: str) -> None:
        self.amplifier.enabled = False
        self.amplifier_trip = reason
