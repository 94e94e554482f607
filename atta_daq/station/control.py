"""Who may command: one client at a time holds control, the others watch."""

import threading
from collections.abc import Callable

from atta_daq.client.client import CommandRefused


class Control:
    """The holder of control; the first who commands takes it."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._holder = ""
        self._announce = announce
        self._mutex = threading.Lock()

    def require(self, client: str) -> None:
        """Let `client` command, or raise CommandRefused that names the holder."""
        with self._mutex:
            if self._holder == client:
                return
            if self._holder:
                raise CommandRefused(
                    f"{self._holder} holds control; take it over first, or use STOP"
                )
            self._holder = client
        self._announce(client)

    def take(self, client: str, *, force: bool) -> None:
        """Hand control to `client`. Without `force` only when nobody else holds it."""
        with self._mutex:
            if self._holder not in ("", client) and not force:
                raise CommandRefused(f"{self._holder} holds control; ask there, or take by force")
            self._holder = client
        self._announce(client)

    def release(self, client: str) -> None:
        """Give control up; refused to anybody but its holder."""
        self.require(client)
        with self._mutex:
            self._holder = ""
        self._announce("")
