"""Times of day that an operator types."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gui.queue.times import moment, said


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(text: str) -> datetime:
    found = moment(text)
    assert found is not None
    return found.astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-28 22:00", 21),
        ("2026-07-28 22:00", 20),
        ("2026-07-28T22:00Z", 22),
        ("2026-07-28T22:00-05:00", 3),
    ],
)
def test_the_clock_on_the_wall_unless_an_offset_is_given(text: str, hour: int) -> None:
    assert utc(text).hour == hour


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_an_hour_that_comes_twice_or_never_needs_an_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"clocks are changed then: write .*\+0[12]:00 or"):
        moment(text)
    assert utc(f"{text}+01:00").hour == 1


def test_nothing_is_no_time_and_words_are_refused() -> None:
    assert moment("  ") is None
    with pytest.raises(ValueError, match="write it like"):
        moment("ten o'clock")


def test_it_says_how_it_was_understood() -> None:
    found = moment("2026-11-28 00:30")
    assert found is not None
    assert said(found) == "28 Nov 00:30 here, 27 Nov 23:30 UTC"
