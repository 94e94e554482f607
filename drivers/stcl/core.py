"""The software lock as a state machine: sweeps in, two voltages out, nothing else.

    FROZEN    nothing moves until `relock`
    ACQUIRING good sweeps are awaited, the wiring is probed, the laser led to its setpoint
    MOVING    the setpoint walks, the actuator is fed forward, both loops run, landing is verified
    LOCKED    both loops run
    LOST      a loss test failed; the laser's actuator holds, the reason stands; tries again by
              itself unless the fault lies in the wiring

Cavity loop: the ramp's offset keeps m1 of the rising ramp in its place. Laser loop: the ratio, mean
of rising and falling ramp, is held at its setpoint by the laser's piezo. No loop ever moves on a
sweep that failed a test.
"""

import enum
import math
from collections import deque
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DeviceFault, OutOfRange
from drivers.interfaces import LockStatus
from drivers.stcl.loss import (
    REPEATED,
    Loss,
    Lost,
    Reference,
    masters_lost,
    sidebands_seen,
    slave_lost,
)
from drivers.stcl.regulators import Outputs, Regulators
from drivers.stcl.report import peaks_us, scatter
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import Ratio, Sweep, total_ratio
from drivers.stcl.wiring import judge_probe

FloatArray = NDArray[np.float64]
Script = Generator[None, Sweep, None]
"""Waits at each `yield` for the next sweep."""
HISTORY = 32
"""Sweeps that mean and scatter of a status are taken over."""
SILENCES = ("stale", "board")
"""Losses in which nothing was seen to move. Behind every other one laser or cavity may have changed
order; what did so unseen in a silence shows by its distance from where the actuator says."""
UNCHECKED = "the mode has not been checked since the lock was lost"
GOOD_SWEEPS = 3
PROBE_PATIENCE = 10
"""Sweeps that the probe of the wiring waits for peaks in both traces."""


class LockState(enum.Enum):
    FROZEN = "frozen"
    ACQUIRING = "acquiring"
    MOVING = "moving"
    LOCKED = "locked"
    LOST = "lost"


