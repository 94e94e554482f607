"""Slow control as the operator sees it."""

from dataclasses import replace

import pytest
from fakes_gui import FakeLink
from panel_tools import Shown

from atta_daq.client.slow import SlowSeverity, SlowValue, slow_to_json
from gui.context import Context
from gui.link.values import INVALID, Value
from gui.panels.slow import SlowPanel, limits_text, value_text
from gui.theme.palettes import Tone

PRESSURE = SlowValue(
    name="source_pressure", meaning="pressure of the source", unit="mbar", value=2.31e-6,
    severity="ok", reason="", suspends=True, low_major=None, low_minor=None, high_minor=5e-6,
    high_major=1e-5, rig_time_s=1.7e9,
)  # fmt: skip
RF = replace(PRESSURE, name="rf", meaning="RF power", unit="W", value=38.24, suspends=False,
             low_major=30.0, low_minor=35.0, high_minor=None, high_major=None)  # fmt: skip


@pytest.fixture
def panel(shown: Shown, context: Context, link: FakeLink) -> SlowPanel:
    made = shown(SlowPanel)
    link.feed(slow__readings=slow_to_json([PRESSURE, RF]))
    return made


def test_values_in_the_order_of_the_rig_file(panel: SlowPanel) -> None:
    assert list(panel.rows) == ["source_pressure", "rf"]
    assert panel.rows["source_pressure"].value.text() == "2.31e−06 mbar"
    assert panel.rows["rf"].value.text() == "38.24 W"
    assert panel.rows["rf"].state.tone is Tone.OK
    assert panel.worst.word == "all ok"
    assert not panel.remark.isVisible()


@pytest.mark.parametrize(
    ("severity", "tone", "word", "reason"),
    [
        ("minor", Tone.WARNING, "1 × warning", "Above 5e−06 mbar."),
        ("major", Tone.DANGER, "1 × ALARM", "Above 5e−06 mbar; it suspends a run."),
        ("invalid", Tone.STALE, "1 without reading", "Above 5e−06 mbar; it suspends a run."),
    ],
)
def test_the_worst_stands_on_top_with_its_reason_below(
    panel: SlowPanel, link: FakeLink, severity: str, tone: Tone, word: str, reason: str
) -> None:
    bad = replace(PRESSURE, severity=severity, reason="above 5e-06 mbar")  # type: ignore[arg-type]
    link.feed(slow__readings=slow_to_json([bad, RF]))
    row = panel.rows["source_pressure"]
    assert (row.state.tone, panel.worst.tone) == (tone, tone)
    assert panel.worst.word == word
    assert row.reason.text() == reason
    assert row.reason.isVisible()
    assert not panel.rows["rf"].reason.isVisible()


def test_an_alarm_ranks_above_a_lost_value_and_that_above_a_warning(
    panel: SlowPanel, link: FakeLink
) -> None:
    def feed(*severities: SlowSeverity) -> None:
        values = [
            replace(RF, name=f"v{n}", severity=severity) for n, severity in enumerate(severities)
        ]
        link.feed(slow__readings=slow_to_json(values))

    feed("invalid", "minor", "major", "invalid", "ok")
    assert panel.worst.word == "1 × ALARM, 2 without reading, 1 × warning"
    assert panel.worst.tone is Tone.DANGER
    feed("minor", "invalid")
    assert (panel.worst.word, panel.worst.tone) == ("1 without reading, 1 × warning", Tone.STALE)


def test_a_lost_station_greys_all_and_keeps_the_numbers(panel: SlowPanel, context: Context) -> None:
    context.readings.age("station gone")
    assert panel.worst.tone is Tone.STALE
    row = panel.rows["rf"]
    assert row.state.tone is Tone.STALE
    assert row.value.property("stale")
    assert row.state.word == "unknown"
    assert panel.remark.text() == "Station gone."
    assert row.value.text() == "38.24 W"


def test_a_stale_row_does_not_give_the_reason_of_an_alarm_that_may_be_over(
    panel: SlowPanel, context: Context, link: FakeLink
) -> None:
    bad = replace(PRESSURE, severity="major", reason="above 5e-06 mbar")
    link.feed(slow__readings=slow_to_json([bad]))
    assert panel.rows["source_pressure"].reason.isVisible()
    context.readings.age("station gone")
    assert not panel.rows["source_pressure"].reason.isVisible()


def test_meaning_and_value_stand_on_one_line(panel: SlowPanel) -> None:
    panel.grab()
    for row in panel.rows.values():
        assert row.meaning.y() == row.value.y()
        assert row.state.y() >= row.value.geometry().bottom()
    rights = {row.value.geometry().right() for row in panel.rows.values()}
    assert len(rights) == 1


def test_another_rig_has_other_rows(panel: SlowPanel, link: FakeLink) -> None:
    link.feed(slow__readings=slow_to_json([RF]))
    assert list(panel.rows) == ["rf"]
    link.feed(slow__readings="[]")
    assert panel.rows == {}
    assert "names no slow control" in panel.remark.text()
    link.feed(slow__readings=Value("[]", INVALID, "the gateway does not answer"))
    assert panel.remark.text() == "The gateway does not answer."


def test_words_of_values_and_limits() -> None:
    assert value_text(replace(RF, value=None)) == "–"
    assert value_text(replace(RF, value=-12.0, unit="degC")) == "−12 degC"
    assert value_text(replace(RF, value=123456.0, unit="")) == "1.23e+05"
    assert limits_text(RF) == "alarm below 30 W; warning below 35 W"
    assert limits_text(replace(RF, low_major=None, low_minor=None)).startswith("no limits")
