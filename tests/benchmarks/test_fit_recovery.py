"""Fits hold against the truth over many seeds. Figures: docs/explanation/fits.md."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.options import FitOptions, light_of
from atta_daq.analysis.points import normalise
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.spectrum_model import SpectrumModel

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SCAN = ("detuning_mhz",)
_source = Path(__file__).parents[1] / "analysis" / "conftest.py"
_spec = importlib.util.spec_from_file_location("made_up_runs", _source)
_made_up = importlib.util.module_from_spec(_spec)
sys.modules["made_up_runs"] = _made_up
_spec.loader.exec_module(_made_up)
draw_spectrum = _made_up.draw_spectrum


def pulls_of(result, truth, names):
    return [(result[name].value - truth[name]) / result[name].error for name in names]


def test_demo_with_scale_and_width_held():
    """85Kr, 41 x 240 s, 9 references, 2500/h, drifting source, 1 % bursts: 40 seeds."""
    names = ("background", "amplitude", "position_mhz")
    pulls, p_values = [], []
    for seed in range(40):
        run = draw_spectrum(seed)
        result = fit_run(run.segments, FitOptions(85, SCAN, start={"rabi_scale": 4.0}, toys=500))
        assert result.valid
        pulls.append(pulls_of(result, run.truth, names))
        p_values.append(result.goodness.p_value)
    mean, std = np.mean(pulls, axis=0), np.std(pulls, axis=0)
    print()
    for name, m, s in zip(names, mean, std, strict=True):
        print(f"held: pull of {name:13s} mean {m:+.2f} std {s:.2f}")
    print(f"held: p-values mean {np.mean(p_values):.2f}, smallest {min(p_values):.3f}")
    assert np.all(np.abs(mean) < 0.5)
    assert np.all((std > 0.7) & (std < 1.4))
    assert 0.35 < np.mean(p_values) < 0.65


def test_demo_constrained_by_a_83kr_spectrum():
    """Scale and width free in 83Kr (41 x 5 bursts), carried with their covariance: 40 seeds."""
    names = ("amplitude", "position_mhz", "rabi_scale", "doppler_rms_mhz")
    first, second, rest = [], [], []
    for seed in range(40):
        abundant = draw_spectrum(1000 + seed, isotope=83, loading=True)
        fit_83 = fit_run(abundant.segments, FitOptions(83, SCAN))
        first.append(pulls_of(fit_83, abundant.truth, names))
        run = draw_spectrum(seed)
        result = fit_run(run.segments, FitOptions(85, SCAN), Prior.from_fit(fit_83))
        second.append(pulls_of(result, run.truth, names))
        at_rest = result["rest_position_mhz"]
        rest.append((at_rest.value - result.settings["rest_mhz"]) / at_rest.error)
    print()
    for label, pulls in (("83Kr", first), ("85Kr", second)):
        mean, std = np.mean(pulls, axis=0), np.std(pulls, axis=0)
        for name, m, s in zip(names, mean, std, strict=True):
            print(f"{label}: pull of {name:15s} mean {m:+.2f} std {s:.2f}")
        assert np.all(np.abs(mean) < 0.5)
        assert np.all((std > 0.7) & (std < 1.4))
    print(f"85Kr: pull of position at rest mean {np.mean(rest):+.2f} std {np.std(rest):.2f}")
    assert abs(np.mean(rest)) < 0.5
    assert 0.7 < np.std(rest) < 1.4


def test_low_counts_poisson_against_weighted_least_squares():
    """2 counts a point: the likelihood stays at the truth, least squares does not."""
    likelihood, squares, truth = [], [], None
    for seed in range(60):
        run = draw_spectrum(seed, counts_per_h=130.0, dwell_s=60.0, references=20)
        truth = run.truth
        options = FitOptions(85, SCAN, free=(), start={"rabi_scale": 4.0})
        result = fit_run(run.segments, options)
        likelihood.append([result["background"].value, result["amplitude"].value])
        data = normalise(run.segments, 85)
        model = SpectrumModel(85, light_of(data, options), "co")
        shape = model.increase([1.0, truth["position_mhz"], 4.0, truth["doppler_rms_mhz"]])
        value, _ = curve_fit(
            lambda _x, r0, a, shape=shape: r0 * (1.0 + a * shape),
            np.arange(shape.size),
            data.array("ratio"),
            p0=[130.0, 0.5],
            sigma=data.array("error"),
            absolute_sigma=True,
        )
        squares.append(value)
    error = np.std(likelihood, axis=0) / np.sqrt(len(likelihood))
    bias_likelihood = np.mean(likelihood, axis=0) - [truth["background"], truth["amplitude"]]
    bias_squares = np.mean(squares, axis=0) - [truth["background"], truth["amplitude"]]
    print()
    for i, name in enumerate(("background", "amplitude")):
        print(
            f"2 counts a point, {name}: bias of the likelihood {bias_likelihood[i]:+.3f}, of least "
            f"squares {bias_squares[i]:+.3f} (± {error[i]:.3f}, truth {truth[name]:.3f})"
        )
    assert np.all(np.abs(bias_likelihood) < 3.5 * error)
    assert abs(bias_squares[0]) > 5.0 * error[0]
