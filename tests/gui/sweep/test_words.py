"""Results in the operator's words."""

import fakes_sweep as made
import pytest

from atta_daq.analysis.results import Goodness, Parameter
from gui.sweep.words import (
    goodness_text,
    included_text,
    notes_text,
    point_text,
    row_of,
    with_error,
)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2530.4, 61.0, "2530(60)"),
        (0.28123, 0.00213, "0.2812(21)"),
        (-59.32, 18.2, "−59(18)"),
        (12.34, 1.23, "12.3(1.2)"),
        (0.5, 0.0961, "0.50(10)"),
    ],
)
def test_error_in_brackets(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


def test_rows_are_rounded_and_named() -> None:
    row = row_of(Parameter("amplitude", 0.5523, 0.0417, lower=-0.041, upper=0.043))
    assert (row.name, row.value, row.unit) == ("increase, closed line", "55 ± 4", "%")
    assert "interval +4 −4" in row.tip
    row = row_of(Parameter("peak_mhz", -91.3, 18.9, "MHz"))
    assert (row.value, row.unit) == ("−91 ± 19", "MHz")
    assert row_of(Parameter("rabi_scale", 3.68, 0.0, fixed=True)).value == "3.68 (held)"
    assert row_of(Parameter("new_thing", 1.0, 0.1)).name == "new thing"


@pytest.mark.parametrize(
    ("p_value", "words"),
    [(0.3, "describes the data: p = 0.3"), (0.01, "poorly: p = 0.01"),
     (1e-7, "does not describe the data: p below 0.0001")],
)  # fmt: skip
def test_goodness_in_words(p_value: float, words: str) -> None:
    assert words in goodness_text(Goodness("chi-square", 40.0, 38, p_value))


def test_goodness_without_freedom() -> None:
    assert "nothing is left" in goodness_text(Goodness("chi-square", 0.0, 0, float("nan")))


def test_notes_name_parameters_and_keep_component_names() -> None:
    fit = made.spectrum_fit()
    assert notes_text(fit) == (
        "Rabi frequency scale held at 3.68. Strongest feature at 43 MHz as set"
    )
    assert included_text(fit) == "fit includes blocks up to 12"


def test_a_point_says_what_it_is() -> None:
    point = made.point(2530.0, 160.0, 0, counts=168, provisional=True, pumping=False)
    text = point_text(point, 2530.0, 160.0, "atoms/h")
    assert text.startswith("2530(160) atoms/h, 168 counts in 240 s, ")
    assert text.endswith("UTC, light blocked, provisional")
