"""`atta-daq rehearse`: a scan on the simulated rig before it is taken."""

import json
import sys
import time
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w
from fakes_queue import line, table
from rich.console import Console
from rig_ports import PORTS

from atta_daq.analysis.drift_spectrum import TYPICAL
from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.calibration.result import CalibrationResult, Quantity, diagonal
from atta_daq.cli import rehearsal
from atta_daq.cli import rehearse as command
from atta_daq.cli.rehearsal import FASTEST, Rehearsed, Scan, highest_speed
from atta_daq.cli.rehearsal_words import rehearsal_object, warnings
from atta_daq.cli.rehearsed_rig import ROOM, boxes, like, truth_like
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import ConfigError, RigConfig, load_rig, rig_config
from atta_daq.scans.blocks import Target
from atta_daq.scans.definition import parse_scan
from atta_daq.station.check_scan import FORECAST_POINTS
from atta_daq.station.queue.entry import Entry, EntryState, Outcome
from atta_daq.station.queue.night import Night
from atta_daq.station.queue.store import QueueStore
from atta_daq.station.worth import PointWorth

SCAN = """
name = "short"
calibrate_counting_s = 100.0
zero_on_reference_cell = false
[[part]]
isotope = 85
dwell_s = 60.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-300.0, 60.0, 1000.0]
"""


