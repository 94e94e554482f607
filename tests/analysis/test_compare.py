import numpy as np
import pytest

from atta_daq.analysis.compare import compare_on_off
from atta_daq.analysis.fit_run import fit_run
from atta_daq.analysis.increases import data_from_rates, increase_from_rates
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.points import normalise
from atta_daq.analysis.records import Segment, SegmentKind, Setting

TABLE_2 = [
    # isotope, rate without and with pumping, their errors, printed increase (%)
    (84, 1.54, 0.05, 2.82, 0.10, 83, 9),
    (83, 3.62, 0.10, 5.38, 0.16, 49, 6),
    (85, 629.0, 17.0, 986.0, 29.0, 57, 6),
    (81, 287.0, 14.0, 476.0, 13.0, 66, 9),
]


@pytest.mark.parametrize(("isotope", "off", "off_e", "on", "on_e", "increase", "error"), TABLE_2)
def test_table_2_gives_back_its_increases(isotope, off, off_e, on, on_e, increase, error):
    simple = increase_from_rates(off, off_e, on, on_e)
    assert round(100 * simple.value) == increase
    assert round(100 * simple.error) == error
    data = data_from_rates(isotope, [off, on], [off_e, on_e], [Setting()] * 2, [False, True])
    fitted = compare_on_off(data)["increase"]
    assert fitted.value == pytest.approx(simple.value, abs=1e-4)
    assert fitted.error == pytest.approx(simple.error, rel=0.02)


def test_imported_rows_as_segments_do_the_same():
    rows = [
        Segment(
            "import",
            0,
            0,
            i,
            SegmentKind.RARE,
            85,
            on,
            None,
            False,
            Setting(),
            0.0,
            0.0,
            0.0,
            rate=rate,
            rate_error=error,
        )
        for i, (on, rate, error) in enumerate([(False, 629.0, 17.0), (True, 986.0, 29.0)])
    ]
    result = fit_run(rows, FitOptions(85))
    assert round(100 * result["increase"].value) == 57
    assert round(100 * result["increase"].error) == 6
    assert result["rate_on"].value == pytest.approx(986.0, rel=1e-3)


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 1.0, 1.0), (1.0, 1.0, -2.0, 1.0), (1, -1, 1, 1)])
def test_rates_that_give_no_increase_are_refused(numbers):
    with pytest.raises(ValueError, match="no increase"):
        increase_from_rates(*numbers)


def abba(
    make_rare,
    make_bracket,
    rng,
    *,
    increase=0.57,
    rate_per_h=2500.0,
    drift=0.0,
    cycles=6,
    blank_per_h=0.0,
    efficiency=(0.9, 0.9),
    bracket_pumping=None,
    bracket_increase=0.57,
):
    """ABBA cycles; `bracket_pumping`: None dark, 'as-segment' in the state of its neighbours."""
    segments, clock = [], 0.0

    def bracket(block, pumped):
        nonlocal clock
        level = (1.0 + drift * clock) * (1.0 + (bracket_increase if pumped else 0.0))
        rate = 6.9e9 * rng.normal(level, 0.005 * level)
        segments.append(
            make_bracket(len(segments), block, clock, rate, 6.9e7 * 0.5 * level, pumping=pumped)
        )
        clock += 10.0

    for block in range(4 * cycles):
        on = block % 4 in (1, 2)
        pumped = bracket_pumping == "as-segment" and on
        bracket(block, pumped)
        mean = rate_per_h * (1.0 + (increase if on else 0.0)) * (1.0 + drift * (clock + 150.0))
        counts = rng.poisson((mean * efficiency[on] + blank_per_h) / 12.0)
        segments.append(
            make_rare(
                len(segments),
                block,
                clock,
                300.0,
                int(counts),
                pumping=on,
                point=0,
                efficiency=efficiency[on],
                efficiency_error=0.002,
            )
        )
        clock += 305.0
        bracket(block, pumped)
    if blank_per_h:
        counts = int(rng.poisson(blank_per_h))
        segments.append(
            Segment(
                "run",
                0,
                0,
                len(segments),
                SegmentKind.BLANK,
                0,
                False,
                None,
                False,
                Setting(),
                clock,
                clock + 3600.0,
                3600.0,
                counts=counts,
            )
        )
    return segments


