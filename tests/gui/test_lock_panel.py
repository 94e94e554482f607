"""Lock and reference cell."""

import json

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import PEAKS, Shown, commands, put
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from window_states import sweep

from drivers.stcl.loss import Loss
from gui.context import Context
from gui.link.values import OK, Value
from gui.panels.actuator_bar import RAILS, ActuatorBar
from gui.panels.cell import CellPanel
from gui.panels.lock import LockPanel
from gui.panels.lock_loss import WIRING
from gui.panels.ramp_picture import tick_times
from gui.panels.small_plot import nice_limit
from gui.theme.palettes import Palette, Tone


def test_a_detuning_moves_the_light_and_keeps_the_power(
    qtbot: QtBot, shown: Shown, link: FakeLink
) -> None:
    panel = shown(LockPanel)
    put(qtbot, panel.detuning.field, "-250")
    assert commands(link) == [("move_light", {"detuning_mhz": -250.0})]


def test_a_lost_lock_says_why(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert panel.locked.word == "locked"
    assert not panel.reason.isVisible()
    link.feed(lock__locked=False, lock__reason="the slave made a mode hop")
    assert (panel.locked.word, panel.locked.tone) == ("LOST", Tone.DANGER)
    assert panel.reason.isVisible()
    assert panel.reason.text() == "The slave made a mode hop."


def test_errors_are_drawn_in_a_range_that_does_not_flicker(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(lock__errors=np.array([0.1, -1.4, 0.3]))
    x, y = panel.curve.getData()
    assert list(x) == [-2, -1, 0]
    assert list(y) == [0.1, -1.4, 0.3]
    low, high = panel.strip.viewRange()[1]
    assert (low, high) == pytest.approx((-2.5, 2.5), abs=0.11), "2 and room for its number"
    link.feed(lock__errors=np.array([]))
    assert panel.curve.getData()[1] is None or len(panel.curve.getData()[1]) == 0


def test_the_actuator_near_its_rail(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert not panel.actuator.near_rail
    link.feed(lock__actuator=Value(0.89, OK, "", low=0.1, high=0.88))
    assert panel.actuator.near_rail
    assert "near its rail" in panel.actuator.accessibleName()
    link.feed(lock__actuator=0.96)  # limits of the station missing: the usual ones
    assert panel.actuator.near_rail


def reds(bar: ActuatorBar, palette: Palette) -> int:
    """Pixels in the colour of danger."""
    picture = bar.grab().toImage()
    red = palette.tones[Tone.DANGER].lower()
    return sum(
        picture.pixelColor(x, y).name() == red
        for x in range(picture.width()) for y in range(picture.height())
    )  # fmt: skip


def test_the_rails_are_red_only_near_one(qtbot: QtBot, context: Context) -> None:
    bar = ActuatorBar(context.theme)
    qtbot.addWidget(bar)
    bar.resize(200, bar.sizeHint().height())
    palette = context.theme.palette
    bar.show_position(0.5, RAILS, stale=False)
    assert reds(bar, palette) == 0, "what is well does not shout"
    bar.show_position(0.97, RAILS, stale=False)
    assert reds(bar, palette) > 20
    bar.show_position(0.97, RAILS, stale=True)
    assert reds(bar, palette) == 0


def test_an_unknown_actuator_is_near_nothing(qtbot: QtBot, context: Context) -> None:
    bar = ActuatorBar(context.theme)
    qtbot.addWidget(bar)
    assert not bar.near_rail
    assert "not known" in bar.accessibleName()


def test_peaks_are_drawn_only_as_a_whole_set(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert panel.peaks.times_us == ()
    assert panel.peaks.toolTip() == "No peaks read yet."
    link.feed(lock__peaks=np.array(PEAKS))
    assert panel.peaks.times_us == PEAKS
    assert "551.2" in panel.peaks.toolTip()
    link.feed(lock__peaks=np.array(PEAKS[:5]))
    assert panel.peaks.times_us == ()
    assert panel.peaks.toolTip() == "No complete set of peaks."
    assert panel.about_peaks.isVisibleTo(panel)
    assert not panel.traces.isVisibleTo(panel)


def test_photodiode_traces_stand_for_the_peaks_where_a_lock_has_them(
    shown: Shown, link: FakeLink
) -> None:
    panel = shown(LockPanel)
    link.feed(**sweep(), lock__trace_errors=np.array([0.2, -0.3]))
    assert panel.traces.isVisibleTo(panel)
    assert not panel.peaks.isVisibleTo(panel)
    assert not panel.about_peaks.isVisibleTo(panel)
    for name, places in (("master", [551.2, 2950.3]), ("slave", [1450.7, 3872.6])):
        times, volts = panel.traces.curves[name].getData()
        assert len(times) == len(volts) == 2000
        x, y = panel.traces.marks[name].getData()
        assert list(x) == places
        assert list(y) == pytest.approx(np.interp(places, times, volts)), "on the trace"
    assert "▲ master at 551, 2950 µs" in panel.traces.caption.text()
    assert list(panel.curve.getData()[1]) == [0.2, -0.3], "errors of single sweeps"
    link.feed(**{name: np.array([]) for name in sweep()}, lock__trace_errors=np.array([]))
    assert panel.peaks.isVisibleTo(panel)
    assert not panel.traces.isVisibleTo(panel)


def test_a_trace_without_a_peak_says_so(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(**{**sweep(), "lock__trace_slave_peaks": np.array([])})
    assert "◆ slave no peak" in panel.traces.caption.text()


def test_parts_of_two_sweeps_are_not_drawn_together(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(**sweep())
    link.feed(lock__trace_times=np.linspace(0.0, 4000.0, 100))
    assert len(panel.traces.curves["master"].getData()[0]) == 2000


def test_a_named_loss_has_a_badge(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert not panel.loss.isVisible()
    link.feed(lock__locked=False, lock__reason="power drop: the slave's peak fell to 40 %")
    assert (panel.loss.word, panel.loss.tone) == ("power drop", Tone.DANGER)
    assert panel.reason.text() == "The slave's peak fell to 40 %."
    link.feed(lock__locked=True, lock__reason="")
    assert not panel.loss.isVisible()


@pytest.mark.parametrize("name", WIRING)
def test_a_wiring_fault_sends_somebody_to_the_cables(
    shown: Shown, link: FakeLink, name: str
) -> None:
    panel = shown(LockPanel)
    link.feed(lock__locked=False, lock__reason=f"{name}: what was seen")
    assert panel.loss.isVisible()
    assert panel.loss.word == f"wiring: {name}"
    assert panel.reason.text() == "What was seen. Look at the cables, then relock."
    link.feed(run__state="running")
    assert (
        panel.reason.text() == "What was seen. Look at the cables, then pause the run and relock."
    )
    assert Loss(name, "what was seen").wiring, "as the lock itself says"


def test_an_empty_plot_has_no_numbers(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    assert panel.strip.is_empty
    assert not panel.strip.getAxis("left").style["showValues"]
    link.feed(lock__errors=np.array([0.1, -1.4, 0.3]))
    assert panel.strip.getAxis("left").style["showValues"]
    link.feed(lock__errors=np.array([]))
    assert panel.strip.is_empty
    assert not panel.strip.getAxis("bottom").style["showValues"]


def test_the_last_zeroing_stands_in_lock_and_cell(shown: Shown, link: FakeLink) -> None:
    lock, cell = shown(LockPanel), shown(CellPanel)
    assert "Not zeroed" in lock.zero.text()
    assert not cell.zero_line.isVisible()
    steps = np.linspace(-60.0, 60.0, 13)
    link.feed(
        cell__detunings=steps, cell__volts=0.1 * steps, cell__signal=0.01, cell__rms=0.002,
        cell__zero=json.dumps({"ratio": 0.4, "shift_mhz": 3.1, "error_mhz": 0.3, "utc_s": 1.7e9}),
    )  # fmt: skip
    assert "+3.10 ± 0.30 MHz" in lock.zero.text()
    assert cell.text.text() == lock.zero.text()
    assert cell.zero_line.isVisible()
    assert cell.zero_line.value() == 3.1
    assert list(cell.line.getData()[0]) == list(steps)
    link.feed(cell__zero=json.dumps({"problem": "no dispersive line"}))
    assert not cell.zero_line.isVisible()
    assert cell.text.property("role") == "wrong"


def test_a_zeroing_under_way_may_be_a_step_ahead(shown: Shown, link: FakeLink) -> None:
    panel = shown(CellPanel)
    link.feed(cell__detunings=np.array([-60.0, -50.0]), cell__volts=np.array([0.1]))
    assert list(panel.line.getData()[0]) == [-60.0]


def test_round_numbers_of_the_axes() -> None:
    assert [nice_limit(x) for x in (0.5, 0.51, 3.0)] == pytest.approx([0.5, 1.0, 5.0])
    assert tick_times(100.0, 3200.0) == [1000.0, 2000.0, 3000.0]


def test_traces_stand_first_while_the_wiring_is_wrong(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    place = panel.body.indexOf(panel.traces)
    assert place > panel.body.indexOf(panel.strip)
    link.feed(lock__locked=False, lock__reason="sidebands: 25 % beside the slave")
    assert panel.body.indexOf(panel.traces) == 0
    link.feed(lock__locked=True, lock__reason="")
    assert panel.body.indexOf(panel.traces) == place


def test_the_lock_speaks_of_errors_and_microseconds(shown: Shown, link: FakeLink) -> None:
    panel = shown(LockPanel)
    link.feed(lock__errors=np.zeros(20), lock__peaks=np.array(PEAKS))
    assert panel.strip._item.getAxis("bottom").labelText == "Poll, newest is 0"
    assert panel.strip._item.getAxis("left").labelText == "Error (MHz)"
    assert panel.traces.plot._item.getAxis("bottom").labelText == "Time on the ramp (µs)"
    assert panel.peaks.toolTip().endswith("µs")
    texts = {label.text() for label in panel.findChildren(QLabel)}
    assert "RMS of the slave frequency" in texts
