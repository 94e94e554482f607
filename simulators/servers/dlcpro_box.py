"""What is inside the simulated DLC pro with a TA pro head: its parameters and its commands.

Names, types and access follow the maker's system model 3.3.3.
"""

from datetime import UTC, datetime

from simulators.servers.decop import Value
from simulators.servers.dlcpro_nodes import (
    add_current_extras,
    add_input_and_filter,
    add_scan,
    add_thermostat,
    add_upper_limit,
)
from simulators.servers.parameters import (
    MAINTENANCE_LEVEL,
    REFUSED,
    UNKNOWN,
    ParameterTree,
    Refused,
)
from simulators.servers.thermostat import Thermostat
from simulators.world.world import World

SEED_CLIP_MA = 100.0
SEED_CLIP_LIMIT_MA = 120.0
PIEZO_V = (-1.0, 140.0)
STORED_GUARD_S = 0.05
ANALOGUE_INPUT_V = 1.0
"""On the box's analogue input. Nothing reads it unless an external input is enabled."""


class DlcProBox:
    """Use it with `world.lock` held."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._light = world.light
        self._amplifier_temperature = Thermostat(world, "amplifier temperature")
        self._seed_temperature = Thermostat(world, "seed temperature")
        self._recall()

    def _recall(self) -> None:
        """Everything as it is stored in the box."""
        self.tree = ParameterTree()
        self._start_s = self.world.clock.now_s()
        self._seed_clip_ma = SEED_CLIP_MA
        maximum_ma = 1000.0 * self.world.truth.light.amplifier_maximum_a
        self._amplifier_clip_ma = self._amplifier_clip_limit_ma = maximum_ma
        self._seed_warning_s = self._seedonly_warning_s = 0.02
        self._external_on = self._feedforward_on = False
        self._external_ma_per_v, self._feedforward_ma_per_v = 1.0, 0.0
        self._add_system()
        self._add_head()
        self._add_seed()
        self._add_amplifier()
        self._add_guards()
        add_scan(self.tree)
        self._add_current()

    # --- power and faults --------------------------------------------------------------------

    def power_up(self) -> None:
        """Power off and on: no emission until somebody presses the button, seed and amplifier
        off and at no current, the guards as they are stored."""
        light = self._light
        with self.world.lock:
            light.set_emission_button(False)
            light.set_amplifier(enabled=False, current_ma=0.0)
            light.set_seed(enabled=False, current_ma=self.world.truth.light.seed_current_ma)
            light.set_guard(
                seed_power_min_mw=self.world.truth.light.seed_minimum_mw,
                seed_limits_delay_s=STORED_GUARD_S,
                seedonly_delay_s=STORED_GUARD_S,
            )
            self._recall()

    def run_away(self, failed: bool) -> None:
        """Fault: the seed's temperature loop heats."""
        with self.world.lock:
            self._seed_temperature.fail(failed)

    def watch_temperatures(self) -> None:
        """The box switches the head off when a temperature is lost."""
        if (self._light.seed_emits or self._light.amplifier.enabled) and (
            self._seed_temperature.faulty or self._amplifier_temperature.faulty
        ):
            self._light.trip_amplifier("temperature out of limits")
            self._light.set_seed(enabled=False)

    # --- what the sessions use ---------------------------------------------------------------

    def time_text(self) -> str:
        """Rig time as the box prints it."""
        stamp = datetime.fromtimestamp(self.world.clock.now_s(), UTC)
        return stamp.strftime("%Y-%m-%dT%H:%M:%S.") + f"{stamp.microsecond // 1000:03d}Z"

    def execute(self, name: str) -> tuple[str, Value | None]:
        """(text output, return value) of a command. Raises `Refused` for an unknown one."""
        match name:
            case "error-log" | "service-log":
                return "".join(f"{m}\n" for m in self._log()), None
            case "system-summary":
                return f"DLC pro TA pro 819 nm\n{self.health_text()}\n", None
            case "system-connections":
                return "laser1: TA pro head\n", 1
            case "laser1:save" | "laser1:load" | "laser1:load-head":
                return "", None
        raise Refused(UNKNOWN, f"unknown command {name}")

    def power_cycle(self) -> None:
        """Off and on at the mains: no emission, uptime from zero; saved parameters stay."""
        self._put_head_enabled(False)
        self._start_s = self.world.clock.now_s()

    def health_text(self) -> str:
        light = self._light
        light.advance()
        if light.interlock_open:
            return "Interlock open"
        if self._seed_temperature.faulty or self._amplifier_temperature.faulty:
            return "Temperature out of limits"
        if light.amplifier.destroyed:
            return "Amplifier damaged: output far below its calibration"
        if light.amplifier_trip:
            return f"Amplifier shut down: {light.amplifier_trip}"
        if not light.emission_button:
            return "Emission button off"
        return "OK"

    def _log(self) -> list[str]:
        text = self.health_text()
        return [] if text == "OK" else [text]

    # --- parameters --------------------------------------------------------------------------

    def _add_system(self) -> None:
        light, tree = self._light, self.tree
        tree.live("emission", lambda: light.emission)
        tree.live("interlock-open", lambda: light.interlock_open)
        tree.kept("frontkey-locked", False, writable=False)
        tree.live(
            "emission-button-enabled", lambda: light.emission_button, self._put_emission_button
        )
        tree.live("system-health", lambda: 0 if self.health_text() == "OK" else 1)
        tree.live("system-health-txt", self.health_text)
        for name, text in {
            "serial-number": "DLC PRO_020295",
            "system-type": "DLC pro",
            "system-model": "DLC PRO",
            "fw-ver": "3.3.3",
        }.items():
            tree.kept(name, text, writable=False)
        tree.kept("system-label", "ATTA 819")
        tree.live("uptime", lambda: int(self.world.clock.now_s() - self._start_s))
        tree.live("uptime-txt", lambda: f"{self.world.clock.now_s() - self._start_s:.0f} s")
        tree.live("system-messages:count-new", lambda: len(self._log()))
        tree.live("system-messages:latest-message", lambda: "".join(self._log()))
        tree.live("time", self.time_text, lambda _: None)

    def _add_head(self) -> None:
        light, tree = self._light, self.tree
        tree.kept("laser1:type", "TA", writable=False)
        tree.kept("laser1:product-name", "TA pro", writable=False)
        tree.live("laser1:emission", lambda: light.seed_emits or light.amplifier.current_a > 0.0)
        tree.live(
            "laser1:enabled",
            lambda: light.seed.enabled or light.amplifier.enabled,
            self._put_head_enabled,
        )
        tree.live("laser1:enabled-valid", lambda: light.emission)
        tree.live("laser1:health", lambda: 0 if self.health_text() == "OK" else 1)
        tree.live("laser1:health-txt", self.health_text)

    def _add_seed(self) -> None:
        light, tree, cc = self._light, self.tree, "laser1:dl:cc"
        tree.live(f"{cc}:enabled", lambda: light.seed.enabled, lambda v: light.set_seed(enabled=v))
        tree.live(f"{cc}:emission", lambda: light.emission and light.seed.enabled)
        tree.live(f"{cc}:current-set", lambda: light.seed.current_ma, self._put_seed_current)
        tree.live(f"{cc}:current-act", self._seed_flowing_ma)
        tree.live(f"{cc}:current-clip", lambda: self._seed_clip_ma, self._put_seed_clip)
        tree.kept(f"{cc}:current-clip-limit", SEED_CLIP_LIMIT_MA, writable=False)
        tree.live(f"{cc}:voltage-act", lambda: self._voltage_v(self._seed_flowing_ma(), 6.0))
        tree.live(f"{cc}:status", lambda: int(light.seed.enabled))
        tree.live(f"{cc}:status-txt", lambda: "on" if light.seed.enabled else "off")
        add_current_extras(tree, cc)
        add_thermostat(tree, "laser1:dl:tc", self._seed_temperature)
        pc, laser = "laser1:dl:pc", self.world.cavity.laser
        tree.kept(f"{pc}:enabled", True)
        tree.live(f"{pc}:voltage-set", lambda: laser.piezo_v, self._put_piezo)
        tree.live(f"{pc}:voltage-act", lambda: laser.piezo_v)
        tree.kept(f"{pc}:voltage-min", PIEZO_V[0])
        tree.kept(f"{pc}:voltage-max", PIEZO_V[1])
        tree.kept(f"{pc}:status", 0, writable=False)
        tree.kept(f"{pc}:status-txt", "ok", writable=False)
        add_input_and_filter(tree, pc)
        tree.live("laser1:dl:ontime", lambda: int(self.world.clock.now_s() - self._start_s))
        tree.kept("laser1:dl:serial-number", "DL_819_0001", writable=False)
        tree.kept("laser1:dl:lock:state", 0, writable=False)
        tree.kept("laser1:dl:lock:state-txt", "idle", writable=False)
        tree.kept("laser1:dl:lock:lock-enabled", False)
        tree.kept("laser1:dl:lock:hold", False)

    def _add_amplifier(self) -> None:
        light, tree, cc = self._light, self.tree, "laser1:amp:cc"
        amplifier = light.amplifier
        tree.live(
            f"{cc}:enabled",
            self._amplifier_enabled,
            lambda v: light.set_amplifier(enabled=v),
        )
        tree.live(f"{cc}:emission", lambda: self._amplifier_enabled() and light.emission)
        tree.live(f"{cc}:current-set", lambda: amplifier.current_ma, self._put_amplifier_current)
        tree.live(f"{cc}:current-act", self._amplifier_flowing_ma)
        tree.live(f"{cc}:current-clip", lambda: self._amplifier_clip_ma, self._put_amplifier_clip)
        tree.kept(f"{cc}:current-clip-limit", self._amplifier_clip_limit_ma, writable=False)
        tree.live(f"{cc}:voltage-act", lambda: self._voltage_v(self._amplifier_flowing_ma(), 0.3))
        tree.live(f"{cc}:voltage-out", lambda: self._voltage_v(self._amplifier_flowing_ma(), 0.4))
        tree.live(f"{cc}:status", lambda: 2 if light.amplifier_trip else int(amplifier.enabled))
        tree.live(f"{cc}:status-txt", self._amplifier_status)
        add_current_extras(tree, cc)
        self._add_what_moves_current(cc)
        add_thermostat(tree, "laser1:amp:tc", self._amplifier_temperature)
        tree.live("laser1:amp:pd:seed:power", light.seed_reading_mw)
        tree.live("laser1:amp:pd:amp:power", light.output_power_mw)
        for pd, power in (("seed", light.seed_reading_mw), ("amp", light.output_power_mw)):
            node = f"laser1:amp:pd:{pd}"
            tree.kept(f"{node}:cal-offset", 0.0)
            tree.kept(f"{node}:cal-factor", 1.0)
            tree.live(f"{node}:photodiode", power)
            tree.kept(f"{node}:input-channel", 0 if pd == "seed" else 1)

    def _add_what_moves_current(self, cc: str) -> None:
        """External input and feed-forward of the piezo act on the amplifier's current."""
        tree = self.tree
        tree.live(f"{cc}:external-input:enabled", lambda: self._external_on, self._put_external_on)
        tree.live(
            f"{cc}:external-input:factor",
            lambda: self._external_ma_per_v,
            self._put_external_factor,
        )
        tree.live(
            f"{cc}:feedforward-enabled", lambda: self._feedforward_on, self._put_feedforward_on
        )
        tree.live(
            f"{cc}:feedforward-factor",
            lambda: self._feedforward_ma_per_v,
            self._put_feedforward_factor,
        )

    def _add_guards(self) -> None:
        light, tree, hard = self._light, self.tree, MAINTENANCE_LEVEL
        node = "laser1:amp:seed-limits"
        tree.live(f"{node}:power", light.seed_reading_mw)
        tree.live(
            f"{node}:power-min",
            lambda: light.seed_power_min_mw,
            lambda v: light.set_guard(seed_power_min_mw=v),
            level=hard,
        )
        tree.live(
            f"{node}:power-min-shutdown-delay",
            lambda: light.seed_limits.delay_s,
            lambda v: light.set_guard(seed_limits_delay_s=v),
            level=hard,
        )
        tree.live(
            f"{node}:power-min-warning-delay",
            lambda: self._seed_warning_s,
            self._put_seed_warning,
            level=hard,
        )
        tree.live(f"{node}:status", lambda: self._seed_limit_status()[0])
        tree.live(f"{node}:status-txt", lambda: self._seed_limit_status()[1])
        add_upper_limit(tree, node, 100.0)
        output = "laser1:amp:output-limits"
        tree.live(f"{output}:power", light.output_power_mw)
        tree.kept(f"{output}:power-min", 0.0, level=hard)
        tree.kept(f"{output}:power-min-warning-delay", 0.0, level=hard)
        tree.kept(f"{output}:power-min-shutdown-delay", 0.0, level=hard)
        tree.kept(f"{output}:status", 0, writable=False)
        tree.kept(f"{output}:status-txt", "ok", writable=False)
        add_upper_limit(tree, output, 1000.0)
        check = "laser1:amp:seedonly-check"
        tree.live(f"{check}:seed", lambda: light.seed_emits)
        tree.live(f"{check}:pump", lambda: light.amplifier.current_a > 0.0)
        tree.live(
            f"{check}:warning-delay",
            lambda: self._seedonly_warning_s,
            self._put_seedonly_warning,
            level=hard,
        )
        tree.live(
            f"{check}:shutdown-delay",
            lambda: light.seedonly.delay_s,
            lambda v: light.set_guard(seedonly_delay_s=v),
            level=hard,
        )
        tree.live(f"{check}:status", lambda: self._seedonly_status()[0])
        tree.live(f"{check}:status-txt", lambda: self._seedonly_status()[1])

    # --- reading ------------------------------------------------------------------------------

    def _amplifier_enabled(self) -> bool:
        self._light.advance()
        return self._light.amplifier.enabled

    def _amplifier_flowing_ma(self) -> float:
        self._light.advance()
        return 1000.0 * self._light.amplifier.current_a

    def _amplifier_status(self) -> str:
        light = self._light
        if light.amplifier.destroyed:
            return "damaged"
        return light.amplifier_trip or ("on" if self._amplifier_enabled() else "off")

    def _seed_flowing_ma(self) -> float:
        seed = self._light.seed
        return seed.current_ma if seed.enabled and seed.powered else 0.0

    @staticmethod
    def _voltage_v(current_ma: float, ohm: float) -> float:
        return 0.0 if current_ma <= 0.0 else 1.5 + ohm * current_ma / 1000.0

    def _seed_limit_status(self) -> tuple[int, str]:
        light = self._light
        light.advance()
        return light.seed_limits.status(self.world.clock.now_s(), self._seed_warning_s)

    def _seedonly_status(self) -> tuple[int, str]:
        light = self._light
        light.advance()
        return light.seedonly.status(self.world.clock.now_s(), self._seedonly_warning_s)

    # --- writing ------------------------------------------------------------------------------

    def _put_emission_button(self, value: bool) -> None:
        if value and self._light.interlock_open:
            raise Refused(REFUSED, "interlock is open")
        self._light.set_emission_button(value)

    def _put_head_enabled(self, value: bool) -> None:
        self._light.set_amplifier(enabled=value)
        self._light.set_seed(enabled=value)

    def _put_seed_current(self, value: float) -> None:
        _within("seed current", value, self._seed_clip_ma)
        self._light.set_seed(current_ma=value)

    def _put_amplifier_current(self, value: float) -> None:
        _within("amplifier current", value, self._amplifier_clip_ma)
        self._light.set_amplifier(current_ma=value)
        self._add_current()

    def _put_seed_clip(self, value: float) -> None:
        """A clip below the present setpoint takes the setpoint with it."""
        _within("clip", value, SEED_CLIP_LIMIT_MA)
        self._seed_clip_ma = value
        if self._light.seed.current_ma > value:
            self._light.set_seed(current_ma=value)

    def _put_amplifier_clip(self, value: float) -> None:
        _within("clip", value, self._amplifier_clip_limit_ma)
        self._amplifier_clip_ma = value
        if self._light.amplifier.current_ma > value:
            self._light.set_amplifier(current_ma=value)
        self._add_current()

    def _put_external_on(self, value: bool) -> None:
        self._external_on = value
        self._add_current()

    def _put_external_factor(self, value: float) -> None:
        self._external_ma_per_v = value
        self._add_current()

    def _put_feedforward_on(self, value: bool) -> None:
        self._feedforward_on = value
        self._add_current()

    def _put_feedforward_factor(self, value: float) -> None:
        self._feedforward_ma_per_v = value
        self._add_current()

    def _add_current(self) -> None:
        """What comes to the amplifier's set current, up to the clip."""
        set_ma = wanted_ma = self._light.amplifier.current_ma
        if self._external_on:
            wanted_ma += self._external_ma_per_v * ANALOGUE_INPUT_V
        if self._feedforward_on:
            wanted_ma += self._feedforward_ma_per_v * self.world.cavity.laser.piezo_v
        flowing_ma = min(max(wanted_ma, 0.0), self._amplifier_clip_ma)
        self._light.set_amplifier(added_ma=flowing_ma - set_ma)

    def _put_piezo(self, value: float) -> None:
        if not PIEZO_V[0] <= value <= PIEZO_V[1]:
            raise Refused(REFUSED, "piezo voltage out of range")
        self.world.cavity.set_piezo(value)
        self._add_current()

    def _put_seed_warning(self, value: float) -> None:
        self._seed_warning_s = value

    def _put_seedonly_warning(self, value: float) -> None:
        self._seedonly_warning_s = value


def _within(what: str, value: float, clip_ma: float) -> None:
    if not 0.0 <= value <= clip_ma:
        raise Refused(REFUSED, f"{what} must be within 0 and {clip_ma:g} mA")
