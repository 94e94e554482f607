"""Light along and against the beam: one position at rest, Doppler shifts of opposite sign."""

from pathlib import Path

import pytest
from rig_runs import take

REST_MHZ = -293.2
"""Closed line of 83Kr, Table 5 of the paper."""

SCAN = """
name = "83Kr"
geometry = "{geometry}"
calibrate_counting_s = 100.0
[[part]]
isotope = 83
[[part.axis]]
quantity = "detuning_mhz"
start = {start}
stop = {stop}
points = 25
"""


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_both_geometries_give_one_position_at_rest(tmp_path: Path) -> None:
    as_set, error, shift = {}, {}, {}
    for geometry, start, stop in (("co", -500.0, 1300.0), ("counter", -950.0, 850.0)):
        scan = SCAN.format(geometry=geometry, start=start, stop=stop)
        result = take(scan, tmp_path / geometry, speed=60.0, timeout_s=110.0)
        position = result["parameters"]["position_mhz"]
        as_set[geometry], error[geometry] = position["value"], position["error"]
        shift[geometry] = position["value"] - REST_MHZ
    combined = 0.5 * (error["co"] ** 2 + error["counter"] ** 2) ** 0.5
    assert 0.5 * (as_set["co"] + as_set["counter"]) == pytest.approx(
        REST_MHZ, abs=4.0 * combined + 1.0
    )
    assert shift["co"] > 200.0
    assert shift["counter"] < -200.0
    assert shift["co"] == pytest.approx(-shift["counter"], abs=8.0 * combined + 2.0)
