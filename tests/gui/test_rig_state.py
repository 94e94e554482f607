"""What is possible beside an activity: the window says what the station does."""

import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from fakes_gui import FakeLink
from fakes_sweep import live, spectrum

from atta_daq.client.client import CommandRefused
from atta_daq.client.names import COMMANDS
from atta_daq.station.activity import Activity
from atta_daq.station.alignment import Alignment
from atta_daq.station.manual import Manual
from atta_daq.station.rig_use import RigUse
from gui.actions.commands import SIMPLE
from gui.context import Context
from gui.model.state import ALIGNMENT, may_steer

ACTIVITIES = (
    ("zeroing", True), ("calibration fibre-power", True), ("camera view 85Kr", False),
    (Alignment.name, False),
)  # fmt: skip
BEGIN = ("zero_axis", "calibrate", "align")
"""Commands that begin an activity themselves."""


class Station:
    """The station's own code that refuses, with instruments that obey."""

    def __init__(self) -> None:
        anything: Any = MagicMock()
        self.use = RigUse(anything, lambda _name: None, anything)
        self.manual = Manual(anything, anything, anything, anything, anything, self.use, anything)
        self._end = threading.Event()

    def begin(self, name: str, exclusive: bool) -> None:
        def work(activity: Activity) -> None:
            activity.ready()
            self._end.wait(20.0)

        self.use.begin(name, work, exclusive=exclusive).wait_ready()

    def refuses(self, command: str, arguments: dict[str, Any]) -> bool:
        try:
            if command in BEGIN:
                with self.use.move():
                    pass
            else:
                self.manual.handlers()[command]("window", {k: str(v) for k, v in arguments.items()})
        except CommandRefused as error:
            return "is under way: end it first" in str(error)
        return False

    def close(self) -> None:
        self._end.set()
        self.use.settle(20.0)


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    yield made
    made.close()


def test_what_a_hand_moves_is_sent_in_turn(station: Station) -> None:
    # A freeze waits for none: it breaks off the one under way.
    in_turn = {c.name for c in COMMANDS if c.in_turn}
    assert station.manual.handlers().keys() == in_turn | {"freeze_lock"}


@pytest.mark.parametrize(("name", "exclusive"), ACTIVITIES)
def test_the_window_refuses_what_the_station_does(
    station: Station, context: Context, link: FakeLink, name: str, exclusive: bool
) -> None:
    station.begin(name, exclusive)
    link.feed(station__activity=name)
    known = station.manual.handlers().keys() | set(BEGIN)
    asked = [
        action for action, (command, _) in SIMPLE.items()
        if command in known and action != "align.stop"
    ]  # fmt: skip
    assert len(asked) > 25
    refused = {action for action in asked if station.refuses(*SIMPLE[action])}
    possible = {action: context.actions.why_not(action) for action in asked}
    assert {action for action, why in possible.items() if why} == refused
    assert all(possible[action].startswith("the rig is busy: ") for action in refused)
    assert bool(may_steer(context.state)) == exclusive


def test_what_ends_an_activity_stays_possible(context: Context, link: FakeLink) -> None:
    link.feed(station__activity="calibration cavity")
    why_not = context.actions.why_not
    # A run that starts ends it; STOP ends everything.
    assert why_not("run.start") == why_not("rig.stop") == ""
    assert why_not("align.stop") == why_not("camera.view_off") != ""
    assert not context.actions["seed.on"].isEnabled()
    assert "the rig is busy: calibrating the cavity" in context.actions["seed.on"].toolTip()
    link.feed(station__activity=ALIGNMENT)
    assert why_not("align.stop") == ""
    assert why_not("camera.view_81") == why_not("camera.view_off") == "the rig is busy: aligning"
    link.feed(station__activity="camera view blank")
    assert why_not("camera.view_81") == why_not("camera.view_off") == ""
    assert why_not("align.start") == "the rig is busy: watching the blank"


def test_a_paused_run_leaves_the_lock_to_the_operator(context: Context, link: FakeLink) -> None:
    link.feed(**live(spectrum()))
    for action in ("lock.relock", "lock.freeze"):
        assert "a run is under way" in context.actions.why_not(action)
    link.feed(run__state="paused")
    for action in ("lock.relock", "lock.freeze"):
        assert context.actions.why_not(action) == ""
    assert "a run is under way" in context.actions.why_not("lock.zero")


def test_control_is_not_offered_to_whom_it_belongs(context: Context, link: FakeLink) -> None:
    link.feed(station__control=link.name)
    for action in ("control.take", "control.force"):
        assert context.actions.why_not(action) == "this window has control"
    link.feed(station__control="bench")
    assert "bench holds control" in context.actions.why_not("control.take")
    assert context.actions.why_not("control.force") == ""
    link.feed(station__control="")
    assert context.actions.why_not("control.take") == ""
    assert "attached" in context.actions.why_not("rig.simulate")
