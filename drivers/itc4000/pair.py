"""A pair of Thorlabs ITC4000 as one `TaperedAmplifier`: one box for the seed, one for the chip.

Neither box knows of the other: what guards the amplifier when the seed dies is the rear input
LD-ENABLE of the amplifier's box, driven by a comparator on a seed photodiode. It must latch
(`OUTP:PROT:EXT:MODE PROT`): with `ENAB` the chip would jump back to its full current by itself
each time that a flickering seed returns, unramped and with no seed verified.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers.amplifier_box import AmplifierReading, SeedReading, SeedTaken
from drivers.amplifier_protection import POLL_S
from drivers.amplifier_trial import READING_MARGIN_S, ExercisedAmplifier
from drivers.errors import DriverError, InterlockOpen, Timeout
from drivers.interfaces import AmplifierLimits, AmplifierStatus, Guard, Identity
from drivers.itc4000.box import (
    INHIBITED,
    INTERLOCK,
    KEYLOCK,
    LIMIT_ROUNDING_MA,
    WINDOW_FAILURE,
    ItcBox,
    words,
)
from drivers.visa_line import VisaLine

COOLER_POLL_S = 0.2
LINE = "LD-ENABLE of the amplifier's box"
NOT_WIRED = "high though the seed is off: not wired, or its wire is broken"


@dataclass(frozen=True)
class _SeedPoll:
    """What `status` reads of the seed's box."""

    on: bool
    current_set_ma: float
    current_ma: float
    power_mw: float
    condition: int


