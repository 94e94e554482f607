"""Every calibration over the wires against the world's truth, on several seeds: pulls."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rigs import Rig, start_station, stop_station

from atta_daq.cli.simulated import start_simulated_rig
from atta_daq.cli.simulated_lab import rig_file

SEEDS = (1, 2, 3, 4)
KINDS = (
    "axis-zero", "cavity", "fibre-power", "camera", "dwell", "sideband-depth", "source-drift",
)  # fmt: skip


def truths(rng):
    """A rig that its rig file does not describe, as a truth file, and what must be found."""
    file = {
        "cavity": {"fsr_mhz": float(rng.normal(3000.0, 15.0))},
        "light": {
            "eom_v_pi_v": float(rng.normal(4.0, 0.3)),
            "amplifier_slope_w_per_a": float(rng.normal(0.35, 0.01)),
        },
        "camera": {
            "gain_scale": float(rng.uniform(0.8, 1.1)),
            "electrons_per_adu": float(rng.uniform(4.5, 6.0)),
            "read_noise_electrons": float(rng.uniform(35.0, 60.0)),
        },
        "trap": {"lifetime_s": float(rng.uniform(0.4, 0.8))},
        "source": {
            "walk_per_root_h": float(rng.uniform(0.01, 0.06)),
            "drift_per_h": float(rng.normal(0.0, 0.03)),
        },
    }
    # Drawn last: the draws above are those of the pulls in the documentation.
    file["light"]["amplifier_threshold_a"] = float(rng.normal(0.8, 0.01))
    camera, light = file["camera"], file["light"]
    zero = 0.4 + 0.3 / (file["cavity"]["fsr_mhz"] * 0.9906)
    wanted = {
        "zero_ratio": zero,
        "fsr_mhz": file["cavity"]["fsr_mhz"],
        "ratio_sign": 1.0,
        "order": 0.0,
        "chip_threshold_ma": 1000.0 * light["amplifier_threshold_a"],
        "slope_mw_per_ma": light["amplifier_slope_w_per_a"] * 0.84,
        "monitor_ratio": 0.84,
        "v_pi_v": light["eom_v_pi_v"],
        "electrons_per_adu": camera["electrons_per_adu"],
        "read_noise_electrons": camera["read_noise_electrons"],
        "em_gain_scale": camera["gain_scale"],
        "bias_adu": 200.0,
        "dwell_s": file["trap"]["lifetime_s"],
        "electrons_per_atom_s": 2400.0,
        **file["source"],
    }
    return file, wanted


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_pulls_of_every_calibration(tmp_path: Path):
    pulls: dict[str, list[float]] = {}
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        file, wanted = truths(np.random.default_rng(seed))
        path = folder / "truth.toml"
        path.write_text(tomli_w.dumps(file))
        world = start_simulated_rig(folder, speed=60.0, seed=seed, truth=path, geometry=None)
        config = rig_file(world.ports, "co")
        rig_path = folder / "rig.toml"
        rig_path.write_text(tomli_w.dumps(config))
        station = start_station(Rig(world, config, rig_path), folder / "data")
        try:
            station.client.command("light_on", timeout_s=60.0)
            for kind in KINDS:
                result = station.client.command("calibrate", kind=kind, timeout_s=300.0)
                for q in result["quantities"]:
                    if q["name"] not in wanted:
                        continue
                    difference = q["value"] - wanted[q["name"]]
                    if q["error"] == 0.0:
                        assert difference == 0.0, q
                        continue
                    pulls.setdefault(f"{kind}: {q['name']}", []).append(difference / q["error"])
        finally:
            stop_station(station)
            world.close()
    for name, found in pulls.items():
        print(f"{name:40s} {np.round(found, 2)}")
    every = np.concatenate([np.array(found) for found in pulls.values()])
    print(f"rms of {every.size} pulls: {np.sqrt(np.mean(every**2)):.2f}")
    assert np.abs(every).max() < 4.5
    assert np.sqrt(np.mean(every**2)) < 1.5
    assert np.mean(np.abs(every) < 1.0) > 0.5
