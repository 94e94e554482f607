"""The commands of the queue on a station of the mind."""

import math
from typing import Any

from dying_station import DyingStation, Medium

from atta_daq.client.client import CommandRefused
from atta_daq.client.queue import lines_of
from atta_daq.station.control import Control
from atta_daq.station.queue.commands import QueueCommands
from atta_daq.station.queue.table import rows

NOW_S = 1_795_900_000.0


class Desk:
    """The commands on a queue of the mind; every scan takes an hour and 1 GB."""

    def __init__(self) -> None:
        self.clock = [NOW_S]
        self.station = DyingStation(Medium(), self.clock, by_itself=True)
        self.room_bytes = 10e9
        self.control = Control(lambda _holder: None)
        self.commands = QueueCommands(
            self.station.keeper, self.control, self.measure, lambda: self.room_bytes,
            lambda: self.clock[0], ("slow:pressure",), lambda *_: None, lambda: None,
        ).handlers()  # fmt: skip

    def measure(self, scan: str, path: str) -> tuple[str, float, float]:
        if scan == "bad":
            raise CommandRefused(f"the scan cannot be used: {path}: dwell_s is missing")
        return scan, 3600.0, 1e9

    def __call__(self, name: str, client: str = "me", **arguments: str) -> Any:
        return self.commands[f"queue_{name}"](client, arguments)

    def lines(self, remaining_s: float = math.nan) -> Any:
        starter = self.station.starter
        starter.step()
        return lines_of(rows(self.station.night, starter.waits, self.clock[0], remaining_s))
