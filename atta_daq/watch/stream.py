"""The live update: server-sent events of the parts that have changed, the newest text of each."""

import asyncio
import time
from collections.abc import Iterable

from starlette.types import Message, Receive, Scope, Send

from atta_daq.watch.board import Board

BEAT_S = 3.0
"""So often a viewer hears something; the page turns grey after three beats without."""


class Viewers:
    """Counts who looks, and wakes them when there is something new."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.ended = False
        """The server ends: everybody has to go."""

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def full(self) -> bool:
        """No more can be taken."""
        return len(self._tasks) >= self._most

    def tell(self) -> None:
        """There is something new."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def end(self) -> None:
        """Send everybody away."""
        self.ended = True
        self.tell()

    async def wait(self, timeout_s: float) -> None:
        """Until there is something new, or time is up."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return

    def enter(self) -> None:
        """The calling task looks from now on."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)

    def leave(self) -> None:
        """It does no longer."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.discard(task)


class EventStream:
    """An ASGI response that goes on until the viewer goes or the server ends.

    A viewer that takes nothing is waited for here, and cut by `patient.PatientProtocol`.
    """

    def __init__(
        self, board: Board, viewers: Viewers, headers: Iterable[tuple[str, str]], beat_s: float
    ) -> None:
        self._board = board
        self._viewers = viewers
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers]
        self._beat_s = beat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._viewers.enter()
        gone = asyncio.ensure_future(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
            had: dict[str, int] = {}
            while not (gone.done() or self._viewers.ended):
                news = self._board.news(had)
                beat = ("beat", f'{{"utc_s":{time.time():.3f}}}')
                await send(_body([*news, beat]))
                await self._viewers.wait(self._beat_s)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._viewers.leave()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(events: Iterable[tuple[str, str]]) -> Message:
    # JSON texts have no line ends: one line of data each.
    text = "".join(f"event: {name}\ndata: {data}\n\n" for name, data in events)
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}
