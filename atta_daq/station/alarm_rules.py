"""When the station raises an alarm: conditions on what it reads of the rig."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atta_daq.rig.config import RigConfig
from atta_daq.station.alarms import Alarms, Cause

Read = Callable[[str], Any]
"""The value of a reading; None while it is stale or has never been read."""

HOLD_S = 2.0
"""An alarm is over when its cause has been away so long (wall time)."""
LOCK_LOST_S = 2.0
"""A move of the light opens the lock for a moment."""
TRAP_UNLOCKED_S = 5.0
"""The trap lasers are unlocked for a moment at every switch of the isotope."""
SEED_WEAK_S = 2.0
"""A seed diode that was just switched on has no power yet."""
OUTPUT_MISSING_S = 5.0
"""A ramp moves the current before the power is read."""
OUTPUT_SHARE = 0.5
"""Of the power that the current has been calibrated to give; less is no drift."""
UNLOCKED_S = 2.0
"""A synthesiser settles for a moment after a step."""
POWERS_DIFFER_S = 3.0
"""Meter and monitor are not read at the same instant: a ramp lies between them."""
RUN_WAITS_S = 60.0
"""A recipe that helps has helped by then."""
DISK_CHECK_S = 10.0
DISK_LEFT_BYTES = 5_000_000_000
"""A night of frames of the region of interest."""


@dataclass(frozen=True)
class Rule:
    """A condition that must hold for `after_s` before it counts."""

    id: str
    cause: Callable[[Read], Cause | None]
    after_s: float = 0.0


def rules(config: RigConfig) -> tuple[Rule, ...]:
    """The conditions of one rig."""
    return (
        Rule("lock", _lock_lost, LOCK_LOST_S),
        Rule("amplifier:interlock", _interlock),
        Rule("amplifier:protection", _disarmed),
        Rule("amplifier:seed", lambda read: _seed_weak(read, config), SEED_WEAK_S),
        Rule("amplifier:output", lambda read: _output_missing(read, config), OUTPUT_MISSING_S),
        Rule("camera:warm", _camera_warm),
        Rule("trap:unlocked", _trap_unlocked, TRAP_UNLOCKED_S),
        Rule("sideband:unlocked", _synthesiser_unlocked, UNLOCKED_S),
        Rule("run:waiting", _run_waits, RUN_WAITS_S),
        Rule("power_meter:overrange", _over_range, POWERS_DIFFER_S),
        Rule("power_meter:disagreement", lambda read: _differ(read, config), POWERS_DIFFER_S),
    )


def _lock_lost(read: Read) -> Cause | None:
    # Without the seed's light there is nothing to lock.
    if read("lock:locked") is not False or not read("amplifier:seed_on"):
        return None
    reason = read("lock:reason")
    return Cause("lock", "lock", f"the 819-nm lock is open{f': {reason}' if reason else ''}")


def _interlock(read: Read) -> Cause | None:
    if not read("amplifier:interlock_open"):
        return None
    return Cause("amplifier:interlock", "amplifier", "the interlock of the laser head is open")


def _disarmed(read: Read) -> Cause | None:
    if read("amplifier:protected") is not False:
        return None
    says = read("amplifier:health") or "OK"
    return Cause(
        "amplifier:protection",
        "amplifier",
        "the box's own protection against missing seed is disarmed; arm it at the box"
        + (f" (it says: {says})" if says != "OK" else ""),
    )


def _seed_weak(read: Read, config: RigConfig) -> Cause | None:
    power, least = read("amplifier:seed_power"), config.amplifier.seed_power_min_mw
    if not read("amplifier:seed_on") or power is None or power >= least:
        return None
    return Cause(
        "amplifier:seed",
        "amplifier",
        f"the seed is on and gives less than {least:g} mW at the amplifier",
        "major" if read("amplifier:on") else "minor",
    )


def _output_missing(read: Read, config: RigConfig) -> Cause | None:
    current, power = read("amplifier:current"), read("light:power")
    if not read("amplifier:on") or current is None or power is None:
        return None
    fibre = config.calibrations.fibre_power
    expected = (current - fibre.threshold_ma) * fibre.slope_mw_per_ma
    # Near its threshold the calibration says little.
    if expected < 0.1 * fibre.full_power_mw or power >= OUTPUT_SHARE * expected:
        return None
    return Cause(
        "amplifier:output",
        "amplifier",
        f"less than half of the power that {current:.0f} mA should give: {power:.0f} mW instead "
        f"of {expected:.0f} mW. The amplifier may be damaged, or its photodiode is not connected; "
        "press STOP, and look at both before the light comes on again",
        "major",
    )


def _camera_warm(read: Read) -> Cause | None:
    if read("camera:stable") is not False:
        return None
    return Cause("camera:warm", "camera", "the sensor is not at its temperature", "minor")


def _trap_unlocked(read: Read) -> Cause | None:
    if read("trap:locked") is not False:
        return None
    return Cause("trap:unlocked", "trap_switch", "a trap laser is not locked")


def _synthesiser_unlocked(read: Read) -> Cause | None:
    if read("sideband:locked") is not False or not read("sideband:on"):
        return None
    text = "the synthesiser of the sideband generator is not locked; check its reference input"
    return Cause("sideband:unlocked", "sideband", text)


def _run_waits(read: Read) -> Cause | None:
    reason = read("run:suspended")
    return Cause("run:waiting", "run", f"the run waits: {reason}", "major") if reason else None


def _over_range(read: Read) -> Cause | None:
    if not read("power_meter:overrange"):
        return None
    text = "more light than the head of the power meter takes; check the pick-off"
    return Cause("power_meter:overrange", "power_meter", text, "minor")


def _differ(read: Read, config: RigConfig) -> Cause | None:
    difference, meter = read("power_meter:disagreement"), config.power_meter
    if difference is None or meter is None or abs(difference) <= meter.disagreement:
        return None
    what = "more" if difference > 0.0 else "less"
    return Cause(
        "power_meter:disagreement",
        "power_meter",
        f"the power meter tells more than {100.0 * meter.disagreement:g} % {what} power at the "
        "source than the amplifier's monitor: check fibre coupling, monitor and pick-off, then "
        "calibrations.fibre_power",
    )


class AlarmWatch:
    """Looks at the rules a few times a second. `step` is called from one thread."""

    def __init__(
        self,
        alarms: Alarms,
        config: RigConfig,
        read: Read,
        silent: Callable[[], Mapping[str, str]],
        data: Path,
        *,
        more: Callable[[], Iterable[Cause]] = tuple,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`silent`: instruments that do not answer, each with its error; `more`: what else is
        wrong now, found by others."""
        self._alarms = alarms
        self._rules = rules(config)
        self._read = read
        self._silent = silent
        self._data = data
        self._more = more
        self._free_bytes = free_bytes
        self._now = now
        self._since: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._disk_s = float("-inf")

    def step(self) -> None:
        """Raise what is wrong now, clear what has been well for a while."""
        now = self._now()
        for rule in self._rules:
            cause = rule.cause(self._read)
            if cause is None:
                self._since.pop(rule.id, None)
            elif now - self._since.setdefault(rule.id, now) >= rule.after_s:
                self._raise(cause, now)
        for cause in self._more():
            self._raise(cause, now)
        for name, error in self._silent().items():
            self._raise(Cause(f"{name}:silent", name, error), now)
        if now - self._disk_s >= DISK_CHECK_S:
            self._disk_s = now
            self._look_at_disk(now)
        for alarm_id, seen in list(self._seen.items()):
            hold = DISK_CHECK_S + HOLD_S if alarm_id == "disk" else HOLD_S
            if now - seen > hold:
                del self._seen[alarm_id]
                self._alarms.clear(alarm_id)
        self._alarms.publish()

    def _raise(self, cause: Cause, now: float) -> None:
        self._seen[cause.id] = now
        self._alarms.raise_(cause)

    def _look_at_disk(self, now: float) -> None:
        free = self._free_bytes(self._data)
        if free < DISK_LEFT_BYTES:
            text = f"{self._data}: the disk is nearly full, less than {DISK_LEFT_BYTES / 1e9:g} GB"
            self._raise(Cause("disk", "station", text), now)
