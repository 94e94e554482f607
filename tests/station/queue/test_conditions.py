"""When an entry may start: conditions, and times with their offset."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.client.log import Alarm
from atta_daq.station.queue.conditions import NUMERIC, Look, parse
from atta_daq.station.queue.times import in_words, utc_s


def look(readings: dict[str, object] | None = None, *alarms: Alarm, free: int = 0) -> Look:
    return Look((readings or {}).get, lambda: list(alarms), lambda: free)


def alarm(**changes: object) -> Alarm:
    values: dict[str, Any] = {
        "id": "lock", "source": "lock", "text": "lock lost", "severity": "major",
        "since_utc_s": 0.0, "active": True, "acknowledged": False,
    }  # fmt: skip
    return Alarm(**(values | changes))


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        ("rate:loading_84 > 0.05", 0.06, ""),
        ("rate:loading_84>0.05", 0.05, "rate:loading_84 is 0.05 V/s, > 0.05 V/s wanted"),
        ("rate:loading_84 < 5e-2", 0.04, ""),
        ("rate:loading_84 < .05", float("nan"), "rate:loading_84 is not known"),
        ("rate:loading_84 < 1", None, "rate:loading_84 is not known"),
    ],
)
def test_a_reading_on_the_right_side(text: str, value: object, why: str) -> None:
    assert parse(text).unmet(look({"rate:loading_84": value})) == why


def test_a_plain_number_has_no_unit() -> None:
    why = parse("camera:frames > 5").unmet(look({"camera:frames": 5}))
    assert why == "camera:frames is 5, > 5 wanted"


@pytest.mark.parametrize(
    ("text", "changes", "met"),
    [
        ("no alarm", {}, False),
        ("no alarm", {"severity": "minor"}, False),
        ("no alarm", {"acknowledged": True}, True),
        ("no alarm", {"active": False}, False),
        ("no alarm", {"source": "queue"}, True),
    ],
)
def test_alarms_that_nobody_has_acknowledged(text: str, changes: dict, met: bool) -> None:
    why = parse(text).unmet(look(None, alarm(**changes)))
    assert why == ("" if met else "alarm not acknowledged: lock lost")
    assert parse(text).unmet(look()) == ""


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, False),
        ({"acknowledged": True}, False),
        # A run that waited for a cure at night: nobody acknowledges that before the morning.
        ({"active": False}, True),
        ({"severity": "minor"}, True),
        ({"source": "queue"}, True),
    ],
)
def test_major_alarms_that_are_active(changes: dict, met: bool) -> None:
    why = parse("no major alarm").unmet(look(None, alarm(**changes)))
    assert why == ("" if met else "major alarm is active: lock lost")
    assert parse("no major alarm").unmet(look()) == ""


def test_room_on_the_disk() -> None:
    condition = parse("free  disk > 20 GB")
    assert condition.unmet(look(free=20_000_000_001)) == ""
    why = condition.unmet(look(free=20_000_000_000))
    assert why == "20.0 GB of the disk free, more than 20 GB wanted"


def test_readings_of_this_rig_alone() -> None:
    with pytest.raises(ValueError, match="no number 'slow:pressure'"):
        parse("slow:pressure < 1e-5")
    assert str(parse("slow:pressure < 1e-5", ["slow:pressure"])) == "slow:pressure < 1e-05"


@pytest.mark.parametrize(
    "text", ["", "no minor alarm", "free disk > 20", "rate:loading_84 = 3", "lock:reason > 1",
             "rate:loading_84 > nan", "rate:loading_84 > 1e", "> 3", "rate:loading_84 > 1 > 2"]
)  # fmt: skip
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        parse(text)


@given(
    st.sampled_from(NUMERIC), st.sampled_from("<>"),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)  # fmt: skip
def test_a_condition_prints_itself_as_it_is_read(name: str, sense: str, value: float) -> None:
    condition = parse(f"{name} {sense} {value:g}")
    assert parse(str(condition)) == condition


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except ValueError:
        return
    assert parse(str(condition)) == condition


def moment(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28T22:00+01:00", moment(2026, 11, 28, 21)),
        ("2026-11-28 21:00Z", moment(2026, 11, 28, 21)),
        # The same hour on the wall, twice, in the night in which summer time ends.
        ("2026-10-25T02:30+02:00", moment(2026, 10, 25, 0, 30)),
        ("2026-10-25T02:30+01:00", moment(2026, 10, 25, 1, 30)),
    ],
)
def test_times_carry_their_offset(text: str, expected: float) -> None:
    assert utc_s(text) == expected


def test_a_time_without_offset_is_refused_with_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"no offset from UTC: write 2026-11-28T22:00Z"):
        utc_s("2026-11-28T22:00")
    with pytest.raises(ValueError, match="is not a time"):
        utc_s("tonight")


def test_a_time_is_said_in_utc() -> None:
    assert in_words(moment(2026, 11, 28, 21)) == "2026-11-28 21:00 UTC"
