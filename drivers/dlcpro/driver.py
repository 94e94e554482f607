"""Toptica DLC pro with a TA pro head: seed diode and tapered amplifier.

Parameter names: Toptica's laser SDK, system model 3.3.3. Currents in mA, powers in mW. Seed and
output power are those that the box's own limits watch (`seed-limits`, `output-limits`).
"""

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from drivers.amplifier_box import AmplifierReading, SeedReading, SeedTaken
from drivers.amplifier_trial import ExercisedAmplifier
from drivers.dlcpro.link import DecopLink
from drivers.errors import DeviceFault, InterlockOpen
from drivers.interfaces import AmplifierLimits, AmplifierStatus, Guard, Identity
from drivers.plausible import require_plausible

_SEED = "laser1:dl:cc"
_AMPLIFIER = "laser1:amp:cc"
_SEED_LIMITS = "laser1:amp:seed-limits"
_SEED_DELAY = f"{_SEED_LIMITS}:power-min-shutdown-delay"
_SEED_ONLY_DELAY = "laser1:amp:seedonly-check:shutdown-delay"
_ADD_CURRENT = (f"{_AMPLIFIER}:external-input:enabled", f"{_AMPLIFIER}:feedforward-enabled")
"""Switches by which an analogue input or the scan moves the current beside what is set, up to the
clip."""
_SEED_SEEN = "laser1:amp:seedonly-check:seed"

POWER_MIN_SHARE = 0.5
"""Of the rig file's least seed power: the box must call the seed lost at or above it. Half leaves
room for the box's own reading beside the lab's, and none for a threshold in the noise."""

_DIM_SHARES = (0.3, 0.7)
"""Of the box's least seed power: where a dimmed seed is too weak, and a seed still."""
_DIM_TRIES = 8
_DIM_SETTLES_S = 0.1

HEAD_MA = (-100.0, 10e3)
HEAD_MW = (-100.0, 10e3)
"""No diode or chip of a TA pro head carries, or gives, anything beyond."""


