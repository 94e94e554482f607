"""The commands of the queue: each is on the medium when it answers."""

from collections.abc import Callable

from atta_daq.client.client import CommandRefused
from atta_daq.station.arguments import Arguments
from atta_daq.station.control import Control
from atta_daq.station.log import Say
from atta_daq.station.queue.conditions import parse
from atta_daq.station.queue.entry import Entry, OnFault
from atta_daq.station.queue.keeper import QueueKeeper
from atta_daq.station.queue.night import Night
from atta_daq.station.queue.times import utc_s
from atta_daq.station.server import Handler

MOST_REPEATS = 1000
MOST_PRIORITY = 1000

Measure = Callable[[str, str], tuple[str, float, float]]
"""(scan TOML, its name in messages) -> name, rig time (s) and bytes of one measurement; refuses
what `run` refuses."""


class QueueCommands:
    """Handlers; `changed` is told after each change."""

    def __init__(
        self, keeper: QueueKeeper, control: Control, measure: Measure,
        room_bytes: Callable[[], float], utc_now: Callable[[], float],
        numeric: tuple[str, ...], say: Say, changed: Callable[[], None],
    ) -> None:  # fmt: skip
        """`room_bytes`: what the disk takes of the queue; `numeric`: readings that only this rig
        has."""
        self._keeper = keeper
        self._control = control
        self._measure = measure
        self._room_bytes = room_bytes
        self._utc_now = utc_now
        self._numeric = numeric
        self._say = say
        self._changed = changed

    def handlers(self) -> dict[str, Handler]:
        """Handler of each command."""
        return {
            "queue_add": self.add,
            "queue_change": self.change,
            "queue_move": self.move,
            "queue_remove": self.remove,
            "queue_pause": self.pause,
            "queue_resume": self.resume,
            "queue_clear": self.clear,
            "queue_scan": self.scan,
        }

    def add(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        scan = arguments.get("scan", "")
        if not scan.strip():
            raise CommandRefused("scan is missing")
        priority = _integer(arguments, "priority", 0, -MOST_PRIORITY, MOST_PRIORITY)
        repeats = _integer(arguments, "repeats", 1, 1, MOST_REPEATS)
        on_fault = _on_fault(arguments.get("on_fault") or "pause")
        not_before_s = _moment(arguments.get("not_before", ""))
        conditions = self._conditions(arguments.get("conditions", ""))
        name, duration_s, archive_bytes = self._measure(scan, arguments.get("path") or "scan")
        numbers: list[int] = []

        def step(night: Night) -> Night:
            entry = Entry(
                number=night.next_number, name=name, scan=scan, priority=priority,
                repeats=repeats, not_before_s=not_before_s, conditions=conditions,
                on_fault=on_fault, added_by=client,
                added_utc_s=self._utc_now(), duration_s=duration_s, archive_bytes=archive_bytes,
            )  # fmt: skip
            self._require_room(night, entry)
            numbers.append(entry.number)
            return night.add(entry)

        self._keeper.change(step)
        number = numbers[-1]
        times = f", {repeats} times" if repeats > 1 else ""
        self._say(f"entry {number} of the queue: {name}{times}", "info", client)
        self._changed()
        return {
            "entry": number, "name": name, "duration_s": duration_s,
            "archive_bytes": archive_bytes,
        }  # fmt: skip

    def change(self, client: str, arguments: Arguments) -> object:
        """What is given of an entry that waits; an empty `not_before` or `conditions` takes them
        away. Only another priority gives it another place."""
        self._control.require(client)
        number = _entry(arguments)
        changes: dict[str, object] = {}
        if "repeats" in arguments:
            changes["repeats"] = _integer(arguments, "repeats", None, 1, MOST_REPEATS)
        if "on_fault" in arguments:
            changes["on_fault"] = _on_fault(arguments["on_fault"])
        if "not_before" in arguments:
            changes["not_before_s"] = _moment(arguments["not_before"])
        if "conditions" in arguments:
            changes["conditions"] = self._conditions(arguments["conditions"])
        if "scan" in arguments:
            scan = arguments["scan"]
            measured = self._measure(scan, arguments.get("path") or "scan")
            fields = ("name", "duration_s", "archive_bytes")
            changes |= {"scan": scan, **dict(zip(fields, measured, strict=True))}
        priority = None
        if "priority" in arguments:
            priority = _integer(arguments, "priority", None, -MOST_PRIORITY, MOST_PRIORITY)
        elif not changes:
            raise CommandRefused(
                "nothing to change: give repeats, priority, not_before, conditions, on_fault or "
                "scan"
            )

        def step(night: Night) -> Night:
            changed = night.change(number, changes)
            self._require_room(night.without(number), changed.entry(number))
            if priority in (None, changed.entry(number).priority):
                return changed
            return changed.prioritise(number, priority)

        night = self._keeper.change(step)
        self._say(f"entry {number} of the queue changed", "info", client)
        self._changed()
        return {"entry": number, "name": night.entry(number).name}

    def move(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        number = _entry(arguments)
        before, priority = arguments.get("before", ""), arguments.get("priority", "")
        if bool(before) == bool(priority):
            raise CommandRefused("give either `before` or `priority`")
        if before:
            night = self._keeper.change(lambda night: night.move(number, before))
        else:
            wanted = _integer(arguments, "priority", 0, -MOST_PRIORITY, MOST_PRIORITY)
            night = self._keeper.change(lambda night: night.prioritise(number, wanted))
        self._say(f"entry {number} of the queue moved", "info", client)
        self._changed()
        return {"entry": number, "priority": night.entry(number).priority}

    def remove(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        number = _entry(arguments)
        self._keeper.change(lambda night: night.remove(number))
        self._say(f"entry {number} taken out of the queue", "info", client)
        self._changed()
        return {"removed": number}

    def pause(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        reason = arguments.get("reason", "").strip() or f"paused by {client}"
        self._keeper.pause("operator", reason)
        self._say(f"the queue is paused: {reason}", "info", client)
        self._changed()
        return {"paused": True}

    def resume(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        number = _entry(arguments) if arguments.get("entry", "").strip() else None
        self._keeper.resume(number)
        self._say("the queue goes on", "info", client)
        self._changed()
        return {"paused": False}

    def clear(self, client: str, arguments: Arguments) -> object:
        self._control.require(client)
        which = arguments.get("which") or "ended"
        if which not in ("ended", "all"):
            raise CommandRefused(f"clear '{which}'? 'ended' or 'all'")
        gone: list[int] = []

        def step(night: Night) -> Night:
            cleared = night.clear(everything=which == "all")
            kept = {entry.number for entry in (*cleared.open, *cleared.ended)}
            before = (*night.open, *night.ended)
            gone[:] = [entry.number for entry in before if entry.number not in kept]
            return cleared

        self._keeper.change(step)
        self._say(f"{len(gone)} entries cleared out of the queue", "info", client)
        self._changed()
        return {"removed": gone}

    def scan(self, _client: str, arguments: Arguments) -> object:
        number = _entry(arguments)
        night = self._keeper.change(lambda night: night)
        for entry in (*night.open, *night.ended):
            if entry.number == number:
                return {"name": entry.name, "scan": entry.scan}
        raise CommandRefused(f"the queue has no entry {number}")

    def _conditions(self, text: str) -> tuple[str, ...]:
        lines = text.replace(";", "\n").splitlines()
        try:
            return tuple(str(parse(line, self._numeric)) for line in lines if line.strip())
        except ValueError as error:
            raise CommandRefused(str(error)) from error

    def _require_room(self, night: Night, entry: Entry) -> None:
        """The whole queue with this entry has to fit on the disk."""
        before = sum(e.left * e.archive_bytes for e in night.open)
        needed, room = before + entry.left * entry.archive_bytes, self._room_bytes()
        if needed > room:
            raise CommandRefused(
                f"the disk has room for {room / 1e9:.1f} GB; the queue would need "
                f"{needed / 1e9:.1f} GB with this entry ({entry.left} times "
                f"{entry.archive_bytes / 1e9:.2f} GB). Free some, or ask for less"
            )


def _moment(text: str) -> float | None:
    try:
        return utc_s(text.strip()) if text.strip() else None
    except ValueError as error:
        raise CommandRefused(str(error)) from error


def _on_fault(text: str) -> OnFault:
    if text not in ("pause", "skip"):
        raise CommandRefused(f"on_fault = '{text}'? 'pause' or 'skip'")
    return text


def _entry(arguments: Arguments) -> int:
    text = arguments.get("entry", "").strip()
    if not text.isdecimal():
        raise CommandRefused(f"entry = '{text}' is not the number of an entry")
    return int(text)


def _integer(arguments: Arguments, name: str, default: int | None, low: int, high: int) -> int:
    """Without a default an empty text is refused, too."""
    text = arguments.get(name, "").strip()
    if not text and default is not None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise CommandRefused(f"{name} = '{text}' is not a whole number") from None
    if not low <= value <= high:
        raise CommandRefused(f"{name} = {value}: {low} to {high}")
    return value
