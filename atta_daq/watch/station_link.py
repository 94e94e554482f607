"""Finds the station, keeps what it posts, and says when it is gone."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from p4p.client.thread import Disconnected

from atta_daq import __version__
from atta_daq.client.discovery import HEARTBEAT, SEARCH_S, SILENT_S, Find, Heart
from atta_daq.client.endpoint import Endpoint
from atta_daq.client.reader import StationReader
from atta_daq.watch.values import Value, value_of

log = logging.getLogger(__name__)

State = Literal["searching", "connected", "lost", "refused"]


@dataclass(frozen=True)
class LinkState:
    """How the page stands to its station."""

    state: State
    reason: str
    rig: str = ""


class StationLink:
    """The page's connection to one station, found again whenever it comes back.

    `find` is asked where the station of a rig is ('' for whichever there is) and tells it, or None;
    it is called on a thread of its own twice a second while none answers. Once attached the page
    stays with its rig. All methods are safe from any thread. Nothing of it can command: what it
    holds is a `StationReader`.
    """

    def __init__(
        self,
        find: Find,
        names: Iterable[str],
        *,
        version: str = __version__,
        silent_s: float = SILENT_S,
    ) -> None:
        """`names`: the readings to keep."""
        self._find = find
        self._names = tuple(dict.fromkeys([HEARTBEAT, *names]))
        self._version = version
        self._heart = Heart(silent_s)
        self._mutex = threading.Lock()
        self._values: dict[str, Value] = {}
        self._state = LinkState("searching", "looking for a station")
        self._reader: StationReader | None = None
        self._endpoint: Endpoint | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="link", daemon=True)

    def start(self) -> None:
        """Begin to look for the station."""
        self._thread.start()

    def close(self) -> None:
        """Let go of the station."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._drop()

    @property
    def state(self) -> LinkState:
        """As it is now."""
        with self._mutex:
            return self._state

    def values(self) -> dict[str, Value]:
        """The latest value of each reading that has come. Of a lost station the last ones."""
        with self._mutex:
            return dict(self._values)

    def _keep(self) -> None:
        while not self._stop.is_set():
            if self.state.state == "connected" and self._heart.silent:
                self._drop()
                self._go("lost", f"station '{self.state.rig}' does not answer; still trying")
            # While it answers there is nothing to look for; a search costs a connection.
            if self.state.state != "connected":
                try:
                    self._consider(self._find(self.state.rig))
                except Exception as error:  # a search that fails is a station that is not there
                    self._go("searching", str(error))
            self._stop.wait(SEARCH_S)

    def _consider(self, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            if self._reader is None and self.state.state != "lost":
                self._go("searching", "no station runs; still looking")
            return
        if endpoint == self._endpoint:
            return
        if endpoint.version != self._version:
            self._drop()
            self._go(
                "refused",
                f"station '{endpoint.rig}' runs atta-daq {endpoint.version}, this page is of "
                f"{self._version}: install the same version on both",
            )
            return
        self._drop()
        self._connect(endpoint)

    def _connect(self, endpoint: Endpoint) -> None:
        reader = StationReader(endpoint)
        with self._mutex:
            self._reader, self._endpoint = reader, endpoint
            self._values = {}
        for name in self._names:
            reader.watch(name, self._receiver(name, endpoint), tell_lost=True)

    def _receiver(self, name: str, endpoint: Endpoint) -> Callable[[Any], None]:
        def receive(delivered: Any) -> None:
            if self._stop.is_set() or endpoint is not self._endpoint:
                return
            if isinstance(delivered, Disconnected):
                if name == HEARTBEAT:
                    said = f"station '{endpoint.rig}' does not answer; still trying"
                    self._go("lost", said, endpoint.rig)
                return
            if isinstance(delivered, Exception):
                log.warning("%s: %s", name, delivered)
                return
            value = value_of(delivered)
            with self._mutex:
                self._values[name] = value
            if name == HEARTBEAT and self._heart.beat(value.value):
                self._go("connected", f"station '{endpoint.rig}'", endpoint.rig)

        return receive

    def _drop(self) -> None:
        with self._mutex:
            reader, self._reader, self._endpoint = self._reader, None, None
        if reader is not None:
            reader.close()

    def _go(self, state: State, reason: str, rig: str = "") -> None:
        with self._mutex:
            self._state = LinkState(state, reason, rig or self._state.rig)
