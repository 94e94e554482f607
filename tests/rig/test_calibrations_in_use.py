from datetime import UTC, datetime, timedelta

import pytest
from rig_ports import PORTS

from atta_daq.calibration.result import CalibrationResult, Quantity, diagonal
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.calibrations_in_use import NOT_MEASURED, RIG_FILE, VALID, in_use
from atta_daq.rig.config import rig_config

NOW = datetime.now(UTC)


def result(kind, made, valid_days=30.0, **values):
    quantities = tuple(Quantity(name=n, value=v, error=e) for n, (v, e) in values.items())
    return CalibrationResult(
        id=f"{kind}-{made:%Y%m%d-%H%M%S}", kind=kind, made=made, valid_days=valid_days,
        quantities=quantities, covariance=diagonal(quantities), method="test", rig="r",
        program="test",
    )  # fmt: skip


@pytest.fixture
def rig():
    return rig_config(rig_file(PORTS, "co"), "rig.toml")


def held(rig, *results):
    return in_use(rig.calibrations, results, rig.amplifier.amplifier_current_ma.high)


def test_the_rig_file_holds_until_something_is_measured(rig):
    found = held(rig)
    for name, table in rig.calibrations:
        for key, value in table:
            now = getattr(getattr(found.values, name), key)
            assert now == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)
    assert found["free spectral range"].number.source == RIG_FILE
    assert found["read noise"].state(NOW) == NOT_MEASURED
    assert found.axis.zero.value == rig.calibrations.cavity.zero_ratio


def test_the_newest_holds_whatever_its_source(rig):
    older = result("sideband-depth", NOW - timedelta(days=2), v_pi_v=(4.3, 0.1))
    newer = result("sideband-depth", NOW - timedelta(days=1), v_pi_v=(4.2, 0.1))
    found = held(rig, newer, older)
    assert found.values.eom.v_pi_v == 4.2
    assert found["EOM half-wave voltage"].number.source == newer.id
    before_rig_file = result("sideband-depth", NOW - timedelta(days=300), v_pi_v=(5.0, 0.1))
    assert held(rig, before_rig_file).values.eom.v_pi_v == rig.calibrations.eom.v_pi_v


def test_the_half_wave_voltage_comes_with_its_rf(rig):
    mine = rig.calibrations.eom.frequency_mhz
    found = held(rig)
    assert found.values.eom.frequency_mhz == mine
    assert found["EOM half-wave voltage"].note == f"at {mine:g} MHz"
    new = result("sideband-depth", NOW, v_pi_v=(4.2, 0.1))
    found = held(rig, new.model_copy(update={"notes": {"frequency_mhz": 900.0}}))
    assert found.values.eom.frequency_mhz == 900.0
    # How far the modulator is flat is the lab's to say, wherever it was measured.
    assert found.values.eom.valid_within_mhz == rig.calibrations.eom.valid_within_mhz
    assert found["EOM half-wave voltage"].note == "at 900 MHz"
    assert held(rig, new).values.eom.frequency_mhz is None


def test_the_half_wave_voltage_holds_near_the_rf_of_its_measurement(rig):
    eom = rig.calibrations.eom.model_copy(
        update={"frequency_mhz": 900.0, "valid_within_mhz": 100.0}
    )
    assert eom.doubt([800.0, 1000.0]) == eom.doubt([]) == ""
    assert eom.doubt([799.0, 850.0]).startswith("measured at 900 MHz and used at 799 MHz, trusted ")
    assert "used at 200 to 450 MHz" in eom.doubt([300.0, 450.0, 200.0, 900.0])
    unknown = eom.model_copy(update={"frequency_mhz": None})
    assert unknown.doubt([]) == ""
    assert "frequency_mhz of calibrations.eom" in unknown.doubt([230.0])


def test_a_stale_result_is_used_and_says_so(rig):
    old = result("sideband-depth", NOW - timedelta(days=3), 1.0, v_pi_v=(4.2, 0.1))
    entry = held(rig, old)["EOM half-wave voltage"]
    assert entry.number.value == 4.2
    assert entry.state(NOW).startswith("stale: made ")
    assert entry.state(NOW - timedelta(days=2.5)) == VALID
    assert entry.renewed_by == "sideband-depth"


def test_zero_and_cavity_share_the_axis(rig):
    cavity = result(
        "cavity", NOW - timedelta(days=2), fsr_mhz=(2950.0, 3.0), ratio_sign=(-1.0, 0.0),
        zero_ratio=(0.41, 1e-4), order=(1.0, 0.0),
    )  # fmt: skip
    zero = result("axis-zero", NOW - timedelta(days=1), zero_ratio=(0.42, 1e-4))
    found = held(rig, cavity, zero)
    assert (found.axis.fsr.value, found.axis.sign, found.axis.order) == (2950.0, -1, 1)
    assert found.axis.zero.value == 0.42
    assert found.values.cavity.zero_ratio == 0.42
    assert held(rig, cavity).axis.zero.value == 0.41


def test_full_power_never_asks_for_more_current_than_allowed(rig):
    weak = result("fibre-power", NOW, threshold_ma=(810.0, 2.0), slope_mw_per_ma=(0.25, 0.01))
    fibre = held(rig, weak).values.fibre_power
    assert fibre.full_power_mw == pytest.approx((2500.0 - 810.0) * 0.25)
    assert fibre.monitor_ratio == rig.calibrations.fibre_power.monitor_ratio


def test_a_covariance_of_another_shape_is_refused():
    quantities = (Quantity(name="v_pi_v", value=4.0, error=0.1),)
    with pytest.raises(ValueError, match="disagree"):
        CalibrationResult(
            id="x", kind="x", made=NOW, valid_days=1.0, quantities=quantities,
            covariance=((1.0,),), method="", rig="", program="",
        )  # fmt: skip
