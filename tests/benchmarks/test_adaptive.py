"""Adaptive time against evenly spread time on the 85Kr position. Figures: docs/explanation.

Counts come from the world's own physics: magnetic sublevels, a velocity distribution and a Rabi
scale that are not the fit's, the source with its walk and its steps, brackets with burst noise.
The even scan is the lab's own, scans/spectrum_85kr.toml; grid, brackets, references and fit are
the same for both.
"""

import numpy as np
import pytest
from adaptive_rig import UNIFORM, TakenScan, config, take_scan

from atta_daq.analysis.doppler_shape import DopplerShape
from atta_daq.physics.hyperfine import closed_component
from atta_daq.scans.adaptive import counting_s
from atta_daq.scans.definition import parse_scan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3000)]

SEEDS = range(20)
FLOOR_S = 60.0
EVEN_S = counting_s(parse_scan(UNIFORM).parts[0])
ADAPTIVE = f'[adaptive]\nparameter = "position_mhz"\nfloor_s = {FLOOR_S}\n'


def stop_at(error_mhz: float) -> str:
    return f'[stop_when]\nparameter = "position_mhz"\nuncertainty = {error_mhz:.2f}\n'


def positions(scans: list[TakenScan]) -> tuple[np.ndarray, np.ndarray]:
    found = [scan.fit["position_mhz"] for scan in scans]
    assert all(scan.fit.valid for scan in scans)
    return np.array([p.value for p in found]), np.array([p.error for p in found])


def tell(label: str, scans: list[TakenScan]) -> tuple[float, float]:
    """Prints an arm; returns its scatter and its mean quoted error."""
    value, error = positions(scans)
    scatter = float(np.std(value, ddof=1))
    counted = np.array([scan.rig.counted_s() for scan in scans])
    whole = np.array([s.rig.segments[-1].end_rig_s - s.rig.segments[0].start_rig_s for s in scans])
    print(
        f"{label}: position {value.mean():.1f} MHz, scatter {scatter:.1f} ± "
        f"{scatter / np.sqrt(2.0 * (len(scans) - 1)):.1f}, quoted {error.mean():.1f}; counted "
        f"{counted.mean() / 3600.0:.2f} h, with everything {whole.mean() / 3600.0:.2f} h"
    )
    return scatter, float(error.mean())


def test_the_same_uncertainty_in_less_time() -> None:
    even = [take_scan(UNIFORM, seed) for seed in SEEDS]
    print()
    even_scatter, even_error = tell("even time          ", even)
    adaptive = [take_scan(UNIFORM + ADAPTIVE + stop_at(even_error), seed) for seed in SEEDS]
    scatter, error = tell("adaptive, same error", adaptive)
    counted = np.array([scan.rig.counted_s() for scan in adaptive]) / EVEN_S
    ratio, ratio_error = counted.mean(), counted.std(ddof=1) / np.sqrt(len(counted))
    print(f"counting time for the same uncertainty: {ratio:.3f} ± {ratio_error:.3f} of even time")
    relative = scatter / even_scatter
    relative_error = relative / np.sqrt(len(SEEDS) - 1)
    print(f"ratio of the scatters, adaptive over even: {relative:.2f} ± {relative_error:.2f}")
    assert all(scan.reason for scan in adaptive)
    assert ratio + 2.0 * ratio_error <= 0.70
    # The fit's own claim, and, as proof, how far the positions really scatter.
    assert error <= 1.03 * even_error
    assert scatter <= 1.5 * even_scatter


def test_seven_tenths_of_the_time_tell_more() -> None:
    even = [take_scan(UNIFORM, seed) for seed in SEEDS]
    text = UNIFORM + ADAPTIVE + f"total_s = {0.7 * EVEN_S:.1f}\n"
    adaptive = [take_scan(text, seed) for seed in SEEDS]
    print()
    even_scatter, even_error = tell("even time          ", even)
    scatter, error = tell("adaptive, 70 % of it", adaptive)
    assert error < even_error
    assert scatter < even_scatter


def test_pulls_after_stopping_are_of_unit_width() -> None:
    """In a world like the fit's, where a pull means something: 60 scans that ended themselves.

    Against the same scans that counted to a fixed total: if stopping chose lucky fluctuations, its
    pulls would be wider or off zero.
    """
    seeds = range(100, 160)
    truth = closed_component(85).total_mhz + DopplerShape().reference(85).mode_mhz
    arms = {
        "stopped at 18 MHz": UNIFORM + ADAPTIVE + stop_at(18.0),
        "fixed total": UNIFORM + ADAPTIVE + f"total_s = {0.35 * EVEN_S:.1f}\n",
    }
    widths: list[float] = []
    print(f"\ntrue position {truth:.1f} MHz, geometry {config().geometry}")
    for label, text in arms.items():
        scans = [take_scan(text, seed, world="same") for seed in seeds]
        value, error = positions(scans)
        pulls = (value - truth) / error
        width = float(np.std(pulls, ddof=1))
        counted = np.array([scan.rig.counted_s() for scan in scans]) / EVEN_S
        print(
            f"{label}: pulls {pulls.mean():+.2f} ± {width / np.sqrt(pulls.size):.2f}, width "
            f"{width:.2f} ± {width / np.sqrt(2.0 * (pulls.size - 1)):.2f}; counted "
            f"{counted.mean():.2f} ({counted.min():.2f} to {counted.max():.2f}) of even time; "
            f"error and position correlate by {np.corrcoef(value, error)[0, 1]:+.2f}"
        )
        widths.append(width)
        assert abs(pulls.mean()) < 4.0 * width / np.sqrt(pulls.size)
    stopped, fixed = widths
    # Each is known to 9 %: unit width within two and a half of that, and stopping adds nothing.
    assert all(0.78 < width < 1.25 for width in widths)
    assert stopped < 1.15 * fixed
