"""The point under way, in words and in the strip."""

from typing import Any

import pytest
from fakes_gui import FakeLink
from panel_tools import Shown
from window_states import RUN_ID, paused, running

from atta_daq.client.runs import PointUnderWay
from gui.model.point import point_words
from gui.status_strip import StatusStrip


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"place": {"detuning_mhz": -150.0}}, "85Kr at −150.0 MHz, light on"),
        ({"place": {"power_mw": 250.0, "detuning_mhz": 60.0}},
         "85Kr at 250.0 mW, 60.0 MHz, light on"),
        ({"place": {"sideband_frequency_mhz": 45.0, "sideband_depth": 0.8}},
         "85Kr at sidebands 45.0 MHz, depth 0.80, light on"),
        ({"pumping": False}, "85Kr, light blocked"),
        ({"pumping": False, "index": None}, "85Kr reference, light blocked"),
        ({"isotope": 83, "kind": "loading-83", "pumping": False, "bracket": True, "index": None},
         "83Kr bracket"),
        ({"isotope": 83, "kind": "check-83", "index": None, "place": {"detuning_mhz": 1.0}},
         "83Kr check at 1.0 MHz, light on"),
        ({"isotope": 0, "kind": "blank", "index": None}, "blank, light on"),
        ({"isotope": 0, "kind": "blank", "pumping": False, "index": None}, "blank, light blocked"),
    ],
)  # fmt: skip
def test_words(told: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = dict(kind="rare", isotope=85, pumping=True, bracket=False, index=3,
                                 place={})  # fmt: skip
    assert point_words(PointUnderWay(**{**usual, **told})) == words


def test_the_strip_shows_time_left_and_point_before_the_run(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    strip.resize(1400, 60)
    running(link)
    words = "85Kr at −150.0 MHz, light on"
    assert strip._run.full == f"8 h 05 min left, {words}, {RUN_ID}"
    assert not strip._point.isVisible()
    paused(link)
    assert words not in strip._run.full


def test_without_room_beside_the_time_the_point_stands_below(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    running(link)
    strip.resize(900, 90)
    assert strip._point.isVisible()
    assert strip._point.full == strip._point.text() == "85Kr at −150.0 MHz, light on"
    assert strip._run.full == f"8 h 05 min left, {RUN_ID}"
    strip.resize(1400, 60)
    assert not strip._point.isVisible()
