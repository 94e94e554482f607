"""Whether two addresses lead to the same wire, however they are written."""

import os
import re

_HOST_PORT = (
    re.compile(r"^TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET$", re.IGNORECASE),
    re.compile(r"^socket://(?P<host>[^:/]+):(?P<port>\d+)$", re.IGNORECASE),
    re.compile(r"^(?P<host>[^\s:/]+):(?P<port>\d+)$"),
)
_SERIAL_RESOURCE = re.compile(r"^ASRL(?P<device>/\S+)::INSTR$", re.IGNORECASE)


def canonical(address: str) -> str:
    """The same text for every spelling of one wire: host:port of TCP, the device behind a link.

    What is neither is compared as it stands, in capitals as VISA does.
    """
    for pattern in _HOST_PORT:
        if match := pattern.match(address):
            host = match["host"].lower()
            return f"{'127.0.0.1' if host == 'localhost' else host}:{int(match['port'])}"
    if match := _SERIAL_RESOURCE.match(address):
        address = match["device"]
    if address.startswith("/"):
        return os.path.realpath(address)
    # The prefix of an EPICS name counts, upper and lower case too.
    return address if address.startswith("pva://") else address.upper()
