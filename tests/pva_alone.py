"""A PVA server of a test's own, found by nobody who does not look for it."""

from typing import Any

from p4p.server import Server

from atta_daq.search_port import search_port

LOOPBACK = "127.0.0.1"


def served(*providers: Any) -> Server:
    """A server on loopback with ports of its own; p4p's `isolate` may share its UDP port."""
    conf = {
        "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_PVA_ADDR_LIST": LOOPBACK,
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVAS_SERVER_PORT": "0",
        "EPICS_PVAS_BROADCAST_PORT": str(search_port(LOOPBACK)),
    }
    return Server(providers=list(providers), conf=conf, useenv=False)
