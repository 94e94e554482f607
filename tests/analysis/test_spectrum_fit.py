import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.spectrum_derived import rest_from_both_geometries

SCAN = ("detuning_mhz",)
KNOWN = {"rabi_scale": 4.0}


def pull(result, truth, name):
    return (result[name].value - truth[name]) / result[name].error


def test_demo_is_recovered(spectrum_run):
    """A few seeds of the demo; the bench has forty."""
    pulls = []
    for seed in range(8):
        run = spectrum_run(seed)
        result = fit_run(run.segments, FitOptions(85, SCAN, start=KNOWN))
        assert result.valid
        pulls.append([pull(result, run.truth, n) for n in ("amplitude", "position_mhz")])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 1.1)
    assert np.max(np.abs(pulls)) < 4.0
    assert np.std(pulls) > 0.4


@pytest.mark.parametrize(
    "changed",
    [
        {"position_offset_mhz": 60.0},
        {"position_offset_mhz": -60.0},
        {"supply_ratio": 20.0},
        {"efficiency": 0.6},
        {"blank_per_h": 300.0},
    ],
    ids=lambda c: next(iter(c)),
)
def test_overridden_truth_is_recovered(spectrum_run, changed):
    run = spectrum_run(3, counts_per_h=20_000.0, **changed)
    result = fit_run(run.segments, FitOptions(85, SCAN, start=KNOWN))
    assert abs(pull(result, run.truth, "position_mhz")) < 3.5
    assert abs(pull(result, run.truth, "amplitude")) < 3.5
    assert result["position_mhz"].error < 10.0


def test_scale_and_width_come_from_83kr_with_their_covariance(spectrum_run):
    abundant = spectrum_run(21, isotope=83, loading=True)
    first = fit_run(abundant.segments, FitOptions(83, SCAN))
    names = ("amplitude", "position_mhz", "rabi_scale", "doppler_rms_mhz")
    assert max(abs(pull(first, abundant.truth, name)) for name in names) < 3.5

    prior = Prior.from_fit(first, source="r83")
    assert prior.names == ("rabi_scale", "doppler_rms_mhz", "doppler_shift_mhz")
    run = spectrum_run(22)
    result = fit_run(run.segments, FitOptions(85, SCAN, minos=True), prior)
    assert max(abs(pull(result, run.truth, name)) for name in names) < 3.5
    assert result["rabi_scale"].error == pytest.approx(first["rabi_scale"].error, rel=0.1)
    for name in ("amplitude", "position_mhz"):
        assert result[name].lower == pytest.approx(-result[name].error, rel=0.25)
        assert result[name].upper == pytest.approx(result[name].error, rel=0.25)
    # Rest position: as set less the shift of 83Kr, both errors in it.
    rest = result["rest_position_mhz"]
    assert rest.error > result["position_mhz"].error
    assert abs(rest.value - result.settings["rest_mhz"]) < 3.5 * rest.error
    assert any("constrained by the fit of r83" in note for note in result.notes)


def test_both_geometries_give_one_rest_position_and_opposite_shifts(spectrum_run):
    found = {}
    for geometry, span in (("co", (-800.0, 1600.0)), ("counter", (-1320.0, 1080.0))):
        run = spectrum_run(5, isotope=83, loading=True, geometry=geometry, span_mhz=span)
        found[geometry] = fit_run(run.segments, FitOptions(83, SCAN, geometry=geometry))
    co, counter = found["co"], found["counter"]
    rest = co.settings["rest_mhz"]
    shift_co = co["position_mhz"].value - rest
    shift_counter = counter["position_mhz"].value - rest
    error = np.hypot(co["position_mhz"].error, counter["position_mhz"].error)
    assert shift_co > 200.0
    assert abs(shift_co + shift_counter) < 3.5 * error
    position, shift = rest_from_both_geometries(co, counter)
    assert abs(position.value - rest) < 3.5 * position.error
    assert abs(shift.value - 263.0) < 3.5 * shift.error + 2.0
    with pytest.raises(ValueError, match="both geometries"):
        rest_from_both_geometries(counter, co)


