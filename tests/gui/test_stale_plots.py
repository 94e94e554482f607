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
from gui.panels.cell import CellPanel
from gui.panels.counts import CountsPanel
from gui.panels.sideband import SidebandPanel
from gui.panels.strips import StripsPanel

SAID: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (SidebandPanel, lambda panel: panel.numbers),
    (SidebandPanel, lambda panel: panel.state),
    (CellPanel, lambda panel: panel.text),
    (CountsPanel, lambda panel: panel.key),
    (CountsPanel, lambda panel: panel.rate),
)


@pytest.mark.parametrize(("make", "label"), SAID)
def test_what_was_said_is_grey_once_the_station_is_lost(
    shown: Shown, context: Context, link: FakeLink, make: type, label: Callable[[Any], Any]
) -> None:
    link.feed(
        camera__signals=np.zeros(3), camera__arrivals=np.zeros(3), rate__counting=400.0,
        cell__zero=json.dumps({"error_mhz": 0.3, "shift_mhz": -1.2}), sideband__on=True,
    )  # fmt: skip
    panel = shown(make)
    assert not label(panel).property("stale")
    context.readings.age("station lost")
    assert label(panel).property("stale")


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
