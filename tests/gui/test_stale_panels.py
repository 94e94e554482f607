"""What a panel draws and says of readings that are no longer known to be true is greyed."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import Shown

from gui.context import Context
from gui.link.station import LinkState
from gui.link.values import OK, Value
from gui.panels.alignment import AlignmentPanel
from gui.panels.camera import CameraPanel
from gui.panels.cell import CellPanel
from gui.panels.counts import CountsPanel
from gui.panels.lock import LockPanel
from gui.panels.power import PowerPanel
from gui.panels.pumping import PumpingPanel
from gui.panels.sideband import SidebandPanel
from gui.panels.strips import StripsPanel

SAID: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (SidebandPanel, lambda panel: panel.numbers),
    (SidebandPanel, lambda panel: panel.state),
    (CountsPanel, lambda panel: panel.rate),
    (CellPanel, lambda panel: panel.text),
    (LockPanel, lambda panel: panel.zero),
    (PumpingPanel, lambda panel: panel.why),
    (CountsPanel, lambda panel: panel.key),
)


@pytest.mark.parametrize(("make", "label"), SAID)
def test_what_was_said_is_grey_once_the_station_is_lost(
    shown: Shown, context: Context, link: FakeLink, make: type, label: Callable[[Any], Any]
) -> None:
    link.feed(
        light__ratio=1.57, rate__counting=400.0,
        camera__signals=np.zeros(3), camera__arrivals=np.zeros(3),
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


def test_frames_triangles_and_thresholds_turn_grey_and_back(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(CountsPanel)

    def colours() -> set[str]:
        pens = [panel.curve.opts["pen"], *(line.pen for line in panel._thresholds)]
        brushes = [panel.arrivals.opts["brush"].color().name(), panel.bars.opts["brush"]]
        return {*(pen.color().name() for pen in pens), *brushes}

    link.feed(camera__signals=np.array([1.0, 2.0]), camera__arrivals=np.array([0, 1]))
    palette = context.theme.palette
    assert colours() == {palette.series[number] for number in (1, 2, 6)}
    context.readings.age("station lost")
    assert colours() == {palette.muted}
    context.theme.choose("light")
    assert colours() == {context.theme.palette.muted}
    link.feed(camera__signals=np.array([1.0, 2.0]))
    assert palette.muted not in colours()
    assert context.theme.palette.series[1] in colours()


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


def test_a_lost_station_leaves_the_strips_their_curve_in_grey(
    shown: Shown, context: Context, link: FakeLink
) -> None:
    panel = shown(StripsPanel)
    for second in range(20):
        now = Value(0.8, OK, "", 1.7e9 + second)
        link.feed(lock__rms=now, station__rig_time=now)
    link.go(LinkState.LOST, "gone")
    context.readings.age("gone")
    panel.choose_span(300.0)
    curve = panel.strips["lock:rms"].curve
    times, values = curve.getData()
    assert times[-1] - times[0] == pytest.approx(19.0, abs=1e-3)
    assert np.isfinite(values).sum() > 2
    assert curve.opts["pen"].color().name() == context.theme.palette.muted
