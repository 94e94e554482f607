import numpy as np
import pytest

from atta_daq.analysis.doppler_shape import DopplerShape
from atta_daq.analysis.spectrum_model import Light, SpectrumModel
from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.fivelevel import infinite_efficiency
from atta_daq.physics.krypton import pumping_rates
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import PumpingSpectrum

DETUNING = np.linspace(-900.0, 1700.0, 53)
INTENSITY = mean_intensity_w_m2(500.0, 7.5, 9.0)


@pytest.mark.parametrize("isotope", [81, 83, 84, 85])
@pytest.mark.parametrize("geometry", ["co", "counter"])
@pytest.mark.parametrize("kind", ["effusive", "gaussian"])
def test_efficiency_is_that_of_the_physics(isotope, geometry, kind):
    shape = DopplerShape(kind)
    model = SpectrumModel(isotope, Light.scan(DETUNING, INTENSITY), geometry, doppler=shape)
    shift, rms = 231.0, 77.0
    sign = 1.0 if geometry == "co" else -1.0
    exact = PumpingSpectrum(isotope).efficiency(
        DETUNING,
        intensity_w_m2=INTENSITY,
        rabi_scale=3.1,
        doppler=shape.reference(isotope).reshaped(shift, rms),
        geometry=geometry,
    )
    found = model.efficiency([1.0, model.rest_mhz + sign * shift, 3.1, rms])
    np.testing.assert_allclose(found, exact, atol=2e-3 * exact.max())


def test_increase_is_the_amplitude_on_the_closed_line_and_zero_without_light():
    light = Light.scan(np.array([60.0, 60.0]), INTENSITY)
    light = Light(np.array([True, False]), *list(light.__dict__.values())[1:])
    model = SpectrumModel(85, light, "co")
    np.testing.assert_allclose(model.increase([0.7, 60.0, 4.0, 90.0]), [0.7, 0.0])


def test_supply_ratio_turns_the_amplitude_into_efficiency():
    model = SpectrumModel(83, Light.scan(DETUNING, INTENSITY), "co")
    p = [0.6, -20.0, 3.0, 85.0]
    np.testing.assert_allclose(model.increase(p), model.supply_ratio(p) * model.efficiency(p))


def test_geometries_mirror_the_doppler_shift():
    nominal = {
        g: SpectrumModel(83, Light.scan(DETUNING, INTENSITY), g).nominal_position_mhz
        for g in ("co", "counter")
    }
    rest = SpectrumModel(83, Light.scan(DETUNING, INTENSITY), "co").rest_mhz
    assert rest == pytest.approx(-293.2, abs=0.1)
    assert nominal["co"] - rest == pytest.approx(rest - nominal["counter"])
    assert nominal["co"] > rest


def test_asymptote_is_reached_at_high_power():
    light = Light.scan(np.array([283.0]), 1e9)
    model = SpectrumModel(84, light, "co", asymptotic=True)
    assert model.increase([0.9, 283.0, 4.0, 90.0])[0] == pytest.approx(0.9, rel=1e-3)
    assert model.supply_ratio([0.9, 283.0, 4.0, 90.0]) == pytest.approx(
        0.9 / infinite_efficiency(pumping_rates())
    )


def test_sidebands_vary_from_point_to_point_and_the_amplitude_refers_to_none():
    frequency = np.array([0.0, 100.0, 230.0])
    light = Light(
        np.ones(3, dtype=bool),
        np.full(3, -30.0),
        np.full(3, INTENSITY),
        frequency,
        np.array([0.0, 1.0, 1.0]),
    )
    model = SpectrumModel(83, light, "co")
    p = [0.6, -30.0, 4.0, 90.0]
    exact = [
        PumpingSpectrum(83).efficiency(
            np.array([-30.0]),
            intensity_w_m2=INTENSITY,
            rabi_scale=4.0,
            doppler=model.shape.reference(83).reshaped(-30.0 - model.rest_mhz, 90.0),
            sidebands=Sidebands(f, 1.0) if f else None,
        )[0]
        for f in frequency
    ]
    np.testing.assert_allclose(model.increase(p), 0.6 * np.array(exact) / exact[0], rtol=2e-3)
    assert model.reference == (pytest.approx(INTENSITY), 0.0, 0.0)


def test_readback_noise_of_the_power_costs_no_spectrum_of_its_own():
    rng = np.random.default_rng(1)
    noisy = INTENSITY * rng.normal(1.0, 5e-4, DETUNING.size)
    light = Light.scan(DETUNING, INTENSITY)
    light = Light(light.pumping, DETUNING, noisy, *list(light.__dict__.values())[3:])
    model = SpectrumModel(85, light, "co")
    assert len(model._conditions) == 1
    powers = np.repeat([INTENSITY, 0.5 * INTENSITY], [26, 27])
    light = Light(light.pumping, DETUNING, powers, *list(light.__dict__.values())[3:])
    assert len(SpectrumModel(85, light, "co")._conditions) == 2


def test_unknown_geometry_is_refused():
    with pytest.raises(ValueError, match="geometry"):
        SpectrumModel(85, Light.scan(DETUNING, INTENSITY), "sideways")


def test_shape_keeps_its_moments():
    nodes, weights = DopplerShape().nodes(85)
    mean = float(nodes @ weights)
    assert weights.sum() == pytest.approx(1.0)
    assert float(weights @ (nodes - mean) ** 2) == pytest.approx(1.0, abs=2e-3)
