"""What `run`, `fit` and `runs` print fits the terminal and keeps what matters."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from atta_daq.analysis.results import FitResult, Goodness, Parameter
from atta_daq.archive.catalogue import Entry
from atta_daq.archive.run_folder import RunState
from atta_daq.cli import results
from atta_daq.cli.results import print_fits, print_runs

RUN_ID = "20261122-101433-81+83+84+85Kr-paper_table2-a379"
TRUE = {"position_mhz": 59.117, "rabi_scale": 4.0}


def _fit(**changes: Any) -> FitResult:
    values: dict = {
        "model": "f-level spectrum",
        "isotope": 83,
        "parameters": (
            Parameter("background", 0.28306, 0.00213, "1/s", -0.00214, 0.00211, meaning="unpumped"),
            Parameter("position_mhz", 64.8, 16.9, "MHz", -16.6, 17.4, meaning="closed line as set"),
            Parameter("rabi_scale", 4.0, 0.0, "", fixed=True, meaning="factor of Eq. 3"),
        ),
        "covariance": np.eye(2),
        "goodness": Goodness("chi-square", 33.0, 36, 0.61),
        "valid": True,
        "message": "",
        "last_block": 3,
        "derived": (
            Parameter("rest_position_systematic_mhz", 10.0, 0.0, "MHz", meaning="assumed"),
        ),
        "notes": ("strongest feature at -183 MHz [as set]: " + "overlap of 9/2-11/2 and " * 4,),
    }
    return FitResult(**(values | changes))


def _printed(monkeypatch, width: int, fit: FitResult, truth: dict[str, float] = TRUE) -> str:
    monkeypatch.setattr(results, "known_truth", lambda run, fits: dict.fromkeys(fits, truth))
    run = SimpleNamespace(header=SimpleNamespace(rate_unit="V/s"), truth=None)
    out = io.StringIO()
    print_fits(run, {"83Kr": fit}, Console(file=out, width=width))  # pyright: ignore[reportArgumentType]
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_fit_fits_the_terminal_and_explains_every_parameter(monkeypatch, width: int) -> None:
    text = _printed(monkeypatch, width, _fit())
    assert max(len(line) for line in text.splitlines()) <= width
    for words in (
        "83Kr: F-level spectrum", "0.2831 ± 0.0021", "V/s", "65 ± 17", "4 (held)", "unpumped",
        "closed line as set", "factor of Eq. 3", "assumed", "[as set]", "+17 -17",
        "Chi-square 33.0 for 36 degrees of freedom, p = 0.61 (chi-square law)",
    ):  # fmt: skip
        assert words in text, words


def test_the_truth_has_the_digits_of_the_value(monkeypatch) -> None:
    text = _printed(monkeypatch, 80, _fit())
    (row,) = [line.split() for line in text.splitlines() if line.split()[:1] == ["position"]]
    assert row[-2:] == ["59", "+0.3"]
    assert "truth" not in _printed(monkeypatch, 80, _fit(), {})


def test_nothing_to_test_and_no_convergence_are_said_in_words(monkeypatch) -> None:
    nothing = _fit(
        goodness=Goodness("chi-square", 0.0, 0, float("nan")), valid=False, message="at a limit"
    )
    text = _printed(monkeypatch, 80, nothing)
    assert "nan" not in text
    assert "As many parameters as data" in text
    assert "NOT VALID: at a limit" in text


def test_output_survives_a_terminal_with_a_western_code_page(monkeypatch) -> None:
    text = _printed(monkeypatch, 80, _fit(derived=(Parameter("peak_mhz", -182.6, 3.3, "MHz"),)))
    assert "-182.6 ± 3.3" in text
    words = "".join(c for c in text if not "\u2500" <= c <= "\u257f")
    words.encode("cp1252")


@pytest.mark.parametrize(("width", "note"), [(80, False), (150, True)])
def test_a_run_id_is_never_cut(width: int, note: bool) -> None:
    entry = Entry(
        run_id=RUN_ID, isotopes="81Kr, 83Kr, 84Kr, 85Kr", scan_name="t", geometry="co",
        state=RunState.COMPLETE, start_utc_s=0.0, end_utc_s=1.0, segments=8, flagged=1,
        origin="imported", operator="", sample="", note="only ratios mean anything " * 6,
    )  # fmt: skip
    out = io.StringIO()
    print_runs([entry], Console(file=out, width=width))
    text = out.getvalue()
    assert RUN_ID in text
    assert "complete" in text
    assert max(len(line) for line in text.splitlines()) <= width
    assert ("ratios" in text) == note
