from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from atta_daq.calibration.axis import SLAVE_OVER_MASTER, AxisCalibration
from atta_daq.calibration.dated import Calibrated
from atta_daq.calibration.reference_zero import (
    cell_signal,
    fit_reference_line,
    fit_reference_zero,
)
from atta_daq.physics.krypton import line
from drivers.errors import OutOfRange

MADE = datetime(2026, 11, 1, tzinfo=UTC)


def axis(**changed) -> AxisCalibration:
    numbers = {
        "fsr_mhz": 3000.0,
        "fsr_error_mhz": 3.0,
        "sign": 1,
        "zero_ratio": 0.47,
        "zero_error_mhz": 1.0,
    }
    return AxisCalibration.from_numbers(**(numbers | changed))


def test_factor_is_the_ratio_of_the_wavelengths():
    ratio = line("1s5", "2p9").wavelength_nm / line("1s4", "2p6").wavelength_nm
    assert pytest.approx(ratio, abs=5e-5) == SLAVE_OVER_MASTER


@pytest.mark.parametrize("sign", [-1, 1])
def test_ratio_and_detuning_are_inverse(sign):
    a = axis(sign=sign)
    for detuning in (-1200.0, -204.1, 0.0, 350.0, 1200.0):
        assert a.ratio_to_detuning(a.detuning_to_ratio(detuning)) == pytest.approx(detuning)
    step = a.ratio_to_detuning(0.48) - a.ratio_to_detuning(0.47)
    assert step == pytest.approx(sign * 0.01 * 3000.0 * 0.9906)


def test_order_counts_free_spectral_ranges():
    assert axis(order=1).ratio_to_detuning(0.47) == pytest.approx(3000.0)
    assert axis(order=1).detuning_to_ratio(3000.0) == pytest.approx(0.47)


@pytest.mark.parametrize("detuning", [1500.0, -1310.0, 5000.0])
def test_setpoints_near_a_master_peak_are_refused(detuning):
    with pytest.raises(OutOfRange, match="master peak") as refused:
        axis().detuning_to_ratio(detuning)
    assert refused.value.instrument == "lock"
    assert "-1308 to 1486 MHz" in str(refused.value)


def test_every_component_of_every_isotope_can_be_set():
    a = axis()
    for detuning in (-664.7 - 290.0, 1227.6):
        assert 0.03 < a.detuning_to_ratio(detuning) < 0.97


def test_error_grows_with_the_distance_from_the_zero():
    assert axis().error_mhz(0.0) == pytest.approx(1.0)
    assert axis().error_mhz(1000.0) == pytest.approx(np.hypot(1.0, 1.0))


def test_describe_is_plain():
    described = axis().describe()
    assert described["zero_error_mhz"] == pytest.approx(1.0)
    assert {type(v) for v in described.values()} <= {int, float, str}


def test_wrong_numbers_are_refused():
    with pytest.raises(ValidationError):
        axis(sign=2)
    with pytest.raises(ValidationError):
        axis(fsr_error_mhz=-1.0)


def test_calibrations_grow_stale():
    value = Calibrated(value=1.0, error=0.1, made=MADE, valid_days=30)
    assert value.stale(MADE + timedelta(days=29)) == ""
    assert "2026-11-01" in value.stale(MADE + timedelta(days=31))
    assert "unknown" in Calibrated(value=1.0, error=0.1).stale(MADE)


def test_a_date_without_zone_is_refused():
    with pytest.raises(ValidationError):
        Calibrated(value=1.0, error=0.1, made=datetime(2026, 11, 1))


# --- zero from the reference cell -------------------------------------------------------------


def samples(rng, true_offset_mhz: float, *, sign=1, amplitude=0.5, noise=0.005, width=45.0):
    a = axis(sign=sign)
    detuning = np.linspace(-60.0, 60.0, 25)
    ratio = np.array([a.detuning_to_ratio(d) for d in detuning])
    volts = amplitude * cell_signal(detuning, true_offset_mhz, width) + 0.02
    return a, ratio, volts + rng.normal(0.0, noise, 25)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("amplitude", [0.5, -0.5])
@pytest.mark.parametrize("offset", [-25.0, 0.0, 12.5])
def test_zero_moves_onto_the_line(sign, amplitude, offset):
    a, ratio, volts = samples(np.random.default_rng(1), offset, sign=sign, amplitude=amplitude)
    found = fit_reference_zero(a, ratio, volts, MADE)
    assert found.ratio_to_detuning(a.detuning_to_ratio(offset)) == pytest.approx(0.0, abs=1.2)
    assert found.zero.made == MADE
    assert found.fsr == a.fsr


