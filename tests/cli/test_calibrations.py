"""`atta-daq calibrations` on a rig file and a store, without a station."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rig_ports import PORTS

from atta_daq.archive.calibration_store import CalibrationStore
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
