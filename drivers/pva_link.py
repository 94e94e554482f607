"""EPICS PVs of one instrument over pvAccess, with the errors of this package.

pvAccess numbers its requests, so unlike SCPI a late answer can never reach another request, and
the client library reconnects by itself. All time limits are wall time.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from p4p.client.thread import Cancelled, Context, Disconnected, RemoteError, Subscription
from p4p.util import ThreadedWorkQueue

from drivers.errors import ConnectionLost, DeviceFault, DriverError, ProtocolError, Timeout
from drivers.pva_get import fetched
from drivers.pva_subscription import closable


class PvaLink:
    """Reads, writes and monitors the PVs behind an address `pva://host:udp-port/PREFIX:`.

    Values are raw structures: unwrapping them costs more than a frame allows. One thread runs
    the callbacks of every monitor, so updates arrive in order. `timeout_s` bounds one write,
    or one look at many PVs together; `action_s` what is waited for by reading again and again.
    """

    def __init__(
        self,
        name: str,
        address: str,
        *,
        timeout_s: float = 1.2,
        action_s: float = 5.0,
        poll_s: float = 0.003,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "pva" or not parts.hostname or port is None or len(parts.path) < 2:
            raise ValueError(f"{name}: {address!r} is not of the form pva://host:port/PREFIX:")
        self.name = name
        self.address = address
        self.prefix = parts.path[1:]
        self.timeout_s = timeout_s
        self._action_s = action_s
        self.sleep = sleep
        self.monotonic = monotonic
        self._host = parts.hostname
        self._port = port
        self._poll_s = poll_s
        self._opening = threading.Lock()
        self._context: Context | None = None
        self._queue: ThreadedWorkQueue | None = None

    def open(self) -> None:
        """Make the client; PVs are searched at the first use."""
        with self._opening:
            if self._context is not None:
                return
            conf = {
                "EPICS_PVA_ADDR_LIST": self._host,
                "EPICS_PVA_AUTO_ADDR_LIST": "NO",
                "EPICS_PVA_BROADCAST_PORT": str(self._port),
            }
            if self._host == "127.0.0.1":
                conf["EPICS_PVA_INTF_ADDR_LIST"] = "127.0.0.1"
            # Unbounded: with p4p's default of five entries a burst of events is refused.
            self._queue = ThreadedWorkQueue(name=self.name, workers=1, daemon=True, maxsize=0)
            self._queue.start()
            self._context = Context("pva", conf=conf, useenv=False, nt=False)

    def close(self) -> None:
        """Drop every channel. Never raises."""
        with self._opening:
            context, self._context = self._context, None
            queue, self._queue = self._queue, None
        if context is not None:
            context.close()
        if queue is not None:
            queue.stop()

    def try_get(self, pvs: Sequence[str]) -> list[Any]:
        """The structures of `pvs` (names without prefix); an exception where one failed.

        All of them within `timeout_s`, however their answers trickle in.
        """
        return fetched(self._client(), [self.prefix + pv for pv in pvs], self.timeout_s)

    def find(self, pvs: Sequence[str]) -> list[Any]:
        """The same at the first look, when every channel must be searched for: waited for as long
        as answers come within `timeout_s` of each other, `action_s` at most."""
        full = [self.prefix + pv for pv in pvs]
        return fetched(self._client(), full, self._action_s, self.timeout_s)

    def get(self, *pvs: str) -> list[Any]:
        """The structures of `pvs`. Raises Timeout, ConnectionLost, DeviceFault."""
        values = self.try_get(pvs)
        for pv, value in zip(pvs, values, strict=True):
            if isinstance(value, Exception):
                raise self._failed(pv, value)
        return values

    def put(self, pv: str, value: Any) -> None:
        """Write the value of an NTScalar; returns when the server took it."""
        self._put(pv, {"value": value})

    def put_index(self, pv: str, index: int) -> None:
        """Write the index of an NTEnum; returns when the server took it."""
        self._put(pv, {"value.index": index})

    def _put(self, pv: str, fields: dict[str, Any]) -> None:
        try:
            self._client().put(self.prefix + pv, fields, timeout=self.timeout_s, get=False)
        # The client raises many kinds, ValueError for a type that does not fit among them.
        except Exception as error:
            raise self._failed(pv, error) from error

    def monitor(self, pv: str, callback: Callable[[Any], None], queue_size: int) -> Subscription:
        """Subscribe to `pv`; `callback` gets structures, and `Disconnected`."""
        subscription = self._client().monitor(
            self.prefix + pv,
            callback,
            request=f"record[queueSize={queue_size}]field()",
            notify_disconnect=True,
            queue=self._queue,
        )
        # p4p 4.3 drops the wake-up that comes before `monitor` has returned, as it does on a busy
        # computer, and none follows as long as nobody empties the queue.
        subscription._event()
        return closable(subscription)

    def as_number(self, pv: str, structure: Any) -> float:
        """Value of an NTScalar, or the index of an NTEnum."""
        try:
            value = structure["value"]
            number = float(value if isinstance(value, int | float) else value["index"])
            if not math.isfinite(number):
                raise ValueError(number)
            return number
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._strange(pv, structure) from error

    def as_text(self, pv: str, structure: Any) -> str:
        """Value of a string NTScalar, or the label of an NTEnum."""
        try:
            value = structure["value"]
            if isinstance(value, str):
                return value.strip()
            return str(value["choices"][value["index"]])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._strange(pv, structure) from error

    def as_labels(self, pv: str, structure: Any) -> list[str]:
        """Labels of an NTEnum."""
        try:
            return [str(choice) for choice in structure["value"]["choices"]]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._strange(pv, structure) from error

    def wait_until(self, reached: Callable[[], bool]) -> bool:
        """Poll `reached` until it is true or `action_s` has passed."""
        deadline = self.monotonic() + self._action_s
        while not reached():
            if self.monotonic() > deadline:
                return False
            self.sleep(self._poll_s)
        return True

    def _client(self) -> Context:
        if self._context is None:
            raise ConnectionLost(self.name, "not connected", "connect it first")
        return self._context

    def _failed(self, pv: str, error: Exception) -> DriverError:
        where = f"{self.prefix}{pv}"
        if isinstance(error, TimeoutError):
            return Timeout(
                self.name,
                f"no answer from {where} within {self.timeout_s:g} s",
                f"check that the EPICS server at {self._host}:{self._port} runs",
            )
        if isinstance(error, Disconnected | Cancelled):
            return ConnectionLost(self.name, f"lost {where}", "check the EPICS server")
        if isinstance(error, RemoteError):
            return DeviceFault(self.name, f"{where} was refused: {error}", "check the setting")
        return ProtocolError(
            self.name, f"{where}: {error}", "check that this is an areaDetector server"
        )

    def _strange(self, pv: str, structure: Any) -> ProtocolError:
        return ProtocolError(
            self.name,
            f"{self.prefix}{pv} does not hold what it should: {_shown(structure)}",
            "check that this is an areaDetector server",
        )


def _shown(structure: Any) -> str:
    """The value, or at least its type, for a message."""
    try:
        return repr(structure["value"])[:60]
    except (KeyError, IndexError, TypeError, ValueError):
        return type(structure).__name__
