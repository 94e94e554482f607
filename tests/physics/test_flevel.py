import numpy as np
import pytest
from scipy.linalg import expm

from atta_daq.physics.angular import branching, coupled_values
from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.fivelevel import efficiency_at_rate, infinite_efficiency, rabi_squared
from atta_daq.physics.flevel import f_level_model
from atta_daq.physics.hyperfine import closed_component, components
from atta_daq.physics.krypton import isotope, line, pumping_rates
from atta_daq.physics.spectrum import PumpingSpectrum

CARRIER = (np.zeros(1), np.ones(1))

# Efficiency over 0.108 on the closed line: power over the tube (mW; 500 mW is 4034 W/m2), Rabi
# scale, 84Kr, 83Kr, 85Kr, 81Kr.
CROSS_CHECK = [
    (500.0, 0.8, 0.665, 0.257, 0.257, 0.288),
    (500.0, 1.0, 0.756, 0.310, 0.309, 0.350),
    (500.0, 1.5, 0.875, 0.392, 0.390, 0.458),
    (1000.0, 1.0, 0.861, 0.381, 0.379, 0.443),
    (1000.0, 1.5, 0.933, 0.452, 0.447, 0.546),
]


@pytest.mark.parametrize(("power_mw", "scale", "kr84", "kr83", "kr85", "kr81"), CROSS_CHECK)
def test_cross_check_of_scale(power_mw, scale, kr84, kr83, kr85, kr81):
    intensity = mean_intensity_w_m2(power_mw, 7.5, 9.0)
    for number, expected in ((84, kr84), (83, kr83), (85, kr85), (81, kr81)):
        eta = PumpingSpectrum(number).efficiency(
            closed_component(number).total_mhz, intensity_w_m2=intensity, rabi_scale=scale
        )
        assert round(float(eta) / 0.108, 3) == expected


def rate_matrix(number, detuning_mhz, intensity, offsets=(0.0,), weights=(1.0,)):
    """Eight levels and the metastable one, built from the components, in 1/us.

    Written independently of the model: full matrix, no elimination.
    """
    spin, pumped, rates = isotope(number).nuclear_spin, line("1s4", "2p6"), pumping_rates()
    lower, upper = coupled_values(1.0, spin), coupled_values(2.0, spin)
    gamma = rates.coherence
    matrix = np.zeros((9, 9))
    for c in components(number):
        a, b = lower.index(c.f_lower), 3 + upper.index(c.f_upper)
        share = branching(1.0, c.f_lower, 2.0, c.f_upper, spin)
        ratio = (2 * c.f_upper + 1) / (2 * c.f_lower + 1)
        omega2 = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s * share, ratio, intensity)
        excite = 0.0
        for offset, weight in zip(offsets, weights, strict=True):
            delta = 2e6 * np.pi * (detuning_mhz + offset - c.total_mhz)
            excite += weight * omega2 * gamma / (2 * (gamma**2 + delta**2))
        emit = excite / ratio
        matrix[b, a] += excite
        matrix[a, a] -= excite
        matrix[a, b] += emit + pumped.decay_rate_s * share
        matrix[b, b] -= emit
    for a in range(3):
        matrix[a, a] -= rates.lower_to_ground
    for b in range(3, 8):
        matrix[b, b] -= rates.upper
        matrix[8, b] += rates.upper_to_metastable
    start = np.zeros(9)
    start[:3] = [2 * f + 1 for f in lower]
    return 1e-6 * matrix, start / start.sum()


@pytest.mark.parametrize("number", [81, 83, 85])
def test_reduction_is_the_time_evolution_of_all_levels(number):
    rng = np.random.default_rng(number)
    offsets, weights = np.array([-230.0, 0.0, 230.0]), np.array([0.2, 0.6, 0.2])
    for detuning in rng.uniform(-900.0, 1300.0, 8):
        intensity = 10.0 ** rng.uniform(1.0, 6.0)
        matrix, start = rate_matrix(number, detuning, intensity, offsets, weights)
        # Forty lifetimes of the slowest level.
        final = expm(matrix * 2.0) @ start
        model = f_level_model(number).efficiency(
            np.array([detuning]), intensity, 1.0, offsets, weights
        )
        assert model[0] == pytest.approx(final[8], abs=1e-12)


@pytest.mark.parametrize("number", [81, 83, 85])
def test_reduction_is_the_linear_solution_of_eight_levels(number):
    for detuning in np.linspace(-800.0, 1300.0, 22):
        matrix, start = rate_matrix(number, detuning, 64_000.0)
        integral = np.linalg.solve(matrix[:8, :8], -start[:8])
        expected = matrix[8, :8] @ integral
        model = f_level_model(number).efficiency(np.array([detuning]), 64_000.0, 1.0, *CARRIER)
        assert model[0] == pytest.approx(expected, rel=1e-12)


def test_weak_light_adds_up_the_components():
    # To first order in the power every component contributes its strength.
    rates, pumped = pumping_rates(), line("1s4", "2p6")
    intensity = 1e-4
    half_width = rates.coherence / (2e6 * np.pi)
    detuning = np.linspace(-800.0, 1300.0, 50)
    whole = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, 5 / 3, intensity)
    shape = np.sum(
        [c.strength / (1 + ((detuning - c.total_mhz) / half_width) ** 2) for c in components(83)],
        axis=0,
    )
    rate = whole / (2 * rates.coherence) * shape
    model = f_level_model(83).efficiency(detuning, intensity, 1.0, *CARRIER)
    np.testing.assert_allclose(model, efficiency_at_rate(rate, rates), rtol=1e-5)


def test_limits():
    model = f_level_model(83)
    detuning = np.array([-293.0, 0.0, 500.0])
    assert np.all(model.efficiency(detuning, 0.0, 1.0, *CARRIER) == 0.0)
    # Infinite power shares the atoms among 30 lower and 50 upper sublevels.
    rates = pumping_rates()
    leaving = rates.upper_to_metastable + rates.upper_to_other
    limit = 5 * rates.upper_to_metastable / (3 * rates.lower_to_ground + 5 * leaving)
    np.testing.assert_allclose(model.efficiency(detuning, 1e12, 1.0, *CARRIER), limit, rtol=1e-5)
    assert limit > infinite_efficiency(rates)


def test_even_isotope_is_refused():
    with pytest.raises(ValueError, match="no hyperfine structure"):
        f_level_model(84)
