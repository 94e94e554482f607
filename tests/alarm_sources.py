"""What the station's alarms can come from, read in its code: no run of it raises them all."""

import ast
from dataclasses import fields
from pathlib import Path

import atta_daq.station
from atta_daq.rig.instruments import Instruments
from atta_daq.station.queue.on_station import OWN_ALARMS

INSTRUMENTS = {field.name for field in fields(Instruments)} - {"addresses"}
NAMED = {"name": INSTRUMENTS, "OWN_ALARMS": {OWN_ALARMS}}
"""Of what is no plain text: an instrument that is silent, and the queue."""


def alarm_sources() -> set[str]:
    """The second argument of every `Cause`; a name that is not in `NAMED` is a KeyError."""
    found: set[str] = set()
    for path in Path(atta_daq.station.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Cause":
                source = node.args[1]
                if isinstance(source, ast.Constant):
                    found.add(str(source.value))
                else:
                    assert isinstance(source, ast.Name), ast.dump(source)
                    found |= NAMED[source.id]
    return found
