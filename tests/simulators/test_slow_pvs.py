"""Vacuum, discharge and the lab's IOC: what they show, and what acts on what."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from p4p.client.thread import Context, TimeoutError

from simulators.clock import RigClock
from simulators.rig import SimulatedRig
from simulators.servers.slow_pvs import NAMES, PREFIX, SlowPvs
from simulators.truth import Truth
from simulators.world.world import World


class Bench:
    """A world whose clock stands until it is told."""

    def __init__(self) -> None:
        self.wall_s = 1.8e9
        self.world = World(Truth(), RigClock(1.0, lambda: self.wall_s), 1)

    def on_84kr(self) -> None:
        """Trap on 84Kr, settled."""
        self.world.atoms.set_trap_light(True)
        self.world.atoms.set_offset(self.world.truth.trap.offset_84_mhz)
        self.wall_s += 10.0

    def pressure(self) -> float:
        """Without the gauge's own noise."""
        return float(np.mean([self.world.vacuum.pressure_mbar() for _ in range(200)]))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_spike_is_pumped_away(bench: Bench) -> None:
    quiet = bench.pressure()
    assert quiet == pytest.approx(2e-5, rel=0.25)
    bench.world.vacuum.spike(50.0)
    assert bench.pressure() == pytest.approx(50.0 * quiet, rel=0.01)
    bench.wall_s += 5.0
    assert bench.pressure() == pytest.approx((1.0 + 49.0 / np.e) * quiet, rel=0.02)
    bench.wall_s += 100.0
    assert bench.pressure() == pytest.approx(quiet, rel=0.1)


def test_pressure_does_not_act_on_the_loading(bench: Bench) -> None:
    bench.on_84kr()
    before = bench.world.atoms.status().rate_per_s
    bench.world.vacuum.spike(50.0)
    assert bench.world.atoms.status().rate_per_s == pytest.approx(before, rel=1e-3)


def test_without_discharge_nothing_loads(bench: Bench) -> None:
    bench.on_84kr()
    bench.world.atoms.advance()
    before = bench.world.atoms.status()
    assert before.rate_per_s == pytest.approx(3.4e10, rel=0.05)
    assert before.cloud_atoms > 1e9
    bench.world.vacuum.set_rf(False)
    assert bench.world.vacuum.rf_power_w() == 0.0
    bench.wall_s += 5.0
    after = bench.world.atoms.status()
    assert after.rate_per_s == 0.0
    assert after.cloud_atoms < 1e-4 * before.cloud_atoms, "what was trapped stays its lifetime"
    bench.world.vacuum.mend()
    bench.wall_s += 5.0
    assert bench.world.atoms.status().cloud_atoms > 1e9


# --- on the wire ----------------------------------------------------------------------------------


@pytest.fixture
def served(bench: Bench) -> Iterator[SlowPvs]:
    made = SlowPvs(bench.world)
    made.open()
    yield made
    made._close()


@pytest.fixture
def client(served: SlowPvs) -> Iterator[Context]:
    host_port = served.address.removeprefix("pva://").partition("/")[0]
    conf = {
        "EPICS_PVA_ADDR_LIST": host_port,
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_INTF_ADDR_LIST": "127.0.0.1",
    }
    with Context("pva", conf=conf, useenv=False, nt=False) as context:
        yield context


def get(client: Context, name: str) -> Any:
    return client.get(PREFIX + name, timeout=5.0)


def until(client: Context, name: str, wanted: Callable[[Any], bool]) -> Any:
    """The record scans ten times a second; a fast computer reads it a thousand times."""
    deadline_s = time.monotonic() + 10.0
    while not wanted(value := get(client, name)):
        assert time.monotonic() < deadline_s, f"{name} stayed\n{value}"
        time.sleep(0.01)
    return value


def test_a_plain_client_sees_values_with_unit_alarm_and_rig_time(
    bench: Bench, client: Context
) -> None:
    pressure = get(client, "SourcePressure")
    assert pressure.value == pytest.approx(2e-5, rel=0.3)
    assert pressure.display.units == "mbar"
    assert pressure.alarm.severity == 0
    assert pressure.timeStamp.secondsPastEpoch == int(bench.wall_s)
    assert get(client, "DischargePower").value == pytest.approx(20.0, rel=0.05)
    assert get(client, "SourceTemperature").value == pytest.approx(293.0, abs=2.0)
    lock = get(client, "Lock811").value
    assert lock.choices[lock.index] == "locked"


def test_the_ioc_raises_its_own_alarm(bench: Bench, client: Context) -> None:
    with bench.world.lock:
        bench.world.vacuum.spike(50.0)
    value = until(client, "SourcePressure", lambda value: value.alarm.severity == 2)
    assert value.alarm.message == "HIHI"


def test_records_come_and_go(served: SlowPvs, client: Context) -> None:
    get(client, "SourcePressure")
    served.set_fault("disconnected", "SourcePressure")
    with pytest.raises(TimeoutError):
        client.get(f"{PREFIX}SourcePressure", timeout=0.2)
    get(client, "DischargePower")
    served.set_fault(None)
    assert get(client, "SourcePressure").value > 0.0


def test_another_unit_is_told(served: SlowPvs, client: Context) -> None:
    served.set_fault("wrong_unit")
    value = until(client, "SourcePressure", lambda value: value.display.units == "Pa")
    assert value.value == pytest.approx(2e-3, rel=0.3)


def test_faults_that_do_not_exist(served: SlowPvs) -> None:
    with pytest.raises(ValueError, match="no fault 'tired'"):
        served.set_fault("tired")
    with pytest.raises(ValueError, match="no record 'Coffee'"):
        served.set_fault("disconnected", "Coffee")


def test_the_rig_knows_them_by_name(bench: Bench) -> None:
    rig = SimulatedRig(bench.world)
    rig._slow = SlowPvs(bench.world)
    rig._slow._scan(first=True)
    rig.fault("slow_control", "discharge_off", {})
    assert rig.status()["discharge_power_w"] == 0.0
    rig.fault("slow_control", "disconnected", {"record": NAMES[0]})
    rig.fault("slow_control", "pressure_spike", {"factor": 10.0})
    with pytest.raises(ValueError, match="'record'"):
        rig.fault("slow_control", "disconnected", {"pv": 1})
    rig.clear("slow_control")
    assert rig.status()["discharge_power_w"] > 10.0
    for pv in rig._slow._pvs.values():
        pv.close(destroy=True)
