"""Before a scan: what is wrong with it, what it costs, what it will tell, what theory expects."""

from itertools import pairwise
from pathlib import Path

import pytest

from atta_daq.rig.config import RigConfig, load_rig, rig_config
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station import check_scan as module
from atta_daq.station.check_scan import (
    FORECAST_POINTS,
    archive_bytes,
    check_scan,
    rehearse,
    theory,
)

SPECTRUM = """
name = "spectrum"
calibrate_counting_s = 240.0
[[part]]
isotope = 85
dwell_s = 240.0
[[part.axis]]
quantity = "detuning_mhz"
start = -600.0
stop = 1400.0
points = 41
"""


POWER_AXIS = """
[[part.axis]]
quantity = "power_mw"
start = 0.0
stop = 400.0
points = 10000
"""


@pytest.fixture(scope="module")
def rig() -> RigConfig:
    return load_rig(Path("examples/rig.toml"))


def test_a_spectrum_tells_duration_volume_and_errors(rig: RigConfig, tmp_path: Path) -> None:
    answer = check_scan(SPECTRUM, rig, tmp_path)
    assert (answer["ok"], answer["problems"], answer["name"]) == (True, [], "spectrum")
    counting_s = 41 * 240.0
    assert counting_s + 240.0 < answer["duration_s"] < 1.2 * counting_s + 240.0
    assert answer["segments"] == 41 + answer["blocks"] + 1
    raw = counting_s * 10.0 * 40 * 40 * 2
    assert 0.5 * raw < answer["archive_bytes"] < 0.8 * raw
    (part,) = answer["parts"]
    assert (part["name"], part["isotope"], part["points"]) == ("85Kr", 85, 41)
    assert "2300 atoms/h" in part["note"]
    position, height = part["errors"]["position_mhz"], part["errors"]["amplitude"]
    assert position["unit"] == "MHz"
    # Components at rest, moved by the rig file's Doppler shift.
    assert position["value"] == pytest.approx(56.0, abs=3.0)
    assert 5.0 < position["error"] < 40.0
    assert 0.4 < height["value"] < 0.7
    assert 0.01 < height["error"] < 0.1


def test_four_times_the_dwell_is_half_the_error(rig: RigConfig, tmp_path: Path) -> None:
    def errors(dwell: str) -> dict:
        text = SPECTRUM.replace("240.0\n[[part.axis]]", f"{dwell}\n[[part.axis]]")
        return check_scan(text, rig, tmp_path)["parts"][0]["errors"]

    short, long = errors("240.0"), errors("960.0")
    for name in ("background", "position_mhz"):
        assert short[name]["error"] == pytest.approx(2.0 * long[name]["error"], rel=0.25)


@pytest.mark.parametrize(
    ("scan", "isotope", "names"),
    [
        ("saturation_84kr", 84, {"asymptote", "rabi_scale"}),
        ("sideband_83kr", 83, {"amplitude"}),
        ("spectrum_81kr", 81, {"background", "amplitude", "position_mhz"}),
        ("table2", 84, {"increase"}),
    ],
)
def test_each_kind_of_scan(rig: RigConfig, tmp_path: Path, scan, isotope, names) -> None:
    text = Path(f"scans/{scan}.toml").read_text()
    here = rig.model_copy(update={"geometry": parse_scan(text).geometry or rig.geometry})
    answer = check_scan(text, here, tmp_path)
    part = next(p for p in answer["parts"] if p["isotope"] == isotope)
    assert names <= set(part["errors"]), part
    assert all(entry["error"] > 0.0 for entry in part["errors"].values())


def test_sidebands_where_the_half_wave_voltage_is_not_known_are_warned_of(
    rig: RigConfig, tmp_path: Path
) -> None:
    text = Path("scans/sideband_83kr.toml").read_text()
    # The example has measured it at 230 MHz, and trusts it 100 MHz to both sides.
    (said,) = check_scan(text, rig, tmp_path)["warnings"]
    assert said == (
        "EOM half-wave voltage: measured at 230 MHz and used at 100 to 500 MHz, trusted within "
        "100 MHz: measure it there, or widen valid_within_mhz if the modulator is flat"
    )
    near = text.replace("start = 100.0", "start = 130.0").replace("stop = 500.0", "stop = 330.0")
    for scan in (near, text.replace("[0.4, 1.0]", "[0.0]"), SPECTRUM):
        answer = check_scan(scan, rig, tmp_path)
        assert (answer["ok"], answer["warnings"]) == (True, [])


