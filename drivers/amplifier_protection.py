"""The envelope of a tapered amplifier, common to every make of box.

A tapered amplifier pumped without seed is destroyed within a fraction of a second. The rules:

- on: seed, then amplifier; off: amplifier, then seed;
- above its unseeded ceiling the amplifier moves only in steps, and each step, up or down, is
  taken only right after a reading that shows the seed on and its power high enough; a reading
  that took longer than its allowed age is none;
- whatever goes wrong above the ceiling (seed lost, reading lost, another value kept) brings the
  amplifier down in one write, and switches it off if that fails;
- nothing goes above the ceiling unless the box's own guard is armed, and a look that finds it
  disarmed brings down what is above: that guard alone protects against a dead computer.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from threading import Lock, RLock
from typing import NoReturn, TypeVar

from drivers.amplifier_box import AmplifierBox, AmplifierReading
from drivers.errors import DeviceFault, DriverError, InterlockOpen, OutOfRange
from drivers.interfaces import AmplifierLimits, Guard, Range

CURRENT_TOLERANCE_MA = 0.05
"""Read-back may differ from the set value by the box's rounding."""
POLL_S = 0.005
CONNECT_WAIT_S = 0.5
"""Wall time that `connect` waits for a move under way; a cooler may take minutes."""
_OFF_ATTEMPTS = 2

Answer = TypeVar("Answer")


