"""What a panel draws and says of readings that are no longer known to be true is greyed."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import Shown

from gui.context import Context
from gui.link.values import OK, Value
from gui.panels.alignment import AlignmentPanel
from gui.panels.camera import CameraPanel
from gui.panels.cell import CellPanel
from gui.panels.counts import FADED, CountsPanel
from gui.panels.power import PowerPanel
from gui.panels.pumping import PumpingPanel
from gui.panels.sideband import SidebandPanel

SAID: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (SidebandPanel, lambda panel: panel.numbers),
    (CellPanel, lambda panel: panel.text),
    (PumpingPanel, lambda panel: panel.why),
    (CountsPanel, lambda panel: panel.key),
)


@pytest.mark.parametrize(("make", "label"), SAID)
def test_what_was_said_is_grey_once_the_station_is_lost(
    shown: Shown, context: Context, link: FakeLink, make: type, label: Callable[[Any], Any]
) -> None:
    link.feed(
        light__ratio=1.57, camera__signals=np.zeros(3), camera__arrivals=np.zeros(3),
        cell__zero=json.dumps({"error_mhz": 0.3, "shift_mhz": -1.2}), sideband__on=True,
    )  # fmt: skip
    panel = shown(make)
    assert not label(panel).property("stale")
    context.readings.age("station lost")
    assert label(panel).property("stale")


def test_the_conversion_of_the_power_is_grey_without_a_station(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(PowerPanel)
    assert not panel.conversion.property("stale")
    link.go(type(link.state).LOST, "station lost")
    context.readings.age("station lost")
    assert panel.conversion.property("stale")


def test_frames_triangles_and_thresholds_fade(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(CountsPanel)
    link.feed(camera__signals=np.array([1.0, 2.0]), camera__arrivals=np.array([0, 1]))
    items = (panel.curve, panel.arrivals, panel.bars, *panel._thresholds)
    assert {item.opacity() for item in items} == {1.0}
    context.readings.age("station lost")
    assert {item.opacity() for item in items} == {FADED}


def test_curves_of_the_alignment_and_the_line_of_the_zero_turn_grey(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    link.feed(
        loading__meter=Value(0.0123, OK, "", 100.0), loading__step=1e-3,
        loading__trace=np.linspace(0.0, 1.0, 20),
        cell__zero=json.dumps({"error_mhz": 0.3, "shift_mhz": -1.2}),
    )  # fmt: skip
    alignment, cell = shown(AlignmentPanel), shown(CellPanel)
    pens: list[Callable[[], Any]] = [
        lambda: alignment.curve.opts["pen"], lambda: alignment.trace_curve.opts["pen"],
        lambda: cell.zero_line.pen,
    ]  # fmt: skip
    muted = context.theme.palette.muted
    assert all(pen().color().name() != muted for pen in pens)
    context.readings.age("station lost")
    assert all(pen().color().name() == muted for pen in pens)


def test_frames_are_a_dash_until_the_camera_was_heard_of(shown: Shown, context: Context) -> None:
    for name in ("camera:frames", "camera:lost", "camera:exposure", "camera:temperature"):
        context.readings._values.pop(name)
    panel = shown(CameraPanel)
    assert panel.facts["frames"].text() == "Frames –"
    assert panel.facts["lost"].text() == "Lost –"
    assert panel.facts["exposure"].text() == "Exposure –"
    assert panel.facts["temperature"].text() == "CCD –"


def test_the_lost_station_is_a_sentence_of_its_own(shown: Shown, context: Context) -> None:
    context.readings.deliver({"light:ratio": Value(1.57, OK, "")})
    panel = shown(PumpingPanel)
    assert not panel.remark.isVisible()
    context.readings.age("station 'x' does not answer")
    assert panel.remark.text() == "Station 'x' does not answer."
    assert panel.why.text().endswith("each since it last changed.")
