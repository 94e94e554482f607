import numpy as np
import pytest

from atta_daq.physics.angular import branching, coupled_values, dipole_amplitude, zeeman_share
from atta_daq.physics.fivelevel import infinite_efficiency, rabi_squared
from atta_daq.physics.hyperfine import components
from atta_daq.physics.krypton import isotope, line, pumping_rates
from atta_daq.physics.spectrum import PumpingSpectrum
from atta_daq.physics.zeeman import zeeman_model

CARRIER = (np.zeros(1), np.ones(1))


def all_sublevels(number, detuning_mhz, intensity, offsets=(0.0,), weights=(1.0,)):
    """Efficiency from the full rate matrix of all sublevels, m and -m apart, in 1/us."""
    spin, pumped, rates = isotope(number).nuclear_spin, line("1s4", "2p6"), pumping_rates()
    states = [
        (j, f, m)
        for j in (1.0, 2.0)
        for f in coupled_values(j, spin)
        for m in np.arange(-f, f + 0.5)
    ]
    place = {state: n for n, state in enumerate(states)}
    gamma = rates.coherence
    ratio = (2 * pumped.j_upper + 1) / (2 * pumped.j_lower + 1)
    omega2 = rabi_squared(pumped.wavelength_m, pumped.decay_rate_s, ratio, intensity)
    matrix = np.zeros((len(states), len(states)))
    for c in components(number):
        shape = sum(
            w * gamma / (2 * (gamma**2 + (2e6 * np.pi * (detuning_mhz + o - c.total_mhz)) ** 2))
            for o, w in zip(offsets, weights, strict=True)
        )
        share = branching(1.0, c.f_lower, 2.0, c.f_upper, spin)
        for m in np.arange(-c.f_upper, c.f_upper + 0.5):
            b = place[2.0, c.f_upper, m]
            for final in (m - 1, m, m + 1):
                if abs(final) <= c.f_lower:
                    decay = share * zeeman_share(c.f_lower, final, c.f_upper, m)
                    matrix[place[1.0, c.f_lower, final], b] += pumped.decay_rate_s * decay
            if abs(m) <= c.f_lower:
                a = place[1.0, c.f_lower, m]
                amplitude = dipole_amplitude(1.0, c.f_lower, m, 2.0, c.f_upper, m, spin)
                rate = omega2 * 9.0 * amplitude**2 * shape
                matrix[[a, b, a, b], [b, a, a, b]] += [rate, rate, -rate, -rate]
    upper = np.array([j == 2.0 for j, _, _ in states])
    matrix -= np.diag(np.where(upper, rates.upper, rates.lower_to_ground))
    start = np.where(upper, 0.0, 1.0 / np.count_nonzero(~upper))
    integral = np.linalg.solve(1e-6 * matrix, -start)
    return 1e-6 * rates.upper_to_metastable * integral[upper].sum()


@pytest.mark.parametrize("number", [81, 83, 84, 85])
def test_blocks_are_the_full_rate_matrix(number):
    rng = np.random.default_rng(number)
    offsets, weights = np.array([-230.0, 0.0, 230.0]), np.array([0.2, 0.6, 0.2])
    detuning = rng.uniform(-800.0, 1200.0, 3)
    for intensity in (40.0, 64_000.0):
        model = zeeman_model(number).efficiency(detuning, intensity, 1.0, offsets, weights)
        expected = [all_sublevels(number, d, intensity, offsets, weights) for d in detuning]
        np.testing.assert_allclose(model, expected, rtol=1e-11)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 100])
def test_batches_of_any_length(count):
    detuning = np.linspace(-700.0, 900.0, count)
    model = zeeman_model(83)
    whole = model.efficiency(detuning, 4034.0, 1.0, *CARRIER)
    single = [model.efficiency(detuning[n : n + 1], 4034.0, 1.0, *CARRIER)[0] for n in range(count)]
    np.testing.assert_allclose(whole, single, rtol=1e-13)


def test_starts_with_all_atoms():
    for number in (81, 83, 84, 85):
        assert zeeman_model(number).start.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("number", [81, 83, 85])
def test_weak_light_sees_no_sublevels(number):
    # Without saturation an isotropic atom cannot tell linear from isotropic light.
    detuning = np.linspace(-800.0, 1300.0, 40)
    fine = PumpingSpectrum(number, "zeeman").efficiency(detuning, intensity_w_m2=1e-4)
    coarse = PumpingSpectrum(number, "f-level").efficiency(detuning, intensity_w_m2=1e-4)
    np.testing.assert_allclose(fine, coarse, rtol=1e-5)


def test_even_isotope_saturates_to_the_paper_limit():
    eta = PumpingSpectrum(84, "zeeman").efficiency(0.0, intensity_w_m2=1e12)
    assert float(eta) == pytest.approx(infinite_efficiency(pumping_rates()), rel=1e-5)


@pytest.mark.parametrize(("number", "deviation"), [(83, 0.137), (85, 0.144), (81, 0.166)])
def test_deviation_of_the_f_level_model(number, deviation):
    """Largest difference over the peak at 4034 W/m2, Rabi scale 1: the figures of the docs."""
    detuning = np.linspace(-800.0, 1400.0, 221)
    fine = PumpingSpectrum(number, "zeeman").efficiency(detuning, intensity_w_m2=4034.0)
    coarse = PumpingSpectrum(number, "f-level").efficiency(detuning, intensity_w_m2=4034.0)
    found = np.max(np.abs(fine - coarse)) / np.max(fine)
    assert found == pytest.approx(deviation, abs=0.003)
