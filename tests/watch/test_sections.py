"""The parts of the page, from readings to what is drawn."""

import base64
import io
import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from fakes_sweep import (
    info,
    live,
    on_off,
    on_off_fit,
    saturation,
    saturation_fit,
    spectrum,
    spectrum_fit,
)
from matplotlib import image as pictures

from atta_daq.client.log import Alarm, LogLine, alarms_to_json, log_to_json
from atta_daq.client.queue_names import QUEUE_COLUMNS
from atta_daq.watch.board import Board
from atta_daq.watch.sections.alarms import LINES, alarms
from atta_daq.watch.sections.picture import LARGEST, grey, picture, png
from atta_daq.watch.sections.queue import queue
from atta_daq.watch.sections.rates import MOST_POINTS, rates
from atta_daq.watch.sections.rig import rig
from atta_daq.watch.sections.run import run
from atta_daq.watch.sections.sweep import MOST_LEVELS, sweep
from atta_daq.watch.sections.table import SECTIONS
from atta_daq.watch.station_link import LinkState
from atta_daq.watch.values import Look, Value


def look(**readings: Any) -> Look:
    """`lock__locked=True` is the reading `lock:locked`."""
    return Look(
        {
            name.replace("__", ":"): value if isinstance(value, Value) else Value(value, utc_s=9e8)
            for name, value in readings.items()
        }
    )


# --- sweep ----------------------------------------------------------------------------------


def test_a_spectrum_with_its_fit() -> None:
    (part,) = sweep(look(**live(spectrum(), spectrum_fit())))["parts"]
    points = [p for p in spectrum().points if p.pumping]
    assert [p["x"] for p in part["points"]] == pytest.approx([p.detuning_mhz for p in points])
    assert [p["y"] for p in part["points"]] == pytest.approx([p.ratio for p in points], rel=1e-5)
    fit = spectrum_fit()
    assert fit.curve is not None
    at = np.interp([p.detuning_mhz or 0.0 for p in points], fit.curve.x, fit.curve.y)
    pulls = [(p.ratio - y) / p.error for p, y in zip(points, at, strict=True)]
    assert [p["residual"] for p in part["points"]] == pytest.approx(pulls, abs=1e-3)
    blocked = [p for p in spectrum().points if not p.pumping]
    live_s = np.array([p.live_s for p in blocked])
    mean = np.average([p.ratio for p in blocked], weights=live_s)
    assert part["reference"]["value"] == pytest.approx(mean, rel=1e-5)
    assert part["x_title"] == "detuning from the 84Kr line, as set (MHz)"
    assert part["y_title"] == "85Kr rate (atoms/h)"
    assert {p["label"]: p["text"] for p in part["fit"]} == {
        "background": "2510 ± 60 atoms/h", "amplitude": "55 ± 4 %", "position": "59 ± 18 MHz",
        "Rabi scale": "3.68 (held)", "peak increase": "58 ± 5 %",
    }  # fmt: skip
    assert part["about"].endswith("data up to block 12")


def test_points_without_a_number_are_left_out_and_provisional_ones_marked() -> None:
    part = spectrum(taken=6)
    broken = replace(part.points[0], ratio=math.nan), replace(part.points[1], error=0.0)
    part = replace(part, points=(*broken, *part.points[2:]))
    (shown,) = sweep(look(**live(part)))["parts"]
    assert len(shown["points"]) == sum(p.pumping for p in part.points) - 2
    assert sum(p["provisional"] for p in shown["points"]) >= 1
    assert (shown["about"], shown["fit"], shown["curve"]) == ("no fit yet", [], None)
    assert all(p["residual"] is None for p in shown["points"])


def test_a_comparison_stands_against_time_with_the_fitted_rates() -> None:
    (part,) = sweep(look(**live(on_off(), on_off_fit())))["parts"]
    first = min(p.mid_rig_s for p in on_off().points)
    assert part["points"][3]["x"] == pytest.approx((on_off().points[3].mid_rig_s - first) / 60.0)
    assert [line["value"] for line in part["lines"]] == [258.1, 406.2]
    assert part["curve"] is None


