"""The simulated rig that a window starts for itself."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from atta_daq.client.endpoint import Endpoint
from gui.context import Context
from gui.link.station import LinkState
from gui.start_simulation import SimulatedRig, station_command
from gui.status_strip import StatusStrip

Make = Callable[[str], SimulatedRig]
SERVES = "import time; print('serves', flush=True); time.sleep(100)"
FAILS = "print('hello'); import sys; sys.exit('rig file: amplifier.address is missing')"


@pytest.fixture
def make(context: Context, link: FakeLink, tmp_path: Path) -> Iterator[Make]:
    """Makes a rig whose station is a few lines of Python."""
    owner = QObject()
    made: list[SimulatedRig] = []

    def of(code: str) -> SimulatedRig:
        rig = SimulatedRig(context, owner, [sys.executable, "-c", code], tmp_path / "rig.log")
        made.append(rig)
        return rig

    link.go(LinkState.SEARCHING, "no station runs")
    context.actions.refresh()
    yield of
    for rig in made:
        rig.close()
    owner.deleteLater()


def said(context: Context) -> list[str]:
    return [notice.text for notice in context.notices.history]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_runs_until_the_window_closes(make: Make, context: Context, qtbot: QtBot) -> None:
    rig = make(SERVES)
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: rig.log.exists() and "serves" in rig.log.read_text())
    assert context.link.welcomes_any, "its name is another one than that of the rig before"
    pid = rig.process.processId()
    assert alive(pid)
    context.actions["rig.simulate"].trigger()
    assert said(context)[-1] == "The simulated rig runs already"
    assert rig.process.processId() == pid
    rig.close()
    assert not rig.running
    assert not alive(pid)
    # The window ended it: that is no failure to tell of.
    assert len(said(context)) == 2


def test_one_that_does_not_end_is_killed(
    make: Make, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.start_simulation.END_MS", 200)
    rig = make("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVES)
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: rig.log.exists() and "serves" in rig.log.read_text())
    pid = rig.process.processId()
    rig.close()
    assert not alive(pid)


def test_a_failure_is_told_with_its_last_words(make: Make, context: Context, qtbot: QtBot) -> None:
    rig = make(FAILS)
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: len(said(context)) == 2)
    assert "ended with code 1" in said(context)[-1]
    assert "rig file: amplifier.address is missing" in said(context)[-1]
    assert str(rig.log) in said(context)[-1]
    # It can be tried again.
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: len(said(context)) == 4)


def test_a_program_that_is_not_there_is_told(
    context: Context, link: FakeLink, tmp_path: Path, qtbot: QtBot
) -> None:
    link.go(LinkState.SEARCHING, "no station runs")
    owner = QObject()
    rig = SimulatedRig(context, owner, [str(tmp_path / "nowhere")], tmp_path / "rig.log")
    rig.start()
    qtbot.waitUntil(lambda: any("cannot be started" in text for text in said(context)))
    assert not rig.running
    owner.deleteLater()


def test_none_is_started_beside_a_station(make: Make, context: Context, link: FakeLink) -> None:
    rig = make(SERVES)
    link.go(LinkState.CONNECTED, "station 'north'")
    context.actions.refresh()
    context.actions["rig.simulate"].trigger()
    assert not rig.running
    tip = context.actions["rig.simulate"].toolTip()
    assert "Not now: this window is attached to station 'north'" in tip


@pytest.mark.parametrize("state", [LinkState.LOST, LinkState.REFUSED])
def test_none_is_started_in_the_place_of_a_station_that_may_come_back(
    make: Make, context: Context, link: FakeLink, state: LinkState
) -> None:
    rig = make(SERVES)
    link.go(state, "station 'north' does not answer")
    context.actions.refresh()
    context.actions["rig.simulate"].trigger()
    assert not rig.running
    assert "station 'north' does not answer" in context.actions.why_not("rig.simulate")


def test_none_is_started_where_a_station_was_asked_for(
    make: Make, context: Context, link: FakeLink
) -> None:
    rig = make(SERVES)
    context.state.wanted = 'rig "north"'
    context.actions.refresh()
    context.actions["rig.simulate"].trigger()
    assert not rig.running
    assert 'rig "north"' in context.actions.why_not("rig.simulate")


def test_one_that_died_can_be_started_again_where_it_stood(
    make: Make, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    rig = make(SERVES)
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: rig.log.exists() and "serves" in rig.log.read_text())
    link.endpoint = Endpoint("simulated", "127.0.0.1", 1, 2, rig.process.processId(), "0")
    link.go(LinkState.CONNECTED, "station 'simulated'")
    rig.process.kill()
    qtbot.waitUntil(lambda: not rig.running)
    link.go(LinkState.LOST, "station 'simulated' does not answer")
    assert context.actions.why_not("rig.simulate") == ""
    context.actions["rig.simulate"].trigger()
    assert rig.running
    # The next station is somebody else's: nothing may take its place.
    link.endpoint = Endpoint("north", "127.0.0.1", 1, 2, os.getpid(), "0")
    link.go(LinkState.CONNECTED, "station 'north'")
    link.go(LinkState.LOST, "station 'north' does not answer")
    assert "station 'north' does not answer" in context.actions.why_not("rig.simulate")


def test_the_strip_says_that_the_station_is_the_simulated_one_started_here(
    make: Make, context: Context, link: FakeLink, qtbot: QtBot
) -> None:
    rig = make(SERVES)
    strip = StatusStrip(context)
    qtbot.addWidget(strip)
    context.actions["rig.simulate"].trigger()
    qtbot.waitUntil(lambda: rig.log.exists() and "serves" in rig.log.read_text())
    badge = strip.badges["station"]
    own = Endpoint("simulated", "127.0.0.1", 1, 2, rig.process.processId(), "0")
    link.endpoint = replace(own, pid=own.pid + 1)
    link.go(LinkState.CONNECTED, "station 'north'")
    assert badge.word == "connected"
    link.endpoint = own
    link.go(LinkState.CONNECTED, "station 'simulated'")
    assert badge.word == "connected, simulated"
    link.go(LinkState.LOST, "station 'simulated' does not answer")
    assert badge.word == "lost"


def test_the_command_ends_with_this_process() -> None:
    command = station_command()
    assert command[:5] == [sys.executable, "-m", "atta_daq", "station", "--simulate"]
    assert command[-2:] == ["--parent-pid", str(os.getpid())]
