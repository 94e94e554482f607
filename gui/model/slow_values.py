"""Slow-control values one by one: `slow:<name>`, taken out of the JSON that the station sends.

They come several times a second in one text anyway; a subscription for each would bring nothing
more, and which there are is the lab's own choice.
"""

import math

from atta_daq.client.names import slow_name
from atta_daq.client.slow import SlowSeverity, SlowValue, slow_from_json
from gui.link.values import INVALID, MAJOR, MINOR, OK, Value
from gui.words import true_minus

NAME = "slow:readings"
SEVERITIES: dict[SlowSeverity, int] = {
    "ok": OK, "minor": MINOR, "major": MAJOR, "invalid": INVALID,
}  # fmt: skip


def taken_apart(told: Value) -> dict[str, Value]:
    """Each value by the name of its reading, as stale as the text that it came in."""
    text = told.value if isinstance(told.value, str) else ""
    return {slow_name(one.name): _value(one, told) for one in slow_from_json(text)}


def number_text(value: float | None, unit: str) -> str:
    """'2.31e-06 mbar', '38.2 W'; a dash while there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    plain = size == 0.0 or 1e-3 <= size < 1e5
    return true_minus(f"{f'{value:.4g}' if plain else f'{value:.2e}'} {unit}".rstrip())


def _value(one: SlowValue, told: Value) -> Value:
    value = math.nan if one.value is None else one.value
    alone = Value(value, SEVERITIES[one.severity], one.reason, told.utc_s, unit=one.unit)
    return alone.as_stale(told.message) if told.stale else alone
