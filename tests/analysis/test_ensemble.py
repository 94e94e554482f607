"""Toys and bootstraps: right in the mean and in their scatter, and the same however shared out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from atta_daq.analysis.ensemble import Ensemble, Kind, replicas, summary
from atta_daq.analysis.fit_run import fit_normalised
from atta_daq.analysis.increases import data_from_rates
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import BlankRate, NormalisedData
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.records import Setting

POINTS = 20
OFF, ON = 40.0, 63.0
"""Counts of a point, of which 4 are false."""


def counted(seed: int = 5, common: float = 0.0) -> NormalisedData:
    """On and off points with Poisson counts, a blank, and normalisers of 1 % each."""
    rng = np.random.default_rng(seed)
    on = np.arange(POINTS) % 2 == 1
    counts = rng.poisson(np.where(on, ON, OFF))
    data = data_from_rates(
        85, counts.astype(float), np.sqrt(counts), [Setting()] * POINTS, on.tolist()
    )
    points = tuple(
        replace(p, counts=int(c), value=float(c), weight=1.0, live_s=100.0, ratio=float(c) - 4.0)
        for p, c in zip(data.points, counts, strict=True)
    )
    covariance = 1e-4 * np.eye(POINTS) + common**2
    return replace(
        data, points=points, blanks=(BlankRate(False, 40, 1000.0),), covariance=covariance,
        unit="atoms/h",
    )  # fmt: skip


def ensemble_of(
    data: NormalisedData, kind: Kind, seed: int = 3, prior: Prior | None = None,
    options: FitOptions | None = None,
) -> Ensemble:  # fmt: skip
    options = options or FitOptions(85)
    return Ensemble(kind, data, options, prior, fit_normalised(data, options, prior), seed)


def test_toys_of_counts_tell_the_truth_of_value_and_error() -> None:
    ensemble = ensemble_of(counted(), "toys")
    number = 250
    spreads = {s.name: s for s in summary(ensemble, replicas(ensemble, 0, number))}
    assert set(spreads) == {"background", "increase"}
    for spread in spreads.values():
        # 4 standard errors of mean, scatter and share.
        assert abs(spread.pull_mean) < 4.0 / np.sqrt(number)
        assert abs(spread.pull_deviation - 1.0) < 4.0 / np.sqrt(2.0 * number)
        assert abs(spread.coverage - 0.6827) < 4.0 * np.sqrt(0.6827 * 0.3173 / number)
        assert spread.deviation == pytest.approx(spread.error, rel=4.0 / np.sqrt(2.0 * number))
        assert spread.low < spread.fitted < spread.high


def test_a_fit_that_believed_too_small_an_error_is_found_out() -> None:
    """Normalisers that scatter by far more than the 1 % that the fit is told of: toys agree with
    the fit, the bootstrap does not."""
    data = counted()
    rng = np.random.default_rng(1)
    noisy = tuple(
        replace(p, counts=(c := int(p.value * f)), value=float(c), ratio=c - 4.0)
        for p, f in zip(data.points, rng.lognormal(0.0, 0.8, POINTS), strict=True)
    )
    data = replace(data, points=noisy)
    honest = ensemble_of(data, "bootstrap")
    (background,) = (s for s in summary(honest, replicas(honest, 0, 120)) if s.name == "background")
    assert background.deviation > 2.0 * background.error
    trusting = ensemble_of(data, "toys")
    (same,) = (s for s in summary(trusting, replicas(trusting, 0, 120)) if s.name == "background")
    assert same.deviation < 1.3 * same.error


def test_a_bootstrap_of_good_data_gives_the_error_of_the_fit() -> None:
    ensemble = ensemble_of(counted(), "bootstrap")
    for spread in summary(ensemble, replicas(ensemble, 0, 250)):
        assert spread.deviation == pytest.approx(spread.error, rel=0.35)
        assert spread.mean == pytest.approx(spread.fitted, abs=0.5 * spread.error)


@pytest.mark.parametrize("kind", ["toys", "bootstrap"])
def test_a_replica_does_not_depend_on_how_the_work_is_shared(kind: Kind) -> None:
    ensemble = ensemble_of(counted(), kind)
    whole = replicas(ensemble, 0, 12)
    pieces = np.concatenate([replicas(ensemble, first, 3) for first in (9, 6, 3, 0)][::-1])
    np.testing.assert_array_equal(whole, pieces)
    assert len(np.unique(whole[:, 0])) == 12
    other = replicas(replace(ensemble, seed=4), 0, 12)
    assert not np.any(other == whole)


def test_an_error_that_all_normalisers_share_is_in_the_toys() -> None:
    ensemble = ensemble_of(counted(common=0.05), "toys")
    spreads = {s.name: s for s in summary(ensemble, replicas(ensemble, 0, 120))}
    assert spreads["background"].deviation == pytest.approx(spreads["background"].error, rel=0.2)
    assert spreads["background"].error > 0.05 * spreads["background"].fitted
    # It drops out of the increase.
    apart = ensemble_of(counted(), "toys").fit["increase"].error
    assert spreads["increase"].error == pytest.approx(apart, rel=0.03)


def test_a_spectrum_with_a_prior() -> None:
    """Loading rates with the pumping model; the prior's measurement is done again for each toy."""
    detuning = np.linspace(-700.0, 300.0, 21)
    line = 1.0 + 0.5 * np.exp(-(((detuning + 200.0) / 150.0) ** 2))
    settings = [Setting(detuning_mhz=float(d), power_mw=500.0) for d in detuning]
    data = data_from_rates(85, line, np.full(21, 0.05), settings, [True] * 21)
    prior = Prior(("rabi_scale",), (4.0,), np.array([[0.25]]))
    options = FitOptions(85, axes=("detuning_mhz",))
    ensemble = ensemble_of(data, "toys", prior=prior, options=options)
    assert "rabi_scale" in ensemble.names
    rows = replicas(ensemble, 0, 25)
    assert np.isfinite(rows).all(axis=1).sum() >= 22
    spreads = {s.name: s for s in summary(ensemble, rows)}
    assert spreads["position_mhz"].unit == "MHz"
    assert 0.5 < spreads["rabi_scale"].pull_deviation < 1.6
    good = rows[np.isfinite(rows).all(axis=1)]
    pulls = (good[:, 2] - spreads[ensemble.names[2]].fitted) / good[:, len(ensemble.names) + 2]
    assert stats.kstest(pulls / pulls.std(), "norm").pvalue > 1e-4


def test_nothing_to_tell_is_refused() -> None:
    ensemble = ensemble_of(counted(), "toys")
    with pytest.raises(ValueError, match="0 of 3 replicas"):
        summary(ensemble, np.full((3, 4), np.nan))
