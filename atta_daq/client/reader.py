"""A client of the station that can only read: it knows no command, and sends none."""

import os
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
from p4p.client.thread import Context, Subscription
from p4p.nt import NTNDArray

from atta_daq.client.endpoint import Endpoint
from atta_daq.client.errors import StationSilent
from drivers.pva_subscription import closable


def client_name() -> str:
    """Who this process is, for the station's log: host and process id."""
    return f"{socket.gethostname()}-{os.getpid()}"


class StationReader:
    """One connection to one station. Close it, or use it as a context manager."""

    def __init__(self, endpoint: Endpoint, name: str | None = None) -> None:
        self.endpoint = endpoint
        self.name = name or client_name()
        # Found by UDP search as well as by its TCP port: the one is fast after a restart of the
        # station (0.6 s against 10 s), the other works where broadcasts do not.
        self._subscriptions: list[Subscription] = []
        self._context = Context(
            "pva",
            conf={
                "EPICS_PVA_ADDR_LIST": _searched_at(endpoint.host),
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_BROADCAST_PORT": str(endpoint.udp_port),
                "EPICS_PVA_NAME_SERVERS": f"{endpoint.host}:{endpoint.tcp_port}",
            },
            useenv=False,
            # p4p's own unwrapping keeps a state that all its threads share, and after one table
            # it no longer unwraps anything.
            nt=False,
        )

    def __enter__(self) -> "StationReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection."""
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        self._context.close()

    def full_name(self, name: str) -> str:
        """Name on the wire of a reading or command."""
        return f"{self.endpoint.rig}:{name}"

    def get(self, name: str, timeout_s: float = 5.0) -> Any:
        """Current value of a reading as a plain Python or numpy value. Raises StationSilent."""
        try:
            return plain(self._context.get(self.full_name(name), timeout=timeout_s))
        except TimeoutError as error:
            raise StationSilent(self._silent(name, timeout_s)) from error

    def watch(
        self, name: str, callback: Callable[[Any], None], *, tell_lost: bool = False
    ) -> Subscription:
        """Call `callback` with every new value (on a thread of the client), latest value wins.

        It gets the whole p4p structure (`value`, `alarm`, `timeStamp`, `display`); `plain` takes
        the value out. With `tell_lost` it is also called with a
        `p4p.client.thread.Disconnected` when the station is gone.
        """
        subscription = closable(
            self._context.monitor(self.full_name(name), callback, notify_disconnect=tell_lost)
        )
        # p4p 4.3 drops what comes before `monitor` has returned, and then waits for ever.
        subscription._event()
        # p4p ends a subscription that nobody holds.
        self._subscriptions.append(subscription)
        return subscription

    def _silent(self, name: str, timeout_s: float) -> str:
        where = f"{self.endpoint.host}:{self.endpoint.tcp_port}"
        return (
            f"station '{self.endpoint.rig}' at {where}: no answer for {name} within {timeout_s:g} s"
        )


def _searched_at(host: str) -> str:
    """Where to search by UDP; empty: nowhere, TCP has to do.

    A server on 127.0.0.2 answers from 127.0.0.1, and PVA takes where an answer comes from for
    where the server is.
    """
    return "" if host.startswith("127.") and host != "127.0.0.1" else host


def plain(structure: Any) -> Any:
    """The value of a reading without time stamp and alarm.

    A number, bool or text; an array; a 2-D array (image); a dictionary of columns (table).
    """
    kind = structure.getID()
    if kind.startswith("epics:nt/NTNDArray"):
        return np.asarray(NTNDArray().unwrap(structure))
    value = structure["value"]
    if kind.startswith("epics:nt/NTTable"):
        # p4p gives None for an empty column of numbers, [] for one of texts.
        return {name: [] if column is None else column for name, column in value.items()}
    return value
