"""True values of fit parameters agree with what fits find in data without noise."""

import numpy as np
import pytest

from atta_daq.analysis.compare import compare_on_off
from atta_daq.analysis.doppler_shape import DopplerShape
from atta_daq.analysis.increases import data_from_rates
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.records import Setting
from atta_daq.analysis.spectrum_fit import fit_spectrum
from atta_daq.archive.truth import TrueRig, true_parameters
from simulators.truth import Truth

BASE = Truth().model_dump()


def _truth(**pumping: object) -> dict:
    return {**BASE, "pumping": {**BASE["pumping"], **pumping}}


@pytest.mark.parametrize(("geometry", "sign"), [("co", 1.0), ("counter", -1.0)])
def test_the_closed_line_stands_a_doppler_shift_from_rest(geometry: str, sign: float) -> None:
    rig = TrueRig(_truth(geometry=geometry, isotope_shift_offset_85_mhz=7.0), 85)
    assert rig.rest_mhz == pytest.approx(-204.1 + 7.0, abs=0.1)
    assert rig.position_mhz - rig.rest_mhz == pytest.approx(sign * rig.doppler.mode_mhz)


def test_a_gaussian_beam_has_the_moments_of_the_truth() -> None:
    beam = {**BASE["beam"], "velocity_model": "gaussian", "gaussian_mean_odd_mhz": 250.0}
    rig = TrueRig({**BASE, "beam": beam}, 83)
    assert rig.doppler.mode_mhz == pytest.approx(250.0, abs=1.0)
    assert rig.doppler.rms_mhz == pytest.approx(90.0, rel=0.01)


def test_a_fit_without_noise_finds_the_true_parameters() -> None:
    truth = _truth(isotope_shift_offset_85_mhz=-12.0)
    rig = TrueRig(truth, 85)
    detuning = np.linspace(-900.0, 1400.0, 24)
    increase = rig.increase(detuning, 500.0)
    settings = [Setting(detuning_mhz=float(d), power_mw=500.0) for d in detuning]
    rate = np.append(1.0 + increase, 1.0)
    data = data_from_rates(
        85, rate, 0.01 * rate, [*settings, Setting()], [True] * 24 + [False], "V/s"
    )
    options = FitOptions(
        85,
        axes=("detuning_mhz",),
        free=("position_mhz",),
        doppler=DopplerShape(),
        start={"rabi_scale": rig.rabi_scale, "doppler_rms_mhz": rig.doppler.rms_mhz},
    )
    fit = fit_spectrum(data, options)
    true = true_parameters(truth, fit, data)
    assert {"amplitude", "position_mhz", "peak_mhz", "supply_ratio"} <= true.keys()
    assert fit["position_mhz"].value == pytest.approx(true["position_mhz"], abs=3.0)
    assert fit["amplitude"].value == pytest.approx(true["amplitude"], rel=0.02)
    assert fit["peak_increase"].value == pytest.approx(true["peak_increase"], rel=0.02)
    assert fit["peak_mhz"].value == pytest.approx(true["peak_mhz"], abs=6.0)
    assert fit["supply_ratio"].value == pytest.approx(true["supply_ratio"], rel=0.02)


def test_the_true_increase_of_a_comparison_is_that_at_its_settings() -> None:
    rig = TrueRig(BASE, 84)
    places = [rig.position_mhz, rig.position_mhz + 150.0]
    expected = rig.increase(places, 500.0)
    settings = [Setting(detuning_mhz=d, power_mw=500.0) for d in places] + [Setting()]
    rate = np.array([*(1.0 + expected), 1.0])
    data = data_from_rates(84, rate, 0.01 * np.ones(3), settings, [True, True, False], "V/s")
    true = true_parameters(BASE, compare_on_off(data), data)
    assert true == {"increase": pytest.approx(float(expected.mean()))}
    # The default rig is made to give the paper's 83(9) % on the line.
    assert 0.74 < expected[0] < 0.92
    assert expected[1] < expected[0]
