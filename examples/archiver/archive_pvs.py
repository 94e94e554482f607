"""The list of a rig's readings for an EPICS Archiver Appliance, as JSON for `mgmt/bpl/archivePV`.

    python examples/archiver/archive_pvs.py atta-1 > pvs.json
    curl -H 'Content-Type: application/json' -d @pvs.json \
        http://archiver:17665/mgmt/bpl/archivePV
"""

import json
import sys

from atta_daq.client.names import READINGS

ARCHIVED = ("double", "int", "bool", "string")
NOT_ARCHIVED = ("station:rig_time", "station:log", "run:points", "run:fit", "camera:counting")
"""What changes five times a second and carries nothing, and JSON that is kept elsewhere."""


def archived(rig: str) -> list[dict[str, str]]:
    """One entry a reading, every change of it."""
    return [
        {
            "pv": f"pva://{rig}:{reading.name}",
            "samplingmethod": "MONITOR",
            "samplingperiod": "1.0",
        }
        for reading in READINGS
        if reading.kind in ARCHIVED and reading.name not in NOT_ARCHIVED
    ]


if __name__ == "__main__":
    json.dump(archived(sys.argv[1]), sys.stdout, indent=1)
