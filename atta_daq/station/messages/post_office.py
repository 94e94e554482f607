"""The messages of a station: what it tells, kept on disk, sent by every channel of the rig file."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from atta_daq.client.log import Alarm
from atta_daq.client.runs import RunInfo
from atta_daq.rig.messages import MessagesConfig
from atta_daq.station.alarms import Cause
from atta_daq.station.log import Say
from atta_daq.station.messages.channels import Channel
from atta_daq.station.messages.courier import Courier
from atta_daq.station.messages.email import EmailChannel
from atta_daq.station.messages.event import Event
from atta_daq.station.messages.outbox import Outbox
from atta_daq.station.messages.reporter import Read, Reporter
from atta_daq.station.messages.tonight import Tonight
from atta_daq.station.messages.webhook import WebhookChannel


def channels_of(config: MessagesConfig) -> tuple[Channel, ...]:
    """The channels of a rig file."""
    found: list[Channel] = []
    if config.email is not None:
        found.append(EmailChannel(config.email))
    if config.webhook is not None:
        found.append(WebhookChannel(config.webhook))
    return tuple(found)


class PostOffice:
    """Does nothing for a rig without channels. Its methods return at once."""

    def __init__(
        self,
        config: MessagesConfig | None,
        rig: str,
        data: Path,
        say: Say,
        utc_now: Callable[[], float] = time.time,
        channels: Sequence[Channel] | None = None,
    ) -> None:
        config = config or MessagesConfig()
        self._outbox = Outbox(data / "messages" / f"{rig}.sqlite")
        carried = channels_of(config) if channels is None else channels
        self._couriers = [Courier(channel, self._outbox, config, rig, say) for channel in carried]
        self._reporter = Reporter(config, self.tell, utc_now, Tonight(data, rig, utc_now))

    def start(self, read: Read) -> None:
        """Begin; what waited from before goes out."""
        if not self._couriers:
            return
        self._reporter.start(read)
        for courier in self._couriers:
            courier.start()

    def close(self) -> None:
        """End; what has not been sent waits on disk."""
        self._reporter.close()
        for courier in self._couriers:
            courier.close()

    def tell(self, event: Event) -> None:
        """Keep an event for every channel. That a channel is down is not told by itself."""
        names = [courier.channel.name for courier in self._couriers]
        if event.source == "messages":
            down = {c.channel.words for c in self._couriers if c.causes()}
            names = [c.channel.name for c in self._couriers if c.channel.words not in down]
        if names:
            self._outbox.add(event, names)

    def alarm(self, event: str, alarm: Alarm) -> None:
        """For `Alarms`: something happened to an alarm."""
        if self._couriers:
            self._reporter.alarm(event, alarm)

    def run_ended(self, info: RunInfo, fit: str = "") -> None:
        """A run has ended; `fit` is the reading `run:fit`."""
        if self._couriers:
            self._reporter.run_ended(info, fit)

    def causes(self) -> list[Cause]:
        """Channels that are down, a disk that takes no events."""
        found = [cause for courier in self._couriers for cause in courier.causes()]
        if self._outbox.problem:
            text = f"news are kept in memory only: {self._outbox.problem}"
            found.append(Cause("messages:outbox", "messages", text, "minor"))
        return found
