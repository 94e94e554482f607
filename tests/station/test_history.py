"""Rings of all numeric readings: one value a second, bounded, gaps told apart."""

from itertools import pairwise

import pytest

from atta_daq.station.history import RECORDED, History


class Clock:
    utc_s = 1000.0


def test_it_keeps_one_value_a_second_and_no_more_than_its_length() -> None:
    clock, values = Clock(), {"amplifier:current": 0.0, "lock:locked": True}
    history = History(values.get, lambda: clock.utc_s, length=10)
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


def test_stale_readings_are_gaps() -> None:
    clock, values = Clock(), {"amplifier:current": 1.0}
    history = History(values.get, lambda: clock.utc_s, length=5)
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
