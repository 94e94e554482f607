"""What the fits of a scan are given, and what is said of a part that has none."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run, normalised
from atta_daq.analysis.points import normalise
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.rig.calibrations import SourceCalibration
from atta_daq.rig.config import RigConfig, load_rig
from atta_daq.scans.definition import parse_scan
from atta_daq.station.fitting import FitRequest, ensembles, fit_all, fit_options

SCAN = parse_scan("""
name = "on and off"
[[part]]
isotope = 85
dwell_s = 100.0
""")


def taken() -> list[Segment]:
    """ABBA, a bracket before and after each look."""
    segments = []
    for number, on in enumerate((False, True, True, False)):
        start_s = 1e9 + 1200.0 * number
        common = {"run_id": "r", "block": number, "attempt": 0, "point": None}
        segments.append(
            Segment(**common, index=2 * number, kind=SegmentKind.LOADING_83, isotope=83,
                    pumping=False, bracket=True, setting=Setting(), start_rig_s=start_s,
                    end_rig_s=start_s + 8.0, live_s=5.0, rate=1.0 + 0.002 * number,
                    rate_error=0.004, exposures=5)
        )  # fmt: skip
        segments.append(
            Segment(**common, index=2 * number + 1, kind=SegmentKind.RARE, isotope=85, pumping=on,
                    bracket=False, setting=Setting(), start_rig_s=start_s + 50.0,
                    end_rig_s=start_s + 1100.0, live_s=1000.0, counts=900 if on else 600,
                    efficiency=0.9, efficiency_error=0.01)
        )  # fmt: skip
    return segments


@pytest.fixture
def wild() -> RigConfig:
    """A rig whose source was measured, and walks far more than is typical."""
    config = load_rig(Path("examples/rig.toml"))
    source = SourceCalibration(
        walk_per_root_h=0.2, walk_error_per_root_h=0.01, drift_per_h=0.1, excess_noise=0.03,
        made=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    calibrations = config.calibrations.model_copy(update={"source": source})
    return config.with_calibrations(calibrations)


def test_toys_and_bootstraps_are_of_the_data_that_were_fitted(wild: RigConfig) -> None:
    request = FitRequest(SCAN, wild)
    options = fit_options(SCAN.parts[0], request, minos=False)
    fitted = normalised(taken(), options)
    typical = normalise(taken(), 85)
    assert np.diag(fitted.covariance).min() > 2.0 * np.diag(typical.covariance).max()
    for kind in ("toys", "bootstrap"):
        made = ensembles(taken(), request, kind, 1)["85Kr"]
        np.testing.assert_array_equal(made.data.covariance, fitted.covariance)
        assert made.data.points == fitted.points
        assert made.fit["increase"].error == fit_run(taken(), options)["increase"].error


def test_a_part_whose_segments_give_no_fit_is_said_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = FitRequest(SCAN, None)
    lit = [replace(s, pumping=not s.bracket) for s in taken()]
    with caplog.at_level(logging.WARNING):
        assert fit_all(lit, request, minos=False) == {}
        assert caplog.messages == [], "there may be more to come"
        assert fit_all([s for s in taken() if s.bracket], request, minos=True) == {}
        assert caplog.messages == [], "nothing was taken of it"
        assert fit_all(lit, request, minos=True) == {}
    (said,) = caplog.messages
    assert said == "85Kr is not fitted: 85Kr: every segment was taken with pumping light"
