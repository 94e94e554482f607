"""A rig that is switched on again where another one stood: same addresses, same rig time.

A lab after a power failure has its instruments at the old addresses, and its clock has not
stopped. Everything else starts as it does when the power comes on.
"""

import json
import re
from pathlib import Path
from typing import Any

_PORT = re.compile(r"127\.0\.0\.1::?(\d{1,5})\b")
_ports: dict[str, int] = {}


def recall(ports_file: Path) -> tuple[float, float]:
    """Read the ports file of the earlier rig; its addresses are taken from now on.

    Returns the moment at which its rig time was UTC, in UTC and on the steady clock (s). Raises
    OSError, or ValueError for a file that is none.
    """
    found: Any = json.loads(ports_file.read_text())
    try:
        clock = found["clock"]
        origins = float(clock["origin_s"]), float(clock["steady_origin_s"])
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{ports_file} is no ports file of a simulated rig") from error
    for name, address in texts.items():
        match = _PORT.search(address)
        if match is not None:
            _ports[name] = int(match[1])
    return origins


def port_of(name: str) -> int:
    """Port that the server of this name had; 0, any free one, when there was none."""
    return _ports.get(name, 0)
