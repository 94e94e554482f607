"""Numbers and remarks in words."""

import pytest

from gui.words import sentence, true_minus


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("44.1 e-, 5.0 e-/ADU", "44.1 e⁻, 5.0 e⁻/ADU"),
        ("9/2-11/2 at -91 MHz", "9/2-11/2 at −91 MHz"),
        ("2.1e-05 mbar is above 1e-05 mbar", "2.1e−05 mbar is above 1e−05 mbar"),
        ("20261122-1229-85Kr (-3.5)", "20261122-1229-85Kr (−3.5)"),
        ("test-rig - lost", "test-rig - lost"),
    ],
)
def test_a_minus_stands_before_numbers_and_in_exponents_only(text: str, said: str) -> None:
    assert true_minus(text) == said


def test_a_remark_becomes_a_sentence() -> None:
    assert sentence("station 'test-rig' does not answer") == "Station 'test-rig' does not answer."
    assert sentence("No answer.") == "No answer."
    assert sentence("") == ""
