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
        """Inverse of `to_json`. Raises ValueError or TypeError on other text."""
        return cls(**json.loads(text))
