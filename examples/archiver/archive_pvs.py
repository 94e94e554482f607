"""The list of a rig's readings for an EPICS Archiver Appliance, as JSON for `mgmt/bpl/archivePV`.

    .venv/bin/python examples/archiver/archive_pvs.py --config rig.toml > pvs.json
    curl -H 'Content-Type: application/json' -d @pvs.json \
        http://archiver:17665/mgmt/bpl/archivePV

With the rig's name instead of its rig file the values of the slow control are left out.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from atta_daq.client.names import READINGS, slow_name
from atta_daq.rig.config import load_rig

ARCHIVED = ("double", "int", "bool", "string")
JSON_TEXT = "JSON"
"""How the meaning of a reading begins that holds JSON: runs and history keep what is in it."""
NOT_ARCHIVED = ("station:rig_time",)
"""Changes five times a second and carries nothing."""


def archived(rig: str, slow: Iterable[str] = ()) -> list[dict[str, str]]:
    """One entry a reading, every change of it; `slow` are names of the slow control."""
    names = [
        reading.name
        for reading in READINGS
        if reading.kind in ARCHIVED
        and not reading.meaning.startswith(JSON_TEXT)
        and reading.name not in NOT_ARCHIVED
    ]
    names += [slow_name(name) for name in slow]
    return [
        {"pv": f"pva://{rig}:{name}", "samplingmethod": "MONITOR", "samplingperiod": "1.0"}
        for name in names
    ]


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description="Readings of a rig for an archiver, as JSON.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("rig", nargs="?", help="name of the rig")
    which.add_argument("--config", type=Path, help="its rig file: the slow control as well")
    given = parser.parse_args()
    name, slow = given.rig, []
    if given.config is not None:
        rig = load_rig(given.config)
        name = rig.name
        slow = [value.name for value in rig.slow_control.described()] if rig.slow_control else []
    json.dump(archived(name, slow), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
