"""Speed 1: the seed dies while the amplifier is up. Box, driver and station against it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

PAIR = ("amplifier=thorlabs-itc4000",)


@pytest.fixture
def real_time(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Rig, RunningStation]]:
    rig = start_rig(tmp_path, speed=1.0, instruments=getattr(request, "param", ()))
    station = start_station(rig, tmp_path / "data")
    yield rig, station
    stop_station(station)
    rig.world.close()


def lit(station: RunningStation) -> None:
    station.client.command("light_on")
    station.client.command("move_light", detuning_mhz=0.0, power_mw=450.0)
    station.wait_for("amplifier:current", lambda v: v > 2000.0)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("decay_s", [0.001, 1.0])
def test_a_lost_seed_takes_the_amplifier_down(
    real_time: tuple[Rig, RunningStation], decay_s: float
) -> None:
    rig, station = real_time
    lit(station)
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


@pytest.mark.timeout(240)
@pytest.mark.parametrize("real_time", [PAIR], indirect=True)
def test_the_watchdog_acts_where_the_line_is_broken_and_says_how_fast(
    real_time: tuple[Rig, RunningStation],
) -> None:
    rig, station = real_time
    lit(station)
    before = station.client.command("protection")["guards"]
    assert [guard["by"] for guard in before if not guard["armed"]] == []
    assert "has not fired" in before[-1]["state"]
    rig.fault("amplifier", "ld_enable_stuck")
    # From 20 mW to 8 mW: slowly through the least power of 10 mW.
    rig.fault("amplifier", "seed_loss", kept=0.4, decay_s=1.0)
    reaction_ms = station.wait_for("station:watchdog", lambda v: v > 0.0, timeout_s=20.0)
    assert reaction_ms < 2000.0
    assert station.client.get("station:watchdog_look") >= 200.0
    watchdog = station.client.command("protection")["guards"][-1]
    assert watchdog["by"] == "station's watchdog"
    assert "fired 1 time(s)" in watchdog["state"]
    station.wait_for("station:log", lambda v: "taken down in" in v)
    status = rig.world.ask({"cmd": "status"})["status"]
    assert status["amplifier_current_ma"] == 0.0
    assert status["damage_dose_a_s"] < 0.5 * status["damage_limit_a_s"]
