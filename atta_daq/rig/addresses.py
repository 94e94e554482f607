"""Whether two addresses lead to the same wire, however they are written."""

import contextlib
import os
import re
import socket
from functools import lru_cache
from threading import Thread

RESOLVE_S = 0.5
"""Wall time that a host's name gets to be found; a rig file is also read where there is no net."""

_HOST_PORT = (
    re.compile(r"^TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET$", re.IGNORECASE),
    re.compile(r"^socket://(?P<host>[^:/]+):(?P<port>\d+)$", re.IGNORECASE),
    re.compile(r"^(?P<host>[^\s:/]+):(?P<port>\d+)$"),
)
_PVA = re.compile(r"^pva://(?P<host>[^\s/:]+)(?::(?P<port>\d+))?(?P<prefix>/.*)$")
_LAN_DEVICE = re.compile(
    r"^TCPIP\d*::(?P<host>[^:]+)(?:::(?P<device>[^:]+))?::INSTR$", re.IGNORECASE
)
_NUMBER = r"0x[0-9a-f]+|\d+"
_USB = re.compile(
    rf"^USB\d*::(?P<maker>{_NUMBER})::(?P<model>{_NUMBER})::(?P<serial>[^:]+)"
    r"(?:::(?P<interface>\d+))?(?:::INSTR)?$",
    re.IGNORECASE,
)
_SERIAL_RESOURCE = re.compile(r"^ASRL(?P<device>[^:]+)(?:::INSTR)?$", re.IGNORECASE)


def canonical(address: str) -> str:
    """The same text for every spelling of one wire: host:port of TCP, the device behind a link,
    maker, model, serial number and interface of USB.

    A host's name is that of its IPv4 address where it can be found. What is none of these is
    compared as it stands, in capitals as VISA does.
    """
    for pattern in _HOST_PORT:
        if match := pattern.match(address):
            return f"{_numeric(match['host'])}:{int(match['port'])}"
    if match := _PVA.match(address):
        # The prefix of an EPICS name counts, upper and lower case too.
        return f"pva://{_numeric(match['host'])}:{match['port']}{match['prefix']}"
    if match := _LAN_DEVICE.match(address):
        return f"{_numeric(match['host'])}::{(match['device'] or 'inst0').upper()}"
    if match := _USB.match(address):
        maker, model = _integer(match["maker"]), _integer(match["model"])
        interface = int(match["interface"] or 0)
        return f"USB::{maker:#06x}::{model:#06x}::{match['serial'].upper()}::{interface}"
    if match := _SERIAL_RESOURCE.match(address):
        device = match["device"]
        address = f"COM{device}" if device.isdecimal() else device
    if address.startswith("/"):
        return os.path.realpath(address)
    return address.upper()


def tcp_port(address: str) -> int | None:
    """The port that `address` names; None where it names none."""
    for pattern in (*_HOST_PORT, _PVA):
        if (match := pattern.match(address)) and match["port"]:
            return int(match["port"])
    return None


def _integer(text: str) -> int:
    return int(text, 16 if text.lower().startswith("0x") else 10)


@lru_cache(maxsize=256)
def _numeric(host: str) -> str:
    """IPv4 address of `host`; its name, in small letters, where that is not found in time."""
    with contextlib.suppress(OSError, ValueError):
        return socket.inet_ntoa(socket.inet_aton(host))
    found: list[str] = []

    def resolve() -> None:
        # A name that cannot be one is a ValueError, with a null character a TypeError.
        with contextlib.suppress(OSError, ValueError, TypeError):
            found.append(socket.gethostbyname(host))

    # The resolver has no time limit of its own.
    thread = Thread(target=resolve, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(RESOLVE_S)
    known = {"localhost": "127.0.0.1"}
    return found[0] if found else known.get(host.lower(), host.lower())
