"""The HTTP connection with the limits that uvicorn leaves to a proxy: time and number.

A page that is meant to be reached from outside must not be held up by a client that sends its
request byte by byte, or that takes nothing of what it asked for.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 10.0
"""A connection that has not sent its request by then is cut."""
STUCK_S = 30.0
"""Nor one that has taken nothing of what waits for it for so long."""
MOST_CONNECTIONS = 100


class PatientProtocol(H11Protocol):
    """One request a connection: every response closes it, so one time limit covers it."""

    request_s = REQUEST_S
    stuck_s = STUCK_S
    most = MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._request_timer: asyncio.TimerHandle | None = None
        self._stuck_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client; one too many is cut at once."""
        super().connection_made(transport)
        # What a viewer has not taken waits in one buffer of this size, no more.
        transport.set_write_buffer_limits(high=64 * 1024)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._request_timer = self.loop.call_later(self.request_s, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        for timer in (self._request_timer, self._stuck_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes nothing: give it a while."""
        super().pause_writing()
        self._stuck_timer = self.loop.call_later(self.stuck_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken what waited."""
        super().resume_writing()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    @property
    def stuck(self) -> bool:
        """The client takes nothing of what waits for it."""
        return self._stuck_timer is not None

    def _too_late(self) -> None:
        if self.cycle is None:
            self.transport.abort()