def test_low_counts_are_not_biased(spectrum_run):
    """Three counts a point: the amplitude's mean over seeds stays at the truth."""
    amplitude, error, truth = [], [], 0.0
    for seed in range(20):
        run = spectrum_run(seed, counts_per_h=180.0, dwell_s=60.0, references=20)
        result = fit_run(run.segments, FitOptions(85, SCAN, free=(), start=KNOWN))
        amplitude.append(result["amplitude"].value)
        error.append(result["amplitude"].error)
        truth = run.truth["amplitude"]
    assert abs(np.mean(amplitude) - truth) < 3.0 * np.std(amplitude) / np.sqrt(20)
    assert np.mean(error) == pytest.approx(np.std(amplitude), rel=0.4)


def test_every_prefix_of_a_run_gives_a_fit_or_says_why_not(spectrum_run):
    run = spectrum_run(2, points=9, references=2)
    for k in range(1, len(run.segments)):
        prefix = run.segments[:k]
        if any(s.isotope == 85 and s.pumping for s in prefix):
            result = fit_run(prefix, FitOptions(85, SCAN, start=KNOWN))
            assert result.last_block == max(s.block for s in prefix)
        else:
            with pytest.raises(ValueError, match="85Kr"):
                fit_run(prefix, FitOptions(85, SCAN))


def test_the_strongest_feature_and_what_was_held_are_named(spectrum_run):
    result = fit_run(spectrum_run(1).segments, FitOptions(85, SCAN, start=KNOWN))
    text = " | ".join(result.notes)
    assert "rabi_scale held at 4" in text
    assert "strongest feature at" in text
    assert "9/2-11/2" in text
    assert result["peak_increase"].value > result["amplitude"].value


def test_curve_and_band_span_the_data(spectrum_run):
    run = spectrum_run(1)
    result = fit_run(run.segments, FitOptions(85, SCAN, start=KNOWN))
    curve = result.curve
    assert curve.axis == "detuning_mhz"
    assert curve.x[0] < -800.0 < 1600.0 < curve.x[-1]
    at = np.interp(result["position_mhz"].value, curve.x, curve.y)
    expected = result["background"].value * (1.0 + result["amplitude"].value)
    assert at == pytest.approx(expected, rel=2e-3)
    assert np.all(curve.band > 0.0)


def test_points_without_a_detuning_are_refused(make_rare):
    with pytest.raises(ValueError, match="no detuning"):
        fit_run([make_rare(0, 0, 0.0, 10.0, 3, point=4)], FitOptions(85, SCAN, power_mw=500.0))


def test_unknown_free_parameter_is_refused(spectrum_run):
    with pytest.raises(ValueError, match="doppler_width"):
        fit_run(spectrum_run(1).segments, FitOptions(85, SCAN, free=("doppler_width",)))


def test_sideband_scan_finds_its_amplitude(make_rare):
    """Increase against sideband frequency: the best is near 230 MHz, the amplitude comes back."""
    from atta_daq.analysis.records import Setting
    from atta_daq.analysis.spectrum_model import Light, SpectrumModel
    from atta_daq.physics.beam import mean_intensity_w_m2

    rng = np.random.default_rng(4)
    frequency = np.arange(100.0, 401.0, 20.0)
    n = frequency.size
    light = Light(
        np.ones(n, dtype=bool),
        np.full(n, -30.0),
        np.full(n, mean_intensity_w_m2(500.0, 7.5, 9.0)),
        frequency,
        np.ones(n),
    )
    model = SpectrumModel(83, light, "co")
    increase = model.increase([0.5, model.nominal_position_mhz, 4.0, model.nominal_rms_mhz])
    segments = []
    for i, f in enumerate(frequency):
        setting = Setting(-30.0, -30.0, 500.0, float(f), 1.0)
        for on in (True, False):
            mean = 20_000.0 * (1.0 + (increase[i] if on else 0.0))
            segments.append(
                make_rare(
                    len(segments),
                    i,
                    600.0 * len(segments),
                    3600.0,
                    int(rng.poisson(mean)),
                    isotope=83,
                    pumping=on,
                    point=i,
                    setting=setting,
                    efficiency=1.0,
                    efficiency_error=0.0,
                )
            )
    options = FitOptions(83, ("sideband_frequency_mhz",), start=KNOWN)
    result = fit_run(segments, options)
    assert abs(result["amplitude"].value - 0.5) < 3.5 * result["amplitude"].error
    assert result["amplitude"].error < 0.01
    best = result.curve.x[np.argmax(result.curve.y)]
    assert 180.0 < best < 280.0
