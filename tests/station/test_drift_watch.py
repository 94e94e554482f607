"""The source under a run: alarms while it is taken, the checks of the pumping at its end."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w
from drifting_sources import draw
from rig_ports import PORTS
from rigs import Rig, start_station, stop_station

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.run_folder import open_run
from atta_daq.cli.simulated import start_simulated_rig
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.log import alarms_from_json
from atta_daq.rig.calibrations import SourceCalibration
from atta_daq.rig.config import rig_config
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.alarms import Alarms
from atta_daq.station.drift_watch import DRIFT, PUMPING, STEP, DriftWatch
from atta_daq.station.finish import definition_of
from atta_daq.station.run_header import with_geometry

AXIS = {"quantity": "detuning_mhz", "start": -800.0, "stop": 1600.0, "points": 41}
SCAN = ScanDefinition.model_validate(
    {"name": "x", "parts": [{"isotope": 85, "dwell_s": 60.0, "axes": [AXIS]}]}
)


class Desk:
    """A watch over brackets that are taken one by one."""

    def __init__(self) -> None:
        self.config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.alarms = Alarms(lambda _name, _value: None, lambda *_: None, lambda: 1000.0)
        self.watch = DriftWatch(self.config, self.alarms)
        self.watch.begin(SCAN, self.config)

    def run(self, brackets: list[Segment]) -> list[set[str]]:
        """Ids of the alarms after each bracket."""
        signal = replace(brackets[0], bracket=False, isotope=85, counts=20_000)
        told = []
        for n in range(1, len(brackets) + 1):
            self.watch.bracket([signal, *brackets[:n]])
            told.append({cause.id for cause in self.watch.causes()})
        return told


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_source_that_outruns_its_brackets_is_an_alarm_until_the_end(desk):
    wild = draw("walk of 12 %/root h", 12, np.random.default_rng(3))
    assert desk.run(wild.brackets)[-1] == {DRIFT}
    (cause,) = desk.watch.causes()
    assert cause.source == "source"
    assert cause.severity == "major"
    desk.watch.end(wild.brackets)
    assert list(desk.watch.causes()) == []


def test_a_source_that_was_measured_to_be_wild_is_none(desk):
    wild = draw("walk of 12 %/root h", 12, np.random.default_rng(3))
    source = SourceCalibration(
        walk_per_root_h=0.12, walk_error_per_root_h=0.02, made="2026-11-01T00:00:00Z"
    )
    calibrations = desk.config.calibrations.model_copy(update={"source": source})
    desk.watch.begin(SCAN, desk.config.with_calibrations(calibrations))
    assert desk.run(wild.brackets) == [set()] * 12


def test_a_step_of_the_source_is_told_when_it_has_happened(desk):
    made = draw("walk of 2 %/root h, 1 %/h", 12, np.random.default_rng(5))
    brackets = [
        replace(s, rate=s.rate * (0.85 if i > 8 else 1.0)) for i, s in enumerate(made.brackets)
    ]
    desk.run(brackets)
    (alarm,) = [a for a in desk.alarms.current() if a.id == STEP]
    assert not alarm.active
    assert "the source stepped by -1" in alarm.text
    assert "look at the discharge" in alarm.text


def test_checks_that_disagree_are_an_alarm(desk):
    made = draw("steady", 4, np.random.default_rng(5))

    def check(index: int, block: int, start_s: float, pumping: bool, rate: float) -> Segment:
        return Segment(
            "run", block, 0, index, SegmentKind.CHECK_83, 83, pumping, None, False, Setting(),
            start_s, start_s + 8.0, 5.0, exposures=5, rate=rate, rate_error=0.004 * rate,
        )  # fmt: skip

    for last, told in ((1.5, False), (1.3, True)):
        checks = [
            check(10, 0, 20.0, False, 1.0), check(11, 0, 30.0, True, 1.5),
            check(12, 3, 1400.0, False, 1.0), check(13, 3, 1410.0, True, last),
        ]  # fmt: skip
        desk.watch.end([*made.brackets, *checks])
        assert any(a.id == PUMPING for a in desk.alarms.current()) is told


def test_auto_is_chosen_by_the_rig_from_what_was_measured_of_its_source(desk):
    scan = SCAN.model_copy(update={"bracket_period_s": "auto"})
    periods = []
    for walk in (0.02, 0.3):
        source = SourceCalibration(
            walk_per_root_h=walk, walk_error_per_root_h=0.002, made="2026-11-01T00:00:00Z"
        )
        calibrations = desk.config.calibrations.model_copy(update={"source": source})
        rig = desk.config.with_calibrations(calibrations)
        periods.append(with_geometry(scan, rig).bracket_period_s)
    assert periods[0] > 3.0 * periods[1] >= 180.0


def test_the_blocks_of_a_run_stay_as_they_were_laid_out():
    """A calibration since then changes what 'auto' would choose; `resume` must not follow it."""
    text = 'name = "x"\nbracket_period_s = "auto"\n[[part]]\nisotope = 85\ndwell_s = 60.0\n'
    header = SimpleNamespace(geometry="co", bracket_period_s=321.0)
    again = definition_of(SimpleNamespace(scan_toml=text, header=header))
    assert again.bracket_period_s == 321.0


HARD = """
name = "hard source"
bracket_period_s = 16.0
zero_on_reference_cell = false
[check_83]
cycles = 1
[[part]]
isotope = 84
pumping = "abba"
repeats = 5
"""


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_a_hard_source_on_the_simulated_rig(tmp_path: Path):
    """Truth: a walk of 100 % in a root hour. The station knows nothing of it."""
    truth = tmp_path / "truth.toml"
    truth.write_text(tomli_w.dumps({"source": {"walk_per_root_h": 1.0}}))
    world = start_simulated_rig(tmp_path, speed=60.0, seed=2, truth=truth, geometry=None)
    config = rig_file(world.ports, "co")
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    station = start_station(Rig(world, config, path), tmp_path / "data")
    try:
        run_id = str(station.client.command("run", scan=HARD)["run"])
        told = station.wait_for(
            "station:alarms",
            lambda text: any(a.id == DRIFT and a.active for a in alarms_from_json(text)),
        )
        (alarm,) = [a for a in alarms_from_json(told) if a.id == DRIFT]
        assert "calibrate source-drift" in alarm.text
        assert station.wait_for_end(100.0) == "complete"
        station.wait_for(
            "station:alarms",
            lambda text: not any(a.id == DRIFT and a.active for a in alarms_from_json(text)),
        )
        run = open_run(station.data / run_id)
        assert run.header.bracket_period_s == 16.0
        checks = [s for s in run.segments if s.kind is SegmentKind.CHECK_83]
        assert [s.pumping for s in checks] == [False, True, True, False] * 2
        assert all(s.rate and not s.flag for s in checks)
        page = (run.folder / "report.html").read_text()
        for words in ("Check of the pumping", "random walk", "brackets at least every"):
            assert words in page
    finally:
        stop_station(station)
        world.close()
