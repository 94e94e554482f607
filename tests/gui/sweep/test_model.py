"""Records to pictures: frames, quantities, residuals, backgrounds."""

from dataclasses import replace

import fakes_sweep as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.client.runs import PartPoints
from gui.sweep.axes import Quantity
from gui.sweep.model import Choice, background_of, make_picture, weighted_mean
from gui.sweep.records import theories

shifts = st.floats(-400.0, 400.0)
seeds = st.integers(0, 1000)


@given(shift=shifts, seed=seeds)
def test_at_rest_moves_everything_by_the_doppler_shift(shift: float, seed: int) -> None:
    part, fit = made.spectrum(seed=seed), made.spectrum_fit()
    theory = theories(made.theory(part))[0]
    as_set = make_picture(part, fit, theory, Choice(doppler_mhz=shift))
    at_rest = make_picture(part, fit, theory, Choice(at_rest=True, doppler_mhz=shift))
    assert as_set.shift_mhz == 0.0
    assert at_rest.as_set(float(at_rest.points.x[3])) == pytest.approx(as_set.points.x[3])
    for set_curve, rest_curve in ((as_set.fit, at_rest.fit), (as_set.theory, at_rest.theory)):
        assert set_curve is not None
        assert rest_curve is not None
        np.testing.assert_allclose(set_curve.x - rest_curve.x, shift, atol=1e-9)
        np.testing.assert_array_equal(set_curve.y, rest_curve.y)
    np.testing.assert_allclose(as_set.points.x - at_rest.points.x, shift, atol=1e-9)
    assert "as set" in as_set.x_title
    assert "at rest" in at_rest.x_title


@given(shift=shifts, seed=seeds)
def test_residuals_do_not_depend_on_how_the_points_are_drawn(shift: float, seed: int) -> None:
    part, fit = made.spectrum(seed=seed), made.spectrum_fit()
    rate = make_picture(part, fit, None, Choice())
    other = make_picture(
        part, fit, None, Choice(Quantity.INCREASE, at_rest=True, doppler_mhz=shift)
    )
    assert np.isfinite(rate.residual).sum() == rate.points.pumped.sum() == 41
    np.testing.assert_allclose(other.residual, rate.residual, atol=1e-6)


def test_residuals_are_in_standard_errors_and_only_on_the_curve() -> None:
    fit = made.spectrum_fit()
    assert fit.curve is not None
    height = float(np.interp(100.0, fit.curve.x, fit.curve.y))
    part = PartPoints(
        "85Kr", 85, ("detuning_mhz",), "1/h",
        (
            made.point(height + 300.0, 150.0, 0, detuning_mhz=100.0),
            made.point(height, 150.0, 1, detuning_mhz=5000.0),
            made.point(2400.0, 150.0, 2, detuning_mhz=100.0, pumping=False),
        ),
    )  # fmt: skip
    residual = make_picture(part, fit, None, Choice()).residual
    assert residual[0] == pytest.approx(2.0)
    assert np.isnan(residual[1:]).all()


def test_increase_counts_from_the_background_of_the_fit() -> None:
    part, fit = made.spectrum(), made.spectrum_fit()
    picture = make_picture(part, fit, None, Choice(Quantity.INCREASE))
    first = picture.points.source[0]
    assert picture.points.y[0] == pytest.approx(100.0 * (first.ratio / 2507.3 - 1.0))
    assert picture.points.error[0] == pytest.approx(100.0 * first.error / 2507.3)
    assert picture.unit == "%"


def test_without_a_fit_the_unpumped_points_are_the_background() -> None:
    part = made.spectrum()
    off = [point for point in part.points if not point.pumping]
    level = background_of(part.points, None)
    assert len(off) > 3
    assert level == weighted_mean(off)
    assert level is not None
    assert level.value == pytest.approx(np.mean([point.ratio for point in off]))


def test_without_any_background_the_rate_is_drawn() -> None:
    part = made.spectrum()
    pumped = replace(part, points=tuple(point for point in part.points if point.pumping))
    theory = theories(made.theory(part))[0]
    picture = make_picture(pumped, None, theory, Choice(Quantity.INCREASE))
    assert picture.quantity is Quantity.RATE
    assert picture.theory is not None
    assert picture.theory_scale == "scaled to the points"
    assert picture.theory.y.min() == pytest.approx(made.BACKGROUND, rel=0.1)


