"""Alarms of the station: raised and cleared by their id, kept until over and acknowledged."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from atta_daq.client.log import Alarm, Severity, alarms_to_json
from atta_daq.station.log import Say
from atta_daq.steady import steady_s

QUIET_S = 30.0
"""An alarm that comes and goes writes into the log once in this time."""


@dataclass
class _History:
    """What the log has been told of one id."""

    told_s: float = float("-inf")
    untold: int = 0


@dataclass(frozen=True)
class Cause:
    """What is wrong at the moment."""

    id: str
    """The same cause keeps its id, such as `lock` or `camera:stalled`."""
    source: str
    """The instrument, `run` or `station`."""
    text: str
    severity: Severity = "major"
    once: bool = field(default=False, compare=False)
    """It has happened and is over: nothing stays active."""


class Alarms:
    """`post(name, value)` serves them. Methods are safe from any thread."""

    def __init__(
        self,
        post: Callable[[str, object], None],
        say: Say,
        utc_now: Callable[[], float],
        *,
        steady: Callable[[], float] = steady_s,
        record: Callable[[str, Alarm], None] = lambda _event, _alarm: None,
        save: Callable[[list[Alarm]], None] = lambda _alarms: None,
    ) -> None:
        """`record(event, alarm)` hears of each that is 'raised', 'changed', 'over' or
        'acknowledged', in this order of time; it must not wait. `save(alarms)` keeps them on disk
        and may: whoever raises one does not wait for it."""
        self._post = post
        self._say = say
        self._utc_now = utc_now
        self._steady = steady
        self._record = record
        self._save = save
        self._alarms: dict[str, Alarm] = {}
        self._told: dict[str, _History] = {}
        self._changed = True
        self._mutex = threading.Lock()

    def current(self) -> list[Alarm]:
        """All that are active or not acknowledged, oldest first."""
        with self._mutex:
            return list(self._alarms.values())

    def restore(self, alarms: Sequence[Alarm]) -> None:
        """Hold what an earlier station left unacknowledged: over, as far as anybody knows. Nobody
        is told of it again."""
        over = [replace(alarm, active=False) for alarm in alarms]
        with self._mutex:
            self._alarms = {alarm.id: alarm for alarm in over} | self._alarms
            self._changed = True
            for was, alarm in zip(alarms, over, strict=True):
                if was.active:
                    self._record("over", alarm)

    def raise_(self, cause: Cause) -> None:
        """Something is wrong. Idempotent while it stays so; one that was over begins anew."""
        now = self._utc_now()
        with self._mutex:
            known = self._alarms.get(cause.id)
            if known is not None and known.active and not cause.once:
                if known.text != cause.text or known.severity != cause.severity:
                    changed = replace(known, text=cause.text, severity=cause.severity)
                    self._keep(changed, "changed")
                return
            # The newest stands last, also when the clock was set back.
            self._alarms.pop(cause.id, None)
            self._keep(
                Alarm(
                    cause.id, cause.source, cause.text, cause.severity, now,
                    active=not cause.once, acknowledged=False,
                ),
                "raised",
            )  # fmt: skip
            line = self._line(cause, self._steady())
        if line:
            self._say(line, "error" if cause.severity == "major" else "warning", cause.source)

    def clear(self, alarm_id: str) -> None:
        """It is over; it stays in the list until it has been acknowledged. Idempotent."""
        with self._mutex:
            known = self._alarms.get(alarm_id)
            if known is None or not known.active:
                return
            if known.acknowledged:
                del self._alarms[alarm_id]
            else:
                self._alarms[alarm_id] = replace(known, active=False)
            self._changed = True
            self._record("over", replace(known, active=False))
            told = self._told[alarm_id].untold == 0
        if told:
            self._say(f"over: {known.text}", "info", known.source)

    def acknowledge(self, alarm_id: str, client: str) -> list[str]:
        """An operator has seen it ('all': every one). Returns the ids; KeyError for no such id."""
        with self._mutex:
            if alarm_id != "all" and alarm_id not in self._alarms:
                raise KeyError(alarm_id)
            wanted = list(self._alarms) if alarm_id == "all" else [alarm_id]
            seen = [self._alarms[name] for name in wanted if not self._alarms[name].acknowledged]
            for alarm in seen:
                if alarm.active:
                    self._keep(replace(alarm, acknowledged=True), "acknowledged")
                else:
                    del self._alarms[alarm.id]
                    self._changed = True
                    self._record("acknowledged", replace(alarm, acknowledged=True))
        for alarm in seen:
            self._say(f"acknowledged by {client}: {alarm.text}", "info", alarm.source)
        return [alarm.id for alarm in seen]

    def publish(self) -> None:
        """Keep the alarms, post them if they have changed; called a few times a second."""
        with self._mutex:
            changed, self._changed = self._changed, False
            alarms = list(self._alarms.values())
        # What clients have seen is on the medium.
        self._save(alarms)
        if changed:
            self._post("station:alarms", alarms_to_json(alarms))

    def _keep(self, alarm: Alarm, event: str) -> None:
        self._alarms[alarm.id] = alarm
        self._changed = True
        self._record(event, alarm)

    def _line(self, cause: Cause, now_s: float) -> str:
        """What the log gets: nothing while the same alarm was told a moment ago."""
        history = self._told.setdefault(cause.id, _History())
        if now_s - history.told_s < QUIET_S:
            history.untold += 1
            return ""
        again = f" ({history.untold} more times since the last line)" if history.untold else ""
        history.told_s, history.untold = now_s, 0
        return f"{cause.text}{again}"
