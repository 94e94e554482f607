"""Brings letters through one channel: gathers, keeps to the rate, tries again."""

import threading
import time
from collections.abc import Callable

from atta_daq.rig.messages import MessagesConfig
from atta_daq.station.alarms import Cause
from atta_daq.station.log import Say
from atta_daq.station.messages.channels import Channel, NotSent
from atta_daq.station.messages.event import compose
from atta_daq.station.messages.outbox import Outbox

STEP_S = 0.5
FIRST_TRY_AGAIN_S = 10.0
LONGEST_TRY_AGAIN_S = 600.0
MOST_EVENTS = 2000
"""In one letter (repeated ones share a line); what is more stands in the next one."""
END_S = 2.0


class Courier:
    """One channel on a thread of its own: a slow or dead server holds up nothing else."""

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        config: MessagesConfig,
        rig: str,
        say: Say,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.channel = channel
        self._outbox = outbox
        self._config = config
        self._rig = rig
        self._say = say
        self._now = now
        self._first_s: float | None = None
        """When the oldest event that waits was first seen here."""
        self._sent_s = float("-inf")
        self._again_s = float("-inf")
        self._pause_s = FIRST_TRY_AGAIN_S
        self._problem = ""
        self._partly = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"messages-{channel.name}", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End. What has not been sent waits on disk for the next start; a server that does not
        answer is not waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def causes(self) -> list[Cause]:
        """What the operator should know: the channel is down, or somebody was refused."""
        name, words = f"messages:{self.channel.name}", self.channel.words
        if self._problem:
            text = f"{words}: {self._problem}; what should be told waits, and is tried again"
            return [Cause(name, "messages", text, "minor")]
        if self._partly:
            return [Cause(name, "messages", f"{words}: {self._partly}", "minor")]
        return []

    def step(self) -> None:
        """Send what is due."""
        now = self._now()
        waiting = self._outbox.waiting(self.channel.name, MOST_EVENTS)
        if not waiting:
            self._first_s = None
            return
        if self._first_s is None:
            self._first_s = now
        config = self._config
        gathered = now - self._first_s >= config.gather_s
        if not gathered or now - self._sent_s < config.interval_s or now < self._again_s:
            return
        letter = compose(self._rig, [entry.event for entry in waiting], config.page)
        try:
            partly = self.channel.send(letter)
        except NotSent as error:
            self._failed(str(error))
            return
        self._outbox.taken(waiting)
        self._sent_s, self._first_s = self._now(), None
        self._problem, self._partly = "", partly
        self._again_s, self._pause_s = float("-inf"), FIRST_TRY_AGAIN_S
        self._say(f"{self.channel.words}: sent '{letter.subject}'", source="messages")

    def _failed(self, reason: str) -> None:
        self._problem = reason
        self._again_s = self._now() + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, LONGEST_TRY_AGAIN_S)

    def _run(self) -> None:
        told = ""
        while not self._stop.wait(STEP_S):
            try:
                self.step()
            except Exception as error:  # the next letter may go
                if str(error) != told:
                    told = str(error)
                    self._say(f"{self.channel.words}: {error}", "error", "messages")
                self._failed(str(error))
