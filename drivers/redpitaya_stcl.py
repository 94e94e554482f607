"""Transfer-cavity lock in software, over a Red Pitaya as digitiser.

A thread of its own records, regulates and answers for the lock, as fast as the board's SCPI server
lets it (5 to 20 sweeps a second on a real one). Nobody else talks to the board, so commands of the
station cannot break into a record: they change the lock between two sweeps.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DeviceFault, DriverError
from drivers.interfaces import CavityTraces, Identity, LockStatus, ModeCheck
from drivers.stcl.core import LockCore, LockState
from drivers.stcl.loop import LockLoop
from drivers.stcl.loss import Loss
from drivers.stcl.peaks import compile_fits
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import FALLING_FROM, RISING_FROM, ScanTraces, Sweep
from drivers.stcl_board import StclBoard

_log = logging.getLogger(__name__)

TRACE_POINTS = 1000
CHECK_AGAIN_S = 10.0
"""Wall time after a check of the mode that could not be made (the cell is silent) until the next:
each leads the laser away from where it stands."""
RETRY_S = 1.0
"""Wall time between two attempts to reach a board that does not answer."""


class RedPitayaStcl:
    """`TransferCavityLock`, `CavityScope` and `ModeChecked` on one board.

    The safe state is frozen: the laser's voltage stays. `rate_hz` is the highest rate of sweeps.
    Give `mode_check` to have the mode checked after each relock; without one a lock that comes
    back by itself from what may have been a mode hop does not call itself locked until somebody
    relocks it. Times are wall time.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        settings: StclSettings | None = None,
        *,
        rate_hz: float = 20.0,
        landing_timeout_s: float = 15.0,
        timeout_s: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or StclSettings()
        self.mode_check: ModeCheck | None = None
        self._name = name
        self._board = StclBoard(name, resource, self.settings, timeout_s=timeout_s)
        self._monotonic = monotonic
        self._period_s = 1.0 / rate_hz
        self._landing_timeout_s = landing_timeout_s
        self._changed = threading.Condition()
        """Guards the core; told after each sweep."""
        self._command = threading.RLock()
        """One command at a time leads the lock somewhere."""
        self._freezes = 0
        """So many since the start; a command that waited over one does not begin."""
        self._core = LockCore(self.settings, name=name)
        self._loop = LockLoop(self._core, self._board, monotonic, self._changed)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._checker: threading.Thread | None = None
        self._next_check_s = -math.inf
        self._fault: DriverError | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def ratio_resolution(self) -> float:
        """One step of the 14-bit converter on the laser's actuator."""
        return abs(self.settings.ratio_per_v) / 8192.0

    def connect(self) -> Identity:
        """Open the line, take over the voltages that the board puts out, start the thread. A lock
        that nobody asked to close stays frozen."""
        with self._command:
            if self._thread is not None and self._thread.is_alive():
                if self._fault is not None:
                    raise self._fault
                return self._identity
            compile_fits()
            self._identity = self._board.connect()
            standing = self._board.standing()
            outputs = standing or self._core.outputs
            self._core = LockCore(self.settings, name=self._name, outputs=outputs)
            self._board.prepare(outputs)
            self._loop = LockLoop(self._core, self._board, self._monotonic, self._changed)
            self._fault = None
            self._stop.clear()
            self._thread = threading.Thread(
                target=self._run, name=f"{self._name} loop", daemon=True
            )
            self._thread.start()
        return self._identity

    def close(self) -> None:
        """End the thread and release the line; the board's outputs stay where they are."""
        self._stop.set()
        for thread in (self._thread, self._checker):
            if thread is not None and thread is not threading.current_thread():
                thread.join(timeout=5.0)
        self._thread = None
        self._board.line.close()

    def make_safe(self) -> None:
        self.freeze()

    def freeze(self) -> None:
        """Hold both outputs from now on.

        A move or relock under way, and one that waits, ends with `DeviceFault`.
        """
        with self._changed:
            self._freezes += 1
            self._core.freeze()
            self._changed.notify_all()

    def status(self) -> LockStatus:
        """What the last sweeps say. Raises what the board's line said last when it is silent."""
        with self._changed:
            self._require_board()
            return self._core.status()

    def traces(self) -> CavityTraces | None:
        """Both photodiodes of the last sweep, thinned, with the fitted peaks."""
        with self._changed:
            traces, sweep, errors = self._loop.traces, self._core.sweep, self._core.errors
        if traces is None or sweep is None:
            return None
        return _thinned(traces, sweep, self.settings, errors)

    def set_ratio(self, ratio: float) -> LockStatus:
        """Move to a total ratio, also across an order, and wait until the laser has landed there.

        Raises OutOfRange before anything moves, DeviceFault when the lock is open, lost on the way
        or does not land; its setpoint then goes back to where it came from.
        """
        given_at = self._freezes
        with self._command:
            self._check_not_frozen_since(given_at)
            return self._go_to(ratio)

    def relock(self) -> LockStatus:
        """Acquire, probe the wiring, lead the laser to its setpoint, check its mode.

        Raises DeviceFault with the reason, the actuator held, when one of these fails.
        """
        given_at = self._freezes
        with self._command:
            with self._changed:
                self._check_not_frozen_since(given_at)
                self._require_board()
                self._core.relock(probe=True)
            self._await_landing("relock")
            self._check_mode()
            return self.status()

    # --- commands ---------------------------------------------------------------------------------

    def _check_not_frozen_since(self, given_at: int) -> None:
        if self._freezes != given_at:
            raise DeviceFault(
                self._name,
                "the lock was frozen meanwhile; what waited is not begun, the actuator holds",
                "relock it when ready",
            )

    def _go_to(self, ratio: float) -> LockStatus:
        with self._changed:
            self._core.check_setpoint(ratio)
            self._require_board()
            former = self._core.target
            self._core.go_to(ratio)
        try:
            self._await_landing(f"ratio {ratio:.5f}")
        except DriverError:
            with self._changed:
                self._core.target = former
            raise
        with self._changed:
            return self._core.status()

    def _await_landing(self, what: str) -> None:
        """Until the core is locked. Raises DeviceFault when it is lost, frozen or too late."""
        deadline_s = self._monotonic() + self._landing_timeout_s
        with self._changed:
            while True:
                self._require_board()
                state, loss = self._core.state, self._core.loss
                if state is LockState.LOCKED:
                    return
                if state is LockState.LOST and loss is not None:
                    reason = f"{loss.kind}: {loss.text}"
                    break
                if state is LockState.FROZEN:
                    reason = "the lock was frozen meanwhile"
                    break
                if self._monotonic() > deadline_s or self._stop.is_set():
                    reason = f"still {state.value} after {self._landing_timeout_s:g} s"
                    self._core.freeze()
                    break
                self._changed.wait(0.2)
        raise DeviceFault(
            self._name,
            f"did not land at {what}: {reason}; the actuator holds",
            "see that seed and master reach the cavity, then relock",
        )

    def _check_mode(self) -> None:
        """Ask the reference cell, go back to the target, also from a check that could not be made.

        Raises DeviceFault on a wrong mode, and what the check raises.
        """
        check = self.mode_check
        with self._changed:
            target = self._core.target
            doubted = bool(self._core.mode_doubted)
        if not doubted:
            return
        doubt = ""
        try:
            if check is not None:
                doubt = check(self._go_to)
                if not doubt:
                    self._go_to(target)
        except DriverError:
            # The failure of the check is what is told; a lock that is open has no way back.
            with contextlib.suppress(DriverError):
                self._go_to(target)
            raise
        finally:
            with self._changed:
                self._core.target = target
        with self._changed:
            self._core.mode_checked(doubt)
        if doubt:
            raise DeviceFault(
                self._name, f"the laser is on a wrong mode: {doubt}", "turn its current, relock"
            )

    def _check_by_itself(self) -> None:
        """After the core relocked without being asked."""
        with self._command, contextlib.suppress(DriverError):
            # A failure stands in the core's own reason, and another attempt follows.
            self._next_check_s = self._monotonic() + CHECK_AGAIN_S
            self._check_mode()
            self._next_check_s = -math.inf

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        """The thread. Whatever ends it but `close` is a fault: a lock that nobody regulates any
        more must not go on telling what it was."""
        try:
            self._regulate()
        except Exception as error:
            _log.exception("%s: the loop of the lock has ended", self._name)
            with self._changed:
                self._fault = self._ended(f": {error!r}")
                self._core.lose(Loss("loop", self._fault.reason))
                self._changed.notify_all()

    def _ended(self, why: str = "") -> DeviceFault:
        return DeviceFault(
            self._name,
            f"its loop has ended by a fault of the program{why}; nothing is regulated",
            "connect it again and relock; keep the station's log",
        )

    def _regulate(self) -> None:
        while not self._stop.is_set():
            begun_s = self._monotonic()
            try:
                if self._fault is not None:
                    self._reach_again()
                self._loop.run_once()
            except DriverError as error:
                with self._changed:
                    self._fault = error
                    self._core.lose(Loss("board", f"the digitiser is gone: {error.reason}"))
                    self._changed.notify_all()
                self._stop.wait(RETRY_S)
                continue
            with self._changed:
                self._changed.notify_all()
                doubted = self._core.state is LockState.LOCKED and self._core.mode_doubted
            if doubted and self.mode_check is not None:
                self._start_check()
            self._stop.wait(max(0.0, self._period_s - (self._monotonic() - begun_s)))

    def _start_check(self) -> None:
        """In a thread beside, since a check moves the lock and waits for it. One at a time; while
        a command runs it does the checking itself."""
        if self._checker is not None and self._checker.is_alive():
            return
        if self._monotonic() < self._next_check_s:
            return
        if not self._command.acquire(blocking=False):
            return
        self._command.release()
        self._checker = threading.Thread(
            target=self._check_by_itself, name=f"{self._name} mode check", daemon=True
        )
        self._checker.start()

    def _reach_again(self) -> None:
        """The board answers again: after a restart its outputs are off and are put out anew, which
        moves the laser; the mode is then checked."""
        standing = self._board.standing()
        outputs = self._core.outputs
        self._board.prepare(outputs)
        with self._changed:
            self._loop.restart(outputs)
            if standing is None:
                self._core.lose(
                    Loss("board", "the board was restarted, the laser's voltage was off")
                )
                self._core.mode_doubted = "the mode has not been checked since the board's restart"
            self._fault = None

    def _require_board(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._thread is None:
            raise DeviceFault(self._name, "not connected", "connect it first")
        if not self._thread.is_alive():
            raise self._ended()


def _thinned(
    traces: ScanTraces, sweep: Sweep, settings: StclSettings, errors: NDArray[np.float64]
) -> CavityTraces:
    step = -(-traces.master_v.size // TRACE_POINTS)
    n = traces.master_v.size // step
    half_us = 0.5e6 / settings.ramp_hz
    times_us: NDArray[np.float64] = step * np.arange(n, dtype=np.float64) + 0.5 * (step - 1)
    times_us *= 1e6 * traces.dt_s

    def highest(volts: NDArray[np.float64]) -> NDArray[np.float64]:
        return volts[: n * step].reshape(n, step).max(axis=1)

    def placed(kind: str) -> tuple[float, ...]:
        falling = [
            (2.0 * FALLING_FROM + 1.0 - peak.position) * half_us
            for peak in getattr(sweep.falling, kind)
        ]
        rising = [
            (2.0 * RISING_FROM + peak.position) * half_us for peak in getattr(sweep.rising, kind)
        ]
        return tuple(sorted(falling + rising))

    return CavityTraces(
        times_us=times_us,
        master_v=highest(traces.master_v),
        slave_v=highest(traces.slave_v),
        master_peaks_us=placed("masters"),
        slave_peaks_us=placed("slaves"),
        errors=errors,
    )
