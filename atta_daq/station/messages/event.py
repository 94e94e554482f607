"""Something that people away from the rig are told, and the letter that tells it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["alarm", "over", "run", "night", "test"]

_WORDS = {"alarm": "ALARM", "over": "over", "run": "run ended", "night": "night over",
          "test": "test"}  # fmt: skip
LONGEST_SUBJECT = 140


@dataclass(frozen=True)
class Event:
    """One piece of news. `text` is one line or several."""

    utc_s: float
    kind: Kind
    severity: Literal["info", "minor", "major"]
    source: str
    """The instrument, `run`, `station` ..."""
    text: str
    title: str = ""
    """For the subject; empty: the text's first line."""

    @property
    def headline(self) -> str:
        """One line."""
        return " ".join((self.title or self.text.partition("\n")[0]).split())

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Event":
        """Inverse of `to_json`. Raises ValueError or TypeError."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Letter:
    """What is sent: all news since the last letter."""

    id: str
    """The same for the same news: who gets it twice can tell."""
    rig: str
    subject: str
    text: str
    events: tuple[Event, ...]

    def to_json(self) -> str:
        """For a webhook. Chat services show `text`."""
        return json.dumps(
            {
                "id": self.id,
                "rig": self.rig,
                "subject": self.subject,
                "text": self.text,
                "events": [asdict(event) for event in self.events],
            }
        )


def compose(rig: str, events: Sequence[Event], page: str = "") -> Letter:
    """One letter of one or many events, in the order in which they happened.

    What happened again and again stands in one line, with how often and when for the last time.
    """
    groups: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        groups.setdefault((event.kind, event.source, event.text), []).append(event)
    lines = [f"Rig {rig}", ""]
    for (kind, source, text), same in groups.items():
        word = _WORDS[kind] + (f" ({same[0].severity})" if kind == "alarm" else "")
        first, *more = text.split("\n")
        again = f" ({len(same)} times, last {_moment(same[-1].utc_s)})" if len(same) > 1 else ""
        lines.append(f"{_moment(same[0].utc_s)}  {word}, {source}: {first}{again}")
        lines += [f"    {line}" for line in more]
    lines += ["", "Times are UTC."]
    if page:
        lines.append(f"The rig now: {page}")
    content = json.dumps([rig, *(asdict(event) for event in events)])
    return Letter(
        id=hashlib.sha256(content.encode()).hexdigest()[:32],
        rig=rig,
        subject=_subject(rig, [same[0] for same in groups.values()]),
        text="\n".join(lines) + "\n",
        events=tuple(events),
    )


def _subject(rig: str, events: Sequence[Event]) -> str:
    """The gravest first; the rest as a number."""
    grave = {"major": 0, "minor": 1, "info": 2}
    kinds = {"night": 0, "alarm": 1, "run": 2, "over": 3, "test": 4}
    first = min(events, key=lambda e: (grave[e.severity], kinds[e.kind]))
    more = f" (and {len(events) - 1} more)" if len(events) > 1 else ""
    text = f"[{rig}] {_WORDS[first.kind]}: {first.headline}"
    room = LONGEST_SUBJECT - len(more)
    return (text if len(text) <= room else text[: room - 1] + "…") + more


def _moment(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
