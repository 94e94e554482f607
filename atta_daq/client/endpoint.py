"""Where a station serves."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Endpoint:
    """Where a station serves its process variables."""

    rig: str
    host: str
    tcp_port: int
    udp_port: int
    pid: int
    version: str

    def to_json(self) -> str:
        """One line of JSON, as the station leaves it beside its lock file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Endpoint":
        """Inverse of `to_json`. Raises ValueError or TypeError on other text.

        Of a station of another version more or less may be told: what is left of it is enough to
        refuse it by its version.
        """
        told = json.loads(text)
        if not isinstance(told, dict) or not {"rig", "version"} <= told.keys():
            raise TypeError("not the endpoint of a station")
        numbers = (int(told.get(name, 0)) for name in ("tcp_port", "udp_port", "pid"))
        return cls(
            str(told["rig"]), str(told.get("host", "")), *numbers, version=str(told["version"])
        )
