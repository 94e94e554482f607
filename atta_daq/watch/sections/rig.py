"""The instruments in a line or two each, and slow control."""

from dataclasses import asdict
from typing import Any

from atta_daq.client.slow import SlowValue, slow_from_json
from atta_daq.watch.values import Look, Row

_SLOW_TONES = {"ok": "ok", "minor": "warning", "major": "danger", "invalid": "stale"}


def rig(look: Look) -> dict[str, Any]:
    """Groups of lines: light, trap and camera, slow control."""
    groups = [
        ("819-nm light", _light(look)),
        ("trap and camera", _trap(look)),
        ("slow control", [_slow(v) for v in slow_from_json(look.text("slow:readings"))]),
    ]
    return {
        "groups": [
            {"name": name, "rows": [asdict(row) for row in rows]} for name, rows in groups if rows
        ]
    }


def _light(look: Look) -> list[Row]:
    lock = look.switch("lock", "lock:locked", ("open", "locked"), ("danger", "ok"))
    if lock.tone == "danger":
        lock = Row(lock.label, lock.text, lock.tone, look.text("lock:reason"))
    interlock = look.switch(
        "interlock", "amplifier:interlock_open", ("closed", "open"), ("ok", "danger")
    )
    rows = [
        lock,
        look.quantity("lock, rms", "lock:rms", "MHz", 2),
        look.quantity("detuning from 84Kr", "light:detuning", "MHz", 1),
        look.quantity("power at the source", "light:power", "mW", 0),
        look.switch("shutter", "light:shutter", ("blocked", "open"), ("off", "ok")),
        look.switch("amplifier", "amplifier:on", ("off", "on"), ("off", "ok")),
        look.quantity("amplifier current", "amplifier:current", "mA", 0),
        look.quantity("seed power", "amplifier:seed_power", "mW", 1),
        interlock,
    ]
    if look.flag("sideband:on"):
        tone = "ok" if look.flag("sideband:locked") else "danger"
        row = look.quantity("sidebands", "sideband:frequency", "MHz", 1)
        rows.append(Row(row.label, row.text, tone, "" if tone == "ok" else "not locked"))
    if look.number("power_meter:source_power") is not None:
        rows.append(look.quantity("power by the meter", "power_meter:source_power", "mW", 0))
    return rows


def _trap(look: Look) -> list[Row]:
    isotope = look.value("trap:isotope")
    if isotope is None:
        trap = Row("trap", "–", "stale", "not read yet")
    else:
        text = {0: "off every isotope", -1: "not known"}.get(
            int(isotope.value), f"{isotope.value}Kr"
        )
        trap = Row("trap", text, "stale" if isotope.stale else "ok", isotope.message)
    temperature = look.quantity("sensor", "camera:temperature", "°C", 1)
    if temperature.tone == "ok" and look.flag("camera:stable") is False:
        temperature = Row(temperature.label, temperature.text, "warning", "not stable yet")
    rows = [
        trap,
        look.switch("trap lasers", "trap:locked", ("not locked", "locked"), ("danger", "ok")),
        temperature,
        look.quantity("EM gain", "camera:gain", "", 0),
        look.quantity("frames of this segment", "camera:frames", "", 0),
        look.quantity("frames lost in it", "camera:lost", "", 0),
    ]
    trip = look.text("camera:trip")
    if trip:
        rows.append(Row("camera's protection", "gain taken away", "danger", trip))
    return rows


def _slow(value: SlowValue) -> Row:
    number = "–" if value.value is None else f"{value.value:.3g} {value.unit}".rstrip()
    return Row(value.meaning, number.replace("-", "−"), _SLOW_TONES[value.severity], value.reason)
