"""Speed of the pumping model against straightforward solutions of the same equations.

Results are compared before the times; figures are printed, never asserted.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest

from atta_daq.physics import fivelevel
from atta_daq.physics.angular import branching, coupled_values
from atta_daq.physics.doppler import DopplerDistribution
from atta_daq.physics.flevel import f_level_model
from atta_daq.physics.hyperfine import components
from atta_daq.physics.hyperfine_lindblad import efficiency_with_coherence
from atta_daq.physics.krypton import isotope, pumping_rates
from atta_daq.physics.lindblad import efficiency_by_integration, five_level_liouvillian
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import PumpingSpectrum

pytestmark = pytest.mark.bench

INTENSITY, SCALE = 4034.0, 4.0


def median_us(call: Callable[[], object], repeats: int) -> float:
    """Median time of one call, after one call to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times))


def test_five_level_closed_form():
    rates = pumping_rates()
    rng = np.random.default_rng(1)
    detuning, rabi = rng.uniform(-300.0, 300.0, 100), 10.0 ** rng.uniform(0.0, 2.0, 100)

    # The generator is linear in both frequencies: the peer builds its pieces once.
    pumped = np.ix_(*2 * [[n for n in range(25) if n // 5 in (2, 3) and n % 5 in (2, 3)]])
    fixed = five_level_liouvillian(0.0, 0.0, rates)[pumped]
    per_detuning = five_level_liouvillian(1.0, 0.0, rates)[pumped] - fixed
    per_rabi = five_level_liouvillian(0.0, 1.0, rates)[pumped] - fixed
    start = np.array([-1.0, 0.0, 0.0, 0.0])

    def by_liouvillian():
        integrals = [
            np.linalg.solve(fixed + d * per_detuning + r * per_rabi, start)[-1].real
            for d, r in zip(detuning, rabi, strict=True)
        ]
        return 1e-6 * rates.upper_to_metastable * np.array(integrals)

    closed = fivelevel.efficiency(detuning, rabi, rates)
    np.testing.assert_allclose(by_liouvillian(), closed, atol=1e-9)
    np.testing.assert_allclose(efficiency_by_integration(detuning, rabi, rates), closed, atol=1e-9)
    ours = median_us(lambda: fivelevel.efficiency(detuning, rabi, rates), 200) / 100
    many = rng.uniform(-300.0, 300.0, 100_000)
    large = median_us(lambda: fivelevel.efficiency(many, 30.0, rates), 20) / 100_000
    solved = median_us(by_liouvillian, 5) / 100
    integrated = median_us(lambda: efficiency_by_integration(detuning, rabi, rates), 3) / 100
    print(
        f"\nfive-level, per point: closed form {ours:.3f} us (100 points), {large:.4f} us (1e5); "
        f"Liouvillian solve {solved:.0f} us ({solved / ours:.0f} x); "
        f"time integration {integrated:.0f} us ({integrated / ours:.0f} x)"
    )


def batched_eight_levels(detuning, doppler, sidebands):
    """The 83Kr F-level spectrum by numpy: one 8x8 system for each detuning and velocity."""
    model, spin = f_level_model(83), isotope(83).nuclear_spin
    lower, upper = coupled_values(1.0, spin), coupled_values(2.0, spin)
    lost, back, metastable, total = model.decay
    seen = (detuning[:, None] - doppler.shift_mhz).ravel()
    matrix = np.zeros((seen.size, 8, 8))
    for c in components(83):
        a, b = lower.index(c.f_lower), 3 + upper.index(c.f_upper)
        peak = model.rate_unit[a, b - 3 - a] * INTENSITY * SCALE**2
        rate = sum(
            w * peak / (1.0 + ((seen + o - c.total_mhz) / model.half_width_mhz) ** 2)
            for o, w in zip(sidebands.offsets_mhz, sidebands.weights, strict=True)
        )
        emit = rate * (2 * c.f_lower + 1) / (2 * c.f_upper + 1)
        matrix[:, a, a] += rate
        matrix[:, b, a] -= rate
        matrix[:, b, b] += emit
        matrix[:, a, b] -= emit + back * branching(1.0, c.f_lower, 2.0, c.f_upper, spin)
    matrix[:, range(3), range(3)] += lost
    matrix[:, range(3, 8), range(3, 8)] += total
    start = np.zeros((seen.size, 8, 1))
    start[:, :3, 0] = model.start
    eta = metastable * np.linalg.solve(matrix, start)[:, 3:, 0].sum(axis=1)
    return eta.reshape(detuning.size, -1) @ doppler.weight


def test_spectrum_of_83kr():
    """100 points, 241 velocities, carrier and four sidebands."""
    detuning = np.linspace(-700.0, 900.0, 100)
    doppler, sidebands = DopplerDistribution.effusive_beam(83), Sidebands(230.0, 0.4)

    def spectrum(model, modulated: Sidebands | None = sidebands):
        calculation = PumpingSpectrum(83, model)
        return lambda: calculation.efficiency(
            detuning,
            intensity_w_m2=INTENSITY,
            rabi_scale=SCALE,
            doppler=doppler,
            sidebands=modulated,
        )

    peer = batched_eight_levels(detuning, doppler, sidebands)
    ours = spectrum("f-level")()
    difference = float(np.max(np.abs(ours - peer)))
    assert difference < 1e-5 * peer.max()
    fast = median_us(spectrum("f-level"), 300)
    slow = median_us(lambda: batched_eight_levels(detuning, doppler, sidebands), 5)
    print(
        f"\n83Kr spectrum, 100 points: F-level {fast:.0f} us, without sidebands "
        f"{median_us(spectrum('f-level', None), 300):.0f} us; numpy batched 8x8 {slow:.0f} us "
        f"({slow / fast:.0f} x), largest difference {difference:.1e}\n"
        f"zeeman {median_us(spectrum('zeeman'), 100):.0f} us, five-level "
        f"{median_us(spectrum('five-level'), 300):.0f} us"
    )
    one = PumpingSpectrum(83)
    point = median_us(
        lambda: one.efficiency(-100.0, intensity_w_m2=INTENSITY, rabi_scale=SCALE, doppler=doppler),
        300,
    )
    print(f"one point {point:.0f} us")


@pytest.mark.timeout(900)
def test_what_the_models_leave_out():
    """Largest differences from the full master equation over its peak, 83Kr."""
    doppler = DopplerDistribution.gaussian(0.0, 100.0)
    grid = np.arange(-1400.0, 1800.0, 20.0)
    kernel = np.exp(-0.5 * ((grid[:, None] - grid) / 100.0) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    inner = slice(25, -25)
    print()
    for scale in (1.0, 4.0):
        exact = efficiency_with_coherence(83, grid, INTENSITY, scale)
        row = [f"Rabi scale {scale:3.1f}:"]
        for name in ("zeeman", "f-level"):
            calculation = PumpingSpectrum(83, name)
            rest, moving = (
                calculation.efficiency(
                    grid, intensity_w_m2=INTENSITY, rabi_scale=scale, doppler=velocities
                )
                for velocities in (None, doppler)
            )
            reference = kernel @ exact
            row.append(
                f"{name} {100 * np.max(np.abs(rest - exact)) / exact.max():.2f} % at rest, "
                f"{100 * np.max(np.abs(moving - reference)[inner]) / reference.max():.2f} % moving;"
            )
            assert np.max(np.abs(rest - exact)) < 0.5 * exact.max()
        print(" ".join(row))
