import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.increases import fit_increases
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.analysis.saturation import saturation_intensity_w_m2, saturation_power_ratio
from atta_daq.analysis.spectrum_model import Light, SpectrumModel

POWERS = np.array([25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0])


def test_saturation_intensity_is_that_of_the_paper_s_numbers():
    assert saturation_intensity_w_m2(84) == pytest.approx(1299.0, abs=1.0)
    # F in place of J: (2F'+1)/(2F+1) = 14/12 on 11/2-13/2 against 5/3.
    assert saturation_intensity_w_m2(83) / saturation_intensity_w_m2(84) == pytest.approx(
        (5 / 3) / (14 / 12)
    )
    assert saturation_intensity_w_m2(84, 2.0) == pytest.approx(1299.0 / 4.0, abs=0.3)


def exact_increase(isotope: int, asymptote: float, scale: float) -> np.ndarray:
    unit = saturation_intensity_w_m2(isotope, scale) / FitOptions(isotope).intensity_w_m2(1.0)
    return asymptote * POWERS / (POWERS + unit)


def test_noise_free_curve_gives_its_parameters_back():
    result = fit_increases(84, POWERS, exact_increase(84, 0.92, 0.8), np.full(8, 0.02))
    assert result["asymptote"].value == pytest.approx(0.92, rel=1e-4)
    assert result["rabi_scale"].value == pytest.approx(0.8, rel=1e-4)
    half = result["p_sat_mw"].value
    assert half == pytest.approx(1299.0 / 4034.0 * 500.0 / 0.64, rel=2e-3)
    at_half = np.interp(half, result.curve.x, result.curve.y) - 1.0
    assert at_half == pytest.approx(0.46, abs=1e-3)
    assert result["increase_at_highest_power"].value == pytest.approx(
        exact_increase(84, 0.92, 0.8)[-1], rel=1e-4
    )


def test_the_paper_s_ratio_of_saturation_powers():
    """0.6 against 0.8 and F against J: 2.54; the paper, with unrounded scales, quotes 2.8."""
    fits = [
        fit_increases(isotope, POWERS, exact_increase(isotope, a, s), np.full(8, 0.02))
        for isotope, a, s in ((83, 0.69, 0.6), (84, 0.92, 0.8))
    ]
    ratio = saturation_power_ratio(*fits)
    assert ratio.value == pytest.approx((5 / 3) / (14 / 12) * (0.8 / 0.6) ** 2, rel=1e-3)
    assert ratio.error > 0.0


@pytest.mark.parametrize("isotope", [83, 84])
def test_noisy_and_noise_free_truth_agree_within_errors(isotope):
    """Truth with velocities and hyperfine structure, fitted by the two-parameter form."""
    options = FitOptions(isotope, ("power_mw",))
    n = POWERS.size
    intensity = np.array([options.intensity_w_m2(p) for p in POWERS])
    model = SpectrumModel(
        isotope,
        Light(np.ones(n, dtype=bool), np.zeros(n), intensity, np.zeros(n), np.zeros(n)),
        "co",
    )
    light = Light(
        np.ones(n, dtype=bool),
        np.full(n, model.nominal_position_mhz),
        intensity,
        np.zeros(n),
        np.zeros(n),
    )
    model = model.on(light)
    parameters = [1.0, model.nominal_position_mhz, 4.0, model.nominal_rms_mhz]
    truth = 10.2 * model.efficiency(parameters)
    error = 0.02 * (1.0 + truth)
    clean = fit_increases(isotope, POWERS, truth, error)
    rng = np.random.default_rng(8)
    pulls = []
    for _ in range(25):
        noisy = fit_increases(isotope, POWERS, truth + rng.normal(0.0, error), error)
        pulls.append(
            [
                (noisy[k].value - clean[k].value) / clean[k].error
                for k in ("asymptote", "rabi_scale")
            ]
        )
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.7)
    assert np.max(np.abs(pulls)) < 4.5


def test_segments_with_references_and_brackets(make_bracket):
    rng = np.random.default_rng(2)
    increase = exact_increase(84, 0.9, 1.5)
    segments = []
    for i, (power, gain) in enumerate(zip(POWERS, increase, strict=True)):
        at = 300.0 * i
        source = 1.0 + 0.02 * i
        segments.append(make_bracket(len(segments), i, at, 6.9e9 * source, 6.9e7))
        for on in (False, True):
            mean = 3.4e10 * source * (1.0 + (gain if on else 0.0))
            rate = rng.normal(mean, 0.01 * mean)
            segments.append(
                Segment(
                    "run",
                    i,
                    0,
                    len(segments),
                    SegmentKind.LOADING_84,
                    84,
                    on,
                    i,
                    False,
                    Setting(power_mw=float(power)),
                    at + 60.0 * (1 + on),
                    at + 62.0 + 60.0 * on,
                    2.0,
                    rate=rate,
                    rate_error=0.01 * rate,
                )
            )
    segments.append(make_bracket(len(segments), 7, 2400.0, 6.9e9 * 1.16, 6.9e7))
    result = fit_run(segments, FitOptions(84, ("power_mw",), minos=True))
    assert abs(result["asymptote"].value - 0.9) < 3.5 * result["asymptote"].error
    assert abs(result["rabi_scale"].value - 1.5) < 3.5 * result["rabi_scale"].error
    assert result["asymptote"].error < 0.08


def test_full_model_finds_scale_and_asymptote():
    """Saturation with velocities: its scale is that of the spectra, not the phenomenological."""
    rng = np.random.default_rng(5)
    options = FitOptions(84, ("power_mw",), saturation="velocity")
    position = SpectrumModel(84, Light.scan(np.zeros(1), 1.0), "co").nominal_position_mhz
    n = POWERS.size
    light = Light(
        np.ones(n, dtype=bool),
        np.full(n, position),
        np.array([options.intensity_w_m2(p) for p in POWERS]),
        np.zeros(n),
        np.zeros(n),
    )
    model = SpectrumModel(84, light, "co", asymptotic=True)
    increase = model.increase([1.1, position, 4.0, model.nominal_rms_mhz])
    segments = []
    for i, power in enumerate(POWERS):
        for on in (False, True):
            mean = 1.0 + (increase[i] if on else 0.0)
            segments.append(
                Segment(
                    "run",
                    i,
                    0,
                    len(segments),
                    SegmentKind.LOADING_84,
                    84,
                    on,
                    i,
                    False,
                    Setting(position, position, float(power)),
                    60.0 * len(segments),
                    60.0 * len(segments) + 2.0,
                    2.0,
                    rate=rng.normal(mean, 0.005 * mean),
                    rate_error=0.005 * mean,
                )
            )
    result = fit_run(segments, options)
    assert result.valid
    assert abs(result["asymptote"].value - 1.1) < 3.5 * result["asymptote"].error
    assert abs(result["rabi_scale"].value - 4.0) < 3.5 * result["rabi_scale"].error
    assert result["rabi_scale"].error < 1.0


def test_power_must_be_known():
    segment = Segment(
        "run",
        0,
        0,
        0,
        SegmentKind.LOADING_84,
        84,
        True,
        0,
        False,
        Setting(),
        0.0,
        2.0,
        2.0,
        rate=1.0,
        rate_error=0.1,
    )
    with pytest.raises(ValueError, match="power_mw"):
        fit_run([segment], FitOptions(84, ("power_mw",)))
