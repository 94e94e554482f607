"""Numbers in an operator's words. Pure."""

import math
import re

MINUS = "−"
_HYPHENS = re.compile(r"(?<![^\s(])-(?=[\d.])|(?<=\d[eE])-(?=\d)")
"""In front of a number and in its exponent."""
_ELECTRON = re.compile(r"\be-(?!\w)")


def true_minus(text: str) -> str:
    """With a true minus sign in front of numbers, and e⁻ for the unit e-; the hyphen of 9/2-11/2
    stays."""
    return _ELECTRON.sub("e⁻", _HYPHENS.sub(MINUS, text))


def sentence(text: str) -> str:
    """A remark of the station, which begins small and has no stop, as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3 h 05 min', '2 d 4 h'."""
    if not math.isfinite(seconds):
        return "never"
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours + (minutes >= 30), 24)
    return f"{days} d {hours} h"


def volume(count: float) -> str:
    """Bytes, in decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000.0:
            return f"{count:.0f} {unit}" if count >= 10.0 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000.0
    return f"{count:.1f} TB"