def test_blocked_light_stands_at_no_power() -> None:
    (part,) = sweep(look(**live(saturation(), saturation_fit())))["parts"]
    assert {p["x"] for p in part["points"] if not p["pumped"]} == {0.0}
    assert part["reference"] is None
    assert part["y_title"] == "84Kr rate (V/s)"


def test_values_of_a_second_quantity_are_told_apart() -> None:
    part = spectrum(24)
    powers = (100.0, 200.0, 300.0, 400.0, 450.0, 499.0)
    points = tuple(
        replace(p, power_mw=powers[i % 6] + 0.3 * (-1) ** i) for i, p in enumerate(part.points)
    )
    part = replace(part, axes=("detuning_mhz", "power_mw"), points=points)
    (shown,) = sweep(look(**live(part, spectrum_fit())))["parts"]
    assert len(shown["levels"]) == MOST_LEVELS
    assert shown["levels"][-1].endswith("and more")
    assert {p["level"] for p in shown["points"] if p["pumped"]} == set(range(MOST_LEVELS))
    assert shown["curve"] is None, "it belongs to one of them"


def test_a_fit_that_failed_says_so() -> None:
    failed = replace(spectrum_fit(), valid=False, message="no minimum")
    (part,) = sweep(look(**live(spectrum(), failed)))["parts"]
    assert not part["valid"]
    assert part["about"] == "the fit did not converge: no minimum"


# --- run, alarms, queue, rig ----------------------------------------------------------------


def test_the_end_of_a_run_is_predicted_on_the_clock_of_the_wall() -> None:
    readings = dict(run__state="running", run__remaining=Value(3600.0, utc_s=5000.0))
    assert run(look(**readings))["ends_utc_s"] == 8600.0
    fast = json.dumps({"rate": 60.0})
    assert run(look(**readings, station__rig=fast))["ends_utc_s"] == 5060.0
    assert run(look(**readings, run__suspended="lock"))["ends_utc_s"] is None
    assert run(look(run__state="paused", run__remaining=9.0))["ends_utc_s"] is None


@pytest.mark.parametrize(
    ("readings", "word", "tone"),
    [
        ({"run__state": "running"}, "running", "ok"),
        ({"run__state": "running", "run__suspended": "lock"}, "waits for the rig", "danger"),
        ({"run__state": "idle"}, "idle", "off"),
        ({"run__state": "idle", "station__activity": "zeroing"}, "zeroing", "busy"),
        ({"run__state": "paused"}, "paused", "warning"),
        ({}, "not known", "stale"),
    ],
)
def test_the_state_in_a_word(readings: dict[str, str], word: str, tone: str) -> None:
    shown = run(look(**readings))
    assert (shown["word"], shown["tone"]) == (word, tone)


@pytest.mark.parametrize(
    ("state", "tone"),
    [("complete", "off"), ("complete with gaps", "warning"), ("aborted", "danger")],
)
def test_how_the_last_run_ended(state: str, tone: str) -> None:
    told = info(state=state).to_json()
    shown = run(look(run__state="idle", run__info=told, run__outcome=state))
    assert (shown["word"], shown["tone"]) == (f"idle; the last run is {state}", tone)


def test_alarms_worst_first_and_the_newest_lines() -> None:
    found = [
        Alarm("a", "trap_switch", "minor", "minor", 1.0, True, False),
        Alarm("b", "lock", "over", "major", 2.0, False, False),
        Alarm("c", "lock", "older", "major", 3.0, True, True),
        Alarm("d", "lock", "newer", "major", 4.0, True, False),
    ]
    lines = [LogLine(n, float(n), "info", "run", str(n)) for n in range(100)]
    shown = alarms(look(station__alarms=alarms_to_json(found), station__log=log_to_json(lines)))
    assert [a["text"] for a in shown["alarms"]] == ["newer", "older", "minor", "over"]
    assert [a["state"] for a in shown["alarms"]] == [
        "active", "active, acknowledged", "active", "over",
    ]  # fmt: skip
    assert shown["alarms"][2]["source"] == "trap switch"
    assert shown["active"] == 3
    assert [line["text"] for line in shown["log"]] == [str(n) for n in range(99, 99 - LINES, -1)]


