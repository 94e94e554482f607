import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.forecast import PlannedSpectrum, forecast
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.prior import Prior

CO = np.linspace(-600.0, 1400.0, 41)


def test_forecast_is_the_error_that_a_fit_quotes(spectrum_run):
    plan = PlannedSpectrum(85, np.linspace(-800.0, 1600.0, 41), 240.0, 2500.0 * 0.93, references=9)
    expected = forecast(plan, FitOptions(85))
    quoted = [
        fit_run(
            spectrum_run(seed).segments,
            FitOptions(85, ("detuning_mhz",), start={"rabi_scale": 4.0}),
        )
        for seed in range(6)
    ]
    for name in ("amplitude", "position_mhz"):
        mean = np.mean([result[name].error for result in quoted])
        assert mean == pytest.approx(expected[name].error, rel=0.2)


def test_four_times_the_time_is_half_the_error():
    options = FitOptions(85)
    short = forecast(PlannedSpectrum(85, CO, 60.0, 2500.0, normaliser_error=0.0), options)
    long = forecast(PlannedSpectrum(85, CO, 240.0, 2500.0, normaliser_error=0.0), options)
    for name in short:
        assert short[name].error == pytest.approx(2.0 * long[name].error, rel=0.02)


def test_a_prior_on_scale_and_width_saves_the_amplitude():
    everything = ("background", "amplitude", "position_mhz", "rabi_scale", "doppler_rms_mhz")
    plan, options = PlannedSpectrum(85, CO, 240.0, 2500.0), FitOptions(85)
    free = forecast(plan, options, everything)
    prior = Prior(("rabi_scale", "doppler_rms_mhz"), (4.0, 93.0), np.diag([0.3**2, 5.0**2]))
    constrained = forecast(plan, options, everything, prior)
    fixed = forecast(plan, options)
    assert free["amplitude"].error > 1.3 * constrained["amplitude"].error
    assert constrained["amplitude"].error < 1.15 * fixed["amplitude"].error
    assert free["rabi_scale"].error > 1.0 > constrained["rabi_scale"].error


def test_blanks_and_references_count():
    options = FitOptions(81)
    plain = forecast(PlannedSpectrum(81, CO, 900.0, 200.0), options)
    blank = forecast(PlannedSpectrum(81, CO, 900.0, 200.0, blank_per_h=100.0), options)
    more = forecast(PlannedSpectrum(81, CO, 900.0, 200.0, references=20), options)
    assert blank["amplitude"].error > plain["amplitude"].error
    assert more["background"].error < plain["background"].error


def test_unknown_parameter_is_refused():
    with pytest.raises(ValueError, match="height"):
        forecast(PlannedSpectrum(85, CO, 60.0, 2500.0), FitOptions(85), ("height",))