class DlcPro(ExercisedAmplifier):
    """`TaperedAmplifier` on a DLC pro's command line (TCP, port 1998 on the box).

    `limits` is the envelope of the rig file. The box's own guard (shut-down on low seed power
    and on pumping without seed) must be armed, its current clips must lie inside the envelope,
    and nothing but the set value may move the amplifier's current: else `connect`, and every move
    above the unseeded ceiling, is refused with `InterlockOpen`. A shut-down delay of zero counts
    as disarmed, one above `guard_delay_max_s` as too slow, a least seed power below
    `POWER_MIN_SHARE` of the envelope's as blind.
    """

    def __init__(
        self,
        name: str,
        host: str,
        command_port: int,
        limits: AmplifierLimits,
        *,
        timeout_s: float = 1.2,
        emission_timeout_s: float = 10.0,
        guard_delay_max_s: float = 0.2,
        link: DecopLink | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            name, limits, emission_timeout_s=emission_timeout_s, sleep=sleep, clock=clock
        )
        self._guard_delay_max_s = guard_delay_max_s
        self._link = link or DecopLink(name, host, command_port, timeout_s)

    def connect(self) -> Identity:
        """Open, identify, check the box's own guard; an amplifier that is high is brought down
        when it is unseeded, or unguarded.

        A move under way is not waited for, as it looks at the seed by itself, unless the box does
        not guard it: then it is broken off.
        """
        self._link.open()
        with self._between_moves() as alone:
            if alone:
                # First of all: a question that fails must not leave an unseeded amplifier up.
                self._checked_amplifier()
        # From here on it only reads, unless there is no guard: a stop does not wait for that.
        identity = Identity(
            maker="TOPTICA",
            model=self._link.read_text("system-type"),
            serial=self._link.read_text("serial-number"),
            firmware=self._link.read_text("fw-ver"),
        )
        self._or_down(self._check_guard)
        return identity

    def close(self) -> None:
        self._link.close()

    def status(self) -> AmplifierStatus:
        """One poll, between the steps of a ramp if one runs.

        The amplifier is read before the seed: a poll that spans a switch-on then shows an old,
        low current beside the new seed, never a pumped amplifier beside a seed not yet lit. Two
        questions at a time: each turn on the wire is waited for behind a question of the ramp, and
        an order of STOP waits for one turn.
        """
        link = self._link
        with link.lock:
            key_and_button = link.read_bool("emission-button-enabled") and not link.read_bool(
                "frontkey-locked"
            )
        amplifier_on = self._amplifier_emits()
        amplifier_set_ma, amplifier_ma = self._currents_ma(_AMPLIFIER)
        seed_on = link.read_bool(f"{_SEED}:emission")
        seed_set_ma, seed_ma = self._currents_ma(_SEED)
        with link.lock:
            seed_mw = self._power_mw(f"{_SEED_LIMITS}:power")
            output_mw = self._power_mw("laser1:amp:output-limits:power")
        return AmplifierStatus(
            amplifier_on=amplifier_on,
            amplifier_current_set_ma=amplifier_set_ma,
            amplifier_current_ma=amplifier_ma,
            seed_on=seed_on,
            seed_current_set_ma=seed_set_ma,
            seed_current_ma=seed_ma,
            seed_power_mw=seed_mw,
            output_power_mw=output_mw,
            interlock_open=link.read_bool("interlock-open"),
            emission_enabled=key_and_button,
            seed_protection_armed=not self._guard_gaps(),
            message=link.read_text("laser1:health-txt"),
        )

    # --- the box ---

    def _read_seed(self) -> SeedReading:
        return SeedReading(
            on=self._link.read_bool(f"{_SEED}:emission"),
            power_mw=self._power_mw(f"{_SEED_LIMITS}:power"),
        )

    def _wire_of_seed(self) -> AbstractContextManager[object]:
        return self._link.lock

    def _read_seed_current_ma(self) -> float:
        return self._current_ma(f"{_SEED}:current-set")

    def _write_seed_current(self, current_ma: float) -> None:
        self._link.write(f"{_SEED}:current-set", float(current_ma))

    def _switch_seed(self, on: bool) -> None:
        self._switch(_SEED, on)

    def _read_amplifier(self) -> AmplifierReading:
        # 'enabled', not 'emission': with the key off it is dark, but the key would start it.
        return AmplifierReading(
            on=self._link.read_bool(f"{_AMPLIFIER}:enabled"),
            current_set_ma=self._current_ma(f"{_AMPLIFIER}:current-set"),
            current_ma=self._current_ma(f"{_AMPLIFIER}:current-act"),
        )

    def _write_amplifier_current(self, current_ma: float) -> None:
        self._link.write(f"{_AMPLIFIER}:current-set", float(current_ma))

    def _switch_amplifier(self, on: bool) -> None:
        self._switch(_AMPLIFIER, on)

    def _switch_amplifier_off_blindly(self) -> None:
        self._link.shout(f"{_AMPLIFIER}:enabled", False)

    def _amplifier_emits(self) -> bool:
        return self._link.read_bool(f"{_AMPLIFIER}:emission")

    def _currents_ma(self, node: str) -> tuple[float, float]:
        """Set and measured."""
        with self._link.lock:
            return (
                self._current_ma(f"{node}:current-set"),
                self._current_ma(f"{node}:current-act"),
            )

    def _current_ma(self, parameter: str) -> float:
        value = self._link.read_real(parameter)
        return require_plausible(self._name, parameter, value, *HEAD_MA, "mA")

    def _power_mw(self, parameter: str) -> float:
        value = self._link.read_real(parameter)
        return require_plausible(self._name, parameter, value, *HEAD_MW, "mW")

    def _switch(self, node: str, on: bool) -> None:
        self._link.write(f"{node}:enabled", on)
        if self._link.read_bool(f"{node}:enabled") is not on:
            raise DeviceFault(
                self._name,
                f"{node}:enabled did not become {'true' if on else 'false'}",
                "check interlock, key and the messages on the box",
            )

    # --- the box's own guard ---

    def _check_guard(self) -> None:
        gaps = self._guard_gaps()
        gaps += self._clip_gap(_SEED, "seed", self._limits.seed_current_ma.high)
        gaps += self._clip_gap(_AMPLIFIER, "amplifier", self._limits.amplifier_current_ma.high)
        gaps += self._added_current_gaps()
        if gaps:
            raise InterlockOpen(
                self._name,
                "the box does not guard the amplifier: " + "; ".join(gaps),
                "set these parameters at the box (maintenance level), then connect again",
            )

    def _guard_gaps(self) -> list[str]:
        """What is missing of the shut-downs on lost seed; empty when armed."""
        power_min = f"{_SEED_LIMITS}:power-min"
        gaps: list[str] = []
        try:
            value_mw = self._link.read_real(power_min)
            least_mw = POWER_MIN_SHARE * self._limits.seed_power_min_mw
            if not value_mw >= least_mw:
                gaps.append(
                    f"{power_min} is {value_mw:g} mW (needed: at least {least_mw:g} mW, half of "
                    "seed_power_min_mw of the rig file)"
                )
        except DeviceFault:
            gaps.append(f"{power_min} is absent")
        for parameter in (_SEED_DELAY, _SEED_ONLY_DELAY):
            try:
                delay_s = self._link.read_real(parameter)
                if not 0.0 < delay_s <= self._guard_delay_max_s:
                    gaps.append(
                        f"{parameter} is {delay_s:g} s (needed: above 0, at most "
                        f"{self._guard_delay_max_s:g} s, guard_delay_max_s of the rig file)"
                    )
            except DeviceFault:
                gaps.append(f"{parameter} is absent")
        return gaps

    def _clip_gap(self, node: str, what: str, limit_ma: float) -> list[str]:
        parameter = f"{node}:current-clip"
        try:
            clip_ma = self._link.read_real(parameter)
        except DeviceFault:
            return [f"{parameter} is absent"]
        if clip_ma > limit_ma:
            return [
                f"{parameter} is {clip_ma:g} mA, above the rig file's {what} limit {limit_ma:g} mA"
            ]
        return []

    def _added_current_gaps(self) -> list[str]:
        gaps: list[str] = []
        for parameter in _ADD_CURRENT:
            # A firmware that does not know one (feed-forward before 3.3) cannot do it.
            with contextlib.suppress(DeviceFault):
                if self._link.read_bool(parameter):
                    gaps.append(f"{parameter} is #t: it adds to the set current, up to the clip")
        return gaps

    def _box_guards(self) -> list[Guard]:
        link = self._link
        seed_gaps = self._guard_gaps()
        added_gaps = self._added_current_gaps()
        clip_gaps = self._clip_gap(_SEED, "seed", self._limits.seed_current_ma.high)
        clip_gaps += self._clip_gap(_AMPLIFIER, "amplifier", self._limits.amplifier_current_ma.high)
        return [
            Guard(
                fault="seed dies by itself, computer or cable dies",
                by="seed-limits and seedonly-check of the DLC pro",
                state="; ".join(seed_gaps)
                or f"off below {link.read_real(f'{_SEED_LIMITS}:power-min'):g} mW after "
                f"{link.read_real(_SEED_DELAY):g} s, without seed current after "
                f"{link.read_real(_SEED_ONLY_DELAY):g} s",
                armed=not seed_gaps,
                remedy="set these parameters at the box (maintenance level)",
            ),
            Guard(
                fault="a current too high for the chip, from whatever source",
                by="current clips of the DLC pro",
                state="; ".join(clip_gaps)
                or f"seed {link.read_real(f'{_SEED}:current-clip'):g} mA, amplifier "
                f"{link.read_real(f'{_AMPLIFIER}:current-clip'):g} mA",
                armed=not clip_gaps,
                remedy="lower the clips at the box",
            ),
            Guard(
                fault="the box itself raises the current",
                by="set value of the amplifier's current in the DLC pro",
                state="; ".join(added_gaps) or "alone: no external input, no feed-forward",
                armed=not added_gaps,
                remedy="switch external input and feed-forward of the amplifier's current off at "
                "the box",
            ),
        ]

    def _ways_to_take_seed(self, seed_current_ma: float) -> tuple[SeedTaken, ...]:
        """A diode that is off is seen by both guards, one that is dim by seed-limits alone."""
        limits_s = self._link.read_real(_SEED_DELAY)
        both_s = {"seed-limits": limits_s, "seedonly-check": self._link.read_real(_SEED_ONLY_DELAY)}
        off = SeedTaken("seed off", both_s, lambda: self._switch_seed(False))
        dim_ma = self._dim_seed_ma(seed_current_ma)
        if dim_ma is None:
            return (off,)
        dimmed = SeedTaken(
            f"seed dimmed to {dim_ma:.1f} mA",
            {"seed-limits": limits_s},
            lambda: self._write_seed_current(dim_ma),
        )
        return dimmed, off

    def _dim_seed_ma(self, bright_ma: float) -> float | None:
        """Seed current that gives too little power for seed-limits, and a seed for seedonly-check;
        None where none is found. The amplifier is off."""
        least_mw = self._link.read_real(f"{_SEED_LIMITS}:power-min")
        low_ma, high_ma = self._limits.seed_current_ma.low, bright_ma
        for _ in range(_DIM_TRIES):
            dim_ma = round(0.5 * (low_ma + high_ma), 1)
            self.set_seed_current(dim_ma)
            self._sleep(_DIM_SETTLES_S)
            share = self._power_mw(f"{_SEED_LIMITS}:power") / least_mw
            if share > _DIM_SHARES[1]:
                high_ma = dim_ma
            elif share < _DIM_SHARES[0]:
                low_ma = dim_ma
            else:
                return dim_ma if self._link.read_bool(_SEED_SEEN) else None
        return None

    def _trip_cause(self) -> str:
        return self._link.read_text("laser1:health-txt")
