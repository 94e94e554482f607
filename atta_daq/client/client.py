"""A client of the station: reads, watches and commands its process variables."""

import json
from typing import Any

from p4p.client.thread import RemoteError
from p4p.nt import NTURI

from atta_daq.client.endpoint import Endpoint
from atta_daq.client.errors import CommandRefused, StationSilent
from atta_daq.client.reader import StationReader, client_name, plain

__all__ = [
    "CommandRefused",
    "Endpoint",
    "StationClient",
    "StationReader",
    "StationSilent",
    "client_name",
    "plain",
]


class StationClient(StationReader):
    """A reader that may command as well. Close it, or use it as a context manager."""

    def __enter__(self) -> "StationClient":
        return self

    def command(self, name: str, timeout_s: float = 30.0, **arguments: object) -> Any:
        """Carry out a command and return its answer.

        Raises CommandRefused with the station's reason, or StationSilent.
        """
        query = {"client": self.name, **{key: str(value) for key, value in arguments.items()}}
        target = self.full_name(f"cmd:{name}")
        uri = NTURI([(key, "s") for key in query]).wrap(target, kws=query, scheme="pva")
        try:
            answer: Any = self._context.rpc(target, uri, timeout=timeout_s)
        except RemoteError as error:
            raise CommandRefused(str(error)) from error
        except TimeoutError as error:
            raise StationSilent(self._silent(f"cmd:{name}", timeout_s)) from error
        return json.loads(plain(answer))
