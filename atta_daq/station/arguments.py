"""Arguments of a command as values; a wrong one is refused in the operator's words."""

import math
from collections.abc import Mapping

from atta_daq.client.client import CommandRefused

Arguments = Mapping[str, str]
ISOTOPES = (81, 83, 84, 85)


def number(arguments: Arguments, name: str) -> float:
    """A finite number."""
    text = _given(arguments, name)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CommandRefused(f"{name} = '{text}' is not a number")
    return value


def flag(arguments: Arguments, name: str) -> bool:
    """'true' or 'false'."""
    text = _given(arguments, name)
    if text.lower() not in ("true", "false"):
        raise CommandRefused(f"{name} = '{text}' is neither 'true' nor 'false'")
    return text.lower() == "true"


def isotope(arguments: Arguments, allowed: tuple[int, ...] = ISOTOPES) -> int:
    """A mass number out of `allowed`, where 0 stands for the blank."""
    text = _given(arguments, "isotope")
    if text not in map(str, allowed):
        choice = ", ".join(map(str, allowed))
        blank = " (0: off every isotope)" if 0 in allowed else ""
        raise CommandRefused(f"isotope = '{text}' is not one of {choice}{blank}")
    return int(text)


def _given(arguments: Arguments, name: str) -> str:
    if name not in arguments:
        raise CommandRefused(f"{name} is missing")
    return arguments[name]
