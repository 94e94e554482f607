"""The recipes of this program: what a run does by itself about a fault, in the order of the tries.

The order is that of switching the rig on: who does not answer, what only the lab can mend, seed,
lock, amplifier, camera, trap, and last whether the source loads.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from atta_daq.analysis.records import SegmentKind
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.loading_floor import LoadingFloor
from atta_daq.rig.mode_check import checked_by_itself, mode_check
from atta_daq.rig.recipes import Recipe
from atta_daq.rig.standing import camera_warm, seed_weak
from atta_daq.rig.taker import Place, SegmentTaker
from atta_daq.scans.blocks import PlannedSegment, Target
from drivers.errors import DeviceFault, InterlockOpen
from drivers.interfaces import CooledCamera, LockStatus

HOUR_S = 3600.0
CONNECTING_PAUSES_S = (0.0, 2.0, 2.0, 5.0, 10.0)
"""An instrument that is connected again is no longer silent once it was polled."""
COOLING_PAUSES_S = (0.0, 60.0)
"""A cooler that was told to cool needs minutes: nothing is gained by telling it again soon."""
LOADING_PAUSES_S = (0.0, 2.0, 5.0, 10.0, 30.0)
_DOUBT = re.compile(r"\b(lock|seed)\b")
"""Causes after which the lock may hold another mode, though it says that it is locked."""


@dataclass(frozen=True)
class Obstacles:
    """What the station knows to be in the way of a run now."""

    silent: Callable[[], Mapping[str, str]] = dict
    """Instruments that a run needs and that do not answer, each with its error."""
    alarms: Callable[[], str] = lambda: ""
    """What only the lab can mend: slow control, the disk; '' for nothing."""
    look_again: Callable[[str], None] = lambda _name: None
    """Look at an instrument at once, however long it has been silent."""
    restarts_s: list[float] = field(default_factory=list)
    """Rig times at which runs of this station switched the amplifier on again."""


class Cures:
    """The recipes of one run. `rare`: it counts atoms, and needs a cold camera."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        taker: SegmentTaker,
        clock: RigClock,
        obstacles: Obstacles,
        floor: LoadingFloor,
        rare: bool,
        ending: Callable[[], str] = lambda: "",
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`ending`: why the run ends and nothing more is to be tried; '' while it does not.
        `say` is told what the operator must know although the run goes on."""
        self._rig = instruments
        self._config = config
        self._light = light
        self._taker = taker
        self._clock = clock
        self._obstacles = obstacles
        self._floor = floor
        self._rare = rare
        self._ending = ending
        self._mode_doubted = ""
        # One for the run: it remembers where it saw the line.
        self._check = mode_check(
            instruments, config, lambda: light.axis, lambda text: say(f"lock: {text}")
        )
        self._cell_failed = ""
        self._stalled = ""
        self._to_set = False
        self._probes = 0

    def recipes(self) -> tuple[Recipe, ...]:
        """In the order in which they are tried."""
        return (
            Recipe(
                "reconnect", "an instrument that does not answer", self._silent, self._reconnect,
                pauses_s=CONNECTING_PAUSES_S,
            ),
            Recipe(
                "reach the reference cell", "a zeroing in which the cell failed",
                lambda: self._cell_failed, self._reach_cell, begin=self._note_cell,
                pauses_s=CONNECTING_PAUSES_S,
            ),
            Recipe("wait", "an alarm of the slow control, a full disk", self._obstacles.alarms),
            Recipe(
                "switch the seed on", "a seed that is off", self._seed_wrong, self._seed_on,
                self._seed_barred,
            ),
            Recipe(
                "relock and verify the mode", "a lock that was lost", self._lock_wrong,
                self._relock, begin=self._doubt,
            ),
            Recipe(
                "switch the amplifier on", "an amplifier that went off by itself",
                self._amplifier_wrong, self._amplifier_on, self._amplifier_barred,
            ),
            Recipe(
                "restart the camera", "a camera that stalled or stopped by itself",
                lambda: self._stalled, self._restart_camera, begin=self._note_stall,
            ),
            Recipe(
                "set trap and camera anew", "a box that lost its settings",
                self._settings_wrong, self._set_anew, begin=self._settings_lost, routine=True,
            ),
            Recipe(
                "cool the camera", "a camera that is warm", self._camera_wrong, self._cool,
                pauses_s=COOLING_PAUSES_S,
            ),
            Recipe(
                "measure the loading", "a source that loads too little",
                lambda: self._floor.low, self._measure_loading, pauses_s=LOADING_PAUSES_S,
            ),
        )  # fmt: skip

    # --- connections ------------------------------------------------------------------------------

    def _silent(self) -> str:
        return "; ".join(self._obstacles.silent().values())

    def _reconnect(self) -> None:
        silent = self._obstacles.silent()
        for instrument in self._rig:
            if instrument.name in silent:
                instrument.connect()
                self._obstacles.look_again(instrument.name)

    def _note_cell(self, cause: str) -> None:
        """A segment does not need the cell: what begins with its name is of a zeroing."""
        self._cell_failed = cause if cause.startswith(f"{self._rig.reference_cell.name}:") else ""

    def _reach_cell(self) -> None:
        """A record that comes: the zeroing is tried again when it can do better than before."""
        cell = self._rig.reference_cell
        cell.connect()
        cell.read_signal(self._config.reference_cell.read_s)
        self._cell_failed = ""

    # --- light ------------------------------------------------------------------------------------

    def _seed_wrong(self) -> str:
        status = self._rig.amplifier.status()
        if closed := self._box_closed():
            return closed
        if not status.seed_on:
            return "amplifier: the seed is off"
        return seed_weak(status, self._config)

    def _seed_barred(self) -> str:
        if closed := self._box_closed():
            return closed
        if self._rig.amplifier.status().seed_on:
            return "the seed is on: see to its current, its temperature and its way to the chip"
        return ""

    def _seed_on(self) -> None:
        amplifier = self._rig.amplifier
        amplifier.set_seed_current(self._config.amplifier.seed_operating_ma)
        amplifier.seed_on()

    def _box_closed(self) -> str:
        """What a hand at the box must undo."""
        status = self._rig.amplifier.status()
        if status.interlock_open:
            return "amplifier: its interlock is open; close it at the box"
        if not status.emission_enabled:
            return "amplifier: key or emission button is off; switch it on at the box"
        return ""

    def _amplifier_wrong(self) -> str:
        status = self._rig.amplifier.status()
        if status.amplifier_on:
            return ""
        said = f" (the box says: {status.message})" if status.message else ""
        return f"amplifier: it is off{said}"

    def _amplifier_barred(self) -> str:
        if not self._rig.amplifier.status().seed_protection_armed:
            return (
                "its box does not guard it against missing seed: arm that at the box "
                "(`atta-daq protection` names what is missing)"
            )
        most = self._config.faults.amplifier_restarts_per_h
        now_s = self._clock.now_s()
        recent = [t for t in self._obstacles.restarts_s if now_s - t < HOUR_S]
        if len(recent) < most:
            return ""
        return (
            f"it was switched on again {len(recent)} times within an hour, as often as "
            "faults.amplifier_restarts_per_h allows: see why it goes off"
        )

    def _amplifier_on(self) -> None:
        """The driver asks for a verified seed; here it must also be above its floor now."""
        status = self._rig.amplifier.status()
        if weak := seed_weak(status, self._config):
            raise DeviceFault("amplifier", weak.removeprefix("amplifier: "), "wait for the seed")
        restarts_s = self._obstacles.restarts_s
        restarts_s.append(self._clock.now_s())
        try:
            self._rig.amplifier.amplifier_on()
        except InterlockOpen:
            # Refused before it was switched on, as often as a hand at the box is waited for.
            restarts_s.pop()
            raise

    # --- lock -------------------------------------------------------------------------------------

    def _doubt(self, cause: str) -> None:
        self._light.forget()
        if _DOUBT.search(cause):
            self._mode_doubted = "lock: its mode is to be verified"

    def _lock_wrong(self) -> str:
        status = self._rig.lock.status()
        if not status.locked:
            self._mode_doubted = "lock: its mode is to be verified"
            return f"lock lost: {status.reason}"
        return self._mode_doubted

    def _relock(self) -> None:
        lock = self._rig.lock
        if not lock.status().locked:
            lock.relock()
        elif checked_by_itself(lock):
            # It calls itself locked only after it has looked at the cell.
            self._mode_doubted = ""
            return
        if not checked_by_itself(lock):
            self._light.zeroing = True
            try:
                wrong = self._check(self._go_to)
            finally:
                self._light.zeroing = False
            if wrong:
                raise DeviceFault("lock", wrong, "bring the laser back to its mode, then relock")
        self._mode_doubted = ""

    def _go_to(self, ratio: float) -> LockStatus:
        """The check takes seconds: a run that is to end does not wait for it."""
        if reason := self._ending():
            raise DeviceFault("lock", f"its mode is not verified: {reason}", "")
        return self._rig.lock.set_ratio(ratio)

    # --- camera -----------------------------------------------------------------------------------

    def _note_stall(self, cause: str) -> None:
        if cause.startswith("camera stalled"):
            self._stalled = cause

    def _restart_camera(self) -> None:
        """Dark, its connection looked at, its settings sent again; back is what shows a frame."""
        camera = self._rig.camera
        camera.make_safe()
        camera.connect()
        self._taker.configure_camera()
        self._taker.require_frame(self._ending)
        self._stalled = ""

    def _camera_wrong(self) -> str:
        return camera_warm(self._rig.camera.status()) if self._rare else ""

    def _cool(self) -> None:
        camera = self._rig.camera
        if isinstance(camera, CooledCamera):
            camera.cool()

    # --- settings ---------------------------------------------------------------------------------

    def _settings_lost(self, _cause: str) -> None:
        """A wait may last all night: nobody looks, so the sensor is dark meanwhile."""
        self._to_set = True
        # One that is silent is made dark as soon as it answers again (`CameraWatch.returned`).
        if self._rig.camera.name not in self._obstacles.silent():
            self._rig.darken_camera()

    def _settings_wrong(self) -> str:
        return "trap and camera may have lost their settings" if self._to_set else ""

    def _set_anew(self) -> None:
        self._taker.trap.start()
        self._taker.configure_camera()
        self._to_set = False

    # --- source -----------------------------------------------------------------------------------

    def _measure_loading(self) -> None:
        """The measurement that was too low, taken again; no segment of the run."""
        kind = self._floor.low_kind
        isotope = 84 if kind is SegmentKind.LOADING_84 else 83
        planned = PlannedSegment(kind, isotope, False, None, Target(), None, None, bracket=True)
        self._probes += 1
        segment = self._taker.take(planned, Place("", -1, self._probes, -1), self._ending)
        if segment.flag:
            raise DeviceFault("source", segment.flag, "")
