"""Transfer-cavity lock by the scanning-cavity-lock firmware (INO) on an Arduino Due.

The firmware holds (t1 - t0)/(t2 - t0), mean of both ramps, at laser_set/laser_ref, both integer
microseconds; so the setpoint of the ratio moves in steps of 1/laser_ref.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, pstdev
from threading import RLock

from drivers.errors import DeviceFault, OutOfRange, Timeout
from drivers.fair_lock import FairLock
from drivers.interfaces import Identity, LockStatus, Range
from drivers.stcl_wire import ACTUATOR_MAX, Peaks, StclWire
from drivers.transport import ByteStream, SerialStream
from drivers.twice import tried_twice

_POLL_S = 0.003
_SETTLING_MEANS = 8
_CONNECT_ATTEMPTS = 3
"""An Arduino that restarts when its port is opened misses the first command; one that is slow still
has the line end in its buffer that ended whatever the last connection left, and refuses what comes
behind it."""


@dataclass(frozen=True)
class _Gains:
    proportional: int
    integral: int


class ArduinoStcl:
    """`TransferCavityLock` on a serial port or `socket://host:port`. The safe state is frozen.

    `ratio_range` are the allowed setpoints, strictly between the master peaks (0 and 1).
    `landing_tolerance` is the largest distance between setpoint and measured ratio of a lock.
    `jump_tolerance`: a ratio farther off than this is a mode hop. `spacing_tolerance`: relative
    deviation of the master spacing from `laser_ref_us`. `rail_margin`: fraction of the
    actuator's range at either end in which it counts as run out. `ramp_share`: of the converter's
    range that the ramp itself takes (`RAMP_FRAC` of the firmware); what is left of it is the cavity
    loop's. `default_gains` (proportional,
    integral) serve when the loop was found open and no earlier gains are known. `ramps` is the
    number of ramps averaged into one status; time limits are wall time.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        ratio_range: Range,
        landing_tolerance: float,
        laser_ref_us: int = 2400,
        jump_tolerance: float = 0.05,
        spacing_tolerance: float = 0.15,
        rail_margin: float = 0.05,
        ramp_share: float = 0.33,
        default_gains: tuple[int, int] = (1500, 30),
        ramps: int = 4,
        landing_timeout_s: float = 10.0,
        timeout_s: float = 0.8,
        stream: ByteStream | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0.0 < ratio_range.low < ratio_range.high < 1.0:
            raise ValueError(f"{name}: ratio_range must lie strictly between 0 and 1")
        if not 0.0 < landing_tolerance < jump_tolerance:
            raise ValueError(f"{name}: landing_tolerance must be positive, below jump_tolerance")
        if not 0.0 < ramp_share < 1.0:
            raise ValueError(f"{name}: ramp_share must lie strictly between 0 and 1")
        if ramps < 2:
            raise ValueError(f"{name}: at least 2 ramps are needed to see a change")
        self._name = name
        self._ratio_range = ratio_range
        self._landing_tolerance = landing_tolerance
        self._laser_ref_us = laser_ref_us
        self._jump_tolerance = jump_tolerance
        self._spacing_tolerance = spacing_tolerance
        self._rail_margin = rail_margin
        self._ramp_output_max = math.floor((1.0 - ramp_share) * ACTUATOR_MAX)
        """Highest word of the ramp's lowest point."""
        self._gains = _Gains(*default_gains)
        self._ramps = ramps
        self._landing_timeout_s = landing_timeout_s
        stream = stream or SerialStream(
            name, url, timeout_s=timeout_s, assert_dtr=False, sleep=sleep
        )
        self._wire = StclWire(name, stream)
        self._sleep = sleep
        self._clock = clock
        self._commands = RLock()
        """One command at a time leads the lock somewhere."""
        self._lock = FairLock()
        """Of the wire: held over exchanges that belong together, never for a whole move."""
        self._freezes = 0
        """So many since the start; a command that sees another number than when it was given is
        broken off."""
        self._way: Range | None = None
        """Ratios between start and target of the move under way."""
        self._set_us: int | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def ratio_resolution(self) -> float:
        return 1.0 / self._laser_ref_us

    def connect(self) -> Identity:
        """The firmware has no name to ask for; it is known by its answers to `Ls?` and `Lki?`."""
        with self._lock:
            for attempt in range(_CONNECT_ATTEMPTS):
                try:
                    setpoint_us = self._wire.ask_integer("Ls?")
                    break
                except (Timeout, DeviceFault):
                    if attempt == _CONNECT_ATTEMPTS - 1:
                        raise
            self._wire.ask_integer("Lki?")
            if not 0 < setpoint_us < self._laser_ref_us:
                raise DeviceFault(
                    self._name,
                    f"setpoint {setpoint_us} us is not between 0 and {self._laser_ref_us} us",
                    "check laser_ref_us in the rig file; restart the firmware",
                )
        return Identity("INO", "scanning-cavity-lock (Arduino Due)", "", "")

    def close(self) -> None:
        with self._lock:
            self._wire.close()

    def make_safe(self) -> None:
        """Frozen; a second attempt on a new line if the first fails."""
        tried_twice(self.freeze)

    def status(self) -> LockStatus:
        """Mean of the next ramps. A lost lock is a status, not an error.

        A laser on its way to another setpoint is locked, as its loop is closed.
        """
        with self._lock:
            setpoint_us = self._wire.ask_integer("Ls?")
            gains = self._read_gains()
            return self._measure(setpoint_us, gains, self._way)

    def set_ratio(self, ratio: float) -> LockStatus:
        """Move the setpoint to the nearest step, and wait until the laser has followed.

        A lock that is lost or frozen on the way is frozen before `DeviceFault` is raised, and its
        setpoint goes back to where it came from, so that `relock` finds a place that has worked.
        """
        target_us = self._checked_setpoint_us(ratio)
        given_at = self._freezes
        with self._commands:
            with self._lock:
                self._check_not_frozen_since(given_at)
                gains = self._read_gains()
                if gains.integral == 0:
                    raise DeviceFault(
                        self._name, "the lock is frozen and cannot move", "relock it first"
                    )
                start_us = self._wire.ask_integer("Ls?")
                kept_us = self._wire.ask_integer(f"Ls{target_us}")
                if kept_us != target_us:
                    raise DeviceFault(
                        self._name,
                        f"setpoint set to {target_us} us, but the firmware kept {kept_us} us",
                        "restart the firmware and connect again",
                    )
                self._set_us = target_us
                way = self._corridor(target_us, start_us)
                self._way = way
            try:
                return self._land(target_us, gains, way, given_at)
            except DeviceFault:
                with self._lock:
                    self._set_us = self._wire.ask_integer(f"Ls{start_us}")
                raise
            finally:
                self._way = None

    def freeze(self) -> None:
        """Gains to zero, integral first: the actuator stays at its integrator's value.

        A move or relock under way, and one that waits, ends with `DeviceFault`.
        """
        self._freezes += 1
        self._hold()

    def _hold(self) -> None:
        with self._lock:
            gains = self._read_gains()
            if gains.integral != 0:
                self._gains = gains
            for command, zero in (("Lki", gains.integral), ("Lkp", gains.proportional)):
                if zero != 0:
                    self._set_gain(command, 0)

    def relock(self) -> LockStatus:
        """Gains back to what they were; an output that ran to its rail is brought back first.

        From the cavity loop's rail there is no way but to another order of the master: the 84Kr
        line then stands elsewhere on the axis. Raises `DeviceFault`, frozen again, if the lock does
        not land.
        """
        given_at = self._freezes
        with self._commands:
            with self._lock:
                self._check_not_frozen_since(given_at)
                setpoint_us = self._wire.ask_integer("Ls?")
                if self._at_rail(self._wire.ask_integer("Lo?")):
                    self._wire.send("rst")
                elif self._ramp_at_rail(self._wire.ask_integer("Ro?")):
                    # Not "rst": the laser's actuator may be where it must.
                    self._wire.ask_integer(f"Ro{self._ramp_output_max // 2}")
                self._set_gain("Lkp", self._gains.proportional)
                self._set_gain("Lki", self._gains.integral)
                self._set_us = setpoint_us
            return self._land(setpoint_us, self._gains, Range(0.0, 1.0), given_at)

    # --- measuring ---

    def _land(self, target_us: int, gains: _Gains, way: Range, given_at: int) -> LockStatus:
        """Wait until the ratio is within the tolerance and no longer approaches its target.

        A ratio beside its `way` is a mode hop. Broken off by a freeze since `given_at`. The wire
        is free between two looks.
        """
        target = target_us / self._laser_ref_us
        deadline_s = self._clock() + self._landing_timeout_s
        distances: deque[float] = deque(maxlen=_SETTLING_MEANS)
        lost = 0
        while True:
            with self._lock:
                self._check_not_frozen_since(given_at)
                status = self._measure(target_us, gains)
            if not status.locked:
                distances.clear()
            else:
                distances.append(abs(status.ratio - target))
                if self._settled(distances):
                    return status
            hopped = not math.isnan(status.ratio) and status.ratio not in way
            healthy = not hopped and abs(status.actuator_fraction - 0.5) <= 0.5 - self._rail_margin
            lost = 0 if healthy else lost + 1
            late = self._clock() > deadline_s
            if lost == 2 or late:
                self._hold()
                raise DeviceFault(
                    self._name,
                    f"did not land at ratio {target:.5f}: {status.reason or 'not steady'}; "
                    "the actuator is frozen",
                    "see that the seed is on and its light reaches the cavity, then relock",
                )

    def _check_not_frozen_since(self, given_at: int) -> None:
        if self._freezes != given_at:
            # Before the setpoint goes back: the laser shall not follow it.
            self._hold()
            raise DeviceFault(
                self._name,
                "the lock was frozen meanwhile; what was asked for is broken off, the actuator "
                "holds",
                "relock it when ready",
            )

    def _settled(self, distances: deque[float]) -> bool:
        """Twice within half a step of the setpoint, or standing off it: no longer approaching.

        The second compares the older half of the means with the newer: single ones are noisy.
        """
        values = list(distances)
        if max(values[-2:]) <= 0.5 * self.ratio_resolution and len(values) >= 2:
            return True
        half = _SETTLING_MEANS // 2
        approach = fmean(values[:half]) - fmean(values[-half:])
        return len(values) == _SETTLING_MEANS and approach < 0.25 * self.ratio_resolution

    def _corridor(self, target_us: int, start_us: int) -> Range:
        low, high = sorted((target_us / self._laser_ref_us, start_us / self._laser_ref_us))
        return Range(low - self._jump_tolerance, high + self._jump_tolerance)

    def _measure(self, setpoint_us: int, gains: _Gains, way: Range | None = None) -> LockStatus:
        setpoint = setpoint_us / self._laser_ref_us
        collected = self._peaks_if_any()
        if collected is None:
            error = self._wire.error
            detail = "" if error is None else f" ({_explain(error)})"
            reason = f"no complete set of peaks{detail}"
            if self._ramp_at_rail(output := self._wire.ask_integer("Ro?")):
                reason = f"{self._ran_out(output)}; {reason}"
            return LockStatus(False, reason, math.nan, setpoint, math.nan, math.nan)
        peaks, changing = collected
        ratios = [p.ratio for p in peaks]
        status_ratio = fmean(ratios)
        last = peaks[-1]
        reason = self._loss(setpoint_us, gains, peaks, changing)
        if not reason and (way is None or status_ratio not in way):
            reason = self._off_setpoint(status_ratio, setpoint_us)
        return LockStatus(
            locked=not reason,
            reason=reason,
            ratio=status_ratio,
            ratio_setpoint=setpoint,
            ratio_rms=pstdev(ratios),
            actuator_fraction=last.laser_output / ACTUATOR_MAX,
            peaks_us=last.times_us,
        )

    def _peaks_if_any(self) -> tuple[list[Peaks], bool] | None:
        """None while peaks are missing: then 'p6' is not answered.

        If the firmware is alive behind that, it has announced why; if it has not, the answer was
        only late, and is asked for again. If it is not alive, the setpoint's query raises.
        """
        for _ in range(2):
            try:
                return self._collect_peaks()
            except Timeout:
                error = self._wire.error
                self._wire.ask_integer("Ls?")
                if error is not None:
                    self._wire.error = error
                    return None
        return None

    def _collect_peaks(self) -> tuple[list[Peaks], bool]:
        """The next ramps, and whether any two of them differ.

        An answer equal to the one before is the same ramp read twice, and is not counted.
        """
        window: deque[Peaks] = deque(maxlen=self._ramps)
        self._wire.expect_news()
        for _ in range(10 * self._ramps):
            peaks = self._wire.ask_peaks()
            if window and peaks == window[-1]:
                self._sleep(_POLL_S)
                continue
            window.append(peaks)
            if len(window) == self._ramps:
                break
        self._wire.forget_old_error()
        return list(window), len(window) > 1

    def _loss(self, setpoint_us: int, gains: _Gains, peaks: list[Peaks], changing: bool) -> str:
        """Why this is not a lock; empty if it is one, wherever its ratio lies."""
        spacing_us = fmean(p.spacing_us for p in peaks)
        if self._wire.error is not None:
            return _explain(self._wire.error)
        if gains.integral == 0:
            return "frozen: the gains are zero"
        if self._set_us is not None and setpoint_us != self._set_us:
            return f"setpoint is {setpoint_us} us instead of {self._set_us} us: firmware restarted?"
        if not changing:
            return "the peak times do not change: no ramp"
        if abs(spacing_us / self._laser_ref_us - 1.0) > self._spacing_tolerance:
            return f"master spacing {spacing_us:.0f} us, expected {self._laser_ref_us} us"
        if any(self._at_rail(p.laser_output) for p in peaks):
            return "the actuator is at the end of its range"
        if any(self._ramp_at_rail(p.ramp_output) for p in peaks):
            return self._ran_out(peaks[-1].ramp_output)
        return ""

    def _off_setpoint(self, ratio: float, setpoint_us: int) -> str:
        distance = abs(ratio - setpoint_us / self._laser_ref_us)
        if distance > self._jump_tolerance:
            return f"ratio {ratio:.4f} is far from its setpoint: mode hop?"
        if distance > self._landing_tolerance:
            return f"ratio is {distance:.1e} off its setpoint"
        return ""

    def _ran_out(self, ramp_output: int) -> str:
        return (
            f"cavity loop at its rail: the ramp's lowest point is at {ramp_output} of 0 to "
            f"{self._ramp_output_max}"
        )

    def _at_rail(self, output: int) -> bool:
        return not self._rail_margin <= output / ACTUATOR_MAX <= 1.0 - self._rail_margin

    def _ramp_at_rail(self, output: int) -> bool:
        """Without a margin: up to its end the loop holds, and the way back costs an order."""
        return not 0 < output < self._ramp_output_max

    # --- gains and setpoint ---

    def _read_gains(self) -> _Gains:
        return _Gains(self._wire.ask_integer("Lkp?"), self._wire.ask_integer("Lki?"))

    def _set_gain(self, command: str, value: int) -> None:
        self._wire.send(f"{command}{value}")
        kept = self._wire.ask_integer(f"{command}?")
        if kept != value:
            raise DeviceFault(
                self._name,
                f"gain {command} set to {value}, but the firmware kept {kept}",
                "restart the firmware and connect again",
            )

    def _checked_setpoint_us(self, ratio: float) -> int:
        if not (math.isfinite(ratio) and ratio in self._ratio_range):
            raise OutOfRange(
                self._name,
                f"ratio {ratio:g} is outside {self._ratio_range.low:g} to "
                f"{self._ratio_range.high:g}",
                "choose a frequency farther from the master peaks, or another cavity order",
            )
        return round(ratio * self._laser_ref_us)


def _explain(error: int) -> str:
    words = "see the firmware's source"
    if -16 < error <= -10:
        words = f"only {-10 - error} of 6 peaks found"  # both ramps: master, slave, master
    elif -36 < error <= -30:
        words = f"peak {-30 - error} is badly placed"
    return f"firmware error {error}: {words}"
