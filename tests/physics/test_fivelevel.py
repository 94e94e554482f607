import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.physics import fivelevel
from atta_daq.physics.krypton import line, pumping_rates

# Table 3: lower, upper, wavelength (nm), efficiency at 8.0 kW/m2 and at infinite power.
TABLE_3 = [
    ("1s4", "2p10", 975.44, 0.069, 0.092),
    ("1s4", "2p8", 877.92, 0.036, 0.038),
    ("1s4", "2p7", 830.04, 0.017, 0.019),
    ("1s4", "2p6", 819.23, 0.093, 0.108),
    ("1s4", "2p4", 599.55, 0.000, 0.000),
    ("1s4", "2p3", 588.15, 0.000, 0.004),
    ("1s4", "2p2", 587.25, 0.000, 0.000),
    ("1s3", "2p10", 1673.11, 0.877, 0.877),
    ("1s3", "2p7", 1286.54, 0.127, 0.127),
    ("1s3", "2p4", 806.17, 0.001, 0.001),
    ("1s3", "2p3", 785.70, 0.064, 0.064),
    ("1s2", "2p10", 1879.06, 0.032, 0.091),
    ("1s2", "2p8", 1547.83, 0.011, 0.035),
    ("1s2", "2p7", 1404.95, 0.003, 0.017),
    ("1s2", "2p6", 1374.26, 0.053, 0.105),
    ("1s2", "2p4", 851.12, 0.000, 0.000),
    ("1s2", "2p3", 828.33, 0.003, 0.004),
    ("1s2", "2p2", 826.55, 0.000, 0.000),
]


@pytest.mark.parametrize(("lower", "upper", "wavelength_nm", "finite", "infinite"), TABLE_3)
def test_table_3(lower, upper, wavelength_nm, finite, infinite):
    pumped, rates = line(lower, upper), pumping_rates(lower, upper)
    rabi_mhz = fivelevel.rabi_frequency(pumped, 8000.0)
    assert pumped.wavelength_nm == pytest.approx(wavelength_nm, abs=0.006)
    assert float(fivelevel.efficiency(0.0, rabi_mhz, rates)) == pytest.approx(finite, abs=6e-4)
    assert fivelevel.infinite_efficiency(rates) == pytest.approx(infinite, abs=6e-4)


def test_saturation_numbers():
    pumped, rates = line("1s4", "2p6"), pumping_rates()
    saturation = fivelevel.saturation_rabi_mhz(rates)
    assert saturation == pytest.approx(14.7, abs=0.05)
    unit = float(fivelevel.rabi_frequency(pumped, 1.0))
    assert (saturation / unit) ** 2 == pytest.approx(1299.0, abs=0.6)
    assert float(fivelevel.rabi_frequency(pumped, 4034.0)) == pytest.approx(25.9, abs=0.05)


@given(power=st.floats(1e-6, 1e6))
def test_saturation_curve_on_resonance(power):
    rates = pumping_rates()
    rabi = fivelevel.saturation_rabi_mhz(rates) * math.sqrt(power)
    eta = float(fivelevel.efficiency(0.0, rabi, rates))
    expected = fivelevel.infinite_efficiency(rates) * power / (power + 1.0)
    assert eta == pytest.approx(expected, rel=1e-9)


@given(
    detuning=st.floats(-2000.0, 2000.0),
    rabi=st.floats(0.0, 500.0),
    more=st.floats(1.0, 10.0),
)
def test_bounds_symmetry_and_order(detuning, rabi, more):
    rates = pumping_rates()
    eta = float(fivelevel.efficiency(detuning, rabi, rates))
    assert 0.0 <= eta <= fivelevel.infinite_efficiency(rates)
    assert eta == float(fivelevel.efficiency(-detuning, rabi, rates))
    # More light by one part in 10^16 may round to one unit in the last place less.
    assert float(fivelevel.efficiency(detuning, rabi * more, rates)) >= eta * (1.0 - 4e-16)
    assert float(fivelevel.efficiency(0.0, rabi, rates)) >= eta


def test_limits():
    rates = pumping_rates()
    assert float(fivelevel.efficiency(0.0, 0.0, rates)) == 0.0
    infinite = fivelevel.infinite_efficiency(rates)
    assert float(fivelevel.efficiency(300.0, 1e9, rates)) == pytest.approx(infinite, rel=1e-9)
    stable = pumping_rates("1s3", "2p10")
    assert float(fivelevel.efficiency(0.0, 0.0, stable)) == 0.0
    assert float(fivelevel.efficiency(0.0, 1e-3, stable)) == pytest.approx(
        fivelevel.infinite_efficiency(stable), rel=1e-12
    )
    assert fivelevel.saturation_rabi_mhz(stable) == 0.0


def test_low_power_width():
    rates = pumping_rates()
    peak = fivelevel.efficiency(0.0, 1e-3, rates)
    half = fivelevel.efficiency(0.5 * 41.7, 1e-3, rates)
    assert float(half / peak) == pytest.approx(0.5, abs=0.001)


def test_broadcasting():
    rates = pumping_rates()
    detuning, rabi = np.linspace(-100.0, 100.0, 7), np.array([[1.0], [20.0]])
    assert fivelevel.efficiency(detuning, rabi, rates).shape == (2, 7)
    assert fivelevel.efficiency(0.0, 20.0, rates).shape == ()


def test_kappa_scales_the_square():
    pumped = line("1s4", "2p6")
    whole = fivelevel.rabi_frequency(pumped, 4000.0, kappa=1.0)
    half = fivelevel.rabi_frequency(pumped, 4000.0, kappa=0.25)
    assert float(half / whole) == pytest.approx(0.5)


def test_negative_intensity_is_refused():
    with pytest.raises(ValueError, match="negative"):
        fivelevel.rabi_frequency(line("1s4", "2p6"), -1.0)
