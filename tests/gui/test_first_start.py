"""What the window says without a station, and the tour."""

from collections.abc import Iterator

import pytest
from fakes_gui import FakeLink
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QLabel, QLineEdit, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from gui.actions.table import ACTIONS
from gui.context import Context
from gui.first_start import PATIENCE_MS, NoStation
from gui.link.station import LinkState
from gui.tour import Tour
from gui.tour_steps import STEPS, Step
from gui.widgets.highlight import OUTSIDE


@pytest.fixture
def window(context: Context, qtbot: QtBot) -> Iterator[QMainWindow]:
    window = QMainWindow()
    window.resize(1000, 700)
    window.setCentralWidget(QLineEdit())
    for name in ("amplifier", "lock"):
        dock = QDockWidget(name, window)
        dock.setObjectName(name)
        dock.setWidget(QLabel(f"what the {name} says"))
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    window.tabifyDockWidget(*window.findChildren(QDockWidget))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def banner(context: Context, window: QMainWindow, wanted: str = "") -> NoStation:
    made = NoStation(context, wanted, patience_ms=30)
    window.setCentralWidget(made)
    made.setVisible(False)
    made._on_link()
    return made


def test_the_banner_waits_then_tells_and_offers(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    link.go(LinkState.SEARCHING, "no station runs; still looking")
    made = banner(context, window)
    assert not made.isVisible()
    qtbot.waitUntil(made.isVisible)
    said = "No station runs. Looking for any station on this computer, twice a second."
    assert made.said.text() == said
    assert made.badge.word == "No station"
    assert [button.isVisible() for button in made.offers] == [True, True]
    assert [button.defaultAction().objectName() for button in made.offers] == [
        "rig.simulate", "help.tour",
    ]  # fmt: skip
    link.go(LinkState.CONNECTED, "station 'north'")
    assert not made.isVisible()


def test_a_station_that_is_found_at_once_brings_no_banner(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    assert PATIENCE_MS == 3000
    link.go(LinkState.SEARCHING, "looking")
    made = banner(context, window)
    link.go(LinkState.CONNECTED, "station 'north'")
    with qtbot.assertNotEmitted(made._patience.timeout, wait=100):
        pass
    assert not made.isVisible()


def test_a_named_station_gets_no_simulated_one_offered(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    link.go(LinkState.SEARCHING, "no answer")
    made = banner(context, window, wanted="a station at lab-pc")
    qtbot.waitUntil(made.isVisible)
    assert "a station at lab-pc" in made.said.text()
    assert [button.isVisible() for button in made.offers] == [False, False]


def test_another_version_is_told_at_once(
    context: Context, link: FakeLink, window: QMainWindow
) -> None:
    made = banner(context, window)
    link.go(LinkState.REFUSED, "station 'north' runs atta-daq 9, this window is 0.1.0: install")
    assert made.isVisible()
    assert "atta-daq 9" in made.said.text()
    assert made.badge.word == "Other version"
    assert not any(button.isVisible() for button in made.offers)


def test_a_lost_station_keeps_its_run_and_comes_back_by_itself(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    made = banner(context, window)
    link.go(LinkState.LOST, "station 'north' does not answer")
    qtbot.waitUntil(made.isVisible)
    assert made.said.text() == (
        "Station 'north' does not answer. A run goes on without this window; it attaches again by "
        "itself."
    )


def test_a_simulated_rig_that_may_have_ended_is_started_again_by_its_command(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    context.simulated_by.append(lambda: True)
    made = banner(context, window, wanted='rig "simulated-1"')
    link.go(LinkState.LOST, "station 'simulated-1' does not answer")
    qtbot.waitUntil(made.isVisible)
    assert "if that has ended, close the window and give its command again" in made.said.text()
    assert "A run goes on" not in made.said.text()
    assert [button.isVisible() for button in made.offers] == [False, False]


def test_a_simulated_rig_of_this_window_is_started_again_by_the_button_beside(
    context: Context, link: FakeLink, window: QMainWindow, qtbot: QtBot
) -> None:
    made = banner(context, window)
    context.state.ours = True
    link.go(LinkState.LOST, "station 'simulated' does not answer")
    qtbot.waitUntil(made.isVisible)
    assert "if that has ended, start it again" in made.said.text()
    assert made.offers[0].isVisible()
    assert context.actions.why_not("rig.simulate") == ""


# --- tour -----------------------------------------------------------------------------------

SHORT = (
    Step("One", "first", target="lock"),
    Step("Two", "second", task="Light on.", done=lambda c: c.readings.flag("amplifier:on")),
    Step("Three", "third", task="Write.", action="lock.relock"),
)


@pytest.fixture
def tour(context: Context, window: QMainWindow) -> Tour:
    return Tour(context, window, SHORT)


def place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def test_next_back_finish_by_the_keyboard(tour: Tour, context: Context, qtbot: QtBot) -> None:
    assert not tour.isVisible()
    context.actions["help.tour"].trigger()
    qtbot.waitUntil(tour.next_button.hasFocus)
    assert tour.number.text() == "Step 1 of 3"
    assert not tour.back_button.isEnabled()
    QTest.keyClick(tour.next_button, Qt.Key.Key_Space)
    assert tour.title.text() == "Two"
    tour.back_button.click()
    assert tour.title.text() == "One"
    for _ in range(2):
        tour.next_button.click()
    assert tour.next_button.text() == "Finish"
    tour.next_button.click()
    assert not tour.isVisible()


def test_it_points_at_the_panel_and_brings_it_up(
    tour: Tour, context: Context, window: QMainWindow, qtbot: QtBot
) -> None:
    lock = window.findChild(QDockWidget, "lock")
    amplifier = window.findChild(QDockWidget, "amplifier")
    amplifier.raise_()
    qtbot.waitUntil(lambda: lock.visibleRegion().isEmpty())
    context.actions["help.tour"].trigger()
    frame = tour.highlight

    def around() -> bool:
        wanted = place(lock, window).adjusted(-OUTSIDE, -OUTSIDE, OUTSIDE, OUTSIDE)
        return frame.isVisible() and frame.geometry() == wanted.intersected(window.rect())

    qtbot.waitUntil(around)
    window.resize(800, 500)
    qtbot.waitUntil(lambda: window.width() == 800 and around())
    # It is in nobody's way.
    assert frame.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    assert frame.focusPolicy() is Qt.FocusPolicy.NoFocus
    lock.hide()
    qtbot.waitUntil(lambda: not frame.isVisible())
    tour.next_button.click()
    assert frame.target is None


def test_closing_takes_it_away_and_opening_brings_it_back(
    tour: Tour, context: Context, window: QMainWindow, qtbot: QtBot
) -> None:
    layout = window.saveState()
    for _ in range(2):
        context.actions["help.tour"].trigger()
        qtbot.waitUntil(tour.highlight.isVisible)
        assert tour.isVisible()
        assert window.dockWidgetArea(tour) is Qt.DockWidgetArea.RightDockWidgetArea
        tour.close()
        assert not tour.highlight.isVisible()
        assert window.dockWidgetArea(tour) is Qt.DockWidgetArea.NoDockWidgetArea
    window.restoreState(layout)
    assert not tour.isVisible()


def test_a_target_that_goes_away_is_let_go(
    tour: Tour, context: Context, window: QMainWindow, qtbot: QtBot
) -> None:
    context.actions["help.tour"].trigger()
    qtbot.waitUntil(tour.highlight.isVisible)
    window.findChild(QDockWidget, "lock").deleteLater()
    qtbot.waitUntil(lambda: tour.highlight.target is None)
    assert not tour.highlight.isVisible()


def test_a_task_shows_when_it_has_been_done(tour: Tour, context: Context, link: FakeLink) -> None:
    link.feed(amplifier__on=False)
    context.actions["help.tour"].trigger()
    assert not tour.badge.isVisible()
    tour.next_button.click()
    assert tour.badge.word == "not done yet"
    link.feed(amplifier__on=True)
    assert tour.badge.word == "done"
    link.feed(amplifier__on=False)
    assert tour.badge.word == "done"
    tour.next_button.click()
    assert tour.badge.word == "not done yet"
    context.actions["lock.relock"].trigger()
    assert tour.badge.word == "done"


def test_the_steps_of_the_tour_hold(context: Context, link: FakeLink) -> None:
    actions = {spec.id for spec in ACTIONS}
    assert [step.title for step in STEPS if step.action and step.action not in actions] == []
    # Conditions answer on a rig of which nothing is known, and see what they wait for.
    link.feed(light__shutter=True, camera__acquiring=True, run__state="running", run__segment=1)
    seen = [step.title for step in STEPS if step.done and step.done(context)]
    assert len(seen) == len([step for step in STEPS if step.done]) >= 6
    context.readings.age("gone")
    link.feed(run__state="idle", run__segment=0)
    link.go(LinkState.SEARCHING, "gone")
    assert [step.title for step in STEPS if step.done and step.done(context)] == []


def test_the_frame_is_drawn(tour: Tour, context: Context, qtbot: QtBot) -> None:
    context.actions["help.tour"].trigger()
    qtbot.waitUntil(tour.highlight.isVisible)
    image = tour.highlight.grab().toImage()
    edge = image.pixelColor(image.width() // 2, 2)
    assert edge.name() == context.theme.palette.accent
