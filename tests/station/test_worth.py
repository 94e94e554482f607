"""Which points of a scan are worth their time."""

from pathlib import Path

import numpy as np
import pytest

from atta_daq.analysis.forecast import PlannedSpectrum, forecast
from atta_daq.rig.config import RigConfig, load_rig
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station.check_scan import counting_rate
from atta_daq.station.expected import light_of
from atta_daq.station.fitting import FitRequest, fit_options, rig_prior
from atta_daq.station.run_header import with_geometry
from atta_daq.station.worth import LEAST_WORTH, PointWorth, point_worths

# Many points far from every component, few on the strongest one.
SCAN = """
name = "worth"
zero_on_reference_cell = false
[[part]]
isotope = 85
dwell_s = 2400.0
reference_every = 2
reference_dwell_s = 24000.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-4000.0, -3900.0, -3800.0, -3700.0, -350.0, -250.0, 60.0, 1000.0]
[[part]]
isotope = 81
dwell_s = 100.0
"""


@pytest.fixture(scope="module")
def worths(tmp_path_factory: pytest.TempPathFactory) -> list[PointWorth]:
    rig = load_rig(Path("examples/rig.toml"))
    definition = with_geometry(parse_scan(SCAN), rig)
    empty = tmp_path_factory.mktemp("empty")
    return point_worths(
        FitRequest(definition, rig),
        blocks(definition, rig.scan_timing()),
        light_of(rig),
        lambda isotope: counting_rate(isotope, rig, empty),
    )


def test_points_in_the_dark_add_nothing_beside_references(worths: list[PointWorth]) -> None:
    by_place = {w.target.detuning_mhz: w.worth for w in worths}
    assert [p for p, worth in by_place.items() if worth < LEAST_WORTH] == [
        -4000.0, -3900.0, -3800.0, -3700.0,
    ]  # fmt: skip


def test_a_part_that_sweeps_nothing_has_no_points_to_judge(worths: list[PointWorth]) -> None:
    assert {w.part for w in worths} == {"85Kr"}
    assert [w.point for w in worths] == list(range(8))


def test_the_loss_agrees_with_the_fisher_information(tmp_path: Path) -> None:
    """Errors with and without one point, from inverse information instead of fits."""
    rig: RigConfig = load_rig(Path("examples/rig.toml"))
    grid = np.linspace(-600.0, 1400.0, 15)
    text = f"""
name = "even"
zero_on_reference_cell = false
[[part]]
isotope = 85
dwell_s = 14400.0
[[part.axis]]
quantity = "detuning_mhz"
values = {grid.tolist()}
"""
    definition = with_geometry(parse_scan(text), rig)
    request = FitRequest(definition, rig)
    worths = point_worths(
        request,
        blocks(definition, rig.scan_timing()),
        light_of(rig),
        lambda isotope: counting_rate(isotope, rig, tmp_path),
    )
    options = fit_options(definition.parts[0], request, minos=False)

    def errors(detunings: np.ndarray) -> dict[str, float]:
        plan = PlannedSpectrum(85, detunings, 14400.0, 2300.0, normaliser_error=0.002)
        found = forecast(
            plan, options,
            ("background", "amplitude", "position_mhz", "rabi_scale", "doppler_rms_mhz"),
            rig_prior(rig),
        )  # fmt: skip
        return {name: p.error for name, p in found.items() if name != "background"}

    whole = errors(grid)
    expected = [
        2.0 * len(grid) * max(errors(np.delete(grid, i))[n] / whole[n] - 1.0 for n in whole)
        for i in range(len(grid))
    ]
    found = [w.worth for w in worths]
    # Not the same numbers: a fit knows the normaliser's covariance and linearises elsewhere.
    assert np.corrcoef(np.log(expected), np.log(found))[0, 1] > 0.9