def test_error_of_the_zero_is_honest():
    rng = np.random.default_rng(6)
    pulls = []
    for _ in range(40):
        a, ratio, volts = samples(rng, 7.0, noise=0.02)
        detuning = np.array([a.ratio_to_detuning(r) for r in ratio])
        line_found = fit_reference_line(detuning, volts)
        pulls.append((line_found.centre_mhz - 7.0) / line_found.centre_error_mhz)
    assert abs(np.mean(pulls)) < 0.6
    assert 0.7 < np.std(pulls) < 1.4


def test_neighbours_pull_a_fit_that_forgets_them():
    """82Kr and 86Kr are in the model; without them the zero would move by their tails."""
    detuning = np.linspace(-60.0, 60.0, 25)
    signal = cell_signal(detuning, 0.0, 45.0)
    x = detuning / 22.5
    alone = 16.0 / 9.0 * x / (1.0 + x**2 / 3.0) ** 2
    assert np.max(np.abs(signal - alone)) > 0.05
    assert fit_reference_line(detuning, signal).centre_mhz == pytest.approx(0.0, abs=1e-3)


def test_noise_alone_is_no_line():
    a, ratio, _ = samples(np.random.default_rng(2), 0.0)
    with pytest.raises(ValueError, match=r"noise|no dispersive line|wide"):
        fit_reference_zero(a, ratio, np.random.default_rng(3).normal(0.0, 0.01, 25))


def seen(off_mhz: float, noise: float, rng, amplitude=0.5, points=25, half=60.0):
    """Samples around a wrong zero, `off_mhz` from the 84Kr line."""
    detuning = np.linspace(-half, half, points)
    volts = amplitude * cell_signal(detuning + off_mhz, 0.0, 45.0)
    return detuning, volts + rng.normal(0.0, noise, points)


@pytest.mark.parametrize(("points", "half"), [(25, 60.0), (9, 80.0)])
@pytest.mark.parametrize("noise", [3e-4, 1.6e-3, 5e-3])
def test_the_wing_of_another_line_is_no_line(points, half, noise):
    rng = np.random.default_rng(4)
    for off_mhz in (-900.0, -720.0, 594.0, 640.0, 1400.0):
        for _ in range(20):
            with pytest.raises(ValueError, match=r"noise|no dispersive line|wide|slope"):
                fit_reference_line(*seen(off_mhz, noise, rng, points=points, half=half))


def test_a_component_of_83kr_is_told_by_its_height():
    samples = seen(-294.0, 3e-4, np.random.default_rng(8))
    assert abs(fit_reference_line(*samples).centre_mhz) < 1.0
    with pytest.raises(ValueError, match=r"not 84Kr's, which has \+0.5 V"):
        fit_reference_line(*samples, 0.5)
    line = seen(0.0, 3e-4, np.random.default_rng(8))
    assert fit_reference_line(*line, 0.5).height_v == pytest.approx(0.5, rel=0.01)
    # 82Kr from its own line, and a demodulation that somebody has turned.
    for detuning, volts in (seen(-100.0, 3e-4, np.random.default_rng(8)), (line[0], -line[1])):
        with pytest.raises(ValueError, match=r"not 84Kr's|wide|slope|noise|no dispersive"):
            fit_reference_line(detuning, volts, 0.5)


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="too few"):
        fit_reference_zero(axis(), np.linspace(0.4, 0.5, 4), np.zeros(4))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("detuning", [-2400.0, -700.0, 0.0, 1100.0, 2700.0])
def test_a_lock_that_counts_orders_is_led_beyond_the_masters(sign, detuning):
    a = axis(sign=sign, total=True)
    ratio = a.detuning_to_ratio(detuning)
    assert ratio == pytest.approx(0.47 + sign * detuning / (3000.0 * SLAVE_OVER_MASTER))
    assert a.ratio_to_detuning(ratio) == pytest.approx(detuning)


def test_a_lock_that_counts_orders_is_kept_off_every_master():
    a = axis(total=True)
    for ratio in (-1.0 / SLAVE_OVER_MASTER, 0.0, 1.0, 1.0 / SLAVE_OVER_MASTER + 0.02):
        with pytest.raises(OutOfRange, match="of a master peak"):
            a.detuning_to_ratio(a.ratio_to_detuning(ratio))
    order = axis(order=1)
    # One free spectral range of the laser is one of its own orders.
    one = a.detuning_to_ratio(3000.0 + 100.0) - 1.0 / SLAVE_OVER_MASTER
    assert one == pytest.approx(order.detuning_to_ratio(3000.0 + 100.0))
