"""A Bluesky status for blocking work done on a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class WorkStatus:
    """Satisfies `bluesky.protocols.Status`; done when the work has returned or raised."""

    def __init__(self, future: "Future[None]") -> None:
        self._future = future

    def add_callback(self, callback: Callable[["WorkStatus"], None]) -> None:
        """Call `callback(self)` when done, at once if it is already."""
        self._future.add_done_callback(lambda _future: callback(self))

    def exception(self, timeout: float | None = 0.0) -> BaseException | None:
        """What the work raised, or None."""
        return self._future.exception(timeout)

    @property
    def done(self) -> bool:
        """True when the work has ended, well or not."""
        return self._future.done()

    @property
    def success(self) -> bool:
        """True when it has ended well."""
        return self._future.done() and self._future.exception() is None


class Worker:
    """One thread that does the blocking work of one device, in order."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def submit(self, work: Callable[[], None]) -> WorkStatus:
        """Start `work` behind whatever runs already."""
        return WorkStatus(self._pool.submit(work))

    def close(self) -> None:
        """Wait for the work under way, then end the thread."""
        self._pool.shutdown(wait=True)


def done_status() -> WorkStatus:
    """A status of work that needed no doing."""
    future: Future[None] = Future()
    future.set_result(None)
    return WorkStatus(future)