def test_an_unknown_rate_is_said_not_guessed(rig: RigConfig, tmp_path: Path) -> None:
    data = rig.model_dump()
    data["calibrations"]["rates"]["counts_85_per_h"] = None
    answer = check_scan(SPECTRUM, rig_config(data, "rig.toml"), tmp_path)
    assert answer["ok"]
    assert answer["parts"][0]["errors"] == {}
    assert "counts_85_per_h" in answer["parts"][0]["note"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dwell_s = 240.0", "", ["part 1: `dwell_s` is needed"]),
        ("points = 41", "pionts = 41", ["part 1, axis 1, pionts: unknown key"]),
        ("stop = 1400.0", "stop = 9000.0", ["cannot reach", "lock: "]),
        ('"spectrum"', '"spectrum', ["not a scan file"]),
        ('name = "spectrum"', 'name = "spectrum"\ngeometry = "counter"', ["move the fibre"]),
        ('name = "spectrum"', 'name = "spectrum"\nfit_width_from = "nope"', ["no run 'nope'"]),
        ("points = 41", "points = 10000" + POWER_AXIS, ["100000000 points", "at most 20000"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_listed(rig: RigConfig, tmp_path: Path, old, new, said) -> None:
    assert old in SPECTRUM
    answer = check_scan(SPECTRUM.replace(old, new), rig, tmp_path)
    assert answer["ok"] is False
    for text in said:
        assert any(text in line for line in answer["problems"]), answer["problems"]


def test_many_points_get_no_forecast_but_the_rest(rig: RigConfig, tmp_path: Path) -> None:
    text = SPECTRUM.replace("points = 41", f"points = {FORECAST_POINTS + 1}")
    answer = check_scan(text, rig, tmp_path)
    assert answer["ok"]
    assert answer["duration_s"] > 400 * 240.0
    assert answer["parts"][0]["errors"] == {}


def test_loading_scans_write_no_frames(rig: RigConfig) -> None:
    plan = blocks(parse_scan(Path("scans/spectrum_83kr.toml").read_text()), rig.scan_timing())
    assert 0 < archive_bytes(plan, rig) < 5_000_000


def test_theory_is_the_increase_along_the_axis(rig: RigConfig) -> None:
    (part,) = theory(SPECTRUM, rig)["parts"]
    assert (part["name"], part["axis"]) == ("85Kr", "detuning_mhz")
    assert len(part["x"]) == len(part["y"]) == 200
    assert (part["x"][0], part["x"][-1]) == (-600.0, 1400.0)
    assert min(part["y"]) >= 0.0
    assert 0.4 < max(part["y"]) < 0.8
    off = SPECTRUM.replace("[[part.axis]]", 'pumping = "abba"\n[[part.axis]]')
    assert theory(off, rig)["parts"][0]["y"] == part["y"]


def test_the_even_line_stands_where_the_beam_meets_it(rig: RigConfig) -> None:
    text = SPECTRUM.replace("isotope = 85\ndwell_s = 240.0", "isotope = 84")
    (part,) = theory(text, rig)["parts"]
    highest = part["x"][part["y"].index(max(part["y"]))]
    assert highest == pytest.approx(rig.calibrations.doppler.even_mhz, abs=30.0)


def test_theory_of_power_and_of_a_comparison(rig: RigConfig) -> None:
    text = SPECTRUM.replace('"detuning_mhz"', '"power_mw"').replace("-600.0", "0.0")
    (part,) = theory(text.replace("1400.0", "499.0"), rig)["parts"]
    assert part["y"][0] == pytest.approx(0.0, abs=1e-9)
    assert all(b >= a for a, b in pairwise(part["y"]))
    one = SPECTRUM.partition("[[part.axis]]")[0] + 'pumping = "abba"\n'
    (part,) = theory(one, rig)["parts"]
    assert (part["axis"], part["x"]) == ("", [0.0])
    assert 0.4 < part["y"][0] < 0.7
    with pytest.raises(ValueError, match="dwell_s"):
        theory(SPECTRUM.replace("dwell_s", "dwel_s"), rig)


def test_the_rehearsed_question_is_answered_to_its_end(rig: RigConfig, tmp_path: Path) -> None:
    answer = check_scan(module._REHEARSED, rig, tmp_path)
    assert answer["ok"]
    assert all(part["errors"] for part in answer["parts"]), "the fit was not loaded"
    rehearse(rig, tmp_path)
