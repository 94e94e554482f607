"""What judges the fault matrix must itself fail when it should: danger, safe states, and time."""

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fault_midrun
import fault_results
import pytest
from fault_cells import SLOW_S, Cell, cells
from fault_matrix import MOST_STOLEN_S, RETAKES, MachineBusy, Outcome, Stopwatch, run_lanes
from fault_midrun import CountingStation
from fault_states import CEILING_MA, RF_MOST_DBM, RigState, missing, required, safe_within_s

COUNTING = RigState(
    amplifier_ma=2497.0, seed_mw=30.0, destroyed=False, dose_share=0.0, actuator_mhz=100.0,
    rf_on=False, rf_dbm=0.0, pumping_light=False, trap_light=False, em_gain=0, camera_open=False,
    overexposed_s=0.0,
)  # fmt: skip
SEED_LOSS = Cell("amplifier", "seed_loss")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"destroyed": True}, "destroyed"),
        ({"dose_share": 0.51}, "dose"),
        ({"rf_on": True}, "RF went on"),
        ({"rf_on": True, "rf_dbm": RF_MOST_DBM + 0.1}, "RF at"),
        ({"pumping_light": True}, "819-nm shutter"),
        ({"trap_light": True}, "trap light"),
        ({"em_gain": 5}, "gain went up"),
        ({"camera_open": True}, "camera's shutter"),
        ({"overexposed_s": 1.0}, "abundant isotope"),
    ],
)
def test_every_move_towards_danger_is_seen(change: dict[str, Any], word: str) -> None:
    assert word in replace(COUNTING, **change).danger(COUNTING)


def test_what_was_on_may_stay_on_or_go_off() -> None:
    on = replace(COUNTING, rf_on=True, pumping_light=True, trap_light=True, em_gain=200)
    assert not on.danger(on)
    assert not COUNTING.danger(on)


def test_an_amplifier_without_seed_must_be_down() -> None:
    up = replace(COUNTING, seed_mw=0.0)
    other = Cell("sideband", "no_reply")
    assert "without seed" in missing(other, up, COUNTING, station=False)
    assert not missing(other, replace(up, amplifier_ma=CEILING_MA), COUNTING, station=False)


def test_a_required_state_is_asked_for() -> None:
    assert missing(SEED_LOSS, COUNTING, COUNTING, station=False)
    moved = replace(COUNTING, actuator_mhz=150.0)
    assert "held" in missing(Cell("lock", "mode_hop"), moved, COUNTING, station=False)
    shown = replace(COUNTING, em_gain=200, camera_open=True)
    runaway = Cell("camera", "runaway")
    assert "gain 0" in missing(runaway, shown, shown, station=True)
    assert not missing(runaway, shown, shown, station=False), "only a station looks at the gain"


def test_a_software_lock_without_its_board_holds() -> None:
    software = {c.fault: required(c, station=False) for c in cells("redpitaya-stcl", "lock")}
    firmware = {c.fault: required(c, station=False) for c in cells("arduino-stcl", "lock")}
    assert software["no_reply"] == software["wrong_unit"] == software["mode_hop"] != ()
    assert firmware["no_reply"] == (), "the firmware regulates by itself"
    assert firmware["mode_hop"] == software["mode_hop"]


def test_a_trap_of_unknown_place_darkens_the_camera_in_time() -> None:
    counting = replace(COUNTING, em_gain=200, camera_open=True)
    for cell in cells("redpitaya", "isotope_offset"):
        assert "gain 0" in missing(cell, counting, counting, station=True)
        assert not missing(cell, counting, counting, station=False)
        assert not missing(cell, COUNTING, counting, station=True)
        assert safe_within_s(cell, station=True) > safe_within_s(cell, station=False)


@pytest.mark.parametrize(
    ("make", "server"),
    [
        ("toptica-dlcpro", "amplifier"),
        ("thorlabs-itc4000", "amplifier"),
        ("thorlabs-itc4000", "amplifier_seed"),
    ],
)
def test_a_slow_box_of_an_amplifier_must_come_down_though_each_answer_is_in_time(
    make: str, server: str
) -> None:
    (slow,) = (cell for cell in cells(make, server) if cell.fault == "slow")
    assert (slow.command, dict(slow.arguments)) == ("late", {"delay_s": SLOW_S})
    assert "ceiling" in missing(slow, COUNTING, COUNTING, station=True)
    assert not missing(slow, COUNTING, COUNTING, station=False)


class Stolen:
    """As much as the test says."""

    total_s = 0.0


def test_a_stopwatch_gives_back_a_little_stolen_time_and_no_more() -> None:
    stolen: Any = Stolen()
    watch = Stopwatch(stolen)
    time.sleep(0.05)
    assert 0.05 <= watch.within(10.0) < 10.0
    with pytest.raises(AssertionError, match=r"beyond 0\.01 s"):
        watch.within(0.01)
    stolen.total_s = 0.5 * MOST_STOLEN_S
    assert watch.within(0.01) <= 0.01, "it was the machine's"
    stolen.total_s = 1.1 * MOST_STOLEN_S
    with pytest.raises(MachineBusy):
        watch.within(0.01)


def test_a_cell_that_the_machine_spoilt_is_taken_again_and_then_fails() -> None:
    outcome = Outcome(SEED_LOSS, "status", "seed lost", 0.1, 1.0, "", "lasing")
    tries: list[Cell] = []

    def busy_at_first(cell: Cell) -> Outcome:
        tries.append(cell)
        if len(tries) == 1:
            raise MachineBusy("ten others run")
        return outcome

    def always_busy(_cell: Cell) -> Outcome:
        tries.append(SEED_LOSS)
        raise MachineBusy("ten others run")

    assert run_lanes([(busy_at_first, [SEED_LOSS])]) == ([outcome], [])
    tries.clear()
    outcomes, failures = run_lanes([(always_busy, [SEED_LOSS])])
    assert (outcomes, len(tries)) == ([], RETAKES + 1)
    assert "ten others" in failures[0]


def test_results_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    monkeypatch.setenv(fault_results.VARIABLE, str(path))
    first = Outcome(SEED_LOSS, "status", "seed at 0 mW", 0.123, 1.0, "amplifier 0 mA", "lasing")
    fault_results.keep([first])
    fault_results.keep([replace(first, named_s=0.4), replace(first, named_s=0.2)])
    assert len(path.read_text().splitlines()) == 3
    found = fault_results.measured(path)[fault_results.key_of(SEED_LOSS)]
    assert fault_results.seconds(found.named_s) == "0.20 (0.12 to 0.40)"
    assert (found.named, found.state) == (["status"], "amplifier 0 mA")
    assert "ceiling" in found.required
    assert json.loads(path.read_text().splitlines()[0])["make"] == "toptica-dlcpro"


def test_a_spoilt_cell_of_a_station_is_mended_before_it_is_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fault_midrun, "AFTERMATH_S", 0.0)
    station = CountingStation.__new__(CountingStation)
    done: list[str] = []
    rig: Any = SimpleNamespace(
        clear=lambda: done.append("cleared"), config={"amplifier": {"address": "of no pair"}}
    )
    station.rig = rig

    def spoilt(_cell: Cell) -> Outcome:
        raise MachineBusy("ten others run")

    monkeypatch.setattr(station, "_run", spoilt)
    monkeypatch.setattr(station, "_wait_for_counting", lambda *_: done.append("counts"))
    with pytest.raises(MachineBusy):
        station.run(SEED_LOSS)
    assert done == ["cleared", "counts"]
