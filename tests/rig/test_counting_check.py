"""What a run's own frames say of the camera and the trap, beside their calibrations."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from atta_daq.calibration.dated import Calibrated
from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.measured import Measured
from atta_daq.rig.calibrations_in_use import Entry
from atta_daq.rig.counting_check import what_moved

MADE = datetime(2026, 11, 2, tzinfo=UTC)
GAIN = 200


def entry(key: str, value: float, error: float) -> Entry:
    return Entry(key, key, Calibrated(value=value, error=error, made=MADE), "camera")


CALIBRATED = (
    entry("em_gain_scale", 0.95, 0.005),
    entry("electrons_per_adu", 5.0, 0.02),
    entry("electrons_per_atom_s", 1200.0, 20.0),
    entry("dwell_s", 0.5, 0.01),
    Entry("read noise", "read_noise_electrons", None, "camera"),
)
"""38 ADU for each electron, 60 electrons of an atom in 50 ms."""


def counting(
    adu_per_electron: float = 38.0, electrons: float = 60.0, dwell_s: float = 0.5
) -> CountingCalibration:
    nominal = CountingCalibration.nominal(
        shape=(40, 40), exposure_s=0.05, spot_row_px=20.0, spot_column_px=20.0, spot_sigma_px=1.5,
        em_gain=GAIN, electrons_per_adu=5.0, bias_adu=200.0, read_noise_electrons=50.0,
        background_electrons=2.5, electrons_per_atom=electrons, dwell_s=dwell_s,
    )  # fmt: skip
    return replace(
        nominal,
        adu_per_electron=Measured(adu_per_electron, 0.1, "ADU/e-"),
        electrons_per_atom=Measured(electrons, 0.5, "e-"),
        dwell_s=Measured(dwell_s, 0.015, "s"),
    )


def test_as_calibrated_nothing_is_said() -> None:
    assert what_moved(counting(), GAIN, CALIBRATED) == ()


@pytest.mark.parametrize(
    ("found", "name", "advice"),
    [
        (counting(adu_per_electron=34.0), "EM gain is 89 %", "atta-daq calibrate camera"),
        (counting(electrons=40.0), "light of an atom is 67 %", "811-nm"),
        (counting(dwell_s=0.9), "stay of an atom is 180 %", "vacuum"),
    ],
)
def test_what_moved_is_named_with_its_calibration(
    found: CountingCalibration, name: str, advice: str
) -> None:
    (said,) = what_moved(found, GAIN, CALIBRATED)
    assert name in said
    assert "2026-11-02" in said
    assert advice in said


def test_the_gain_that_was_set_counts() -> None:
    """Half the setting is half the gain, and no ageing."""
    assert what_moved(counting(adu_per_electron=19.0), GAIN // 2, CALIBRATED) == ()
    assert len(what_moved(counting(adu_per_electron=19.0), GAIN, CALIBRATED)) == 1


def test_little_is_not_news_however_sure() -> None:
    assert what_moved(counting(adu_per_electron=36.5, electrons=55.0), GAIN, CALIBRATED) == ()


def test_much_is_not_news_while_it_is_unsure() -> None:
    vague = (entry("dwell_s", 0.5, 0.2),)
    assert what_moved(counting(dwell_s=0.9), GAIN, vague) == ()


def test_what_was_never_calibrated_is_not_compared() -> None:
    assert what_moved(counting(adu_per_electron=1.0), GAIN, CALIBRATED[:1]) == ()
