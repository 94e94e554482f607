"""The power meter in the power panel."""

import pytest
from fakes_gui import FakeLink
from panel_tools import Shown, commands
from PySide6.QtWidgets import QLabel

from gui.link.values import INVALID, MINOR, OK, Value
from gui.panels.power import PowerPanel
from gui.panels.power_meter import PowerMeterPart, power_text
from gui.theme.palettes import Tone
from gui.widgets.readback import Readback


@pytest.fixture
def meter(shown: Shown, link: FakeLink) -> PowerMeterPart:
    panel = shown(PowerPanel)
    link.feed(
        power_meter__power=9.98, power_meter__source_power=499.1, power_meter__disagreement=0.0042,
        power_meter__wavelength=819.0, power_meter__range=11.0, power_meter__overrange=False,
        power_meter__zeroing=False, power_meter__dark=0.0003,
    )  # fmt: skip
    return panel.meter


def test_it_says_how_far_the_monitor_is_off(meter: PowerMeterPart, link: FakeLink) -> None:
    assert (meter.state.word, meter.state.tone) == ("measuring", Tone.OK)
    assert meter.difference.text() == "+0.4 %"
    assert not meter.why.isVisible()
    link.feed(power_meter__disagreement=Value(-0.12, MINOR, "12 % less than the monitor", 1.0))
    assert meter.state.tone is Tone.WARNING
    assert meter.difference.text().endswith("−12.0 %")
    assert meter.why.text() == "12 % less than the monitor."


@pytest.mark.parametrize(
    ("power", "digits", "text"),
    [
        (499.1, 4, "499.1 mW"), (9.98, 4, "9.980 mW"), (11.0, 2, "11 mW"), (0.11, 2, "0.11 mW"),
        (0.0003, 2, "0.30 µW"), (-0.0003, 2, "−0.30 µW"), (0.0, 2, "0.0 mW"), (None, 4, "–"),
        (float("nan"), 4, "–"),
    ],
)  # fmt: skip
def test_a_power_has_significant_digits(power: float | None, digits: int, text: str) -> None:
    assert power_text(Value(power, OK, ""), digits) == text


def test_the_powers_of_the_meter_are_given_alike(meter: PowerMeterPart) -> None:
    texts = [label.text() for label in meter.findChildren(Readback)]
    assert texts == ["+0.4 %", "499.1 mW", "9.980 mW", "819.0 nm", "11 mW", "0.30 µW"]


def test_over_range_is_no_power(meter: PowerMeterPart, link: FakeLink) -> None:
    link.feed(
        power_meter__overrange=Value(True, 2, "", 1.0),
        power_meter__power=Value(9.98, INVALID, "over range"),
    )
    assert (meter.state.word, meter.state.tone) == ("OVER RANGE", Tone.DANGER)
    assert "larger range" in meter.why.text()


def test_a_rig_without_a_meter_says_so(meter: PowerMeterPart, link: FakeLink) -> None:
    link.feed(
        power_meter__power=Value(None, INVALID, "the rig file names no power meter"),
        power_meter__disagreement=Value(None, INVALID, "the rig file names no power meter"),
    )
    assert meter.state.tone is Tone.STALE
    assert meter.why.text() == "The rig file names no power meter."
    assert meter.difference.text() == "–"


def test_the_dark_zero_is_one_command(
    meter: PowerMeterPart, link: FakeLink, context: object
) -> None:
    link.feed(power_meter__zeroing=Value(True, OK, "", 1.0))
    assert (meter.state.word, meter.state.tone) == ("dark zero", Tone.BUSY)
    meter.findChild(object, "power_meter.zero").click()  # type: ignore[attr-defined]
    assert commands(link)[-1] == ("zero_power_meter", {})


def test_powers_have_significant_digits_and_no_more(shown: Shown, link: FakeLink) -> None:
    panel = shown(PowerPanel)
    link.feed(power_meter__power=9.98, power_meter__source_power=499.1, power_meter__dark=3e-4)
    texts = {label.text() for label in panel.meter.findChildren(QLabel)}
    assert {"9.980 mW", "499.1 mW", "0.30 µW"} <= texts
