from datetime import UTC, datetime

import numpy as np
import pytest
from medium import recorded, synced

from atta_daq.archive.calibration_store import JOURNAL, CalibrationStore
from atta_daq.archive.plot_calibration import LABELS, drawn_plot
from atta_daq.archive.run_folder import run_folders
from atta_daq.calibration.result import CalibrationResult, Quantity, diagonal
from atta_daq.client.names import CALIBRATION_KINDS

RAW = {"x": np.arange(4.0), "y": np.arange(4.0) ** 2}


def result(name):
    quantities = (Quantity(name="v_pi_v", value=4.0, error=0.1, unit="V"),)
    return CalibrationResult(
        id=name, kind="sideband-depth", made=datetime(2026, 11, 1, tzinfo=UTC), valid_days=90.0,
        quantities=quantities, covariance=diagonal(quantities), method="test", rig="rig",
        program="test", notes={"chi_square": 3.0, "how": "so"},
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return CalibrationStore(tmp_path, "rig", lambda: 2.0, lambda: 1.0)


def test_nothing_is_made_before_the_first_result(store, tmp_path):
    assert store.results() == ()
    assert list(tmp_path.iterdir()) == []


def test_results_come_back_with_raw_data_and_plot(store, tmp_path):
    store.keep(result("a"), RAW)
    again = CalibrationStore(tmp_path, "rig", lambda: 2.0, lambda: 1.0)
    assert again.results() == (result("a"),)
    with np.load(again.raw("a")) as raw:
        assert np.array_equal(raw["y"], RAW["y"])
    plot = drawn_plot(again, result("a"))
    assert plot == again.plot("a")
    assert plot.read_text().startswith("<?xml")
    assert run_folders(tmp_path) == ()


def test_every_kind_has_labels():
    assert tuple(LABELS) == CALIBRATION_KINDS


def test_retired_results_stay_in_the_history(store):
    for name in "ab":
        store.keep(result(name), RAW)
    store.retire("b", "jane", "wrong fibre")
    assert [r.id for r in store.results()] == ["a"]
    assert [r.id for r in store.results(retired=True)] == ["a", "b"]
    assert (store.retirements()["b"].who, store.retirements()["b"].reason) == (
        "jane", "wrong fibre",
    )  # fmt: skip
    for gone in ("b", "c"):
        with pytest.raises(KeyError):
            store.retire(gone, "jane", "again")


def test_a_torn_last_line_costs_only_itself(store, caplog):
    store.keep(result("a"), RAW)
    with (store.folder / JOURNAL).open("ab") as journal:
        journal.write(b'{"seq": 1, "utc')
    assert [r.id for r in store.results()] == ["a"]
    store.keep(result("b"), RAW)
    assert [r.id for r in store.results()] == ["a", "b"]


def test_a_power_cut_leaves_the_folders_of_what_was_kept(store, tmp_path, monkeypatch):
    did = recorded(monkeypatch)
    store.keep(result("a"), RAW)
    folders = synced(tmp_path, tmp_path / "calibrations", store.folder)
    assert sorted(did[:3]) == sorted(folders)
    assert did[3:4] == synced(store.raw("a")), "what is written into them comes behind"
