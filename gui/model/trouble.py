"""Which panels have something wrong to show: their tabs say so while they lie behind others."""

from collections.abc import Callable

from atta_daq.client.slow import slow_from_json
from gui.link.values import MINOR
from gui.model.calibrations import calibration_lines
from gui.model.output import output_missing
from gui.model.readings import Readings
from gui.theme.palettes import Tone

Trouble = Callable[[Readings], Tone]
"""DANGER, WARNING, or OFF for none; what is not known is no trouble of the rig."""


def _amplifier(readings: Readings) -> Tone:
    opened = readings.flag("amplifier:interlock_open")
    wrong = opened or _is_false(readings, "amplifier:protected") or bool(output_missing(readings))
    return Tone.DANGER if wrong else Tone.OFF


def _sidebands(readings: Readings) -> Tone:
    """A synthesiser without RF out need not be locked: the station's alarm says the same."""
    wrong = readings.flag("sideband:on") and _is_false(readings, "sideband:locked")
    return Tone.DANGER if wrong else Tone.OFF


def _power(readings: Readings) -> Tone:
    if readings.flag("power_meter:overrange"):
        return Tone.DANGER
    difference = readings.value("power_meter:disagreement")
    return Tone.WARNING if not difference.stale and difference.severity >= MINOR else Tone.OFF


def _lock(readings: Readings) -> Tone:
    return Tone.DANGER if _is_false(readings, "lock:locked") else Tone.OFF


def _slow(readings: Readings) -> Tone:
    if readings.value("slow:readings").stale:
        return Tone.OFF
    values = slow_from_json(readings.text("slow:readings"))
    if any(one.severity == "major" for one in values):
        return Tone.DANGER
    wrong = any(
        one.severity == "minor" or (one.severity == "invalid" and one.suspends) for one in values
    )
    return Tone.WARNING if wrong else Tone.OFF


def _camera(readings: Readings) -> Tone:
    if readings.text("camera:trip") and not readings.value("camera:trip").stale:
        return Tone.DANGER
    return Tone.WARNING if _is_false(readings, "camera:stable") else Tone.OFF


def _trap(readings: Readings) -> Tone:
    known = not readings.value("trap:isotope").stale and readings.number("trap:isotope") >= 0
    return Tone.WARNING if known and _is_false(readings, "trap:locked") else Tone.OFF


def _calibrations(readings: Readings) -> Tone:
    value = readings.value("calibrations:table")
    stale = not value.stale and any(line.stale for line in calibration_lines(value.value))
    return Tone.WARNING if stale else Tone.OFF


def _queue(readings: Readings) -> Tone:
    stopped = readings.flag("queue:paused") and bool(readings.text("queue:reason"))
    return Tone.WARNING if stopped else Tone.OFF


TROUBLES: dict[str, tuple[Trouble, tuple[str, ...]]] = {
    "amplifier": (
        _amplifier, ("amplifier:interlock_open", "amplifier:protected", "station:alarms"),
    ),
    "sideband": (_sidebands, ("sideband:locked", "sideband:on")),
    "power": (_power, ("power_meter:overrange", "power_meter:disagreement")),
    "lock": (_lock, ("lock:locked",)),
    "slow": (_slow, ("slow:readings",)),
    "camera": (_camera, ("camera:trip", "camera:stable")),
    "trap": (_trap, ("trap:isotope", "trap:locked")),
    "calibrations": (_calibrations, ("calibrations:table",)),
    "queue": (_queue, ("queue:paused", "queue:reason")),
}  # fmt: skip
"""By the id of the panel: what is wrong with it, and the readings that decide."""


def _is_false(readings: Readings, name: str) -> bool:
    """Known to be false: a value that was never read is not."""
    value = readings.value(name)
    return not value.stale and value.value is not None and not value.value
