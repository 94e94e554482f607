"""`stops_seen`, which every command with control takes, is for the station and not for the rig."""

from typing import Any

import pytest
from rig_ports import PORTS
from rigs import RunningStation

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.client.names import STOPS_SEEN
from atta_daq.rig.config import rig_config
from atta_daq.station.arguments import Arguments
from atta_daq.station.commands import Commands
from atta_daq.station.control import Control
from atta_daq.station.errors import RigBusy
from atta_daq.station.log import Level
from atta_daq.station.manual import Manual
from atta_daq.station.rig_use import RigUse
from atta_daq.station.server import Handler


class Generator:
    """Takes every setting."""

    frequency_mhz, power_dbm, rf_on = 30.0, -3.0, True

    def set_frequency(self, mhz: float) -> None:
        self.frequency_mhz = mhz

    def status(self) -> "Generator":
        return self


class Desk:
    """The commands of a station whose rig is a generator."""

    def __init__(self) -> None:
        config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.said: list[str] = []
        rig: Any = self
        self.sideband = Generator()
        self.use = RigUse(rig, lambda _name: None, self.say)
        control = Control(lambda _holder: None)
        manual = Manual(rig, config, rig, rig, control, self.use, self.say)
        others: dict[str, Handler] = {**manual.handlers(), "echo": self.echo}
        self.commands = Commands(
            config, rig, control, self.use, others, self.say, lambda: None, rig
        )
        self.handlers = self.commands.handlers()
        control.take("office", force=False)

    def say(self, text: str, level: Level = "info", source: str = "station") -> None:
        self.said.append(text)

    def forget(self) -> None:
        """Nothing is known of the light."""

    def echo(self, _client: str, arguments: Arguments) -> object:
        return dict(arguments)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_command_is_not_told_of_it(desk: Desk) -> None:
    given = {STOPS_SEEN: "0", "frequency_mhz": "40.0"}
    assert desk.handlers["echo"]("office", given) == {"frequency_mhz": "40.0"}
    assert desk.handlers["sideband"]("office", given)
    assert desk.said == ["sideband frequency_mhz 40.0"]
    assert desk.sideband.frequency_mhz == 40.0


def test_it_is_nothing_to_set(desk: Desk) -> None:
    with pytest.raises(CommandRefused, match="give frequency_mhz, power_dbm, on"):
        desk.handlers["sideband"]("office", {STOPS_SEEN: "0"})


def test_after_a_stop_it_refuses_the_command(desk: Desk) -> None:
    desk.use.stop("STOP")
    with pytest.raises(RigBusy, match="STOP came first"):
        desk.handlers["echo"]("office", {STOPS_SEEN: "0"})


def test_a_command_that_tells_of_none_is_as_of_its_arrival(desk: Desk) -> None:
    """STOP comes while a client without a window has its scan planned."""

    def planned_long(_client: str, _arguments: Arguments) -> object:
        desk.use.stop("STOP")
        with desk.use.move():
            pytest.fail("it moves behind STOP")

    handle = desk.commands._unless_stopped(planned_long)
    with pytest.raises(RigBusy, match="STOP came first"):
        handle("office", {})
    with desk.use.move():
        pass


@pytest.mark.timeout(120)
def test_a_station_that_saw_no_stop_says_so(station: RunningStation) -> None:
    """A window sends back what it reads here: a reading that is not read yet tells it nothing."""
    told: Any = station.client._context.get(station.client.full_name("station:stops"))
    assert (told["value"], told["alarm"]["severity"]) == (0, 0)
