"""What is news: alarms from a severity on, the ends of runs, the end of the night."""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from atta_daq.analysis.results import FitResult
from atta_daq.client.log import Alarm
from atta_daq.client.runs import RunInfo
from atta_daq.rig.messages import MessagesConfig
from atta_daq.station.messages.event import Event
from atta_daq.station.messages.tonight import Measured, Tonight

Read = Callable[[str], Any]
"""The value of a reading; None while it is stale or has never been read."""

_log = logging.getLogger(__name__)

STEP_S = 0.5
MOST_PARAMETERS = 8
_LEVELS = {"minor": 0, "major": 1}


class Reporter:
    """`tell(event)` keeps an event for those who are away. It is called on a thread of its own:
    nobody who raises an alarm waits for a disk."""

    def __init__(
        self,
        config: MessagesConfig,
        tell: Callable[[Event], None],
        utc_now: Callable[[], float],
        tonight: Tonight,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._tell = tell
        self._utc_now = utc_now
        self._tonight = tonight
        self._now = now
        self._read: Read = lambda name: None
        self._news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._told: dict[str, int] = {}
        """Alarms that are active and were told, with the level that was told last."""
        self._mutex = threading.Lock()
        self._ended: dict[str, str] = {}
        """Runs that ended in this life since the last end of a night, with their states."""
        self._untold = True
        """There may be something to tell at the end of the night: a killed station has left it."""
        self._quiet_since_s: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)

    def start(self, read: Read) -> None:
        """Begin; `read` is asked whether the rig is at rest."""
        self._read = read
        self._tonight.begin()
        self._thread.start()

    def close(self) -> None:
        """End, after everything that was heard is kept."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def alarm(self, event: str, alarm: Alarm) -> None:
        """An alarm was 'raised', 'changed', 'over' or 'acknowledged'. Returns at once."""
        with self._mutex:
            level = _LEVELS[alarm.severity]
            grave = level >= _LEVELS[self._config.from_severity]
            if event in ("raised", "changed") and grave:
                # A text that changes is no news while the alarm stays; that it grows is.
                if event == "changed" and level <= self._told.get(alarm.id, -1):
                    return
                if alarm.active:
                    self._told[alarm.id] = level
                kind = "alarm"
            elif event == "over" and alarm.id in self._told:
                del self._told[alarm.id]
                if not self._config.tell_over:
                    return
                kind = "over"
            else:
                return
        severity = alarm.severity if kind == "alarm" else "info"
        self._news.put(Event(self._utc_now(), kind, severity, alarm.source, alarm.text))

    def run_ended(self, info: RunInfo, fit: str = "") -> None:
        """A run has ended; `fit` is the reading `run:fit`. Returns at once."""
        with self._mutex:
            self._ended[info.run_id] = info.state
            self._untold = True
        if not self._config.run_ended:
            return
        good = info.state == "complete"
        title = f"run {info.name or info.run_id}: {info.state}"
        lines = [f"run {info.run_id}: {info.state}"]
        if info.outcome:
            lines[0] += f", {info.outcome}"
        lines += _results(fit)
        self._news.put(
            Event(
                self._utc_now(), "run", "info" if good else "major", "run", "\n".join(lines), title
            )
        )

    def step(self) -> None:
        """Keep what was heard; look whether the night is over."""
        while True:
            try:
                event = self._news.get_nowait()
            except queue.Empty:
                break
            try:
                self._tell(event)
            except Exception:
                # One message that cannot be kept is no reason to keep none any more.
                _log.exception("a message was not kept: %s", event.text)
        self._look()

    def _look(self) -> None:
        state, in_queue = self._read("run:state"), self._read("queue:state")
        busy = state != "idle" or bool(self._read("station:activity"))
        if busy or in_queue in ("waiting", "running"):
            self._quiet_since_s = None
            return
        now = self._now()
        if self._quiet_since_s is None:
            self._quiet_since_s = now
        if now - self._quiet_since_s < self._config.quiet_s:
            return
        with self._mutex:
            untold, self._untold = self._untold, False
            ended, self._ended = self._ended, {}
        if not untold or not self._config.night_over:
            return
        measured = self._tonight.measured(ended)
        if measured:
            self._tell(self._night(measured, in_queue, now - self._quiet_since_s))
            self._tonight.told()

    def _night(self, measured: Sequence[Measured], in_queue: Any, quiet_s: float) -> Event:
        complete = sum(one.complete for one in measured)
        paused = in_queue == "paused"
        since = datetime.fromtimestamp(self._utc_now() - quiet_s, UTC).strftime("%H:%M")
        title = f"{complete} of {_number(len(measured))} complete"
        if paused:
            title += ", the queue is paused"
        lines = [f"{title}; nothing runs since {since} UTC"]
        if paused:
            lines.append(f"the queue is paused: {self._read('queue:reason') or 'no reason known'}")
        lines += [str(one) for one in measured]
        lines.append("the whole night: atta-daq night")
        good = complete == len(measured) and not paused
        return Event(
            self._utc_now(), "night", "info" if good else "major", "station", "\n".join(lines),
            title,
        )  # fmt: skip

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self._stop.wait(STEP_S)
            try:
                self.step()
            except Exception:
                _log.exception("the end of the night was not told")


def _number(measurements: int) -> str:
    return f"{measurements} measurement" + ("" if measurements == 1 else "s")


def _results(fit: str) -> list[str]:
    """The free parameters of each part of the run, rounded."""
    lines: list[str] = []
    for name, stored in json.loads(fit or "{}").items():
        result = FitResult.from_dict(stored)
        free = [p for p in (*result.parameters, *result.derived) if p.error > 0.0 and not p.fixed]
        said = "" if result.valid else " (the fit did not converge)"
        lines.append(f"{name}{said}: " + ", ".join(str(p) for p in free[:MOST_PARAMETERS]))
    return lines
