"""Latest-value mailbox between the threads of the client and the thread of the window."""

import threading

from gui.link.values import Value


class Mailbox:
    """Keeps the newest value of each name until it is taken. Any thread may use it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._values: dict[str, Value] = {}

    def put(self, name: str, value: Value) -> bool:
        """Keep `value`; one that nobody has taken yet is replaced. True: the box was empty."""
        with self._mutex:
            first = not self._values
            self._values[name] = value
        return first

    def take(self) -> dict[str, Value]:
        """The values since the last time."""
        with self._mutex:
            taken, self._values = self._values, {}
        return taken