def queue_table(*rows: dict[str, Any]) -> dict[str, list[Any]]:
    usual = {name: "" if code == "s" else 0 if code == "l" else math.nan
             for name, code in QUEUE_COLUMNS}  # fmt: skip
    return {name: [{**usual, **row}[name] for row in rows] for name in usual}


def test_the_queue_in_its_order() -> None:
    table = queue_table(
        {"entry": 3, "name": "a", "state": "running", "repeats": 1, "expected_end": 500.0},
        {"entry": 4, "name": "b", "state": "waiting", "repeats": 4, "done": 1,
         "waits_for": "not before 05:00", "expected_start": 600.0, "expected_end": 700.0},
        {"entry": 2, "name": "c", "state": "failed", "repeats": 1, "reason": "camera"},
    )  # fmt: skip
    shown = queue(look(queue__state="paused", queue__reason="entry 2", queue__table=table))
    assert shown is not None
    assert (shown["word"], shown["tone"]) == ("the queue is paused: entry 2", "warning")
    assert [e["name"] for e in shown["entries"]] == ["3 · a", "4 · b", "2 · c"]
    assert [e["note"] for e in shown["entries"]] == [
        "", "1 of 4 done; waits: not before 05:00", "camera",
    ]  # fmt: skip
    assert [e["start_s"] for e in shown["entries"]] == [None, 600.0, None]
    assert queue(look(queue__state="idle", queue__table=queue_table())) is None
    assert queue(look()) is None
    many = queue_table(*({"entry": n, "state": "waiting"} for n in range(1, 50)))
    shown = queue(look(queue__state="waiting", queue__table=many))
    assert shown is not None
    assert len(shown["entries"]) + shown["more"] == 49


def test_an_instrument_that_is_silent_keeps_its_last_values_greyed() -> None:
    silent = Value(-80.04, 3, "camera: no answer")
    shown = rig(look(camera__temperature=silent, lock__locked=False, lock__reason="no peak"))
    rows = {row["label"]: row for group in shown["groups"] for row in group["rows"]}
    assert rows["sensor"] == {
        "label": "sensor", "text": "−80.0 °C", "tone": "stale", "note": "camera: no answer",
    }  # fmt: skip
    assert (rows["lock"]["tone"], rows["lock"]["note"]) == ("danger", "no peak")
    assert rows["seed power"]["tone"] == "stale", "it has never come"


# --- rates ----------------------------------------------------------------------------------


def run_table(count: int, flags: dict[int, str]) -> dict[str, Any]:
    return {
        "index": np.arange(count),
        "kind": ["loading-83" if i % 2 == 0 else "rare" for i in range(count)],
        "bracket": np.arange(count) % 2 == 0,
        "flag": [flags.get(i, "") for i in range(count)],
        "mid_rig_s": 1.8e9 + 1800.0 * np.arange(count),
        "rate": np.where(np.arange(count) % 2 == 0, 0.04, np.nan),
        "rate_error": np.full(count, 0.001),
    }


