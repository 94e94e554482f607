"""Rings of all numeric readings: one value a second, bounded, gaps told apart."""

from itertools import pairwise

import numpy as np
import pytest

from atta_daq.archive.history_records import Samples
from atta_daq.station.history import RECORDED, History, columns_of


class Clock:
    utc_s = 1000.0


def test_it_keeps_one_value_a_second_and_no_more_than_its_length() -> None:
    clock, values = Clock(), {"amplifier:current": 0.0, "lock:locked": True}
    history = History(
        values.get, lambda: clock.utc_s, length=10, steady=lambda: clock.utc_s - 500.0
    )
    for step in range(100):
        clock.utc_s += 0.25
        values["amplifier:current"] = float(step)
        history.sample()
    found = history.since(["amplifier:current", "lock:locked"], 1e9)
    times = found["amplifier:current"]["utc_s"]
    assert len(times) == 10
    assert all(b - a == pytest.approx(1.0) for a, b in pairwise(times))
    assert times[-1] == pytest.approx(clock.utc_s, abs=1.0)
    assert found["amplifier:current"]["value"][-1] == 96.0
    assert found["lock:locked"]["value"] == [1.0] * 10
    assert len(history.since(["lock:locked"], 4.5)["lock:locked"]["value"]) == 4


def test_it_is_once_a_second_also_when_nobody_has_time_at_the_second() -> None:
    clock = Clock()
    history = History({}.get, lambda: clock.utc_s, length=2000, steady=lambda: clock.utc_s)
    for _ in range(5000):
        clock.utc_s += 0.23
        history.sample()
    count = len(history.since(["lock:rms"], 1e9)["lock:rms"]["utc_s"])
    assert count == pytest.approx(5000 * 0.23, abs=2)
    clock.utc_s += 600.0
    history.sample()
    history.sample()
    assert len(history.since(["lock:rms"], 1e9)["lock:rms"]["utc_s"]) == count + 1


def test_stale_readings_are_gaps() -> None:
    clock, values = Clock(), {"amplifier:current": 1.0}
    history = History(values.get, lambda: clock.utc_s, length=5, steady=lambda: clock.utc_s)
    history.sample()
    clock.utc_s += 1.0
    values.clear()
    history.sample()
    assert history.since(["amplifier:current"], 60.0)["amplifier:current"]["value"] == [1.0, None]


def test_nothing_yet_and_nothing_of_that_name() -> None:
    history = History(lambda _: None, lambda: 0.0)
    assert history.since(["lock:rms"], 60.0) == {"lock:rms": {"utc_s": [], "value": []}}
    assert "run:id" not in RECORDED
    with pytest.raises(KeyError, match="run:id"):
        history.since(["run:id"], 60.0)


def test_a_clock_that_is_set_costs_no_sample_and_times_still_increase() -> None:
    """A step of either sign between two samples; the strip charts draw against increasing times."""
    utc_s, steady_s, value = [1000.0], [50.0], {"amplifier:current": 0.0}
    kept: list[tuple[float, float]] = []
    history = History(
        value.get, lambda: utc_s[0], length=50, steady=lambda: steady_s[0],
        rig_now=lambda: 7.0, keep=lambda utc, rig, _values: kept.append((utc, rig)),
    )  # fmt: skip
    for step in range(20):
        utc_s[0] += 1.0 + {5: -3600.0, 10: 7200.0, 15: -0.5}.get(step, 0.0)
        steady_s[0] += 1.0
        value["amplifier:current"] = float(step)
        history.sample()
    found = history.since(["amplifier:current"], 1e9)["amplifier:current"]
    assert found["value"] == list(range(20))
    assert [b - a for a, b in pairwise(found["utc_s"])] == pytest.approx([1.0] * 19)
    assert found["utc_s"][-1] == utc_s[0]
    assert len(history.since(["amplifier:current"], 4.5)["amplifier:current"]["value"]) == 5
    assert len(kept) == 20
    assert kept[5][0] < kept[4][0]
    assert {rig for _, rig in kept} == {7.0}


def test_it_begins_with_what_is_on_disk() -> None:
    columns = columns_of()
    values = np.full((30, len(columns)), np.nan, np.float32)
    place = [column.name for column in columns].index("lock:rms")
    values[:, place] = np.arange(30.0)
    times = 1000.0 + np.arange(30.0)
    times[20:] -= 3.0
    past = Samples(times, 1e6 + np.arange(30.0), columns, values)
    history = History({"lock:rms": 99.0}.get, lambda: 1040.0, length=40, steady=lambda: 5.0)
    history.restore(past)
    history.sample()
    found = history.since(["lock:rms"], 7200.0)["lock:rms"]
    assert found["value"] == [*range(30), 99.0]
    assert all(a <= b for a, b in pairwise(found["utc_s"]))
    assert found["utc_s"][0] == pytest.approx(1000.0, abs=1.5)
    assert found["utc_s"][-1] == 1040.0
    assert "station:rig_time" not in {column.name for column in columns}