class Itc4000Pair(ExercisedAmplifier):
    """`TaperedAmplifier` on two boxes, each with its own VISA resource.

    Powers are photocurrents of the boxes' own photodiodes times a factor of the rig file, in mW
    per mA: the seed box's photodiode sees what enters the amplifier, the amplifier box's what
    leaves it. The boxes' own conversion to watts (`MEAS:POW2?`) is not used: anybody can change
    it at the front panel. Output power is never derived from the current; without light on its
    photodiode it reads 0.

    `connect` and every move above the unseeded ceiling raise `InterlockOpen` unless LD-ENABLE
    latches, both current limits lie inside the envelope, and both boxes drive a constant current.
    So does a seed that is to go on while LD-ENABLE is high.
    A laser is switched on only with its cooler on and its temperature inside the box's window for
    `settled_s`; a cooler that is off is switched on and waited for, `cooling_timeout_s` at most.
    The coolers stay on when the lasers go off.
    """

    def __init__(
        self,
        name: str,
        seed_resource: str,
        amplifier_resource: str,
        limits: AmplifierLimits,
        *,
        seed_mw_per_ma: float,
        output_mw_per_ma: float,
        line_delay_max_s: float = 0.05,
        timeout_s: float = 0.8,
        emission_timeout_s: float = 2.0,
        cooling_timeout_s: float = 120.0,
        settled_s: float = 3.0,
        lines: tuple[VisaLine, VisaLine] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            name, limits, emission_timeout_s=emission_timeout_s, sleep=sleep, clock=clock
        )
        if not (seed_mw_per_ma > 0.0 and output_mw_per_ma > 0.0):
            raise ValueError(f"{name}: the factors of the photodiodes must be positive")
        seed_line, chip_line = lines or (
            VisaLine(name, seed_resource, timeout_s=timeout_s),
            VisaLine(name, amplifier_resource, timeout_s=timeout_s),
        )
        self._seed = ItcBox(seed_line, "seed")
        self._chip = ItcBox(chip_line, "amplifier")
        self._seed_mw_per_ma = seed_mw_per_ma
        self._output_mw_per_ma = output_mw_per_ma
        self._line_delay_max_s = line_delay_max_s
        self._cooling_timeout_s = cooling_timeout_s
        self._settled_s = settled_s
        self._high_since_s: float | None = None
        """Since when polls have shown LD-ENABLE high without a seed; None while they do not."""

    def connect(self) -> Identity:
        """Open both, identify, check the guards; an amplifier that is high is brought down when it
        is unseeded, or unguarded.

        The amplifier's box first: it must hear "down" when the seed's box cannot be reached or is
        not what it should be. Only a box that says that it is an ITC4000 is told a current.
        The identity is that of the amplifier's box, with the seed's serial number beside it.
        A move under way is not waited for, as it looks at the seed by itself, unless the boxes do
        not guard it: then it is broken off.
        """
        self._chip.line.open()
        chip = self._chip.identify()
        seed = self._or_down(lambda: self._reach_seed(chip))
        try:
            with self._between_moves() as alone:
                if alone:
                    self._checked_amplifier()
            # It only reads, unless there is no guard: a stop does not wait for that.
            self._or_down(self._check_guard)
        except Timeout as timeout:
            raise self._chip.explain(timeout) from timeout
        return Identity(
            maker=chip.maker,
            model=f"{seed.model} with {chip.model}",
            serial=f"{seed.serial} with {chip.serial}",
            firmware=chip.firmware,
        )

    def _reach_seed(self, chip: Identity) -> Identity:
        """Open the seed's box beside the amplifier's, `chip`; both error queues are emptied."""
        self._seed.line.open()
        seed = self._seed.identify()
        if seed.serial == chip.serial:
            raise InterlockOpen(
                self._name,
                f"both addresses lead to the same box, serial {seed.serial}",
                "correct the addresses in the rig file",
            )
        # What an earlier client left in the queues is not this one's fault.
        self._seed.faults()
        self._chip.faults()
        return seed

    def close(self) -> None:
        self._seed.line.close()
        self._chip.line.close()

    def status(self) -> AmplifierStatus:
        """One poll; the amplifier before the seed, as in every driver of an amplifier.

        LD-ENABLE counts as disarmed when it does not latch, and when two polls show it high though
        the seed is off, farther apart than its comparator's delay.

        Raises `DeviceFault` when a box's current limit is not what it was at `connect`,
        unless LD-ENABLE does not latch, which the status itself says. A seed's box that cannot
        be read brings a high amplifier down before that is raised.
        """
        chip = self._read_amplifier()
        output_ma = self._chip.photocurrent_ma()
        latches = self._chip.line_mode() == "PROT"
        read_s, chip_condition = self._clock(), self._chip.condition()
        chip_tripped = self._chip.line_tripped()
        # A box that was restarted as delivered is told by its mode, not by its limit.
        if latches:
            self._chip.check_limit()
        seed = self._or_down(lambda: self._poll_seed(held_to_limit=latches))
        stays_high = latches and self._stays_high(seed.on, chip_condition, read_s)
        conditions = seed.condition | chip_condition
        said = [f"seed: {text}" for text in words(seed.condition)]
        said += [f"amplifier: {text}" for text in words(chip_condition)]
        if not latches:
            said.append("amplifier: LD-ENABLE does not latch")
        elif stays_high:
            said.append(f"amplifier: LD-ENABLE is {NOT_WIRED}")
        if chip_tripped:
            said.append("amplifier: switched off by LD-ENABLE")
        elif self._chip.went_off(chip.on) and not words(chip_condition):
            said.append("amplifier: off, and not switched off from here")
        if self._seed.went_off(seed.on) and not words(seed.condition):
            said.append("seed: off, and not switched off from here")
        return AmplifierStatus(
            amplifier_on=chip.on,
            amplifier_current_set_ma=chip.current_set_ma,
            amplifier_current_ma=chip.current_ma,
            seed_on=seed.on,
            seed_current_set_ma=seed.current_set_ma,
            seed_current_ma=seed.current_ma,
            seed_power_mw=seed.power_mw,
            output_power_mw=output_ma * self._output_mw_per_ma,
            interlock_open=bool(conditions & INTERLOCK),
            emission_enabled=not conditions & KEYLOCK,
            seed_protection_armed=latches and not stays_high,
            message=", ".join(said) or "OK",
        )

    def _stays_high(self, seed_on: bool, chip_condition: int, read_s: float) -> bool:
        """Whether the line is high without a seed in this poll, and was when its comparator had
        its delay still before it. Several may poll, in several threads, one right after the other:
        `read_s` is when this one read the line (s)."""
        if seed_on or chip_condition & INHIBITED:
            self._high_since_s = None
            return False
        since_s = self._high_since_s
        if since_s is None:
            self._high_since_s = since_s = read_s
        return read_s - since_s > self._line_delay_max_s + READING_MARGIN_S

    def _poll_seed(self, held_to_limit: bool) -> _SeedPoll:
        poll = _SeedPoll(
            on=self._seed.is_on(),
            current_set_ma=self._seed.set_current_ma(),
            current_ma=self._seed.current_ma(),
            power_mw=self._seed.photocurrent_ma() * self._seed_mw_per_ma,
            condition=self._seed.condition(),
        )
        if held_to_limit:
            self._seed.check_limit()
        return poll

    # --- the boxes ---

    def _read_seed(self) -> SeedReading:
        return SeedReading(
            on=self._seed.is_on(),
            power_mw=self._seed.photocurrent_ma() * self._seed_mw_per_ma,
        )

    def _wire_of_seed(self) -> contextlib.AbstractContextManager[object]:
        return self._seed.line.lock

    def _read_seed_current_ma(self) -> float:
        return self._seed.set_current_ma()

    def _write_seed_current(self, current_ma: float) -> None:
        self._seed.put_current(current_ma)

    def _switch_seed(self, on: bool) -> None:
        if on and not self._seed.is_on():
            self._settle(self._seed)
            self._check_line_is_low()
        self._seed.switch(on)

    def _read_amplifier(self) -> AmplifierReading:
        return AmplifierReading(
            on=self._chip.is_on(),
            current_set_ma=self._chip.set_current_ma(),
            current_ma=self._chip.current_ma(),
        )

    def _write_amplifier_current(self, current_ma: float) -> None:
        self._chip.put_current(current_ma)

    def _wait_until_ready(self) -> bool:
        self._settle(self._chip)
        deadline_s = self._clock() + self._emission_timeout_s
        # The comparator may not have seen a seed yet that was switched on a moment ago.
        while self._chip.condition() & INHIBITED and self._clock() < deadline_s:
            self._check_not_stopped()
            self._sleep(POLL_S)
        return True

    def _switch_amplifier(self, on: bool) -> None:
        self._chip.switch(on)

    def _switch_amplifier_off_blindly(self) -> None:
        # Nothing more can be done from here; the caller says so.
        with contextlib.suppress(DriverError):
            self._chip.shout_off()

    def _amplifier_emits(self) -> bool:
        return self._chip.is_on()

    def _settle(self, box: ItcBox) -> None:
        """Cooler on, and its temperature in the window for a while. Raises `InterlockOpen`."""
        if not box.cooler_is_on():
            box.switch_cooler_on()
        elif not box.condition() & WINDOW_FAILURE:
            return
        started_s = self._clock()
        inside_since_s: float | None = None
        while inside_since_s is None or self._clock() - inside_since_s < self._settled_s:
            self._check_not_stopped()
            now_s = self._clock()
            if now_s - started_s > self._cooling_timeout_s:
                raise InterlockOpen(
                    self._name,
                    f"the {box.role} stays off: its temperature, {box.temperature_c():.2f} degC, "
                    f"is not in its window around {box.set_temperature_c():.2f} degC after "
                    f"{self._cooling_timeout_s:g} s",
                    "check its cooler, thermistor and set temperature at the box",
                )
            if box.condition() & WINDOW_FAILURE:
                inside_since_s = None
            elif inside_since_s is None:
                inside_since_s = now_s
            self._sleep(COOLER_POLL_S)

    # --- the guards ---

    def _check_guard(self) -> None:
        self._refuse([guard for guard in self._box_guards() if not guard.armed])

    def _check_line_is_low(self) -> None:
        """Before the seed goes on: with it on the line is high, and a wire that has broken since
        `connect` would be seen no more."""
        guard = self._line_guard()
        if guard.state == NOT_WIRED:
            self._refuse([guard])

    def _refuse(self, gaps: list[Guard]) -> None:
        """Raise `InterlockOpen` with what is missing and what to do, if anything is."""
        if gaps:
            raise InterlockOpen(
                self._name,
                "the boxes do not guard the amplifier: "
                + "; ".join(f"{guard.by}: {guard.state}" for guard in gaps),
                "; ".join(dict.fromkeys(guard.remedy for guard in gaps)),
            )

    def _box_guards(self) -> list[Guard]:
        limits = self._limits
        return [
            self._line_guard(),
            self._limit_guard(self._seed, limits.seed_current_ma.high),
            self._limit_guard(self._chip, limits.amplifier_current_ma.high),
            self._constant_current_guard(self._seed),
            self._constant_current_guard(self._chip),
        ]

    def _line_guard(self) -> Guard:
        """Armed when it latches and, while the seed is off, is low: nothing else shows a line that
        is not wired, as an open input rests high."""
        mode = self._chip.line_mode()
        state = {
            "PROT": "latches the output off",
            "ENAB": "ENAB: gives the current back by itself when the line rises",
            "OFF": "OFF: ignored by the box",
        }[mode]
        armed = mode == "PROT"
        if armed and self._line_is_high_without_seed():
            armed, state = False, NOT_WIRED
        return Guard(
            fault="seed dies by itself, computer or cable dies",
            by=LINE,
            state=state,
            armed=armed,
            remedy="wire LD-ENABLE to the seed's comparator and set OUTP:PROT:EXT:MODE PROT "
            "(docs/how-to/wire-ld-enable.md)",
        )

    def _line_is_high_without_seed(self) -> bool:
        if self._seed.is_on() or self._chip.condition() & INHIBITED:
            return False
        # A seed that was switched off a moment ago: the comparator has its delay.
        self._sleep(self._line_delay_max_s + READING_MARGIN_S)
        return not (self._seed.is_on() or self._chip.condition() & INHIBITED)

    def _limit_guard(self, box: ItcBox, allowed_ma: float) -> Guard:
        limit_ma = box.limit_ma()
        inside = limit_ma <= allowed_ma + LIMIT_ROUNDING_MA
        return Guard(
            fault="a current too high for the chip, from whatever source",
            by=f"current limit of the {box.role}'s box",
            state=f"{limit_ma:g} mA, rig file {allowed_ma:g} mA" + ("" if inside else ": above it"),
            armed=inside,
            remedy=f"lower the current limit of the {box.role}'s box at its front panel",
        )

    def _constant_current_guard(self, box: ItcBox) -> Guard:
        mode, shape = box.current_mode(), box.shape()
        return Guard(
            fault="the box itself raises the current",
            by=f"operating mode of the {box.role}'s box",
            state="constant current"
            if (mode, shape) == ("CURR", "DC")
            else f"mode {mode}, shape {shape}; needed: CURR, DC",
            armed=(mode, shape) == ("CURR", "DC"),
            remedy=f"set constant current and no pulses at the {box.role}'s box",
        )

    def _ways_to_take_seed(self, seed_current_ma: float) -> tuple[SeedTaken, ...]:
        return (
            SeedTaken("seed off", {LINE: self._line_delay_max_s}, lambda: self._switch_seed(False)),
        )

    def _trip_cause(self) -> str:
        return LINE if self._chip.line_tripped() else ""