def test_brackets_through_the_run_and_causes_of_flags() -> None:
    flags = {2: "lock", 3: "lock", 5: "camera"}
    shown = rates(look(run__table=run_table(9, flags), rate__counts=12))
    assert shown["loading"] == {
        "hours": [0.0, 2.0, 3.0, 4.0], "rate": [0.04] * 4, "error": [0.001] * 4,
    }  # fmt: skip
    assert shown["flagged"] == [
        {"cause": "lock", "segments": 2}, {"cause": "camera", "segments": 1},
    ]  # fmt: skip
    assert [row["label"] for row in shown["rows"]] == ["atoms in this segment"]
    many = rates(look(run__table=run_table(5000, {i: str(i) for i in range(10)})))
    assert len(many["loading"]["hours"]) == MOST_POINTS
    assert many["loading"]["hours"][-1] == pytest.approx(2494.0, abs=5.0)
    assert many["flagged"][-1] == {"cause": "other causes", "segments": 4}
    empty = rates(look(run__table={name: [] for name in run_table(0, {})}))
    assert empty == {"rows": [], "loading": {"hours": [], "rate": [], "error": []}, "flagged": []}


# --- picture --------------------------------------------------------------------------------


def test_a_picture_is_read_back_as_it_was_by_another_library() -> None:
    levels = np.random.default_rng(1).integers(0, 256, (37, 53)).astype(np.uint8)
    read = pictures.imread(io.BytesIO(png(levels)))
    assert np.array_equal(np.round(255.0 * read).astype(np.uint8), levels)


def test_the_spot_is_bright_and_a_large_picture_is_thinned() -> None:
    frame = np.full((40, 40), 400, np.uint16)
    frame[19:22, 18:21] = 5000
    shown, low, high = grey(frame)
    assert (shown[20, 19], shown[0, 0], low) == (255, 0, 400)
    assert high == 5000
    flat, _, _ = grey(np.zeros((4, 4), np.uint16))
    assert flat.max() == 0
    large, _, _ = grey(np.zeros((1024, 700), np.uint16))
    assert max(large.shape) <= LARGEST


def test_before_the_first_picture_there_is_none() -> None:
    assert picture(look()) == {"png": ""}
    assert picture(look(camera__image=np.zeros((1, 1), np.uint16))) == {"png": ""}
    shown = picture(look(camera__image=Value(np.zeros((8, 9), np.uint16), taken_s=7.0)))
    assert (shown["rows"], shown["columns"], shown["taken_rig_s"]) == (8, 9, 7.0)
    assert base64.b64decode(shown["png"].partition(",")[2]).startswith(b"\x89PNG")


# --- board ----------------------------------------------------------------------------------


class Source:
    """Readings of a test."""

    def __init__(self) -> None:
        self.state = LinkState("connected", "", "rig")
        self.readings: dict[str, Value] = {}

    def values(self) -> dict[str, Value]:
        return dict(self.readings)


def test_a_viewer_hears_of_what_has_changed_and_of_nothing_else() -> None:
    source = Source()
    board = Board(source)
    assert board.refresh()
    had: dict[str, int] = {}
    assert [name for name, _ in board.news(had)] == ["link"]
    source.readings["run:state"] = Value("running")
    assert board.refresh()
    assert not board.refresh()
    assert [name for name, _ in board.news(had)] == ["run"]
    assert board.news(had) == []
    source.readings["run:state"] = Value("running", utc_s=7.0)
    assert not board.refresh(), "another value, the same text"
    assert {name for name, _ in board.news({})} == {"link", "run"}


def test_every_text_is_json_that_a_browser_reads() -> None:
    source = Source()
    source.readings = {
        name: Value(math.nan if name.startswith("rate:") else "")
        for section in SECTIONS
        for name in section.readings
        if not name.endswith(("table", "image", "isotope", "counts", "frames", "lost", "gain"))
    }
    board = Board(source)
    board.refresh()
    for name, text in board.news({}):
        found = json.loads(text, parse_constant=pytest.fail)
        assert isinstance(found, dict | type(None)), name


def test_a_row_is_plain() -> None:
    row = look(lock__rms=Value(0.812, 1, "noisy")).quantity("rms", "lock:rms", "MHz", 2)
    assert asdict(row) == {"label": "rms", "text": "0.81 MHz", "tone": "warning", "note": "noisy"}
