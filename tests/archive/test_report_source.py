"""What report and fits of a run know of its source: track, steps, checks of the pumping."""

import re

import numpy as np
import pytest

from atta_daq.analysis.drift_spectrum import (
    BRACKET_NOISE,
    SOURCE_DRIFT,
    SOURCE_WALK,
    TYPICAL,
    DriftSpectrum,
)
from atta_daq.analysis.records import SegmentKind, Setting
from atta_daq.archive.header import CalibrationUse
from atta_daq.archive.report import build_report, report_content
from atta_daq.archive.run_folder import open_run
from atta_daq.archive.source_drift import drift_of
from atta_daq.station.finish import request_of

MEASURED = (
    CalibrationUse(SOURCE_WALK, 0.031, 0.004, "1/sqrt(h)", 1.79e9, "source-drift-1"),
    CalibrationUse(SOURCE_DRIFT, -0.05, 0.02, "1/h", 1.79e9, "source-drift-1"),
    CalibrationUse(BRACKET_NOISE, 0.002, 0.001, "", 1.79e9, "source-drift-1"),
)


@pytest.fixture
def run_of_brackets(make_run, make_segment):
    """Twelve brackets 500 s apart with a point of counting after each."""

    def make(step=0.0, last_gain=None, **header):
        rng = np.random.default_rng(4)
        writer = make_run(rate_unit="V/s", **header)
        begin, index = 1.8e9, 0

        def put(block, start_s, rate=None, **changes):
            nonlocal index
            loading = {
                "isotope": 83, "point": None, "counts": None, "efficiency": None,
                "setting": Setting(), "exposures": 5, "live_s": 5.0,
                "rate": rate, "rate_error": 0.004 * (rate or 0.0),
            }  # fmt: skip
            values = loading if rate is not None else {}
            writer.segment(
                make_segment(
                    index, block=block, start_rig_s=begin + start_s,
                    end_rig_s=begin + start_s + 8.0, **(values | changes),
                )
            )  # fmt: skip
            index += 1

        bracket = {"kind": SegmentKind.LOADING_83, "pumping": False, "bracket": True}
        for i in range(12):
            level = (1.0 + (step if i > 6 else 0.0)) * rng.normal(1.0, 0.003)
            put(i, 500.0 * i, 2.0 * level, **bracket)
            put(i, 500.0 * i + 200.0, point=i)
        for block, gain in ((0, 1.5), (11, last_gain)) if last_gain else ():
            for k, pumping in enumerate((False, True, True, False)):
                put(
                    block, 500.0 * block + 20.0 + 10.0 * k, 2.0 * (gain if pumping else 1.0),
                    kind=SegmentKind.CHECK_83, pumping=pumping,
                )  # fmt: skip
        return open_run(writer.folder)

    return make


def page_of(run):
    text = re.sub(r"<[^>]+>", " ", build_report(run).read_text("utf-8"))
    return re.sub(r"\s+", " ", text)


def test_walk_drift_and_errors_stand_in_the_report(run_of_brackets):
    run = run_of_brackets(bracket_period_s=480.0)
    rows = {name: (text, unit) for name, text, unit in report_content(run)["source"]}
    assert rows["brackets at least every"] == ("480", "s")
    value, error = map(float, rows["random walk"][0].split(" ± "))
    assert 0.0 < value < 4.0
    assert 0.0 < error < 3.0
    assert rows["error of one bracket by itself"] == ("0.4", "%")
    assert "stepped" not in page_of(run)


def test_a_step_is_told_and_drawn(run_of_brackets):
    run = run_of_brackets(step=-0.2)
    page = page_of(run)
    assert "The source stepped by −2" in page
    assert "50.0 and 58.3 min after the first; the error of what was counted in between" in page
    # The fit's notes say it too, with how much is touched.
    (part,) = report_content(run)["parts"]
    assert any("error enlarged in between (1 segments)" in note for note in part["notes"])


def test_checks_that_agree_and_that_do_not(run_of_brackets):
    agree = page_of(run_of_brackets(last_gain=1.5))
    assert "Check of the pumping" in agree
    assert "is not what it was" not in agree
    differ = page_of(run_of_brackets(last_gain=1.3))
    assert "The pumping is not what it was" in differ
    assert "83Kr check" in differ
    assert "Check of the pumping" not in page_of(run_of_brackets())


def test_a_run_is_normalised_with_what_was_measured_of_its_source(run_of_brackets):
    run = run_of_brackets(calibrations=MEASURED)
    expected = DriftSpectrum.measured(0.031, 0.004, -0.05, 0.002)
    assert drift_of(run.header) == expected
    assert expected != TYPICAL
    assert drift_of(run_of_brackets().header) == TYPICAL


def test_so_is_its_fit_made_anew(run_of_brackets, monkeypatch):
    from rig_ports import PORTS

    from atta_daq.cli.simulated_lab import rig_file
    from atta_daq.rig.config import rig_config

    config = rig_config(rig_file(PORTS, "co"), "rig.toml")
    monkeypatch.setattr("atta_daq.station.finish.stored_rig_config", lambda *_: config)
    for uses in ((), MEASURED):
        run = run_of_brackets(calibrations=uses)
        found = request_of(run).config.calibrations.source.spectrum()
        assert found == drift_of(run.header)