@pytest.mark.parametrize(
    "changed",
    [{}, {"drift": 2e-5}, {"blank_per_h": 800.0}, {"efficiency": (0.93, 0.85)}, {"increase": 0.0}],
    ids=lambda c: next(iter(c), "plain"),
)
def test_increase_of_counts_is_unbiased(make_rare, make_bracket, changed):
    rng = np.random.default_rng(17)
    pulls = []
    for _ in range(12):
        segments = abba(make_rare, make_bracket, rng, **changed)
        found = fit_run(segments, FitOptions(85))["increase"]
        pulls.append((found.value - changed.get("increase", 0.57)) / found.error)
    assert abs(np.mean(pulls)) < 3.0 / np.sqrt(12)
    assert 0.5 < np.std(pulls) < 1.6


def test_brackets_with_pumping_light_divide_the_effect_out(make_rare, make_bracket):
    """The map's bias: +57 % reads about 0. Dark brackets, the default, do not have it."""
    rng = np.random.default_rng(1)
    dark = abba(make_rare, make_bracket, rng, cycles=8)
    bright = abba(make_rare, make_bracket, rng, cycles=8, bracket_pumping="as-segment")
    right = compare_on_off(normalise(dark, 85))["increase"]
    biased = compare_on_off(normalise(bright, 85, pumped_brackets=True))["increase"]
    assert abs(right.value - 0.57) < 3.5 * right.error
    assert right.error < 0.08
    assert abs(biased.value) < 3.5 * biased.error
    assert biased.value < 0.15
    # By default the pumped brackets are not used, so the dark ones that remain save the result.
    saved = compare_on_off(normalise(bright, 85))["increase"]
    assert abs(saved.value - 0.57) < 3.5 * saved.error


def test_error_of_a_comparison_is_what_counting_allows(make_rare, make_bracket):
    rng = np.random.default_rng(5)
    segments = abba(make_rare, make_bracket, rng, cycles=10)
    result = compare_on_off(normalise(segments, 85), minos=True)
    on = sum(s.counts for s in segments if s.counts and s.pumping)
    off = sum(s.counts for s in segments if s.counts and not s.pumping)
    counting = (1.0 + result["increase"].value) * np.sqrt(1 / on + 1 / off)
    # A normaliser that takes less than a thousandth of the variance is left out of the fit.
    assert (1.0 - 5e-4) * counting < result["increase"].error < 1.15 * counting
    assert result["increase"].upper == pytest.approx(result["increase"].error, rel=0.1)
    assert result.goodness.degrees_of_freedom == 0


def test_the_error_of_the_efficiency_drops_out_of_a_ratio(make_rare):
    segments = [
        make_rare(
            i,
            i,
            300.0 * i,
            250.0,
            1_000_000,
            point=None,
            pumping=bool(i % 2),
            efficiency=0.9,
            efficiency_error=0.018,
        )
        for i in range(8)
    ]
    found = compare_on_off(normalise(segments, 85))["increase"]
    # What remains is the counting: two states of four million atoms each.
    assert found.error == pytest.approx(np.sqrt(2.0 / 4e6), rel=0.02)


def test_loading_rates_compare_too(make_bracket):
    rng = np.random.default_rng(3)
    segments = []
    for i in range(16):
        on = i % 4 in (1, 2)
        mean = 3.4e10 * (1.83 if on else 1.0) * (1.0 + 0.01 * i)
        rates = rng.normal(mean, 0.02 * mean, 5)
        segments.append(make_bracket(2 * i, i, 60.0 * i, 6.9e9 * (1 + 0.01 * i), 3.5e7))
        segments.append(
            Segment(
                "run",
                i,
                0,
                2 * i + 1,
                SegmentKind.LOADING_84,
                84,
                on,
                0,
                False,
                Setting(),
                60.0 * i,
                60.0 * i + 8.0,
                8.0,
                exposures=5,
                rate=float(rates.mean()),
                rate_error=float(rates.std(ddof=1) / np.sqrt(5)),
            )
        )
    found = fit_run(segments, FitOptions(84))["increase"]
    assert abs(found.value - 0.83) < 3.5 * found.error
    assert 0.004 < found.error < 0.03


def test_one_state_alone_is_no_comparison(make_rare):
    with pytest.raises(ValueError, match="without pumping light"):
        fit_run([make_rare(0, 0, 0.0, 10.0, 5, pumping=False)], FitOptions(85))
    with pytest.raises(ValueError, match="with pumping light"):
        fit_run([make_rare(0, 0, 0.0, 10.0, 5)], FitOptions(85))


def test_no_counts_at_all_is_no_crash(make_rare):
    segments = [make_rare(i, i, 20.0 * i, 10.0, 0, pumping=bool(i % 2)) for i in range(4)]
    result = fit_run(segments, FitOptions(85))
    assert result["background"].value < 40.0
