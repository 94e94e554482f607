"""Holds what is polled against where the run has put the rig; what moved by itself is a fault."""

import math
from collections.abc import Callable
from typing import TypeVar

from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.rig.standing import (
    amplifier_moved,
    lock_moved,
    seed_weak,
    sideband_moved,
    trap_moved,
)
from atta_daq.rig.taker import SegmentTaker
from drivers.interfaces import (
    AmplifierStatus,
    CameraStatus,
    LockStatus,
    SidebandStatus,
    TrapStatus,
)

Status = TypeVar("Status")
Place = TypeVar("Place")

PATIENCE = 2
"""Polls that must agree where a single reading is noisy: the lock, the lock line of the trap."""


class Vigilance:
    """Reads for the monitor and judges. Each instrument is read from one thread.

    A place counts only if it was the same object before and after the reading: a move that began
    or ended meanwhile leaves nothing to compare.
    """

    def __init__(self, config: RigConfig, light: LightControl, taker: SegmentTaker) -> None:
        self._config = config
        self._light = light
        self._taker = taker
        self._reasons: dict[str, str] = {}
        self._seen: dict[str, int] = {}

    def fault(self) -> str:
        """What has moved by itself; empty when everything stands."""
        return "; ".join(list(self._reasons.values()))

    def spoil(self, cause: str) -> None:
        """Flag the segment under way, however the rig stands at the next look."""
        self._taker.spoil(cause)

    def amplifier(self, read: Callable[[], AmplifierStatus]) -> AmplifierStatus:
        def judge(status: AmplifierStatus, target: ResolvedTarget) -> str:
            return seed_weak(status, self._config) or amplifier_moved(
                status, self._light.current_ma(target.power_mw)
            )

        return self._judged("amplifier", read, self._standing, judge)

    def lock(self, read: Callable[[], LockStatus]) -> LockStatus:
        def judge(status: LockStatus, target: ResolvedTarget) -> str:
            return lock_moved(status, self._light.axis.detuning_to_ratio(target.detuning_mhz))

        def patience(status: LockStatus) -> int:
            """Missing peaks are no noise; a ratio that is a little off may be."""
            return 1 if math.isnan(status.ratio) else PATIENCE

        return self._judged("lock", read, self._standing, judge, patience)

    def sideband(self, read: Callable[[], SidebandStatus]) -> SidebandStatus:
        def judge(status: SidebandStatus, target: ResolvedTarget) -> str:
            return sideband_moved(status, target, self._light)

        return self._judged("sideband", read, self._standing, judge)

    def trap(self, read: Callable[[], TrapStatus]) -> TrapStatus:
        def judge(status: TrapStatus, isotope: int) -> str:
            return trap_moved(status, self._config.trap_switch.offset_mhz(isotope))

        return self._judged(
            "trap", read, lambda: self._taker.trap.isotope, judge, lambda _status: PATIENCE
        )

    def camera(self, read: Callable[[], CameraStatus]) -> CameraStatus:
        """Frames that have ended by themselves, or come from a sensor that has warmed, are a fault
        only while they are waited for. (ADAndor reads no temperature while it acquires.)"""

        def judge(status: CameraStatus, _looking: object) -> str:
            if status.failure:
                return f"camera: {status.failure}"
            if not status.temperature_stable:
                return f"camera: the sensor is warm ({status.temperature_c:.1f} °C)"
            return ""

        def patience(status: CameraStatus) -> int:
            return 1 if status.failure else PATIENCE

        return self._judged("camera", read, lambda: self._taker.looking, judge, patience)

    def _standing(self) -> ResolvedTarget | None:
        return self._light.standing

    def _judged(
        self,
        name: str,
        read: Callable[[], Status],
        place: Callable[[], Place | None],
        judge: Callable[[Status, Place], str],
        patience: Callable[[Status], int] = lambda _status: 1,
    ) -> Status:
        before = place()
        status = read()
        reason = ""
        if before is not None and place() is before:
            reason = judge(status, before)
        self._seen[name] = self._seen.get(name, 0) + 1 if reason else 0
        if reason and self._seen[name] >= patience(status):
            self._reasons[name] = reason
        else:
            self._reasons.pop(name, None)
        return status
