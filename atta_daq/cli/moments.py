"""Times as operators type them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from atta_daq.rig.errors import ConfigError

_AGO = re.compile(r"(\d+(?:\.\d*)?) *(s|min|h|d|w)")
_UNIT_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def moment(text: str, now: Callable[[], float]) -> float:
    """Seconds since 1970 of a UTC time, or of how long ago. Raises ConfigError."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now() - float(ago[1]) * _UNIT_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"'{text}' is no time: UTC such as 2026-11-28T21:30, or how long ago (90min, 12h, 3d)"
        ) from None
    # Without a zone it is UTC, as everything that is stored: no hour comes twice.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
