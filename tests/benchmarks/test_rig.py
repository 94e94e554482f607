"""The whole rig, simulated, through the command line: statistics, speed, openness.

pytest -m bench tests/benchmarks/test_rig.py -s
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rig_runs import pull, take

from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.saturation import fit_saturation
from atta_daq.archive.account import time_account
from atta_daq.archive.parts import run_parts
from atta_daq.archive.run_folder import open_run
from atta_daq.archive.truth import TrueRig

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

PAPER = {"84Kr": (0.83, 0.09), "83Kr": (0.49, 0.06), "85Kr": (0.57, 0.06), "81Kr": (0.66, 0.09)}


def frames(folder: str) -> tuple[int, int]:
    """Exposures used and frames lost in the counting segments of a run."""
    counting = [s for s in open_run(Path(folder)).segments if s.kind in ("rare", "blank")]
    return sum(s.exposures for s in counting), sum(s.frames_lost for s in counting)


def test_table_2(tmp_path: Path) -> None:
    result = take(Path("scans/table2.toml"), tmp_path)
    print()
    for name, (paper, paper_error) in PAPER.items():
        found = result["parameters"][f"{name}.increase"]
        true = result["truth"][f"{name}.increase"]
        combined = np.hypot(found["error"], paper_error)
        print(
            f"{name}: {found['value']:.3f} +- {found['error']:.3f}, truth {true:.3f}, "
            f"paper {paper} +- {paper_error}: {(found['value'] - paper) / combined:+.1f} combined"
        )
        assert abs(found["value"] - paper) < 2.0 * combined
        assert abs(found["value"] - true) < 3.5 * found["error"]
    used, lost = frames(result["folder"])
    print(f"speed 120: {used} frames, {lost} lost")
    assert lost == 0


@pytest.mark.parametrize("isotope", [84, 83])
def test_saturation(tmp_path: Path, isotope: int) -> None:
    """The paper's two-parameter fit, set beside the same fit to the noise-free truth curve."""
    result = take(Path(f"scans/saturation_{isotope}kr.toml"), tmp_path)
    run = open_run(Path(result["folder"]))
    assert run.truth is not None
    (part,) = run_parts(run)
    true = TrueRig(run.truth, isotope)
    options = FitOptions(isotope, axes=("power_mw",), power_mw=499.0)
    background = np.mean([p.ratio for p in part.data.points if not p.pumping])

    def without_noise(point):
        rate = background
        if point.pumping:
            rate *= 1.0 + true.increase(point.setting.detuning_mhz, point.setting.power_mw)[0]
        return replace(point, value=rate * point.weight, ratio=rate)

    clean = replace(part.data, points=tuple(map(without_noise, part.data.points)))
    noisy_fit, clean_fit = fit_saturation(part.data, options), fit_saturation(clean, options)
    print()
    for name in ("asymptote", "rabi_scale"):
        found, expected = noisy_fit[name], clean_fit[name]
        print(f"{isotope}Kr {found}; noise-free {expected.value:.3f}")
        assert abs(found.value - expected.value) < 3.0 * found.error


def test_other_truths_are_found(tmp_path: Path) -> None:
    """Shift, amplitude, lifetime, counts and gain far from the defaults, all at once."""
    truth = {
        "pumping": {"isotope_shift_offset_85_mhz": 120.0, "supply_ratio": 6.0},
        "trap": {"lifetime_s": 0.8},
        "source": {"counts_85kr_per_h": 4000.0},
        "camera": {"gain_scale": 0.8},
    }
    result = take(Path("scans/demo.toml"), tmp_path, seed=5, truth=truth)
    pulls = {name: pull(result, f"85Kr.{name}") for name in ("position_mhz", "amplitude")}
    print("\n", {name: round(value, 2) for name, value in pulls.items()})
    assert all(abs(value) < 3.5 for value in pulls.values())
    shift = result["parameters"]["85Kr.isotope_shift_offset_mhz"]
    print("isotope shift offset", shift["value"], shift["error"])
    assert abs(shift["value"] - 120.0) < 3.5 * shift["error"]
    assert abs(shift["value"]) > 2.0 * shift["error"]
    background = result["parameters"]["85Kr.background"]
    assert background["value"] == pytest.approx(4000.0, rel=0.12)
    counting = next(
        d.body for d in open_run(Path(result["folder"])).content.documents
        if d.doc == "calibration" and d.body["name"] == "counting"
    )  # fmt: skip
    dwell, gain = counting["dwell_s"], counting["adu_per_electron"]
    print("dwell", dwell, "ADU per electron", gain)
    assert abs(dwell["value"] - 0.8) < 4.0 * dwell["error"]
    assert gain["value"] == pytest.approx(200 * 0.8 / 5.0, rel=0.03)


FAST = """
name = "fast"
[[part]]
isotope = 85
dwell_s = 900.0
pumping = "abba"
repeats = 2
"""


@pytest.mark.parametrize("speed", [120.0, 200.0])
def test_frames_at_speed(tmp_path: Path, speed: float) -> None:
    """At 120 none may be lost; 200 is the aim."""
    result = take(FAST, tmp_path, speed=speed)
    used, lost = frames(result["folder"])
    print(f"\nspeed {speed:g}: {used} frames used, {lost} lost")
    assert lost == 0 or speed > 120.0


SLOW = """
name = "slow"
calibrate_counting_s = 100.0
[[part]]
isotope = 85
dwell_s = 240.0
[[part.axis]]
quantity = "detuning_mhz"
values = [-100.0, 0.0]
"""


def test_the_camera_is_open_at_speed_1(tmp_path: Path) -> None:
    """One block of the demo's kind in real time: what repeats through a whole scan."""
    result = take(SLOW, tmp_path, speed=1.0)
    run = open_run(Path(result["folder"]))
    account = time_account(run.segments, run.start.rig_s)
    assert account is not None
    assert account.open_in_segments is not None
    assert account.open_in_scan is not None
    print(
        f"\nspeed 1: open {account.open_in_segments:.4f} of the counting segments, "
        f"{account.open_in_scan:.4f} of the scan"
    )
    assert account.open_in_segments >= 0.97
    assert account.open_in_scan >= 0.90
