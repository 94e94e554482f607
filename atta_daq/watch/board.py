"""What the page shows now, as texts with a number each: the one thing that all viewers share."""

import json
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from atta_daq.watch.sections.table import SECTIONS, Section
from atta_daq.watch.station_link import LinkState
from atta_daq.watch.values import Look, Value

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where readings come from: `StationLink`, or a test."""

    @property
    def state(self) -> LinkState:
        """How the page stands to its station."""
        ...

    def values(self) -> dict[str, Value]:
        """The latest value of each reading that has come."""
        ...


class Board:
    """The newest text of each part of the page. A viewer keeps nothing but the numbers it has.

    However slow or many the viewers are, this is all that is kept for them.
    """

    def __init__(self, source: Source, sections: Sequence[Section] = SECTIONS) -> None:
        self._source = source
        self._sections = sections
        self._seen: dict[str, tuple[Value | None, ...]] = {}
        self._texts: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0
        self._failed: set[str] = set()

    def refresh(self) -> bool:
        """Make anew what has changed; True if anything has."""
        before = self._count
        state, values = self._source.state, self._source.values()
        self._put("link", {"state": state.state, "reason": state.reason, "rig": state.rig})
        look = Look(values)
        for section in self._sections:
            seen = tuple(values.get(name) for name in section.readings)
            known = self._seen.get(section.name)
            if known is not None and all(a is b for a, b in zip(known, seen, strict=True)):
                continue
            self._seen[section.name] = seen
            if any(value is not None for value in seen):
                self._put(section.name, self._built(section, look))
        return self._count != before

    def news(self, had: dict[str, int]) -> list[tuple[str, str]]:
        """Name and text of each part that is newer than `had` says, which is brought up to date."""
        found = []
        for name, number in self._numbers.items():
            if had.get(name) != number:
                had[name] = number
                found.append((name, self._texts[name]))
        return found

    def _built(self, section: Section, look: Look) -> Any:
        try:
            built = section.build(look)
        except Exception as error:  # one part that cannot be read must not take the page away
            if section.name not in self._failed:
                self._failed.add(section.name)
                log.exception("part %s of the page", section.name)
            return {"problem": f"cannot be shown: {error}"}
        self._failed.discard(section.name)
        return built

    def _put(self, name: str, content: Any) -> None:
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        if self._texts.get(name) != text:
            self._count += 1
            self._texts[name] = text
            self._numbers[name] = self._count
