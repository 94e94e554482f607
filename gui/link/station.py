"""Finds the station, keeps the connection, carries commands; the window's thread never waits."""

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from p4p.client.thread import Disconnected
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from atta_daq import __version__
from atta_daq.client.client import (
    CommandRefused,
    Endpoint,
    GivenUp,
    StationClient,
    StationSilent,
)
from atta_daq.client.discovery import HEARTBEAT, SEARCH_S, SILENT_S, Find, Heart
from atta_daq.client.names import COMMANDS, READINGS, STOPS, STOPS_SEEN
from gui.link.mailbox import Mailbox
from gui.link.turns import Heard, Turns
from gui.link.values import Value, value_of

log = logging.getLogger(__name__)

DRAW_MS = 40
"""Values reach the widgets at most 25 times a second, at once when the last time was before."""
SILENT = "the station does not answer"
VERSION = "station:version"
"""Asked anew on every connection: a station may come back as another one, on the same port."""
IN_TURN = frozenset(command.name for command in COMMANDS if command.in_turn)
AFTER_MOVES = frozenset(command.name for command in COMMANDS if command.after_moves)
BEGINS = frozenset(command.name for command in COMMANDS if command.begins)


class LinkState(Enum):
    """How the window stands to its station."""

    SEARCHING = "none"
    CONNECTED = "connected"
    LOST = "lost"
    REFUSED = "other version"


