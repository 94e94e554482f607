"""What a fit knows, against the errors of the fits themselves."""

from dataclasses import replace

import numpy as np
import pytest

from atta_daq.analysis.allocation import Visit, error_with
from atta_daq.analysis.fit_run import fit_normalised
from atta_daq.analysis.knowledge import DRAWS, Knowledge, Place, Wanted, know
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import normalise
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.analysis.saturation import saturation_intensity_w_m2

SPECTRUM = FitOptions(85, ("detuning_mhz",))
PRIOR = Prior(("rabi_scale", "doppler_rms_mhz"), (4.0, 93.0), np.diag([0.5**2, 8.0**2]))


def known(segments, options, wanted, prior=None, **more) -> tuple[Knowledge, float]:
    """Knowledge of the wanted number, and the error that the fit quotes."""
    data = normalise(segments, 85)
    fit = fit_normalised(data, options, prior)
    knowledge = know(data, fit, options, prior, Wanted(wanted), **more)
    return knowledge, fit[wanted].error


@pytest.mark.parametrize("wanted", ["background", "amplitude", "position_mhz"])
def test_the_error_now_is_the_fits(spectrum_run, wanted: str) -> None:
    knowledge, quoted = known(spectrum_run(2).segments, SPECTRUM, wanted, PRIOR)
    # Expected against observed information: the same up to the noise of the counts.
    assert knowledge.error == pytest.approx(quoted, rel=0.12)
    assert knowledge.information.shape == (DRAWS + 1, 5, 5)
    assert len(knowledge.places) == 41 + 1


def test_a_second_round_is_foretold(spectrum_run) -> None:
    """Knowledge of a half, with the other half as visits, is what the whole then knows."""
    half = spectrum_run(3, dwell_s=120.0)
    knowledge, _ = known(half.segments, SPECTRUM, "position_mhz", PRIOR)
    again = [
        Visit(Place(s.point, s.pumping), s.live_s)
        for s in half.segments
        if s.kind is SegmentKind.RARE
    ]
    _, whole = known(spectrum_run(4, dwell_s=240.0).segments, SPECTRUM, "position_mhz", PRIOR)
    assert error_with(knowledge, again) == pytest.approx(whole, rel=0.15)


def on_off(rate_off: float, rate_on: float, make_rare) -> list[Segment]:
    """An hour in each state, counts as expected; no normaliser, no blank."""
    return [
        make_rare(0, 0, 0.0, 3600.0, round(rate_off), pumping=False, point=0, efficiency=1.0,
                  efficiency_error=0.0),
        make_rare(1, 0, 3600.0, 3600.0, round(rate_on), pumping=True, point=0, efficiency=1.0,
                  efficiency_error=0.0),
    ]  # fmt: skip


def test_an_on_off_comparison_by_hand(make_rare) -> None:
    knowledge, _ = known(on_off(400.0, 600.0, make_rare), FitOptions(85), "increase")
    # (1 + increase) with the two Poisson errors in quadrature.
    assert knowledge.error == pytest.approx(1.5 * np.hypot(1.0 / 20.0, 600.0**-0.5), rel=1e-3)
    assert knowledge.rate_per_s[0] * 3600.0 == pytest.approx([400.0, 600.0], rel=1e-3)
    more = [Visit(place, 3.0 * 3600.0) for place in knowledge.places]
    assert error_with(knowledge, more) == pytest.approx(0.5 * knowledge.error, rel=1e-3)


def test_a_saturation_curve_takes_no_prior_that_its_fit_does_not(make_rare) -> None:
    options = FitOptions(85, ("power_mw",), power_mw=500.0)
    unit_mw = saturation_intensity_w_m2(85) / options.intensity_w_m2(1.0)
    segments = []
    for i, power in enumerate([0.0, 50.0, 100.0, 200.0, 350.0, 500.0]):
        rate = 4e4 * (1.0 + power / (power + unit_mw))
        lit = power > 0.0
        segments.append(
            make_rare(i, 0, 4e3 * i, 3600.0, round(rate), pumping=lit, point=i, efficiency=1.0,
                      efficiency_error=0.0, setting=Setting(power_mw=power))
        )  # fmt: skip
    with_prior, quoted = known(segments, options, "rabi_scale", PRIOR)
    assert with_prior.names == ("background", "asymptote", "rabi_scale")
    assert with_prior.error == pytest.approx(quoted, rel=0.02)


def test_draws_come_from_the_seed_and_the_fit(spectrum_run) -> None:
    segments = spectrum_run(2).segments
    a, _ = known(segments, SPECTRUM, "amplitude", PRIOR, seed=5)
    b, _ = known(segments, SPECTRUM, "amplitude", PRIOR, seed=5)
    other, _ = known(segments, SPECTRUM, "amplitude", PRIOR, seed=6)
    np.testing.assert_array_equal(a.gradient_per_s, b.gradient_per_s)
    assert not np.allclose(a.parameters[1:], other.parameters[1:])
    np.testing.assert_array_equal(a.parameters[0], other.parameters[0])
    # Some 0.5 standard errors from the fit in the mean of eight draws; never beyond what has a
    # spectrum.
    pulls = (a.parameters[1:] - a.parameters[0]) / np.sqrt(np.diag(np.linalg.inv(a.information[0])))
    assert np.all(np.abs(pulls) < 4.5)
    assert 0.5 < np.std(pulls) < 1.5


@pytest.mark.timeout(30)
@pytest.mark.parametrize("draws", [0, DRAWS])
@pytest.mark.parametrize(
    ("name", "value"),
    [("background", 0.0), ("amplitude", -3.0), ("rabi_scale", 0.03), ("doppler_rms_mhz", 5.0)],
)
def test_nothing_is_told_from_a_fit_without_a_spectrum(
    spectrum_run, name: str, value: float, draws: int
) -> None:
    """Its draws were moved towards it for ever; without draws a scan ended for good luck."""
    data = normalise(spectrum_run(2).segments, 85)
    fit = fit_normalised(data, SPECTRUM, PRIOR)
    there = tuple(replace(p, value=value) if p.name == name else p for p in fit.parameters)
    off = replace(fit, parameters=there)
    with pytest.raises(ValueError, match=f"where the fit stands yet: .*{name} {value:.3g}"):
        know(data, off, SPECTRUM, PRIOR, Wanted("position_mhz"), draws=draws)


def test_what_cannot_be_told_yet_is_said(spectrum_run, make_rare) -> None:
    segments = spectrum_run(2).segments
    data = normalise(segments, 85)
    fit = fit_normalised(data, SPECTRUM)
    with pytest.raises(ValueError, match="the fit holds rabi_scale"):
        know(data, fit, SPECTRUM, None, Wanted("rabi_scale"))
    with pytest.raises(ValueError, match="the fit has no asymptote"):
        know(data, fit, SPECTRUM, None, Wanted("asymptote"))
    with pytest.raises(ValueError, match="has not been counted yet"):
        know(data, fit, SPECTRUM, None, Wanted("increase", 999))
    with pytest.raises(ValueError, match="not valid yet"):
        know(data, replace(fit, valid=False), SPECTRUM, None, Wanted("amplitude"))
