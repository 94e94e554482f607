"""Speed 1: the seed dies while the amplifier is up. Box, driver and station against it."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_midrun import BACK_S, CountingStation
from rigs import Rig, RunningStation, start_rig, start_station, stop_station

pytestmark = pytest.mark.alone

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


MAKES = {"dlcpro": (), "itc4000": PAIR}
BOTH = pytest.mark.parametrize("real_time", MAKES.values(), indirect=True, ids=MAKES)


@pytest.mark.timeout(240)
@BOTH
def test_the_watchdog_acts_where_the_box_does_not_and_says_how_fast(
    real_time: tuple[Rig, RunningStation],
) -> None:
    rig, station = real_time
    lit(station)
    blunt_its_guard(rig)
    before = station.client.command("protection")["guards"]
    assert [guard["by"] for guard in before if not guard["armed"]] == []
    assert "has not fired" in before[-1]["state"]
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


@pytest.mark.timeout(240)
@BOTH
def test_an_amplifier_that_no_longer_answers_is_taken_down(
    real_time: tuple[Rig, RunningStation],
) -> None:
    rig, station = real_time
    lit(station)
    rig.fault("amplifier", "no_reply")
    lost_s = time.monotonic()
    while amplifier_ma(rig) > 0.0:
        assert time.monotonic() - lost_s < 6.0, "two answers waited for, and the way down"
        time.sleep(0.05)
    station.wait_for("station:log", lambda v: "can no longer be read" in v, timeout_s=10.0)
    assert any("can no longer be read" in alarm for alarm in alarms(station))
    # It comes back by itself, with nobody's help.
    rig.clear()
    station.wait_for("amplifier:on", lambda v: v is False or v == 0, timeout_s=20.0)
    lit(station)
    assert amplifier_ma(rig) > 2000.0


@pytest.mark.timeout(240)
@BOTH
def test_a_current_that_somebody_sets_at_the_box_is_taken_down(
    real_time: tuple[Rig, RunningStation],
) -> None:
    rig, station = real_time
    lit(station)
    time.sleep(1.0)
    assert amplifier_ma(rig) > 2000.0, "its own ramp is no stray current"
    at_the_box(rig)
    began_s = time.monotonic()
    while amplifier_ma(rig) > 0.0:
        assert time.monotonic() - began_s < 2.0
        time.sleep(0.02)
    station.wait_for("station:log", lambda v: "the box says 1500.0" in v)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("boxes", MAKES.values(), ids=MAKES)
def test_a_run_whose_amplifier_has_lost_its_guard_waits_for_a_hand(
    tmp_path: Path, boxes: tuple[str, ...]
) -> None:
    counting = CountingStation(tmp_path / "rig", instruments=boxes)
    rig, station = counting.rig, counting.station
    try:
        taken = len(counting.segments())
        assert amplifier_ma(rig) > 2000.0
        arm(rig, False)
        began_s = time.monotonic()
        while amplifier_ma(rig) > 0.0:
            assert time.monotonic() - began_s < 2.0, "two looks, and the way down"
            time.sleep(0.02)
        station.wait_for("run:suspended", lambda v: "its box does not guard it" in v, 20.0)
        assert "own guard against missing seed is disarmed" in counting.flags()[0]
        assert any("disarmed; arm it at the box" in alarm for alarm in alarms(station))
        time.sleep(2.0)
        assert amplifier_ma(rig) == 0.0, "nothing switches it on"
        arm(rig, True)
        counting._wait_for_counting(taken + 1, BACK_S)
        assert amplifier_ma(rig) > 2000.0
        status = rig.world.ask({"cmd": "status"})["status"]
        assert status["damage_dose_a_s"] == 0.0
    finally:
        counting.close()


def amplifier_ma(rig: Rig) -> float:
    return float(rig.world.ask({"cmd": "status"})["status"]["amplifier_current_ma"])


def alarms(station: RunningStation) -> list[str]:
    return [alarm["text"] for alarm in json.loads(station.client.get("station:alarms"))]


def is_dlc_pro(rig: Rig) -> bool:
    return "address" in rig.config["amplifier"]


def at_the_box(rig: Rig) -> None:
    """1500 mA by another way than the station's."""
    tell_the_box(rig, "'laser1:amp:cc:current-set 1500.0" if is_dlc_pro(rig) else "SOUR:CURR 1.5")


def arm(rig: Rig, armed: bool) -> None:
    """A hand at the box gives or takes its guard against missing seed."""
    if is_dlc_pro(rig):
        name, delay_s = "laser1:amp:seedonly-check:shutdown-delay", 0.05 if armed else 0.0
        tell_the_box(rig, f"'{name} {delay_s}")
    else:
        tell_the_box(rig, f"OUTP:PROT:EXT:MODE {'PROT' if armed else 'OFF'}")


def blunt_its_guard(rig: Rig) -> None:
    """The box's own guard does not act on 8 mW of seed, and nothing shows that it does not."""
    if is_dlc_pro(rig):
        # The least that the driver takes: half of the rig file's.
        tell_the_box(rig, "'laser1:amp:seed-limits:power-min 5.0")
    else:
        rig.fault("amplifier", "ld_enable_stuck")


def tell_the_box(rig: Rig, setting: str) -> None:
    """By another way than the station's; parameters of a DLC pro at its maintenance level."""
    config = rig.config["amplifier"]
    if is_dlc_pro(rig):
        port = config["address"].rpartition(":")[2]
        lines = f'(exec \'change-ul 2 "CAUTION")\n(param-set! {setting})\n'
    else:
        port, lines = config["amplifier_address"].split("::")[2], f"{setting}\n"
    with socket.create_connection(("127.0.0.1", int(port)), 5.0) as wire:
        wire.sendall(lines.encode())
        time.sleep(0.2)
