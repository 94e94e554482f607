"""The control socket: one JSON object a line in, one out. Never given to a station.

    {"cmd": "truth"}    -> {"ok": true, "truth": {...}}
    {"cmd": "status"}   -> {"ok": true, "status": {...}}
    {"cmd": "faults"}   -> {"ok": true, "faults": {"lock": ["no_reply", ...], ...}}
    {"cmd": "fault", "instrument": "lock", "fault": "late", "delay_s": 3.0, "count": 1}
    {"cmd": "clear"}, {"cmd": "clear", "instrument": "lock"}

What cannot be done is answered {"ok": false, "error": "..."}.
"""

import json
from typing import Any

from simulators.rig import SimulatedRig
from simulators.wire import LineSession, Link, WireServer


class ControlSession(LineSession):
    def __init__(self, link: Link, rig: SimulatedRig) -> None:
        super().__init__(link)
        self._rig = rig

    def line(self, line: bytes) -> bytes:
        if not line.strip():
            return b""
        try:
            answer = {"ok": True, **self._answer(json.loads(line))}
        except (ValueError, RecursionError) as error:
            answer = {"ok": False, "error": str(error)}
        return json.dumps(answer).encode() + b"\n"

    def _answer(self, request: Any) -> dict[str, Any]:
        match request:
            case {"cmd": "truth"}:
                return {"truth": self._rig.truth()}
            case {"cmd": "status"}:
                return {"status": self._rig.status()}
            case {"cmd": "faults"}:
                return {"faults": self._rig.faults()}
            case {"cmd": "fault", "instrument": str(name), "fault": str(fault), **parameters}:
                self._rig.fault(name, fault, parameters)
                return {}
            case {"cmd": "clear", "instrument": str(name)}:
                self._rig.clear(name)
                return {}
            case {"cmd": "clear"}:
                self._rig.clear()
                return {}
        raise ValueError("commands: truth, status, faults, fault (instrument, fault), clear")


async def start(rig: SimulatedRig) -> WireServer:
    """The control socket on a free loopback port."""
    server = WireServer(
        "control", lambda link: ControlSession(link, rig), rig.world.streams["control wire"]
    )
    await server.start()
    return server
