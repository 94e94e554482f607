"""How fast the simulated camera is: a frame, an exposure, and the whole way to a client.

pytest -m bench tests/benchmarks/test_simulated_camera.py -s
"""

import asyncio
import queue
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from p4p.client.thread import Context

from simulators.clock import RigClock
from simulators.servers import areadetector
from simulators.truth import Truth
from simulators.world.emccd import FrameSampler, Readout, Spot, exact_frame, spot_map
from simulators.world.world import World

pytestmark = pytest.mark.bench

READOUT = Readout(200.0, 50.0, 5.0, 200.0, 1.8e5)
ATOM = Spot(240.0, 19.3, 20.1, 1.5, 1.5)
SHAPE = (40, 40)


def median_us(act: Any, count: int) -> float:
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        act()
        times.append(time.perf_counter() - begin)
    return 1e6 * float(np.median(times))


def test_drawing_a_frame_with_an_atom():
    sampler = FrameSampler(np.random.default_rng(1))
    stream = np.random.default_rng(2)
    mean = 5.01 + spot_map(ATOM, SHAPE)
    sampler.frame(5.01, ATOM, SHAPE, READOUT)
    fast_us = median_us(lambda: sampler.frame(5.01, ATOM, SHAPE, READOUT), 2000)
    exact_us = median_us(lambda: exact_frame(mean, READOUT, stream), 300)
    print(f"\nframe 40x40 with an atom: {fast_us:.0f} us; pixel by pixel {exact_us:.0f} us")
    assert fast_us < 0.5 * exact_us


def test_advancing_the_world_by_an_exposure():
    wall_s = [1.7e9]
    world = World(Truth(), RigClock(1.0, lambda: wall_s[0]), 1)
    atoms = world.atoms
    atoms.set_trap_light(True)
    atoms.set_odd(True)
    atoms.set_offset(-265.0)
    atoms.set_pumping_light(True)
    wall_s[0] += 5.0
    atoms.camera.setup = replace(atoms.camera.setup, size_x=40, size_y=40)
    atoms.start_camera(None)

    def one_exposure() -> None:
        wall_s[0] += 0.1
        atoms.advance()

    one_exposure()
    print(f"\nan exposure of the world: {median_us(one_exposure, 2000):.0f} us")
    assert 2000 <= len(atoms.camera.exposures) <= 2001


@pytest.mark.parametrize("speed", [120.0, 200.0])
def test_frames_per_second_to_a_client(speed: float):
    """40x40, 100 ms: `speed` * 10 frames a second, posted and received in one process."""
    world = World(Truth(), RigClock(speed), 1)
    world.atoms.set_trap_light(True)
    world.atoms.set_odd(True)
    world.atoms.set_offset(-265.0)
    server = asyncio.run(areadetector.start(world))
    port = server.address.split("/")[2].split(":")[1]
    addresses = {"EPICS_PVA_ADDR_LIST": "127.0.0.1", "EPICS_PVA_BROADCAST_PORT": port}
    context = Context("pva", conf=addresses, useenv=False, nt=False)
    ids: list[int] = []
    first: queue.Queue[Any] = queue.Queue()

    def received(value: Any) -> None:
        ids.append(value["uniqueId"])
        first.put(None)

    cam = "ATTA:ANDOR:cam1:"
    settings = {"MinX": 236, "MinY": 236, "SizeX": 40, "SizeY": 40}
    settings |= {"AndorEMGain": 200, "AndorShutterMode": 1}
    for name, value in settings.items():
        context.put(cam + name, {"value": value})
    subscription = context.monitor(
        "ATTA:ANDOR:Pva1:Image", received, request="field()record[queueSize=2048]"
    )
    first.get(timeout=10.0)
    ids.clear()
    cpu_s, wall_s, duration_s = time.process_time(), time.monotonic(), 5.0
    context.put(cam + "Acquire", {"value": 1})
    threading.Event().wait(duration_s)
    context.put(cam + "Acquire", {"value": 0})
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    total = context.get(cam + "ArrayCounter_RBV")["value"]
    subscription.close()
    context.close()
    asyncio.run(server.close())
    lost = total - len(set(ids))
    print(
        f"\nspeed {speed:g}: {total / wall_s:.0f} frames/s, {lost} of {total} lost, "
        f"{cpu_s / wall_s:.2f} cores for server and client"
    )
    assert total / wall_s == pytest.approx(10.0 * speed, rel=0.1)
    assert lost == 0
