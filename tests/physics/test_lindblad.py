import numpy as np
import pytest
from scipy.integrate import solve_ivp

from atta_daq.physics import fivelevel
from atta_daq.physics.hyperfine_lindblad import efficiency_with_coherence
from atta_daq.physics.krypton import pumping_rates
from atta_daq.physics.lindblad import efficiency_by_integration, five_level_liouvillian
from atta_daq.physics.spectrum import PumpingSpectrum

TRANSITIONS = [("1s4", "2p6"), ("1s4", "2p10"), ("1s2", "2p6"), ("1s2", "2p10"), ("1s3", "2p10")]


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_closed_form_is_the_integral_of_the_master_equation(transition):
    rng = np.random.default_rng(20201)
    rates = pumping_rates(*transition)
    detuning = rng.uniform(-300.0, 300.0, 60)
    rabi = 10.0 ** rng.uniform(0.0, 2.5, 60)
    closed = fivelevel.efficiency(detuning, rabi, rates)
    exact = efficiency_by_integration(detuning, rabi, rates)
    np.testing.assert_allclose(closed, exact, rtol=0.0, atol=1e-9)
    assert np.ptp(closed) > 0.0


def test_propagator_agrees_with_an_ordinary_differential_equation():
    rates = pumping_rates()
    generator = five_level_liouvillian(35.0, 40.0, rates)
    start = np.zeros(25, dtype=complex)
    start[12] = 1.0
    solution = solve_ivp(
        lambda _, rho: generator @ rho, (0.0, 1.2), start, method="DOP853", rtol=1e-11, atol=1e-13
    )
    final = solution.y[:, -1].reshape(5, 5)
    assert np.trace(final).real == pytest.approx(1.0, abs=1e-9)
    assert final[1, 1].real == pytest.approx(
        float(efficiency_by_integration(35.0, 40.0, rates)), abs=1e-9
    )


def test_generator_keeps_the_trace():
    generator = five_level_liouvillian(50.0, 30.0, pumping_rates())
    np.testing.assert_allclose(np.eye(5).ravel() @ generator, 0.0, atol=1e-9)


def test_dark_metastable_atom_never_arrives():
    with pytest.raises(ArithmeticError, match="does not leave"):
        efficiency_by_integration(0.0, 0.0, pumping_rates("1s3", "2p10"))


def test_even_isotope_with_coherences_is_the_zeeman_model():
    detuning = np.linspace(-150.0, 150.0, 9)
    exact = efficiency_with_coherence(84, detuning, 4034.0, 2.0)
    rate = PumpingSpectrum(84, "zeeman").efficiency(detuning, intensity_w_m2=4034.0, rabi_scale=2.0)
    np.testing.assert_allclose(rate, exact, rtol=1e-10)


@pytest.mark.parametrize(("rabi_scale", "largest"), [(0.1, 1e-4), (0.3, 6e-4), (1.0, 6e-3)])
def test_hyperfine_coherence_matters_little_at_moderate_power(rabi_scale, largest):
    """Rate equations are the low-power limit of the master equation, 0.5 % off at scale 1."""
    detuning = np.array([-522.0, -410.0, -293.0, 74.0, 458.0])
    exact = efficiency_with_coherence(83, detuning, 4034.0, rabi_scale)
    rate = PumpingSpectrum(83, "zeeman").efficiency(
        detuning, intensity_w_m2=4034.0, rabi_scale=rabi_scale
    )
    assert np.max(np.abs(rate - exact)) < largest * np.max(exact)