def test_before_the_first_point_the_theory_is_an_increase() -> None:
    part = replace(made.spectrum(), points=())
    theory = theories(made.theory(part))[0]
    picture = make_picture(part, None, theory, Choice())
    assert picture.quantity is Quantity.INCREASE
    assert picture.theory is not None
    np.testing.assert_allclose(picture.theory.y, 100.0 * theory.y)


def test_theory_is_scaled_to_the_background() -> None:
    part = made.spectrum()
    theory = theories(made.theory(part))[0]
    picture = make_picture(part, made.spectrum_fit(), theory, Choice())
    assert picture.theory is not None
    np.testing.assert_allclose(picture.theory.y, 2507.3 * (1.0 + theory.y))


def test_points_that_are_not_numbers_are_left_out() -> None:
    part = made.spectrum()
    bad = [
        replace(part.points[0], ratio=float("nan")),
        replace(part.points[1], error=0.0),
        replace(part.points[2], error=float("inf")),
    ]
    picture = make_picture(replace(part, points=(*bad, *part.points[3:])), None, None, Choice())
    drawn = [point for point in part.points if point.detuning_mhz is not None]
    assert len(picture.points.source) == len(drawn) - 3


def test_references_without_a_place_are_a_band() -> None:
    picture = make_picture(made.spectrum(), None, None, Choice())
    assert picture.reference is not None
    assert picture.reference.value == pytest.approx(made.BACKGROUND, rel=0.05)
    assert picture.points.pumped.all()


def test_blocked_light_is_no_power() -> None:
    picture = make_picture(made.saturation(), made.saturation_fit(), None, Choice())
    points = picture.points
    assert (points.x[~points.pumped] == 0.0).all()
    assert (points.x[points.pumped] > 0.0).all()
    assert picture.reference is None
    assert picture.y_title == "84Kr rate (V/s)"


def test_on_off_stands_beside_each_other() -> None:
    picture = make_picture(made.on_off(), None, None, Choice())
    points = picture.points
    assert (abs(points.x[points.pumped] - 1.0) < 0.3).all()
    assert (abs(points.x[~points.pumped]) < 0.3).all()
    assert len(np.unique(points.x)) == 24
    off, on = picture.bars
    assert on.value / off.value == pytest.approx(1.57, abs=0.15)
    fitted = make_picture(made.on_off(), made.on_off_fit(), None, Choice())
    assert [bar.value for bar in fitted.bars] == [258.1, 406.2]


def test_a_product_is_told_apart_by_its_second_axis() -> None:
    points = tuple(
        made.point(3000.0, 100.0, i, detuning_mhz=100.0 * (i // 3), power_mw=100.0 * (i % 3 + 1))
        for i in range(12)
    )
    part = PartPoints("85Kr", 85, ("detuning_mhz", "power_mw"), "1/h", points)
    picture = make_picture(part, made.spectrum_fit(), None, Choice())
    assert picture.levels == ("100 mW", "200 mW", "300 mW")
    assert list(picture.points.level[:3]) == [0, 1, 2]
    assert picture.fit is None, "one curve cannot serve three powers"
    turned = make_picture(part, None, None, Choice(axis="power_mw"))
    assert turned.axis.name == "power_mw"
    assert turned.levels == ("0 MHz", "100 MHz", "200 MHz", "300 MHz")


@given(seed=seeds, x=st.floats(-700.0, 1500.0))
def test_nearest_is_nearest(seed: int, x: float) -> None:
    picture = make_picture(made.spectrum(seed=seed), None, None, Choice())
    index = picture.nearest(x, 3000.0, 2000.0, 1e9)
    assert index is not None
    assert abs(picture.points.x[index] - x) == pytest.approx(np.abs(picture.points.x - x).min())


@given(seed=seeds, taken=st.integers(0, 41))
def test_the_extent_holds_every_point(seed: int, taken: int) -> None:
    picture = make_picture(made.spectrum(seed=seed, taken=taken), None, None, Choice())
    (left, right), (low, high) = picture.extent()
    points = picture.points
    assert left < right
    assert low < high
    if points.source:
        assert left <= points.x.min() <= points.x.max() <= right
        assert low <= (points.y - points.error).min()
        assert (points.y + points.error).max() <= high
