"""The actions that are one command each: what they send, and what is said of the answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from fakes_gui import FakeLink
from fakes_sweep import live, spectrum
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from window_on_rig import say_yes

from gui.actions.commands import SIMPLE
from gui.context import Context
from gui.link.station import LinkState

SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "run.pause": ("pause", {"when": "segment"}),
    "run.pause_now": ("pause", {"when": "now"}),
    "run.resume": ("resume", {}),
    "run.abort": ("abort", {}),
    "control.take": ("take_control", {}),
    "control.force": ("take_control", {"force": True}),
    "control.release": ("release_control", {}),
    "light.on": ("light_on", {}),
    "light.off": ("light_off", {}),
    "seed.on": ("seed", {"on": True}),
    "seed.off": ("seed", {"on": False}),
    "amplifier.on": ("amplifier", {"on": True}),
    "amplifier.off": ("amplifier", {"on": False}),
    "sideband.on": ("sideband", {"on": True}),
    "sideband.off": ("sideband", {"on": False}),
    "power_meter.zero": ("zero_power_meter", {}),
    "lock.relock": ("relock", {}),
    "lock.freeze": ("freeze_lock", {}),
    "lock.zero": ("zero_axis", {}),
    "lock.jump_81": ("jump", {"isotope": 81}),
    "lock.jump_83": ("jump", {"isotope": 83}),
    "lock.jump_84": ("jump", {"isotope": 84}),
    "lock.jump_85": ("jump", {"isotope": 85}),
    "trap.81": ("trap", {"isotope": 81}),
    "trap.83": ("trap", {"isotope": 83}),
    "trap.84": ("trap", {"isotope": 84}),
    "trap.85": ("trap", {"isotope": 85}),
    "trap.blank": ("trap", {"isotope": 0}),
    "camera.view_81": ("camera_view", {"on": True, "isotope": 81}),
    "camera.view_85": ("camera_view", {"on": True, "isotope": 85}),
    "camera.view_blank": ("camera_view", {"on": True, "isotope": 0}),
    "camera.view_off": ("camera_view", {"on": False}),
    "calibrate.axis_zero": ("calibrate", {"kind": "axis-zero"}),
    "calibrate.cavity": ("calibrate", {"kind": "cavity"}),
    "calibrate.fibre_power": ("calibrate", {"kind": "fibre-power"}),
    "calibrate.sideband_depth": ("calibrate", {"kind": "sideband-depth"}),
    "calibrate.camera": ("calibrate", {"kind": "camera"}),
    "calibrate.dwell": ("calibrate", {"kind": "dwell"}),
    "calibrate.source_drift": ("calibrate", {"kind": "source-drift"}),
    "align.start": ("align", {"on": True}),
    "align.stop": ("align", {"on": False}),
}
"""Written out, so that a slip in the table of the window is seen."""


@pytest.fixture
def asked(context: Context, qtbot: QtBot) -> Iterator[QWidget]:
    """Stands for the window over which a question comes up."""
    window = QWidget()
    qtbot.addWidget(window)
    context.services["window"] = window
    yield window
    del context.services["window"]


def _make_possible(context: Context, link: FakeLink, action: str) -> None:
    if action in ("run.pause", "run.pause_now", "run.abort", "run.resume"):
        link.feed(**live(spectrum()))
        link.feed(run__state="paused" if action == "run.resume" else "running")
    if action == "control.force":
        link.feed(station__control="another")
    if action == "align.stop":
        link.feed(station__activity="alignment")
    link.go(LinkState.CONNECTED, link.reason)
    context.actions.refresh()
    assert context.actions.why_not(action) == ""


def test_every_simple_action_is_in_the_table_written_out_here() -> None:
    assert SIMPLE.keys() == SENT.keys()


@pytest.mark.parametrize("action", list(SENT))
def test_an_action_sends_its_command_with_its_arguments(
    context: Context, link: FakeLink, asked: QWidget, action: str
) -> None:
    _make_possible(context, link, action)
    link.sent.clear()
    context.actions[action].trigger()
    say_yes(asked)
    assert [(sent.name, sent.arguments) for sent in link.sent] == [SENT[action]]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("run.pause", "Pause after segment: asked for"),
        ("run.pause_now", "Pause now: asked for"),
        ("run.resume", "Resume: asked for"),
        ("run.abort", "Abort run: asked for"),
        ("trap.81", "Trap 81Kr: done"),
    ],
)
def test_what_the_station_has_only_taken_is_not_called_done(
    context: Context, link: FakeLink, asked: QWidget, action: str, said: str
) -> None:
    _make_possible(context, link, action)
    context.actions[action].trigger()
    say_yes(asked)
    link.sent[-1].done({})
    assert context.notices.history[-1].text == said


def test_the_freeze_says_what_it_breaks_off(context: Context) -> None:
    tip = context.actions["lock.freeze"].toolTip()
    assert "at once; a relock or jump under way is broken off" in tip


def test_no_two_actions_share_a_key(context: Context) -> None:
    keys = [key.toString() for spec in context.actions.specs.values()
            for key in context.actions[spec.id].shortcuts()]  # fmt: skip
    assert "" not in keys
    assert sorted(keys) == sorted(set(keys))
