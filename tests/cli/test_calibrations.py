"""`atta-daq calibrations` on a rig file and a store, without a station."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rig_ports import PORTS

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.run_folder import RunState, RunWriter
from atta_daq.calibration.result import CalibrationResult, Quantity, diagonal
from atta_daq.cli.app import run_app
from atta_daq.cli.simulated_lab import rig_file


@pytest.fixture
def rig(tmp_path):
    config = rig_file(PORTS, "co", name="rig-of-calibrations")
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    store = CalibrationStore(tmp_path / "data", config["name"], lambda: 1.0, lambda: 1.0)
    quantities = (Quantity(name="v_pi_v", value=4.3, error=0.054, unit="V"),)
    for name, age_days in (("older", 3.0), ("newer", 2.0)):
        result = CalibrationResult(
            id=name, kind="sideband-depth", made=datetime.now(UTC) - timedelta(days=age_days),
            valid_days=1.0, quantities=quantities, covariance=diagonal(quantities),
            method="by hand", rig=config["name"], program="test", notes={"chi_square": 3.0},
        )  # fmt: skip
        store.keep(result, {"x": np.zeros(2), "y": np.zeros(2)})
    return ["--config", str(path), "--data", str(tmp_path / "data")]


def test_list_tells_sources_and_fails_on_a_stale_one(rig, capsys):
    assert run_app(["calibrations", "list", *rig, "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["EOM half-wave voltage"]["source"] == "newer"
    assert rows["EOM half-wave voltage"]["state"].startswith("stale: made")
    assert rows["axis zero"]["source"] == "rig file"
    assert run_app(["calibrations", "list", *rig]) == 1
    assert "atta-daq calibrate sideband-depth" in capsys.readouterr().out


def test_a_retired_one_gives_way_to_the_older_one_then_to_the_rig_file(rig, capsys):
    for name in ("newer", "older"):
        assert run_app(["calibrations", "retire", name, "--reason", "loose cable", *rig]) == 0
    assert run_app(["calibrations", "list", *rig]) == 0
    assert run_app(["calibrations", "history", "sideband-depth", *rig]) == 0
    assert "loose cable" in capsys.readouterr().out
    assert run_app(["calibrations", "retire", "newer", "--reason", "again", *rig]) == 2
    assert "no calibration 'newer' is in use" in capsys.readouterr().err


def test_show_tells_all_of_the_newest(rig, capsys):
    assert run_app(["calibrations", "show", "sideband-depth", *rig]) == 0
    said = capsys.readouterr().out
    for part in ("newer", "v_pi_v = 4.30 ± 0.05 V", "by hand", "chi_square = 3", "newer.npz"):
        assert part in said
    (plot,) = [line.split()[-1] for line in said.splitlines() if line.startswith("plot")]
    assert Path(plot).read_text().startswith("<?xml")
    assert run_app(["calibrations", "show", "moon", *rig]) == 2


def test_the_drift_of_the_source_from_a_run(rig, tmp_path, capsys):
    """Kept and used like a measurement on the rig; a run that tells too little is refused."""
    rng = np.random.default_rng(3)
    ids = []
    for count in (30, 4):
        clock = itertools.count(1.8e9 + 1e6 * count)
        run_id = new_run_id((85,), f"drifting {count}", 1.8e9 + 1e6 * count)
        writer = RunWriter.create(
            tmp_path / "data",
            RunHeader(run_id, f"drifting {count}", (85,), "co", ()),
            rig_now=lambda clock=clock: float(next(clock)),
            utc_now=lambda clock=clock: float(next(clock)),
            scan_toml="", rig_toml="",
        )  # fmt: skip
        level = 2.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0075, count)))
        for i, rate in enumerate(level * rng.normal(1.0, 0.004, count)):
            writer.segment(
                Segment(
                    run_id, i, 0, i, SegmentKind.LOADING_83, 83, False, None, True, Setting(),
                    500.0 * i, 500.0 * i + 8.0, 5.0, exposures=5, rate=float(rate),
                    rate_error=0.004 * float(rate),
                )
            )  # fmt: skip
        writer.close(RunState.COMPLETE)
        ids.append(run_id)
    assert run_app(["calibrate", "source-drift", "--from-run", ids[0], *rig]) == 0
    said = capsys.readouterr().out
    assert "walk_per_root_h = 0.0" in said
    assert f"brackets of {ids[0]}; 30 brackets" in said
    (plot,) = [line.split()[-1] for line in said.splitlines() if line.startswith("plot")]
    assert Path(plot).read_text().startswith("<?xml")
    assert run_app(["calibrations", "list", *rig, "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    walk = rows["walk of the source"]
    assert abs(walk["value"] - 0.02) < 3.0 * walk["error"] < 0.02
    assert walk["renewed_by"] == "source-drift"
    assert run_app(["calibrate", "source-drift", "--from-run", ids[1], *rig]) == 2
    assert "4 rates are too few" in capsys.readouterr().err
    assert run_app(["calibrate", "camera", "--from-run", ids[0], *rig]) == 2
    assert "--from-run goes with" in capsys.readouterr().err
