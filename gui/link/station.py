"""Finds the station, keeps the connection, carries commands; the window's thread never waits."""

import logging
import threading
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from p4p.client.thread import Disconnected
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from atta_daq import __version__
from atta_daq.client.client import CommandRefused, Endpoint, StationClient, StationSilent
from atta_daq.client.names import READINGS
from gui.link.mailbox import Mailbox
from gui.link.values import Value, value_of

log = logging.getLogger(__name__)

DRAW_MS = 40
"""Values reach the widgets at most 25 times a second, at once when the last time was before."""
SEARCH_S = 0.5
HEARTBEAT = "station:rig_time"
"""Posted five times a second: its loss is the loss of the station."""
SILENT = "the station does not answer"
VERSION = "station:version"
"""Asked anew on every connection: a station may come back as another one, on the same port."""


class LinkState(Enum):
    """How the window stands to its station."""

    SEARCHING = "none"
    CONNECTED = "connected"
    LOST = "lost"
    REFUSED = "other version"


class Link(QObject):
    """The window's connection to one station, found again whenever it comes back.

    `find` tells where the station is, or None; it is called on a thread of its own twice a
    second. Signals and callbacks arrive on the thread of the window.
    """

    state_changed = Signal()
    values = Signal(dict)
    """New values by name, at most 25 times a second."""
    _found = Signal(object, str)
    _came = Signal()
    _answered = Signal(object)

    def __init__(
        self,
        find: Callable[[], Endpoint | None],
        *,
        name: str,
        version: str = __version__,
    ) -> None:
        super().__init__()
        self.name = name
        self.endpoint: Endpoint | None = None
        self.state = LinkState.SEARCHING
        self.reason = "looking for a station"
        self._find = find
        self._version = version
        self._mailbox = Mailbox()
        self._client: StationClient | None = None
        self._checked = False
        """The station has told on the present connection that it is of this version."""
        self._other = ""
        """The other version that it has told instead."""
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="link", daemon=True)
        self._found.connect(self._on_state)
        self._answered.connect(lambda answer: answer())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._deliver)
        self._delivered = QElapsedTimer()
        self._came.connect(self._on_came)

    def start(self) -> None:
        """Begin to look for the station."""
        self._thread.start()

    def close(self) -> None:
        """Let go of the station. The run goes on without this window."""
        self._stop.set()
        self._timer.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._drop()

    def command(
        self,
        name: str,
        *,
        done: Callable[[Any], None] | None = None,
        refused: Callable[[str], None] | None = None,
        timeout_s: float = 30.0,
        **arguments: object,
    ) -> None:
        """Send a command on a thread of its own: STOP never waits behind another one.

        `done` gets the answer, `refused` the reason in words, both on the window's thread.
        """
        client = self._client

        def work() -> None:
            try:
                if client is None:
                    raise StationSilent(f"not sent, {self.reason}")
                heard, answer = done, client.command(name, timeout_s, **arguments)
            except (CommandRefused, StationSilent) as error:
                heard, answer = refused, str(error)
            except Exception as error:  # the client was closed meanwhile
                log.warning("%s: %s", name, error)
                heard, answer = refused, f"{name}: {error}"
            if heard is not None and not self._stop.is_set():
                self._answered.emit(partial(heard, answer))

        threading.Thread(target=work, name=f"cmd-{name}", daemon=True).start()

    def _keep(self) -> None:
        while not self._stop.is_set():
            if self._other:
                # Here, not where it was heard: a thread of the client cannot close the client.
                self._drop()
            # While it answers there is nothing to look for; a search costs a connection.
            if self.state is not LinkState.CONNECTED:
                try:
                    self._consider(self._find())
                except Exception as error:  # a search that fails is a station that is not there
                    self._found.emit(LinkState.SEARCHING, str(error))
            self._stop.wait(SEARCH_S)

    def _consider(self, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            if self._client is None:
                self._found.emit(LinkState.SEARCHING, "no station runs; still looking")
            return
        if endpoint == self.endpoint:
            return
        if endpoint.version != self._version:
            self._drop()
            self._refuse(endpoint.rig, endpoint.version)
            return
        self._drop()
        self._connect(endpoint)

    def _refuse(self, rig: str, version: str) -> None:
        self._found.emit(
            LinkState.REFUSED,
            f"station '{rig}' runs atta-daq {version}, this window is "
            f"{self._version}: install the same version on both",
        )

    def _connect(self, endpoint: Endpoint) -> None:
        client = StationClient(endpoint, self.name)
        with self._mutex:
            self._client, self.endpoint = client, endpoint
        for reading in READINGS:
            receiver = self._receiver(reading.name, endpoint)
            client.watch(reading.name, receiver, tell_lost=True)

    def _receiver(self, name: str, endpoint: Endpoint) -> Callable[[Any], None]:
        latest = Value()

        def receive(delivered: Any) -> None:
            nonlocal latest
            if self._stop.is_set() or endpoint is not self.endpoint:
                return
            if isinstance(delivered, Disconnected):
                if name == VERSION:
                    self._checked = False
                if not latest.stale:
                    # Each by itself: a last value that comes after the loss of the heartbeat was
                    # told would stand there as fresh for ever.
                    latest = latest.as_stale(SILENT)
                    self._mailbox.put(name, latest)
                    self._came.emit()  # also when others wait there for the version
                if name == HEARTBEAT:
                    self._found.emit(LinkState.LOST, f"station '{endpoint.rig}' does not answer")
                return
            if isinstance(delivered, Exception):
                log.warning("%s: %s", name, delivered)
                return
            latest = value_of(delivered)
            if name == VERSION:
                self._check(endpoint.rig, latest.value)
            if self._mailbox.put(name, latest):
                self._came.emit()
            news = self.state is not LinkState.CONNECTED and self._checked
            if name in (HEARTBEAT, VERSION) and news:
                self._found.emit(LinkState.CONNECTED, f"station '{endpoint.rig}'")

        return receive

    def _check(self, rig: str, version: str) -> None:
        """Compare what the station says on this connection; empty: it has not said it yet."""
        self._checked = version == self._version
        if self._checked:
            self._came.emit()
        elif version:
            self._other = version
            self._refuse(rig, version)

    def _drop(self) -> None:
        with self._mutex:
            client, self._client, self.endpoint = self._client, None, None
        self._checked, self._other = False, ""
        self._mailbox.take()
        if client is not None:
            client.close()

    def _on_state(self, state: LinkState, reason: str) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        self.state, self.reason = state, reason
        self.state_changed.emit()

    def _on_came(self) -> None:
        if self._stop.is_set():
            return
        since_ms = self._delivered.elapsed() if self._delivered.isValid() else DRAW_MS
        self._timer.start(max(0, DRAW_MS - since_ms))

    def _deliver(self) -> None:
        self._delivered.start()
        if self._checked:
            changes = self._mailbox.take()
        else:
            # Values wait until the version is known; that a reading is lost does not.
            changes = self._mailbox.take(lambda value: value.stale and value.message == SILENT)
        if changes:
            self.values.emit(changes)