class LockCore:
    """One lock. Not thread-safe: its driver serialises the calls.

    `outputs` are the voltages at the start, where the hardware stands.
    """

    def __init__(
        self, settings: StclSettings, *, name: str = "lock", outputs: Outputs | None = None
    ) -> None:
        self.settings = settings
        self.name = name
        self.state = LockState.FROZEN
        self.loss: Loss | None = None
        self.mode_doubted = ""
        """Why the mode is not taken for granted; '' when it was checked."""
        self.setpoint = math.nan
        self.target = math.nan
        self.sweep: Sweep | None = None
        outputs = outputs or Outputs(0.0, settings.rest_v)
        self._regulators = Regulators(settings, outputs)
        self._reference: Reference | None = None
        self._probed = False
        self._script: Script | None = None
        self._ratios: deque[Ratio] = deque(maxlen=HISTORY)
        self._errors: deque[float] = deque(maxlen=settings.landing_sweeps)
        self._known: tuple[float, float] | None = None
        """A trusted pair of total ratio and actuator voltage."""
        self._attempts = 0
        self._lost_s = self._fresh_s = self._now_s = -math.inf

    @property
    def outputs(self) -> Outputs:
        return self._regulators.outputs

    @property
    def errors(self) -> FloatArray:
        """Ratio less its setpoint in the last sweeps at this setpoint, oldest first."""
        return np.array([ratio.mean - self.setpoint for ratio in self._ratios])

    # --- requests ---------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Hold both outputs; integrate nothing until `relock`."""
        self.state, self._script = LockState.FROZEN, None

    def relock(self, *, probe: bool = False) -> None:
        """Begin to acquire; `probe` tests the wiring again."""
        self._probed = self._probed and not probe
        self._attempts = 0
        self._acquire_from_now()

    def go_to(self, ratio: float) -> None:
        """Begin to move to a total ratio. Raises OutOfRange, and DeviceFault unless locked."""
        self.check_setpoint(ratio)
        if self.state not in (LockState.LOCKED, LockState.MOVING):
            raise DeviceFault(
                self.name, f"it is {self.state.value} and cannot move", "relock it first"
            )
        needed_v = self._regulators.laser_v + (ratio - self.setpoint) / self.settings.ratio_per_v
        low, high = self._regulators.inner_range()
        if not low <= needed_v <= high:
            raise OutOfRange(
                self.name,
                f"ratio {ratio:.4f} needs {needed_v:.2f} V on the laser's actuator, which may go "
                f"from {low:.2f} to {high:.2f} V",
                "choose a nearer frequency, or move the laser by its own piezo or current",
            )
        self.target = ratio
        self.state = LockState.MOVING
        self._script = self._move()
        next(self._script)

    def check_setpoint(self, ratio: float) -> None:
        """Raises OutOfRange beyond the rig file's range and within the margin of a master peak."""
        s = self.settings
        if not (math.isfinite(ratio) and ratio in s.ratio_range):
            raise OutOfRange(
                self.name,
                f"ratio {ratio:g} is outside {s.ratio_range.low:g} to {s.ratio_range.high:g}",
                "choose a frequency within the range of the lock",
            )
        r = ratio % s.slave_order
        if not s.master_margin <= r <= 1.0 - s.master_margin:
            raise OutOfRange(
                self.name,
                f"ratio {ratio:.4f} puts the slave at {r:.4f}, within {s.master_margin:g} of a "
                "master peak",
                "choose a frequency farther from it",
            )

    def mode_checked(self, doubt: str) -> None:
        """What a check of the mode found: '' when the laser is on the right one. A lock that was
        frozen meanwhile stays so; one that was lost meanwhile is as doubtful as before."""
        if doubt:
            self.mode_doubted = doubt
            self.lose(Loss("mode", doubt))
        elif self.state is LockState.LOCKED:
            self.mode_doubted = ""
            self._attempts = 0
            self._known = (self.setpoint, self._regulators.laser_v)

    def lose(self, loss: Loss) -> None:
        """Somebody outside knows that the lock is lost (the board is gone)."""
        if self.state is not LockState.FROZEN:
            self._lose(loss)

    # --- stepping ---------------------------------------------------------------------------------

    def step(self, sweep: Sweep | None, now_s: float) -> Outputs:
        """Take one sweep (None: there was none) at `now_s`; the voltages to put out."""
        self._now_s = now_s
        if not math.isfinite(self._fresh_s):
            self._fresh_s = now_s
        waited_s = now_s - self._fresh_s
        if (sweep is None or sweep.repeated) and waited_s > self.settings.limits.stale_s:
            self.lose(Loss("stale", f"no new sweep for {waited_s:.1f} s"))
        if sweep is None:
            return self.outputs
        if not sweep.repeated:
            self._fresh_s = sweep.taken_s
        if now_s - sweep.taken_s > self.settings.limits.stale_s:
            self.lose(Loss("stale", f"the sweep is {now_s - sweep.taken_s:.1f} s old"))
            return self.outputs
        self.sweep = sweep
        if self.state is LockState.LOST:
            self._wait_to_retry(sweep)
        elif self._script is not None:
            try:
                self._script.send(sweep)
            except Lost as lost:
                self._lose(lost.loss)
            except StopIteration:
                self._hold_from_now()
        return self.outputs

    def status(self) -> LockStatus:
        """Ratios are means of the last sweeps since the last change."""
        ratios = list(self._ratios)
        mean = sum(r.mean for r in ratios) / len(ratios) if ratios else math.nan
        low, high = self.settings.laser_v.low, self.settings.laser_v.high
        reason = self._reason()
        return LockStatus(
            locked=not reason,
            reason=reason,
            ratio=mean,
            ratio_setpoint=self.setpoint,
            ratio_rms=scatter(ratios),
            actuator_fraction=(self._regulators.laser_v - low) / (high - low),
            peaks_us=peaks_us(self.sweep, self.settings),
        )

    def _reason(self) -> str:
        # While it moves both loops are closed and every test is passed as well.
        if self.state in (LockState.LOCKED, LockState.MOVING):
            return self.mode_doubted
        if self.state is LockState.LOST and self.loss is not None:
            return f"{self.loss.kind}: {self.loss.text}"
        if self.state is LockState.FROZEN:
            return "frozen: nothing is regulated until it is relocked"
        return f"{self.state.value}" + (f" after {self.loss.kind}" if self.loss else "")

    # --- scripts ----------------------------------------------------------------------------------

    def _acquire_from_now(self) -> None:
        self.state = LockState.ACQUIRING
        self._ratios.clear()
        self._reference = None
        self._script = self._acquire()
        next(self._script)

    def _hold_from_now(self) -> None:
        self.state, self.loss = LockState.LOCKED, None
        if not self.mode_doubted:
            self._attempts = 0
        self._script = self._hold()
        next(self._script)

    def _acquire(self) -> Script:
        """Good sweeps, wiring, place of the laser, then to the setpoint."""
        if not self._probed:
            yield from self._probe()
        sweep = yield from self._good_sweep()
        ratio = self._where(sweep)
        doubt = ""
        if self._known is None:
            doubt = "the mode has not been checked since the lock was connected"
        elif abs(ratio.mean - self._expected()) > self.settings.stroke_tolerance.low:
            # The laser is not where its actuator says: at rest a diode finds its first mode.
            self._regulators.laser_v = self.settings.rest_v
            yield
            sweep = yield from self._good_sweep()
            ratio = self._where(sweep)
            doubt = "the laser came back from another mode, which has not been checked"
        elif abs(ratio.mean - self._expected()) > self.settings.limits.step_ratio:
            doubt = "the laser is not where its actuator says: the mode has not been checked"
        self.mode_doubted = self.mode_doubted or doubt
        self._reference = Reference.of(sweep)
        self.setpoint = ratio.mean
        self._regulators.reset()
        if math.isnan(self.target):
            self.target = self._allowed_near(ratio.mean)
        yield from self._walk(verify_stroke=False)

    def _probe(self) -> Script:
        """A small stroke of the actuator shows which photodiode sees what, and the polarity."""
        stroke_v = self.settings.probe_ratio / abs(self.settings.ratio_per_v)
        if self._regulators.laser_v > self.settings.rest_v:
            stroke_v = -stroke_v
        for _ in range(PROBE_PATIENCE):
            before = yield
            if before.rising.masters and before.rising.slaves:
                break
        else:
            before = yield
        if masters_lost(before, self.settings, None) is None:
            # Their peaks would pass for one another in the stroke.
            sidebands = sidebands_seen(before, self.settings)
            if sidebands is not None:
                raise Lost(sidebands)
        self._regulators.laser_v += stroke_v
        yield
        after = yield
        self._regulators.laser_v -= stroke_v
        if after.repeated:
            # It shows a laser that does not move, which would be taken for a fault of the wiring.
            raise Lost(REPEATED)
        fault = judge_probe(before, after, stroke_v, self.settings)
        if fault is not None and fault.wiring:
            raise Lost(fault)
        yield
        self._probed = fault is None

    def _good_sweep(self) -> Generator[None, Sweep, Sweep]:
        """The last of three good sweeps in a row; the cavity is centred meanwhile. A laser that
        shows no mode of its own is brought to rest once."""
        good, rested = 0, False
        loss: Loss | None = None
        left = self.settings.patience_sweeps
        while True:
            sweep = yield
            loss = masters_lost(sweep, self.settings, None)
            if loss is None:
                self._regulators.regulate_cavity(sweep)
                loss = slave_lost(sweep, self.settings, None)
            elif loss.kind == "peak count":
                self._regulators.fetch_masters(sweep)
            good = 0 if loss is not None else good + 1
            if good == GOOD_SWEEPS:
                return sweep
            left -= 1
            if loss is not None and left <= 0:
                if (
                    loss.kind == "peak count"
                    and not rested
                    and self._regulators.laser_v != self.settings.rest_v
                ):
                    rested, left = True, self.settings.patience_sweeps
                    self._regulators.laser_v = self.settings.rest_v
                    continue
                raise Lost(loss)
            if loss is not None and loss.wiring:
                raise Lost(loss)

    def _walk(self, *, verify_stroke: bool) -> Script:
        """Walk the setpoint to `target`, wait until the laser has landed there, verify it."""
        s = self.settings
        change = self.target - self.setpoint
        start_v = self._regulators.laser_v
        # The sweep that comes next was begun before the first step can be put out.
        sweep = yield
        self._regulate(sweep, s.limits.jump_ratio)
        self._ratios.clear()
        while self.setpoint != self.target:
            left = self.target - self.setpoint
            step = left if abs(left) <= s.longest_step else math.copysign(s.longest_step, left)
            self.setpoint = self.target if step == left else self.setpoint + step
            self._regulators.set_laser(self._regulators.laser_v + step / s.ratio_per_v)
            sweep = yield
            self._regulate(sweep, s.limits.jump_ratio + s.stroke_tolerance.high * abs(step))
        self._errors.clear()
        for _ in range(s.patience_sweeps):
            sweep = yield
            self._regulate(sweep, s.limits.jump_ratio)
            landed = len(self._errors) == s.landing_sweeps
            if landed and abs(sum(self._errors) / len(self._errors)) < s.landing_tolerance:
                break
        else:
            raise Lost(Loss("landing", f"the laser does not settle at ratio {self.target:.4f}"))
        stroke = (self._regulators.laser_v - start_v) * s.ratio_per_v
        allowed = s.stroke_tolerance.low + s.stroke_tolerance.high * abs(change)
        if verify_stroke and abs(stroke - change) > allowed:
            self.mode_doubted = (
                f"the actuator moved by {stroke:.3f} in ratio for a jump of {change:.3f}: mode hop?"
            )
            raise Lost(Loss("jump", self.mode_doubted))
        # Means of a status begin where the laser has landed.
        self._ratios = deque(list(self._ratios)[-s.landing_sweeps :], maxlen=HISTORY)
        self._regulators.reset()

    def _move(self) -> Script:
        yield from self._walk(verify_stroke=True)

    def _hold(self) -> Script:
        while True:
            sweep = yield
            self._regulate(sweep, self.settings.limits.jump_ratio, held=True)

    # --- loops ------------------------------------------------------------------------------------

    def _regulate(self, sweep: Sweep, jump_ratio: float, *, held: bool = False) -> None:
        """One step of both loops; `held`: at a setpoint where the laser has landed. Raises Lost
        before either moves on a bad sweep."""
        s = self.settings
        loss = masters_lost(sweep, s, self._reference)
        if loss is not None:
            raise Lost(loss)
        moved = self._regulators.m1_off(sweep)
        if self._reference is not None and abs(moved) > s.limits.cavity_jump:
            raise Lost(Loss("cavity jump", f"m1 stands {moved:+.3f} of the ramp off its place"))
        loss = slave_lost(sweep, s, self._reference)
        if loss is not None:
            raise Lost(loss)
        ratio = total_ratio(sweep, self.setpoint, s.slave_order)
        error = ratio.mean - self.setpoint
        if abs(error) > jump_ratio:
            raise Lost(
                Loss("jump", f"the ratio jumped to {error:+.4f} off its setpoint: mode hop?")
            )
        if held and abs(error - self._errors[-1]) > s.limits.step_ratio:
            raise Lost(
                Loss(
                    "jump",
                    f"the ratio stepped by {error - self._errors[-1]:+.4f} from one sweep to the "
                    "next: mode hop, or the cavity on another order of the master?",
                )
            )
        self._regulators.check_rail()
        self._regulators.regulate_cavity(sweep)
        self._regulators.regulate_laser(error)
        self._errors.append(error)
        self._ratios.append(ratio)
        if self.state is LockState.LOCKED and not self.mode_doubted:
            self._known = (self.setpoint, self._regulators.laser_v)

    # --- where the laser is -----------------------------------------------------------------------

    def _expected(self) -> float:
        """Total ratio by the actuator's voltage and the last trusted pair; without one a laser at
        rest is taken to lie in order 0."""
        ratio, volts = self._known or (0.5, self.settings.rest_v)
        return ratio + (self._regulators.laser_v - volts) * self.settings.ratio_per_v

    def _where(self, sweep: Sweep) -> Ratio:
        return total_ratio(sweep, self._expected(), self.settings.slave_order)

    def _allowed_near(self, ratio: float) -> float:
        """`ratio`, or the nearest setpoint outside the margin of a master peak."""
        s = self.settings
        order = math.floor(ratio / s.slave_order) * s.slave_order
        # Well inside the margin, so that rounding cannot refuse it.
        low, high = s.master_margin + 1e-6, 1.0 - s.master_margin - 1e-6
        return order + min(max(ratio - order, low), high)

    # --- loss -------------------------------------------------------------------------------------

    def _lose(self, loss: Loss) -> None:
        self.state, self.loss, self._script = LockState.LOST, loss, None
        self._lost_s = self._now_s
        if loss.wiring or loss.kind in ("peak count", "master spacing", "jump"):
            # Perhaps somebody was at the cables.
            self._probed = False
        if loss.kind not in SILENCES:
            self.mode_doubted = self.mode_doubted or UNCHECKED

    def _wait_to_retry(self, sweep: Sweep) -> None:
        """The cavity is kept in its place on good master peaks; then another attempt."""
        s = self.settings
        if masters_lost(sweep, s, self._reference) is None:
            moved = self._regulators.m1_off(sweep)
            if abs(moved) < s.limits.cavity_jump:
                try:
                    self._regulators.regulate_cavity(sweep)
                except Lost as lost:
                    self.loss = lost.loss
        if (self.loss is not None and self.loss.wiring) or not s.auto_relock:
            return
        if self._attempts < s.relock_attempts and self._now_s - self._lost_s >= s.relock_wait_s:
            self._attempts += 1
            self._acquire_from_now()
