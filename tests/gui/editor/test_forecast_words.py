"""The forecast in words."""

from datetime import datetime

import pytest

from gui.editor.forecast_words import clock, headline, leading_errors
from gui.words import duration, volume

NOW = datetime(2026, 11, 22, 12, 0)
ANSWER = {
    "ok": True, "name": "x", "duration_s": 12_600.0, "segments": 97, "blocks": 12,
    "archive_bytes": 3.4e8, "problems": [],
    "parts": [
        {"name": "83Kr", "isotope": 83, "points": 3, "errors": {}, "note": "no forecast"},
        {"name": "85Kr", "isotope": 85, "points": 41, "note": "", "errors": {
            "background": {"value": 400.0, "error": 10.0, "unit": "1/h"},
            "amplitude": {"value": 0.571, "error": 0.0412, "unit": ""},
        }},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (3540.0, "59 min"), (3599.0, "1 h 00 min"),
        (48_200.0, "13 h 23 min"), (86_400.0, "1 d 0 h"), (100_000.0, "1 d 4 h"),
        (float("inf"), "never"), (172_790.0, "2 d 0 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0.0, "0 B"), (999.0, "999 B"), (1500.0, "1.5 kB"), (3.4e8, "340 MB"), (1.89e11, "189 GB")],
)
def test_volumes(count: float, words: str) -> None:
    assert volume(count) == words


def test_a_headline_tells_duration_end_segments_and_volume() -> None:
    text = headline(ANSWER, 1.0, NOW)
    assert text == "3 h 30 min, ends 15:30 if started now, 97 segments, 340 MB"


def test_rig_time_and_wall_time_are_told_apart() -> None:
    text = headline(ANSWER, 60.0, NOW)
    assert "3 h 30 min rig time, 4 min on the clock" in text
    assert "ends 12:03" in text


def test_a_run_under_way_comes_first() -> None:
    assert "ends 16:30 if started after this run" in headline(ANSWER, 1.0, NOW, 3600.0)


def test_another_day_is_named() -> None:
    assert clock(datetime(2026, 11, 23, 1, 5), NOW).endswith("01:05")
    assert clock(datetime(2026, 11, 23, 1, 5), NOW) != "01:05"
    assert clock(datetime(2026, 12, 5, 1, 5), NOW).startswith("05")


def test_the_wanted_error_leads() -> None:
    assert leading_errors(ANSWER) == "expected: 85Kr increase, closed line: 57 ± 4 %"
    assert leading_errors({"parts": ANSWER["parts"][:1]}) == ""