class ProtectedAmplifier(AmplifierBox):
    """The commands of `TaperedAmplifier` inside the envelope `limits`.

    A driver adds the box: it reads, writes and switches. `sleep` and `clock` are wall time.
    One move at a time; `make_safe` breaks off the one that runs.
    """

    def __init__(
        self,
        name: str,
        limits: AmplifierLimits,
        *,
        emission_timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        low_ma = limits.amplifier_current_ma.low
        if not low_ma <= limits.unseeded_ceiling_ma:
            raise ValueError(f"{name}: lowest current {low_ma} mA is above the unseeded ceiling")
        if not (limits.ramp_step_ma > 0 and limits.seed_power_min_mw > 0):
            raise ValueError(f"{name}: ramp step and least seed power must be positive")
        self._name = name
        self._limits = limits
        self._emission_timeout_s = emission_timeout_s
        self._sleep = sleep
        self._clock = clock
        self._moves = RLock()
        self._commanded_ma: float | None = None
        self._stops = 0
        """Stops that wait or are under way: several may come at once (STOP and a watchdog)."""
        self._stops_count = Lock()

    @property
    def name(self) -> str:
        return self._name

    def commanded_ma(self) -> float | None:
        """The current that the box was last told and has kept (mA); None while a current is on its
        way, after an 'off', and before the first one."""
        return self._commanded_ma

    # --- the commands ---

    def set_seed_current(self, current_ma: float) -> None:
        """Set the seed's current (mA). Lowering it is refused while the amplifier is high."""
        self._check_range("seed current", current_ma, self._limits.seed_current_ma)
        with self._moves:
            high = self._is_high(self._or_down(self._read_amplifier))
            if high and current_ma < self._or_down(self._read_seed_current_ma):
                raise InterlockOpen(
                    self._name,
                    f"seed current not lowered to {current_ma:g} mA: the amplifier is above its "
                    f"unseeded ceiling of {self._limits.unseeded_ceiling_ma:g} mA",
                    "bring the amplifier below its ceiling first",
                )
            try:
                self._write_seed_current(current_ma)
                kept_ma = self._read_seed_current_ma()
                if high:
                    self._verify_seed()
            except DriverError as error:
                if high:
                    self._drop_after(error)
                raise
            if abs(kept_ma - current_ma) > CURRENT_TOLERANCE_MA:
                raise self._kept_another("seed current", current_ma, kept_ma)

    def seed_on(self) -> None:
        """Switch the seed on and wait until it emits."""
        with self._moves:
            self._switch_seed(True)
            if not self._wait_for(lambda: self._read_seed().on):
                raise self._dark("seed")

    def seed_off(self) -> None:
        """Switch the seed off. `InterlockOpen` while the amplifier is above its ceiling."""
        with self._moves:
            reading = self._or_down(self._read_amplifier)
            if self._is_high(reading):
                raise InterlockOpen(
                    self._name,
                    f"seed stays on: the amplifier is at {reading.level_ma:g} mA, above its "
                    f"unseeded ceiling of {self._limits.unseeded_ceiling_ma:g} mA",
                    "switch the amplifier off first",
                )
            self._switch_seed(False)
            if not self._wait_for(lambda: not self._read_seed().on):
                raise DeviceFault(
                    self._name, "the seed did not switch off", "switch it off at the box"
                )

    def amplifier_on(self) -> None:
        """Switch the amplifier on, at its ceiling or below, once the seed is verified."""
        with self._moves:
            self._check_not_stopped()
            reading = self._checked_amplifier()
            if reading.on:
                return
            self._check_guard()
            self._verify_seed()
            if self._wait_until_ready():
                # Minutes may have passed: seed and current need not be what they were.
                self._verify_seed()
                reading = self._read_amplifier()
            # A box that went off by itself need not have kept what it was told before.
            self._commanded_ma = None
            if reading.current_set_ma > self._limits.unseeded_ceiling_ma:
                self._write_and_verify(self._limits.amplifier_current_ma.low)
            # A stop's order may have gone out beside all this: nothing follows it.
            self._check_not_stopped()
            self._switch_amplifier(True)
            if not self._wait_for(self._amplifier_emits):
                self._force_off()
                raise self._dark("amplifier")
            self._check_not_stopped()

    def amplifier_off(self) -> None:
        """Ramp down, then off. Goes on to 'off' whatever fails on the way."""
        with self._moves:
            try:
                if self._read_amplifier().on:
                    self._ramp(self._limits.amplifier_current_ma.low)
            except DriverError:
                pass  # off is what was asked for, and off is checked next
            self._force_off()

    def set_amplifier_current(self, current_ma: float) -> None:
        """Ramp to `current_ma`; above the ceiling only when on, seeded and, to rise, guarded."""
        self._check_range("amplifier current", current_ma, self._limits.amplifier_current_ma)
        with self._moves:
            reading = self._checked_amplifier()
            if current_ma > self._limits.unseeded_ceiling_ma:
                if not reading.on:
                    raise InterlockOpen(
                        self._name,
                        f"{current_ma:g} mA is above the unseeded ceiling of "
                        f"{self._limits.unseeded_ceiling_ma:g} mA and the amplifier is off",
                        "switch the amplifier on first, then raise its current",
                    )
                if current_ma > reading.current_set_ma:
                    self._or_down(self._check_guard)
            self._ramp(current_ma)

    def make_safe(self) -> None:
        """Amplifier down and off, at once; the seed stays as it is. Breaks off a move.

        The order goes out beside a move that is under way, whatever that waits for; when the move
        has ended it is given again and verified.
        """
        with self._stopping(self._order_off):
            self._force_off()

    # --- protection ---

    def guards(self) -> tuple[Guard, ...]:
        """This driver's envelope, then the guards of the box."""
        limits = self._limits
        envelope = Guard(
            fault="a dangerous order or level is asked for",
            by="this driver's envelope",
            state=f"seed first, amplifier last; above {limits.unseeded_ceiling_ma:g} mA only with "
            f"{limits.seed_power_min_mw:g} mW of seed read within "
            f"{limits.seed_reading_max_age_s:g} s; ramp {limits.ramp_step_ma:g} mA each "
            f"{1e3 * limits.ramp_interval_s:g} ms, at most {limits.amplifier_current_ma.high:g} mA",
            armed=True,
        )
        return envelope, *self._box_guards()

    def _checked_amplifier(self) -> AmplifierReading:
        """Read the amplifier; if it is high and its seed cannot be verified, bring it down."""
        try:
            reading = self._read_amplifier()
            if self._is_high(reading):
                self._verify_seed()
        except DriverError as error:
            self._drop_after(error)
        return reading

    def _ramp(self, target_ma: float) -> None:
        ceiling_ma = self._limits.unseeded_ceiling_ma
        try:
            reading = self._read_amplifier()
            present_ma = reading.current_set_ma
            while present_ma != target_ma:
                self._check_not_stopped()
                next_ma = self._next_step(present_ma, target_ma) if reading.on else target_ma
                if reading.on and max(present_ma, next_ma) > ceiling_ma:
                    self._verify_seed()
                self._check_not_stopped()
                self._write_and_verify(next_ma)
                present_ma = next_ma
                if present_ma != target_ma:
                    self._sleep(self._limits.ramp_interval_s)
            if reading.on and target_ma > ceiling_ma:
                self._verify_seed()
        except DriverError as error:
            self._drop_after(error)

    def _next_step(self, present_ma: float, target_ma: float) -> float:
        distance_ma = target_ma - present_ma
        if abs(distance_ma) <= self._limits.ramp_step_ma:
            return target_ma
        return present_ma + math.copysign(self._limits.ramp_step_ma, distance_ma)

    def _verify_seed(self) -> None:
        """Raise `InterlockOpen` unless a fresh reading shows enough seed."""
        with self._wire_of_seed():
            # A reading that waits for other questions on the wire does not grow old.
            asked_s = self._clock()
            seed = self._read_seed()
            age_s = self._clock() - asked_s
        if age_s > self._limits.seed_reading_max_age_s:
            reason = (
                f"the seed reading took {age_s:.2f} s and is no verification "
                f"(limit {self._limits.seed_reading_max_age_s:g} s)"
            )
        elif not seed.on:
            reason = "the seed is off"
        elif not seed.power_mw >= self._limits.seed_power_min_mw:
            reason = (
                f"seed power {seed.power_mw:.2f} mW is below {self._limits.seed_power_min_mw:g} mW"
            )
        else:
            return
        raise InterlockOpen(
            self._name, reason, "check seed current, mode and alignment; then raise the amplifier"
        )

    def _write_and_verify(self, current_ma: float) -> AmplifierReading:
        """Set, and the reading that shows that it was kept."""
        self._commanded_ma = None
        self._write_amplifier_current(current_ma)
        reading = self._read_amplifier()
        kept_ma = reading.current_set_ma
        if abs(kept_ma - current_ma) > CURRENT_TOLERANCE_MA:
            # What a stop ordered beside this move is no other value of the box's.
            self._check_not_stopped()
            raise self._kept_another("amplifier current", current_ma, kept_ma)
        self._commanded_ma = current_ma
        return reading

    def _or_down(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returns. When it raises, an amplifier that is high, or that cannot be read
        any more, is brought down first, whatever moves."""
        try:
            return ask()
        except DriverError as error:
            if self._is_known_low():
                raise
            with self._stopping():
                self._drop_after(error)

    def _is_known_low(self) -> bool:
        try:
            return not self._is_high(self._read_amplifier())
        except DriverError:
            return False

    def _drop_after(self, error: DriverError) -> NoReturn:
        """Bring the amplifier down because of `error`, and raise it with what was done."""
        try:
            done = self._drop()
        except DriverError as failure:
            raise type(error)(
                self._name, f"{error.reason}; {failure.reason}", failure.remedy
            ) from error
        raise type(error)(self._name, f"{error.reason}; {done}", error.remedy) from error

    def _drop(self) -> str:
        """One write to the lowest current; off if that does not arrive, or if more flows than was
        set. Returns what was done."""
        low_ma = self._limits.amplifier_current_ma.low
        try:
            if not self._is_high(self._read_amplifier()):
                return "the amplifier is not above its unseeded ceiling"
            reading = self._write_and_verify(low_ma)
            if self._is_high(reading):
                # A box may measure a moment late; what flows on then is added behind the set value.
                self._sleep(self._limits.ramp_interval_s)
                reading = self._read_amplifier()
            down = not self._is_high(reading)
        except DriverError:
            down = False
        if down:
            return f"the amplifier was brought down to {low_ma:g} mA"
        self._force_off()
        return "the amplifier was switched off"

    def _force_off(self) -> None:
        """Down and off, verified; what fails on the way does not stop the rest."""
        self._commanded_ma = None
        try:
            self._write_amplifier_current(self._limits.amplifier_current_ma.low)
        except DriverError:
            self._switch_amplifier_off_blindly()
        failure = ""
        for _ in range(_OFF_ATTEMPTS):
            try:
                self._switch_amplifier(False)
                return
            except DriverError as error:
                failure = error.reason
        self._switch_amplifier_off_blindly()
        raise DeviceFault(
            self._name,
            f"'OFF' WAS SENT TO THE AMPLIFIER BUT IS NOT CONFIRMED ({failure})",
            "turn the key of the box off",
        )

    def _order_off(self) -> None:
        """Down and off beside a move, off whether 'down' arrives or not. Whatever fails here is
        told when it is given again."""
        self._commanded_ma = None
        with contextlib.suppress(Exception):
            self._write_amplifier_current(self._limits.amplifier_current_ma.low)
        with contextlib.suppress(Exception):
            self._switch_amplifier(False)

    # --- small things ---

    @contextlib.contextmanager
    def _stopping(self, beside: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Nothing moves meanwhile, and no move begins before every stop that waits has been.

        `beside` is done before a move that is under way is waited for.
        """
        self._count_stops(1)
        if not self._moves.acquire(blocking=False):
            beside()
            self._moves.acquire()
        try:
            yield
        finally:
            self._count_stops(-1)
            self._moves.release()

    @contextlib.contextmanager
    def _between_moves(self) -> Iterator[bool]:
        """For `connect`: whether no move is under way, which is then kept off meanwhile.

        One that is under way verifies the seed by itself. Beside it the boxes may be read, as a
        poll does, and nothing is told them.
        """
        alone = self._moves.acquire(timeout=CONNECT_WAIT_S)
        try:
            yield alone
        finally:
            if alone:
                self._moves.release()

    def _count_stops(self, by: int) -> None:
        with self._stops_count:
            self._stops += by

    def _is_high(self, reading: AmplifierReading) -> bool:
        return reading.level_ma > self._limits.unseeded_ceiling_ma + CURRENT_TOLERANCE_MA

    def _check_not_stopped(self) -> None:
        if self._stops:
            raise InterlockOpen(self._name, "STOP broke off the move", "start again when ready")

    def _check_range(self, quantity: str, value_ma: float, allowed: Range) -> None:
        if not (math.isfinite(value_ma) and value_ma in allowed):
            raise OutOfRange(
                self._name,
                f"{quantity} {value_ma:g} mA is outside {allowed.low:g} to {allowed.high:g} mA",
                "choose a value inside, or change the limit in the rig file",
            )

    def _wait_for(self, condition: Callable[[], bool]) -> bool:
        deadline_s = self._clock() + self._emission_timeout_s
        while not condition():
            self._check_not_stopped()
            if self._clock() > deadline_s:
                return False
            self._sleep(POLL_S)
        return True

    def _dark(self, what: str) -> DeviceFault:
        return DeviceFault(
            self._name,
            f"the {what} was switched on but does not emit",
            "check key, emission button, interlock and the enable switch of the laser head",
        )

    def _kept_another(self, quantity: str, asked_ma: float, kept_ma: float) -> DeviceFault:
        return DeviceFault(
            self._name,
            f"{quantity} set to {asked_ma:g} mA, but the box kept {kept_ma:g} mA",
            "check the clip limits and the external inputs of the box",
        )
