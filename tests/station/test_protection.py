"""Speed 1: the seed dies while the amplifier is up. Box, driver and station against it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station


@pytest.fixture
def real_time(tmp_path: Path) -> Iterator[tuple[Rig, RunningStation]]:
    rig = start_rig(tmp_path, speed=1.0)
    station = start_station(rig, tmp_path / "data")
    yield rig, station
    stop_station(station)
    rig.world.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("decay_s", [0.001, 1.0])
def test_a_lost_seed_takes_the_amplifier_down(
    real_time: tuple[Rig, RunningStation], decay_s: float
) -> None:
    rig, station = real_time
    station.client.command("light_on")
    station.client.command("move_light", detuning_mhz=0.0, power_mw=450.0)
    station.wait_for("amplifier:current", lambda v: v > 2000.0)
    rig.fault("amplifier", "seed_loss", kept=0.0, decay_s=decay_s)
    lost_s = time.monotonic()
    ceiling_ma = rig.config["amplifier"]["unseeded_ceiling_ma"]
    station.wait_for(
        "amplifier:current", lambda v: v <= ceiling_ma or v != v, timeout_s=2.0 + 3.0 * decay_s
    )
    assert time.monotonic() - lost_s < 2.0 + 3.0 * decay_s
    status = rig.world.ask({"cmd": "status"})["status"]
    assert not status["amplifier_destroyed"]
    assert status["damage_dose_a_s"] < 0.5 * status["damage_limit_a_s"]