@pytest.mark.timeout(120)
def test_a_night_is_known_before_it_begins(call, write_rig, tmp_path: Path) -> None:
    """On a rig whose instruments are nowhere: a rehearsal touches none of them."""
    config = write_rig("camera.exposure_s", 0.05)
    scan = tmp_path / "scan.toml"
    scan.write_text(SCAN)
    data, kept = tmp_path / "data", tmp_path / "kept"
    outcome = call("rehearse", scan, "--config", config, "--data", data, "--keep", kept,
                   "--speed", 100.0, "--json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    answer = json.loads(outcome.out)
    (entry,) = answer["scans"]
    (part,) = entry["parts"]
    (folder,) = kept.glob("*85Kr*")
    run = open_run(folder)
    rare = [s for s in run.segments if s.kind is SegmentKind.RARE]
    assert entry["state"] == run.state.value == "complete"
    assert {s.exposures for s in rare} == {1200}, "the rig file's exposure"
    assert part["counts"] == sum(s.counts or 0 for s in rare) > 30
    assert entry["duration_s"] == pytest.approx(100.0 + 3 * 60.0 + 25.0, abs=25.0)
    assert entry["archive_bytes"] == pytest.approx(entry["rehearsed_bytes"], rel=0.3)
    assert part["errors"]["position_mhz"]["error"] > 0.0
    assert len(part["worth"]) == 3
    rig = tomllib.loads(run.rig_toml)
    assert (rig["unattended"], rig["faults"]) == (ROOM["unattended"], ROOM["faults"])
    assert not list(data.glob("*Kr*")), "nothing of a rehearsal may stand among the runs"
    (queue,) = (kept / "queue").glob("simulated-*.json")
    (taken,) = QueueStore(kept, queue.stem).load().ended
    assert [(taken.name, r.run_id, r.outcome) for r in taken.runs] == [
        ("short", folder.name, Outcome.COMPLETE)
    ], "it went through the queue"


def test_what_the_queue_waits_for_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a full disk between two scans would look like a rehearsal that hangs."""
    full = "the disk has room for 0.0 GB, entry 2 needs 0.2 GB; free some"
    looks = iter([("", ""), ("", full), ("", full), ("no alarm", full), ("no alarm", "")])
    reason = [""]

    def get(name: str) -> Any:
        if name == "queue:reason":
            return reason[0]
        waits_for, reason[0] = next(looks, (None, ""))
        mine = {"run": "r2"} if waits_for is None else {"waits_for": waits_for}
        return table(line(1, state="running", run="r1"), line(2, **mine))

    monkeypatch.setattr(rehearsal, "POLL_S", 0.0)
    client: Any = SimpleNamespace(get=get)
    assert rehearsal._begun(client, 2, Console(width=200, file=sys.stdout)) == "r2"
    said = capsys.readouterr().out.splitlines()
    assert said == [f"the queue waits: {full}", "the queue waits: no alarm"]


def test_a_scan_that_the_rig_cannot_take_starts_nothing(
    call, write_rig, tmp_path: Path, nothing_starts: None
) -> None:
    scan = tmp_path / "scan.toml"
    scan.write_text(SCAN.replace("1000.0", "9000.0"))
    call("rehearse", scan, "--config", write_rig()).refused("9000", "scan.toml")


def test_the_rig_of_the_rehearsal_is_like_the_rig(write_rig, tmp_path: Path) -> None:
    path = write_rig()
    data = tomllib.loads(path.read_text())
    data["timing"] = {"settling_s": 0.9}
    data["camera"] |= {"roi_width": 30, "em_gain": 150}
    data["calibrations"]["rates"]["counts_85_per_h"] = 4200.0
    data["sideband"] |= {"driver": "rigol-dsg800", "address": "TCPIP0::10.0.0.9::5555::SOCKET"}
    path.write_text(tomli_w.dumps(data))
    rig = load_rig(path)
    assert "sideband=rigol-dsg800" in boxes(rig)
    ports = tomllib.loads(path.read_text())
    made = like(rig, {**ports, "calibrations": ports["calibrations"]})
    assert made["timing"]["settling_s"] == 0.9
    assert (made["camera"]["roi_x"], made["camera"]["em_gain"]) == (240, 150)
    truth = truth_like(rig, {"source": {"counts_81kr_per_h": 7.0}})["source"]
    assert truth["counts_85kr_per_h"] == pytest.approx(5000.0)
    assert truth["counts_81kr_per_h"] == 7.0


SOURCE = {
    "walk_per_root_h": 0.06,
    "walk_error_per_root_h": 0.01,
    "drift_per_h": -0.03,
    "excess_noise": 0.002,
    "made": datetime(2026, 11, 20, tzinfo=UTC),
}


def with_source(path: Path, **source: Any) -> RigConfig:
    data = tomllib.loads(path.read_text())
    data["calibrations"]["source"] = source
    path.write_text(tomli_w.dumps(data))
    return load_rig(path)


def test_the_source_of_the_rehearsal_drifts_as_that_of_the_rig(write_rig) -> None:
    """Its errors and its alarms of a drifting source were those of any rig."""
    rig = with_source(path := write_rig(), **SOURCE)
    made = rig_config(like(rig, rig_file(PORTS, "co")), path)
    assert made.calibrations.source == rig.calibrations.source
    assert made.calibrations.source.spectrum() != TYPICAL
    truth = truth_like(rig, {})["source"]
    assert (truth["walk_per_root_h"], truth["drift_per_h"]) == (0.06, -0.03)
    truth = truth_like(rig, {"source": {"walk_per_root_h": 0.0}})["source"]
    assert (truth["walk_per_root_h"], truth["drift_per_h"]) == (0.0, -0.03)


def test_a_source_that_was_never_measured_drifts_as_the_world_s(write_rig) -> None:
    rig = with_source(write_rig(), walk_per_root_h=0.06, drift_per_h=-0.03)
    assert not {"walk_per_root_h", "drift_per_h"} & set(truth_like(rig, {})["source"])


def measured(kind: str, **values: float) -> CalibrationResult:
    quantities = tuple(Quantity(name=name, value=v, error=0.01) for name, v in values.items())
    return CalibrationResult(
        id=f"{kind}-1", kind=kind, made=datetime.now(UTC), valid_days=90.0, quantities=quantities,
        covariance=diagonal(quantities), method="test", rig="atta-q", program="test",
    )  # fmt: skip


def test_what_was_calibrated_since_the_rig_file_is_rehearsed_with(
    call, write_rig, write_scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as it is not the world's: the simulated cavity is not the lab's."""
    config, data = write_rig("name", "atta-q"), tmp_path / "data"
    store = CalibrationStore(data, "atta-q", time.time, time.time)
    drift = {"walk_per_root_h": 0.07, "drift_per_h": 0.02, "excess_noise": 0.001}
    store.keep(measured("source-drift", **drift), {})
    store.keep(measured("cavity", fsr_mhz=2990.0, ratio_sign=1.0, order=0.0), {})
    asked: list[RigConfig] = []

    def rehearse_all(_scans: Any, rig: RigConfig, **_: object) -> list[Rehearsed]:
        asked.append(rig)
        return [rehearsed(_Segment())]

    monkeypatch.setattr(command, "rehearse_all", rehearse_all)
    assert call("rehearse", write_scan(), "--config", config, "--data", data).code == 0
    (rig,) = asked
    simulated = rig_file(PORTS, "co")
    made = like(rig, simulated)["calibrations"]
    assert {name: made["source"][name] for name in drift} == drift
    assert truth_like(rig, {})["source"]["walk_per_root_h"] == 0.07
    assert made["cavity"] == simulated["calibrations"]["cavity"]


def test_a_driver_without_a_simulated_box_is_named(write_rig) -> None:
    rig = load_rig(write_rig())
    foreign = rig.model_copy(
        update={"lock": rig.lock.model_copy(update={"driver": "somebodys-lock"})}
    )
    with pytest.raises(ConfigError, match=r"somebodys-lock.*--with lock=arduino-stcl"):
        boxes(foreign)


def test_short_exposures_are_rehearsed_more_slowly(write_rig) -> None:
    assert highest_speed(None) == FASTEST
    assert highest_speed(load_rig(write_rig("camera.exposure_s", 0.02))) == pytest.approx(60.0)


@dataclass
class _Segment:
    frames_lost: int = 0
    flag: str = ""
    counts: int = 3
    isotope: int = 85
    kind: SegmentKind = SegmentKind.RARE


@dataclass
class _Run:
    segments: list[_Segment]
    state: RunState = RunState.COMPLETE
    fits: dict[str, Any] = field(default_factory=dict)
    stop: Any = None


def rehearsed(
    *segments: _Segment, state: RunState = RunState.COMPLETE, worths=(), points: int = 4
) -> Rehearsed:
    scan = Scan("scan.toml", SCAN, parse_scan(SCAN))
    part = {"name": "85Kr", "isotope": 85, "points": points, "errors": {}, "note": ""}
    forecast = {
        "name": "short", "duration_s": 10.0, "archive_bytes": 1000, "segments": 1, "blocks": 1,
        "parts": [part],
    }  # fmt: skip
    run: Any = _Run(list(segments), state, stop=SimpleNamespace(body={"reason": "no light"}))
    return Rehearsed(scan, forecast, list(worths), run, 900, 1.0)


def test_lost_frames_are_rehearsed_again_more_slowly(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    def rehearse_all(_scans, _rig, *, speed: float, **_: object) -> list[Rehearsed]:
        rates.append(speed)
        return [rehearsed(_Segment(frames_lost=0 if speed < 100.0 else 5))]

    monkeypatch.setattr(command, "rehearse_all", rehearse_all)
    scan = tmp_path / "scan.toml"
    scan.write_text(SCAN)
    outcome = call("rehearse", scan)
    assert outcome.code == 0
    assert rates == [300.0, 150.0, 75.0]
    assert "no frames lost" in outcome.out
    # Asked for a speed, it keeps it and says what was lost.
    outcome = call("rehearse", scan, "--speed", 200)
    assert rates[3:] == [200.0]
    assert "5 frames lost: rehearse it more slowly" in outcome.out


def test_what_an_operator_should_look_at() -> None:
    worths = [PointWorth("85Kr", i, Target(100.0 * i), w) for i, w in enumerate((1.0, 0.02, 2.0))]
    item = rehearsed(_Segment(), _Segment(flag="lock lost"), _Segment(flag="lock lost"),
                     state=RunState.ABORTED, worths=worths)  # fmt: skip
    assert warnings(item) == [
        "the rehearsal ended aborted: no light",
        "2 segments not used: lock lost",
        "85Kr: 1 of 4 points adds nothing to any fitted parameter: 100 MHz",
    ]
    assert rehearsal_object([item, item])["duration_s"] == 20.0
    assert rehearsal_object([item])["scans"][0]["parts"][0]["counts"] == 3
    assert rehearsal_object([item])["scans"][0]["warnings"] == warnings(item)


def test_what_is_not_known_of_many_points_is_said() -> None:
    """A scan without a word of them looked like one whose points all add something."""
    assert warnings(rehearsed(_Segment(), points=FORECAST_POINTS)) == []
    (said,) = warnings(rehearsed(_Segment(), points=FORECAST_POINTS + 1))
    assert f"{FORECAST_POINTS + 1} points add nothing is not worked out" in said


def test_a_rehearsal_that_did_not_end_well_fails(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        command, "rehearse_all", lambda *_, **__: [rehearsed(state=RunState.ABORTED)]
    )
    scan = tmp_path / "scan.toml"
    scan.write_text(SCAN)
    assert call("rehearse", scan).code == 1


def test_the_queue_is_rehearsed_as_it_stands_on_disk(
    call, write_rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = write_rig("name", "atta-q"), tmp_path / "data"
    call("rehearse", "queue").refused("--config")
    call("rehearse", "queue", "--config", config, "--data", data).refused("'atta-q' is empty")
    one = Entry(number=3, name="short", scan=SCAN, repeats=4, added_by="me", added_utc_s=1.0,
                duration_s=10.0, archive_bytes=1.0)  # fmt: skip
    late = {"number": 5, "not_before_s": 1795867200.0, "conditions": ("no alarm",)}
    QueueStore(data, "atta-q").save(Night(open=(one, one.model_copy(update=late))))
    asked: list[Scan] = []

    def rehearse_all(scans, _rig, **_: object) -> list[Rehearsed]:
        asked.extend(scans)
        return [replace(rehearsed(_Segment()), scan=scan) for scan in scans]

    monkeypatch.setattr(command, "rehearse_all", rehearse_all)
    outcome = call("rehearse", "queue", "--config", config, "--data", data, "--json")
    assert [(scan.name, scan.times) for scan in asked] == [("entry 3", 4), ("entry 5", 4)]
    answer = json.loads(outcome.out)
    assert (answer["duration_s"], answer["archive_bytes"]) == (80.0, 8000)
    waits = "not before 2026-11-28 12:00 UTC; no alarm"
    assert [entry["waits"] for entry in answer["scans"]] == ["", waits]
    told = call("rehearse", "queue", "--config", config, "--data", data).out
    assert f"the queue waits for: {waits} (not rehearsed)" in told


@pytest.mark.parametrize("state", [EntryState.RUNNING, EntryState.INTERRUPTED])
def test_what_has_begun_waits_only_for_its_next_measurement(state: EntryState) -> None:
    """A run that was interrupted goes on whatever its conditions say."""
    entry = Entry(number=3, name="short", scan=SCAN, state=state, conditions=("no alarm",),
                  added_by="me", added_utc_s=1.0, duration_s=10.0, archive_bytes=1.0)  # fmt: skip
    assert command._waits(entry) == ""
    assert command._waits(entry.model_copy(update={"repeats": 2})) == "no alarm"
    waiting = entry.model_copy(update={"state": EntryState.WAITING})
    assert command._waits(waiting) == "no alarm"
