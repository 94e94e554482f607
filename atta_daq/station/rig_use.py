"""Who moves the rig: one manual move at a time, beside them one activity, or a run alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from atta_daq.client.client import CommandRefused
from atta_daq.rig.instruments import Instruments
from atta_daq.station.activity import Activity
from atta_daq.station.errors import RigBusy
from atta_daq.station.log import Say
from drivers.fair_lock import FairLock

STOPPED, CLOSING = "STOP came first", "the station is ending"
END_S = 30.0
"""An activity ends within a switch of the trap lasers and a loading trace."""


class RunUnderWay(Protocol):
    """What must be known of a run before something else moves the rig."""

    @property
    def run_id(self) -> str: ...

    @property
    def paused(self) -> bool: ...


class RigUse:
    """Refuses what would come in the way of another. Methods may be called from any thread."""

    def __init__(
        self,
        instruments: Instruments,
        announce: Callable[[str], None],
        say: Say,
        stopped: Callable[[int], None] = lambda _stops: None,
    ) -> None:
        """`announce` gets the name of the activity under way, '' for none; `stopped` how often
        STOP or `overrule` came."""
        self._instruments = instruments
        self._announce = announce
        self._say = say
        self._turn = FairLock()
        self._stopped = stopped
        self._stops = 0
        self._why = STOPPED
        self._reason = ""
        """Of the last STOP or `overrule`, or of the end of the station."""
        self._seen = threading.local()
        self._activity: Activity | None = None
        self.run: Callable[[], RunUnderWay | None] = lambda: None
        """The run under way, if there is one."""
        self.moves = 0
        """Grows when a manual move begins and when it ends."""

    def announce_stops(self) -> None:
        """Tell how many there were; at the start of the station, where the first may come at any
        moment and tells its own number."""
        told = -1
        while told != self._stops:
            told = self._stops
            self._stopped(told)

    @property
    def activity(self) -> Activity | None:
        """What the rig does outside a run, if anything."""
        return self._activity

    @contextmanager
    def move(self, *, beside: bool = False, paused: bool = False) -> Iterator[None]:
        """Hold the rig for one manual move.

        `beside`: possible while an activity is under way that is not exclusive; `paused`: also
        in a paused run. Raises CommandRefused with what is in the way.
        """
        with self._my_turn():
            self._refuse_beside(beside=beside, paused=paused)
            self.moves += 1
            try:
                yield
            finally:
                self.moves += 1

    def overrule(self, reason: str) -> int:
        """What was given before and has not begun is not begun any more; nothing is waited for.

        For a command that breaks off the move under way, but for that as allowed as one in a paused
        run. Returns the number that `as_of` takes for what it does itself. Raises CommandRefused.
        """
        self._refuse_beside(paused=True)
        self._why = reason
        self._count(reason)
        stops = self._stops
        self._stopped(stops)
        return stops

    @contextmanager
    def before_run(self) -> Iterator[None]:
        """Hold the rig while a run is started; an activity is ended before."""
        with self._my_turn() as stops:
            if self.run() is None:
                self.end_activity("a run starts")
                # Its end may have been STOP's doing.
                self._require_no_stop(stops)
            yield

    @contextmanager
    def free(self) -> Iterator[None]:
        """Hold the rig while a run is started that nobody waits for. Raises RigBusy with what is
        under way, which goes on."""
        with self._my_turn():
            if why := self.busy():
                raise RigBusy(why)
            yield

    def busy(self) -> str:
        """What is under way on the rig; '' for nothing."""
        run, activity = self.run(), self._activity
        if run is not None:
            return f"run {run.run_id} is under way"
        return "" if activity is None else f"{activity.name} is under way"

    def begin(
        self, name: str, work: Callable[[Activity], Any], *, exclusive: bool = False
    ) -> Activity:
        """Begin an activity. Raises CommandRefused with what is in the way."""
        with self.move():
            activity = Activity(name, work, self._over, exclusive=exclusive)
            self._activity = activity
            self._announce(name)
            if why := self.stopped():
                # STOP came just before there was something to end.
                activity.end(why)
            activity.begin()
        return activity

    def end_activity(self, reason: str) -> None:
        """End the activity, if there is one, and wait for its end. Raises CommandRefused."""
        activity = self._activity
        if activity is None:
            return
        activity.end(reason)
        if not activity.ended.wait(END_S):
            raise CommandRefused(f"{activity.name} does not end; use STOP")

    def stop(self, reason: str) -> bool:
        """STOP, before the hardware: nothing that waits may move any more.

        Returns whether something was under way, which `settle` waits for.
        """
        self._why = STOPPED
        busy = self._end_all(reason)
        self._stopped(self._stops)
        return busy

    def stop_all(self, reason: str) -> list[str]:
        """STOP before there can be a run. Returns what became of every instrument."""
        self.stop(reason)
        return self._instruments.make_safe()

    def shut_down(self, reason: str) -> bool:
        """The same at the end of the station, which is no STOP: nobody is told of one."""
        self._why = CLOSING
        return self._end_all(reason)

    def _count(self, reason: str) -> None:
        # The reason before the count: whoever sees the count tells the reason.
        self._reason = reason
        self._stops += 1

    def _end_all(self, reason: str) -> bool:
        self._count(reason)
        activity = self._activity
        if activity is not None:
            activity.end(reason)
        return activity is not None or self._turn.held

    def settle(self, timeout_s: float) -> None:
        """STOP, after the hardware: wait until what was under way has let go of the rig."""
        deadline_s = time.monotonic() + timeout_s
        activity = self._activity
        if activity is not None:
            activity.ended.wait(max(0.0, timeout_s))
        self._turn.wait_free(max(0.0, deadline_s - time.monotonic()))

    @contextmanager
    def as_of(self, stops: int | None = None) -> Iterator[int]:
        """What this thread moves belongs to something that was begun after `stops` STOPs, which it
        gives; without a number, that begins now, or has begun around this. Raises RigBusy, as moves
        within do, when one came since."""
        outer: int | None = getattr(self._seen, "stops", None)
        if stops is None:
            stops = self._stops if outer is None else outer
        self._seen.stops = stops
        try:
            self._require_no_stop(stops)
            yield stops
        finally:
            self._seen.stops = outer

    def stopped(self) -> str:
        """Why what this thread has begun must end: STOP came since, or the station ends. ''
        while it may go on."""
        return self._reason if self._stops != self._begun_after() else ""

    def _begun_after(self) -> int:
        seen: int | None = getattr(self._seen, "stops", None)
        return self._stops if seen is None else seen

    @contextmanager
    def _my_turn(self) -> Iterator[int]:
        stops = self._begun_after()
        with self._turn:
            self._require_no_stop(stops)
            yield stops

    def _require_no_stop(self, stops: int) -> None:
        if self._stops != stops:
            raise RigBusy(f"{self._why}; nothing was moved")

    def _refuse_beside(self, *, beside: bool = False, paused: bool = False) -> None:
        run, activity = self.run(), self._activity
        if run is not None and not (paused and run.paused):
            raise CommandRefused(f"run {run.run_id} is under way and moves the rig")
        if activity is not None and (activity.exclusive or not beside):
            raise CommandRefused(f"{activity.name} is under way: end it first")

    def _over(self, activity: Activity, failure: str) -> None:
        """At the end of every activity the camera is dark; after a fault the atoms are, too."""
        if failure:
            self._say(f"{activity.name} ended: {failure}", "warning")
        rig = self._instruments
        for line in rig.leave_dark() if failure else rig.darken_camera():
            self._say(line)
        self._activity = None
        self._announce("")
