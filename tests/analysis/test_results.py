import json

import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.results import FitResult, Parameter, pdg_round


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.827, 0.119, ("0.83", "0.12")),
        (0.827, 0.367, ("0.8", "0.4")),
        (0.827, 0.954, ("0.8", "1.0")),
        (2510.0, 49.8, ("2510", "50")),
        (1.0, 0.0, ("1", "0")),
        (1.0, float("nan"), ("1", "nan")),
    ],
)
def test_rounding_by_the_particle_data_group(value, error, expected):
    assert pdg_round(value, error) == expected


def test_parameters_print_themselves():
    assert str(Parameter("position_mhz", 43.21, 19.4, "MHz")) == "position_mhz = 43 ± 19 MHz"
    assert str(Parameter("rabi_scale", 4.0, 0.0, fixed=True)) == "rabi_scale = 4 (held)"


@pytest.fixture
def result(spectrum_run):
    options = FitOptions(85, ("detuning_mhz",), start={"rabi_scale": 4.0}, minos=True)
    return fit_run(spectrum_run(0).segments, options)


def test_json_keeps_everything(result):
    again = FitResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.parameters == result.parameters
    assert again.derived == result.derived
    assert (again.goodness, again.notes, again.settings, again.last_block) == (
        result.goodness,
        result.notes,
        result.settings,
        result.last_block,
    )
    np.testing.assert_array_equal(again.covariance, result.covariance)
    np.testing.assert_array_equal(again.curve.band, result.curve.band)


def test_json_without_a_curve(make_rare):
    rows = [make_rare(i, i, 20.0 * i, 10.0, 50, pumping=bool(i)) for i in range(2)]
    found = fit_run(rows, FitOptions(85))
    assert FitResult.from_dict(found.to_dict()).curve is None


def test_lookup_by_name(result):
    assert result["amplitude"] is result.parameters[1]
    assert result["peak_mhz"] in result.derived
    with pytest.raises(KeyError):
        result["nothing"]


def test_prior_takes_the_covariance_along(result):
    prior = Prior.from_fit(result, ("amplitude", "doppler_shift_mhz"))
    names = [p.name for p in result.parameters if not p.fixed]
    i, j = names.index("amplitude"), names.index("position_mhz")
    assert prior.covariance[0, 1] == pytest.approx(result.covariance[i, j])
    assert prior.values[1] == result["doppler_shift_mhz"].value
    assert prior.only(("amplitude",)).covariance.shape == (1, 1)
    assert prior.only(("nothing",)) is None


def test_prior_of_a_counter_propagating_fit_has_the_other_sign(result):
    settings = {**result.settings, "geometry": "counter"}
    flipped = FitResult(**{**result.__dict__, "settings": settings})
    names = ("amplitude", "doppler_shift_mhz")
    one, other = Prior.from_fit(result, names), Prior.from_fit(flipped, names)
    assert other.covariance[0, 1] == pytest.approx(-one.covariance[0, 1])


def test_fixed_parameters_make_no_prior(result):
    with pytest.raises(ValueError, match="85Kr fit leaves none"):
        Prior.from_fit(result, ("rabi_scale",))


def test_a_covariance_that_is_none_is_refused():
    with pytest.raises(ValueError, match="do not fit together"):
        Prior(("a", "b"), (1.0, 2.0), np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_conditioning_of_a_prior():
    covariance = np.array([[4.0, 1.0], [1.0, 1.0]])
    prior = Prior(("doppler_shift_mhz", "rabi_scale"), (260.0, 4.0), covariance)
    value, variance, slope = prior.given(
        "doppler_shift_mhz", ["rabi_scale"], np.array([4.5]), np.array([[0.25]])
    )
    assert value == pytest.approx(260.5)
    assert slope.tolist() == [1.0]
    assert variance == pytest.approx(4.0 - 1.0 + 0.25)
