"""The latest value of every reading, and who wants to hear of which."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from atta_daq.client.rig_info import RigInfo
from gui.link.values import Value
from gui.model import slow_values


@dataclass(frozen=True)
class _Watch:
    names: frozenset[str]
    callback: Callable[[], None]


class Readings(QObject):
    """Filled by the link, read by the panels; lives on the window's thread."""

    updated = Signal()
    """After every delivery."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, Value] = {}
        self._watches: list[_Watch] = []
        self._rig_text = ""
        self._rig: RigInfo | None = None

    def watch(self, callback: Callable[[], None], *names: str) -> Callable[[], None]:
        """Call `callback` after deliveries that hold any of `names`; returns how to end that."""
        watch = _Watch(frozenset(names), callback)
        self._watches.append(watch)

        def end() -> None:
            if watch in self._watches:
                self._watches.remove(watch)

        return end

    def watch_with(self, owner: QObject, callback: Callable[[], None], *names: str) -> None:
        """Like `watch`, until `owner` is deleted: what it would draw on goes with it."""
        owner.destroyed.connect(self.watch(callback, *names))

    def deliver(self, changes: dict[str, Value]) -> None:
        """Take new values over, tell each who watches once.

        One that fails must not cost the others their news: its error goes where errors of Qt's
        slots go, and the next is told.
        """
        if slow_values.NAME in changes:
            changes = {**changes, **slow_values.taken_apart(changes[slow_values.NAME])}
        self._values.update(changes)
        names = changes.keys()
        for watch in tuple(self._watches):
            if not watch.names.isdisjoint(names):
                try:
                    watch.callback()
                except Exception as error:
                    sys.excepthook(type(error), error, error.__traceback__)
        self.updated.emit()

    def age(self, reason: str) -> None:
        """The station is gone, or none was found: everything is stale, and what somebody watches
        and has never come says why, too."""
        names = self._values.keys() | {name for watch in self._watches for name in watch.names}
        self.deliver({name: self.value(name).as_stale(reason) for name in names})

    def value(self, name: str) -> Value:
        """The latest value; a stale empty one before the first."""
        return self._values.get(name, Value())

    def number(self, name: str) -> float:
        """As a number; nan when there is none."""
        value = self.value(name).value
        return float(value) if isinstance(value, int | float) else float("nan")

    def flag(self, name: str) -> bool:
        """True only when the reading says so and is fresh."""
        value = self.value(name)
        return bool(value.value) and not value.stale

    def text(self, name: str) -> str:
        """As text; empty when there is none."""
        value = self.value(name).value
        return value if isinstance(value, str) else ""

    def parsed(self, name: str, default: Any = None) -> Any:
        """The JSON in a text reading."""
        text = self.text(name)
        return json.loads(text) if text else default

    @property
    def rig(self) -> RigInfo | None:
        """What the station told of its rig; None until it has."""
        text = self.text("station:rig")
        if text != self._rig_text:
            self._rig_text = text
            self._rig = RigInfo.from_dict(json.loads(text)) if text else None
        return self._rig
