"""Numbers in an operator's words. Pure."""

import math

MINUS = "−"


def true_minus(text: str) -> str:
    """With a true minus sign in front of numbers; the hyphen of 9/2-11/2 stays."""
    words = text.split(" ")
    return " ".join(MINUS + word[1:] if word[:1] == "-" and word[1:] else word for word in words)


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
