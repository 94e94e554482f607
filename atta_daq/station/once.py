"""A command that comes twice is carried out once."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass

KEPT = 100
"""Outcomes that are remembered: a connection is back within so many commands."""


@dataclass(frozen=True)
class Outcome:
    """The answer, or why there is none."""

    text: str
    refused: bool = False


class Once:
    """Outcomes of the commands that came last, by the number that their sender gave them.

    PVA sends a call that was under way again when its lost connection is back: a queue's entry
    would be added twice, a run that has begun be refused as under way. Any thread may ask.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._under_way: dict[str, Future[Outcome]] = {}
        self._told: OrderedDict[str, Outcome] = OrderedDict()
        """No futures: one that is done still holds everybody whom it told."""

    def outcome(self, number: str) -> tuple["Future[Outcome]", bool]:
        """Where the answer of this call will be, and whether the caller has to bring it about.
        Calls without a number are all new."""
        with self._mutex:
            under_way = self._under_way.get(number)
            if under_way is not None:
                return under_way, False
            new: Future[Outcome] = Future()
            told = self._told.get(number)
            if told is not None:
                new.set_result(told)
                return new, False
            if number:
                self._under_way[number] = new
                new.add_done_callback(lambda done: self._keep(number, done.result()))
            return new, True

    def _keep(self, number: str, told: Outcome) -> None:
        with self._mutex:
            del self._under_way[number]
            self._told[number] = told
            while len(self._told) > KEPT:
                self._told.popitem(last=False)
