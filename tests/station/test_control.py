"""One client commands, the others watch."""

import pytest

from atta_daq.client.client import CommandRefused
from atta_daq.station.control import Control


def test_the_first_who_commands_has_control() -> None:
    said: list[str] = []
    control = Control(said.append)
    control.require("bench")
    control.require("bench")
    assert said == ["bench"]
    with pytest.raises(CommandRefused, match="bench holds control"):
        control.require("office")


def test_control_is_taken_over_only_by_force() -> None:
    control = Control(lambda _: None)
    control.require("bench")
    with pytest.raises(CommandRefused, match="take by force"):
        control.take("office", force=False)
    control.take("office", force=True)
    control.require("office")
    with pytest.raises(CommandRefused):
        control.require("bench")


def test_only_its_holder_gives_control_up() -> None:
    control = Control(lambda _: None)
    control.require("bench")
    with pytest.raises(CommandRefused):
        control.release("office")
    control.release("bench")
    control.require("office")
