"""Addresses of a rig whose instruments are nowhere, each on a wire of its own."""

from typing import Any

PORTS: dict[str, Any] = {
    "amplifier": "127.0.0.1:1998",
    "sideband": "socket://127.0.0.1:1",
    "lock": "socket://127.0.0.1:2",
    "camera": "pva://127.0.0.1:5076/X:",
    "trap_switch": "TCPIP0::127.0.0.1::5000::SOCKET",
    "isotope_offset": "TCPIP0::127.0.0.1::5001::SOCKET",
    "loading": "TCPIP0::127.0.0.1::5002::SOCKET",
    "reference_cell": "TCPIP0::127.0.0.1::5003::SOCKET",
    "power_meter": "TCPIP0::127.0.0.1::5004::SOCKET",
    "slow_control": "pva://127.0.0.1:5076/SLOW:",
    "clock": {"speed": 1.0, "origin_s": 0.0},
}