class Link(QObject):
    """The window's connection to one station, found again whenever it comes back.

    `find` is asked where the station of a rig is ('' for whichever there is) and tells it, or None;
    it is called on a thread of its own twice a second. Once attached the link stays with its rig:
    what the operator has typed is for that one. Signals and callbacks arrive on the thread of the
    window.
    """

    state_changed = Signal()
    values = Signal(dict)
    """New values by name, at most 25 times a second."""
    _found = Signal(object, str)
    _came = Signal()
    _answered = Signal(object)

    def __init__(
        self,
        find: Find,
        *,
        name: str,
        version: str = __version__,
        silent_s: float = SILENT_S,
    ) -> None:
        super().__init__()
        self.name = name
        self.endpoint: Endpoint | None = None
        self.state = LinkState.SEARCHING
        self.reason = "looking for a station"
        self._find = find
        self._rig = ""
        """The rig that this window belongs to, once it was attached."""
        self._version = version
        self._why = self.reason
        """`reason`, before the window's thread has heard of it."""
        self._heart = Heart(silent_s)
        self._latest: dict[str, Value] = {}
        """By name, of the present connection."""
        self._mailbox = Mailbox()
        self._lost = Mailbox()
        """Readings that are lost: what the next connection begins with must not hide it."""
        self._client: StationClient | None = None
        self._last: Endpoint | None = None
        """Where the station was found last, also when the link has let go of it."""
        self._beside: set[StationClient] = set()
        """Connections of a STOP alone."""
        self._turns = Turns()
        self._checked = False
        """The station has told on the present connection that it is of this version."""
        self._beats = False
        """Its heart has beaten on the present connection."""
        self._cut = False
        """The present connection was lost, after the heart had beaten on it."""
        self._other = ""
        """The other version that it has told instead."""
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        """There is something to do that cannot wait for the next search."""
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

    def welcome_any(self) -> None:
        """The operator starts another rig: the next station that is found may be of any."""
        self._rig = ""

    def close(self) -> None:
        """Let go of the station, once what it was commanded has left. The run goes on without this
        window."""
        self._stop.set()
        self._wake.set()
        self._timer.stop()
        self._turns.close()
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
        """Send a command on a thread of its own: STOP never waits behind another one. Moves of the
        rig follow each other in their order, and what begins a run or a calibration follows them; a
        STOP in between refuses those that still wait.

        `done` gets the answer, `refused` the reason in words, both on the window's thread. What
        still waits when the connection is lost is refused; only STOP is tried on until its time is
        over, also while no station is found.
        """
        client = self._client
        if name in IN_TURN | AFTER_MOVES | BEGINS:
            # A channel that must be looked for first lets STOP overtake it.
            stops = self._latest.get(STOPS, Value()).value
            if stops is not None:
                arguments = {STOPS_SEEN: stops, **arguments}

        def work(heard: Heard) -> None:
            try:
                if name == "stop":
                    told, answer = done, self._send_stop(timeout_s, heard)
                elif client is None or client is not self._client or self._cut:
                    raise StationSilent(f"not sent, {self._why}")
                else:
                    told, answer = done, client.command(name, timeout_s, heard=heard, **arguments)
            except (CommandRefused, StationSilent) as error:
                told, answer = refused, str(error)
                if self._stop.is_set():  # the window is closed: nobody else hears of it
                    log.warning("%s: %s", name, error)
            except Exception as error:  # an answer that is none, for one
                log.warning("%s: %s", name, error)
                told, answer = refused, f"{name}: {error}"
            if told is not None and not self._stop.is_set():
                self._answered.emit(partial(told, answer))

        if name in IN_TURN:
            self._turns.in_turn(work)
        elif name in AFTER_MOVES:
            self._turns.after(work)
        else:
            self._turns.at_once(work)

    def _send_stop(self, timeout_s: float, heard: Heard) -> Any:
        """On whatever connection there is, and on one of its own when the link has let go of a
        silent station. One that was given up may have carried it out: twice does no harm."""
        ends_s = time.monotonic() + timeout_s
        asked = ""
        while True:
            own = self._own_connection() if self._client is None else None
            client = own or self._client
            try:
                if client is not None:
                    asked = client.endpoint.rig
                    left_s = max(0.0, ends_s - time.monotonic())
                    return client.command("stop", left_s, heard=heard)
            except StationSilent as error:
                if self._stop.is_set():
                    raise
                if not isinstance(error, GivenUp) or time.monotonic() >= ends_s:
                    raise StationSilent(
                        f"station '{asked}' gave no answer within {timeout_s:g} s"
                    ) from error
            finally:
                if own is not None:
                    self._beside.discard(own)
                    own.close()
            if client is None:
                left_s = ends_s - time.monotonic()
                if left_s <= 0.0 or self._stop.wait(min(SEARCH_S, left_s)):
                    raise StationSilent(f"not sent, {self._why}")

    def _own_connection(self) -> StationClient | None:
        """Where the station was last; None as long as none was found."""
        last = self._last
        if last is None:
            return None
        own = StationClient(last, self.name)
        self._beside.add(own)
        if self._last is not last:
            # Found elsewhere meanwhile; that may have been too early to give this one up.
            own.close()
        return own

    def _keep(self) -> None:
        while not self._stop.is_set():
            if self._other:
                # Here, not where it was heard: a thread of the client cannot close the client.
                self._drop()
            # A connection that was cut comes back by itself, and with it, minutes later, what was
            # under way on it.
            if self._cut or (self.state is LinkState.CONNECTED and self._heart.silent):
                self._fall_silent()
            # While it answers there is nothing to look for; a search costs a connection.
            if self.state is not LinkState.CONNECTED:
                try:
                    self._consider(self._find(self._rig))
                except Exception as error:  # a search that fails is a station that is not there
                    self._go(LinkState.SEARCHING, str(error))
            self._wake.wait(SEARCH_S)
            self._wake.clear()

    def _consider(self, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            if self.state is LinkState.REFUSED:
                self._drop()
            if self._client is None and self.state is not LinkState.LOST:
                self._go(LinkState.SEARCHING, "no station runs; still looking")
            return
        if endpoint == self.endpoint:
            return
        if endpoint.version != self._version:
            self._drop()
            self._refuse(endpoint.rig, endpoint.version)
            return
        self._last = endpoint  # first: a STOP that is under way goes on there
        self._drop()
        self._connect(endpoint)

    def _refuse(self, rig: str, version: str) -> None:
        self._go(
            LinkState.REFUSED,
            f"station '{rig}' runs atta-daq {version}, this window is "
            f"{self._version}: install the same version on both",
        )

    def _connect(self, endpoint: Endpoint) -> None:
        client = StationClient(endpoint, self.name)
        self._latest = {}
        with self._mutex:
            self._client, self.endpoint = client, endpoint
        for reading in READINGS:
            receiver = self._receiver(reading.name, endpoint)
            client.watch(reading.name, receiver, tell_lost=True)

    def _receiver(self, name: str, endpoint: Endpoint) -> Callable[[Any], None]:
        def receive(delivered: Any) -> None:
            latest = self._latest.get(name, Value())
            if self._stop.is_set() or endpoint is not self.endpoint:
                return
            if isinstance(delivered, Disconnected):
                if name == VERSION:
                    self._checked = False
                if not latest.stale:
                    # Each by itself: a last value that comes after the loss of the heartbeat was
                    # told would stand there as fresh for ever.
                    self._grow_stale(name, latest)
                    self._came.emit()  # also when others wait there for the version
                # A connection begins with this, too: one that was refused is looked at again and
                # again, and is not lost each time.
                begins = name not in self._latest
                refused = self._other or (begins and self.state is LinkState.REFUSED)
                if name == HEARTBEAT and not refused:
                    if self._beats:
                        self._cut, self._beats = True, False
                        self._wake.set()
                    self._go(LinkState.LOST, f"station '{endpoint.rig}' does not answer")
                return
            if isinstance(delivered, Exception):
                log.warning("%s: %s", name, delivered)
                return
            self._latest[name] = latest = value_of(delivered)
            if name == VERSION:
                self._check(endpoint.rig, latest.value)
            if self._mailbox.put(name, latest):
                self._came.emit()
            if self._checked:
                self._rig = endpoint.rig
            if name == HEARTBEAT and self._heart.beat(latest.value):
                self._beat(endpoint.rig)

        return receive

    def _check(self, rig: str, version: str) -> None:
        """Compare what the station says on this connection; empty: it has not said it yet."""
        self._checked = version == self._version
        if self._checked:
            self._came.emit()
        elif version:
            self._other = version
            self._refuse(rig, version)

    def _beat(self, rig: str) -> None:
        if not self._beats:
            self._beats = True
            self._came.emit()
        if self._checked and self.state is not LinkState.CONNECTED:
            self._go(LinkState.CONNECTED, f"station '{rig}'")

    def _grow_stale(self, name: str, value: Value) -> None:
        self._latest[name] = stale = value.as_stale(SILENT)
        self._lost.put(name, stale)
        self._mailbox.put(name, stale)

    def _fall_silent(self) -> None:
        """Nothing comes any more: let go of the connection, and look for the station anew."""
        if self._last is None:
            return
        # What still waits is refused as soon as the connection goes.
        self._why = f"station '{self._last.rig}' does not answer"
        last = self._latest
        self._drop()
        for name, value in last.copy().items():
            self._grow_stale(name, value)
        self._came.emit()
        self._go(LinkState.LOST, self._why)

    def _drop(self) -> None:
        with self._mutex:
            client, self._client, self.endpoint = self._client, None, None
        self._checked, self._beats, self._cut, self._other = False, False, False, ""
        self._mailbox.take()
        for one in (client, *self._beside):
            if one is not None:
                one.close()

    def _go(self, state: LinkState, reason: str) -> None:
        self._why = reason
        self._found.emit(state, reason)

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
        # Values wait until the version is known and the station seen to live: a connection begins
        # with what was posted last, as of now. That a reading is lost does not wait.
        changes = self._lost.take()
        if self._checked and self._beats:
            changes |= self._mailbox.take()
        if changes:
            self.values.emit(changes)
