"""Latest-value mailbox between the threads of the client and the thread of the window."""

import threading
from collections.abc import Callable

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

    def take(self, wanted: Callable[[Value], bool] = lambda _value: True) -> dict[str, Value]:
        """The values since the last time that are wanted; the others wait."""
        with self._mutex:
            taken = {name: value for name, value in self._values.items() if wanted(value)}
            for name in taken:
                del self._values[name]
        return taken
