import asyncio
import os
import queue
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from p4p.client.thread import Context

from simulators.clock import RigClock
from simulators.rig import _camera_fault
from simulators.servers import areadetector
from simulators.servers.areadetector import AreaDetector
from simulators.servers.areadetector_frames import CameraFault
from simulators.truth import Camera, Truth
from simulators.world.world import World

CAM = "ATTA:ANDOR:cam1:"
IMAGE = "ATTA:ANDOR:Pva1:Image"
DEEP = "field()record[queueSize=2048]"


def conf(server: AreaDetector) -> dict[str, str]:
    port = server.address.split("/")[2].split(":")[1]
    return {
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_BROADCAST_PORT": port,
        "EPICS_PVA_INTF_ADDR_LIST": "127.0.0.1",
    }


class Client:
    def __init__(self, server: AreaDetector) -> None:
        self.context = Context("pva", conf=conf(server), useenv=False, nt=False)
        self.frames: queue.Queue[Any] = queue.Queue()
        # a subscription ends when nobody holds it any more
        self._subscriptions: list[Any] = []

    def get(self, name: str) -> Any:
        value = self.context.get(CAM + name)["value"]
        return value["index"] if hasattr(value, "keys") else value

    def put(self, **settings: Any) -> None:
        for name, value in settings.items():
            self.context.put(CAM + name, {"value": value})

    def choice(self, name: str) -> str:
        value = self.context.get(CAM + name)["value"]
        return value["choices"][value["index"]]

    def until(self, name: str, wanted: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + 15.0
        while not wanted(value := self.get(name)):
            assert time.monotonic() < end, f"{name} is {value}"
            time.sleep(0.01)
        return value

    def watch(self) -> None:
        """Subscribe to the frames; the old frame that comes first is taken away."""
        self.subscribe()
        self.frames.get(timeout=5.0)

    def subscribe(self) -> None:
        self._subscriptions.append(self.context.monitor(IMAGE, self.frames.put, request=DEEP))

    def next_frames(self, count: int) -> list[Any]:
        return [self.frames.get(timeout=10.0) for _ in range(count)]

    def frames_until_quiet(self, quiet_s: float = 0.3) -> list[Any]:
        """What was still on its way; fails when frames come on and on."""
        come: list[Any] = []
        while len(come) < 5000:
            try:
                come.append(self.frames.get(timeout=quiet_s))
            except queue.Empty:
                return come
        raise AssertionError("no end of frames")

    def small_roi(self, exposure_s: float = 0.1, em_gain: int = 200) -> None:
        self.put(MinX=236, MinY=236, SizeX=40, SizeY=40, AcquireTime=exposure_s)
        self.put(AcquirePeriod=exposure_s, AndorEMGain=em_gain, AndorShutterMode=1)


@pytest.fixture
def rig() -> Iterator[Callable[..., tuple[World, AreaDetector, Client]]]:
    made: list[tuple[AreaDetector, Client]] = []

    def make(speed: float = 20.0, truth: Truth | None = None) -> tuple[World, AreaDetector, Client]:
        world = World(truth or Truth(), RigClock(speed), 1)
        server = asyncio.run(areadetector.start(world))
        client = Client(server)
        made.append((server, client))
        return world, server, client

    yield make
    for server, client in made:
        client.context.close()
        asyncio.run(server.close())


def stamp(value: Any, name: str = "timeStamp") -> float:
    return value[f"{name}.secondsPastEpoch"] + 1e-9 * value[f"{name}.nanoseconds"]


def image(value: Any) -> np.ndarray:
    columns, rows = (axis["size"] for axis in value["dimension"])
    return value["value"].reshape(rows, columns)


def test_starts_safe_cold_and_idle(rig):
    _, server, client = rig()
    assert server.address.startswith("pva://127.0.0.1:")
    assert server.address.endswith("/ATTA:ANDOR:")
    assert client.get("AndorEMGain_RBV") == 0
    assert client.choice("AndorShutterMode") == "Always Closed"
    assert client.choice("DetectorState_RBV") == "Idle"
    assert client.get("TemperatureActual") == pytest.approx(-70.0)
    assert client.get("AndorTempStatus_RBV") == "Stabilized at set point"
    assert client.choice("ImageMode_RBV") == "Continuous"


def test_types_units_limits_and_time(rig):
    world, _, client = rig()
    value = client.context.get(CAM + "AcquireTime_RBV")
    assert value.getID() == "epics:nt/NTScalar:1.0"
    assert value["display.units"] == "s"
    assert value["display.limitHigh"] == 3600.0
    assert stamp(value) == pytest.approx(world.clock.now_s(), abs=100.0)
    assert client.context.get(CAM + "Acquire").getID() == "epics:nt/NTEnum:1.0"
    assert client.context.get(IMAGE).getID().startswith("epics:nt/NTNDArray:1.")
    assert client.context.get(CAM + "Temperature_RBV")["display.units"] == "C"


def test_frames_are_numbered_and_stamped_with_rig_time_at_the_end_of_the_exposure(rig):
    world, _, client = rig(speed=20.0)
    client.small_roi()
    client.watch()
    before_s = world.clock.now_s()
    client.put(Acquire=1)
    frames = client.next_frames(30)
    after_s = world.clock.now_s()
    client.put(Acquire=0)
    assert [f["uniqueId"] for f in frames] == list(range(1, 31))
    stamps = [stamp(f) for f in frames]
    assert np.diff(stamps) == pytest.approx(np.full(29, 0.1), abs=1e-6)
    assert before_s + 0.1 <= stamps[0] <= stamps[-1] <= after_s
    data = [
        f["dataTimeStamp.secondsPastEpoch"] + 1e-9 * f["dataTimeStamp.nanoseconds"] for f in frames
    ]
    assert data == pytest.approx(stamps, abs=1e-6)
    pixels = np.array([image(f) for f in frames])
    assert pixels.shape == (30, 40, 40)
    assert pixels.dtype == np.uint16
    # trap light off: glow of 1 e-/px, gain 200, 5 e-/ADU, bias 200
    assert pixels.mean() == pytest.approx(200 + 1.01 * 40, rel=0.02)
    assert [a["name"] for a in frames[0]["attribute"]][:1] == ["ColorMode"]


def test_a_new_subscription_gets_the_last_frame_of_before(rig):
    _, _, client = rig()
    client.small_roi()
    client.watch()
    client.put(Acquire=1)
    client.next_frames(3)
    client.put(Acquire=0)
    last = client.get("ArrayCounter_RBV")
    client.subscribe()
    seen = []
    while len(seen) < 1 or seen[-1]["uniqueId"] != last:
        seen.append(client.frames.get(timeout=5.0))
    assert image(seen[-1]).shape == (40, 40)


def test_after_an_abort_no_frame_comes_and_the_counter_is_final(rig):
    _, _, client = rig(speed=100.0)
    client.small_roi()
    client.watch()
    client.put(Acquire=1)
    last = client.next_frames(20)[-1]["uniqueId"]
    client.put(Acquire=0)
    assert client.choice("DetectorState_RBV") == "Idle"
    assert client.get("Acquire_RBV") == 0
    final = client.get("ArrayCounter_RBV")
    # The twentieth may have been the last.
    while last < final:
        last = client.next_frames(1)[0]["uniqueId"]
    with pytest.raises(queue.Empty):
        client.frames.get(timeout=0.1)
    client.put(Acquire=1)
    assert client.next_frames(1)[0]["uniqueId"] == final + 1


def test_multiple_ends_by_itself_and_completes_a_blocking_put(rig):
    _, _, client = rig(speed=20.0)
    client.small_roi()
    client.put(ImageMode=1, NumImages=20)
    client.watch()
    begin = time.monotonic()
    client.context.put(CAM + "Acquire", {"value": 1}, wait=True, timeout=20.0)
    assert time.monotonic() - begin >= 0.1
    assert client.get("Acquire_RBV") == 0
    assert client.get("NumImagesCounter_RBV") == 20
    assert [f["uniqueId"] for f in client.next_frames(20)] == list(range(1, 21))
    client.put(ImageMode=0)
    client.context.put(CAM + "Acquire", {"value": 1}, wait=True, timeout=20.0)
    assert client.get("ArrayCounter_RBV") == 21


def test_a_plain_put_returns_at_once(rig):
    _, _, client = rig(speed=1.0)
    client.small_roi(exposure_s=60.0)
    client.put(ImageMode=0)
    client.put(Acquire=1)
    assert client.get("Acquire_RBV") == 1
    client.put(Acquire=0)


def test_counter_can_be_reset(rig):
    _, _, client = rig(speed=50.0)
    client.small_roi()
    client.watch()
    client.put(ArrayCounter=1000, Acquire=1)
    assert client.next_frames(1)[0]["uniqueId"] == 1001
    client.put(Acquire=0)


def test_settings_are_cut_to_what_the_camera_can_do(rig):
    _, _, client = rig()
    client.put(MinX=500, SizeX=40, AndorEMGain=500, AcquireTime=0.05, AcquirePeriod=0.01)
    assert client.get("SizeX_RBV") == 12
    assert client.get("AndorEMGain_RBV") == 300
    assert client.get("AcquirePeriod_RBV") == pytest.approx(0.05)
    client.put(AndorEMGainAdvanced=1)
    assert client.get("AndorEMGain_RBV") == 500
    client.put(AndorFTMode=0)
    assert client.get("AcquirePeriod_RBV") > 0.05


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("AndorEMGain", 100, 200),
        ("AcquireTime", 0.2, 0.1),
        ("SizeX", 20, 40),
        ("ImageMode", 0, 2),
    ],
)
def test_while_acquiring_settings_are_refused(rig, name: str, value: float, kept: float):
    _, _, client = rig()
    client.small_roi()
    client.put(Acquire=1)
    client.put(**{name: value})
    assert client.get(f"{name}_RBV") == pytest.approx(kept)
    assert client.context.get(CAM + name)["alarm.severity"] == 3
    assert "acquiring" in client.get("AndorMessage_RBV")
    client.put(Acquire=0)
    assert client.get(f"{name}_RBV") == pytest.approx(kept)
    client.put(**{name: value})
    assert client.get(f"{name}_RBV") == pytest.approx(value)
    assert client.context.get(CAM + name)["alarm.severity"] == 0


def test_shutter_stays_while_acquiring(rig):
    world, _, client = rig()
    client.small_roi()
    client.put(Acquire=1)
    client.put(AndorShutterMode=2)
    assert client.choice("AndorShutterMode") == "Always Open"
    assert world.atoms.camera.shutter_open
    client.put(Acquire=0)
    client.put(AndorShutterMode=2)
    assert not world.atoms.camera.shutter_open


@pytest.mark.parametrize(
    ("name", "value"),
    [("ImageMode", 3), ("AndorEMGainMode", 0), ("DataType", 1), ("AcquireTime", -1.0)],
)
def test_what_the_camera_does_not_have_is_refused(rig, name: str, value: float):
    _, _, client = rig()
    before = client.get(f"{name}_RBV")
    client.put(**{name: value})
    assert client.get(f"{name}_RBV") == before
    assert "Invalid" in client.get("AndorMessage_RBV")


def test_cooling_takes_rig_time_and_is_not_read_while_acquiring(rig):
    _, _, client = rig(speed=2000.0, truth=Truth(camera=Camera(starts_cold=False)))
    assert client.get("TemperatureActual") > -70.0
    client.until("AndorTempStatus_RBV", lambda words: words == "Stabilized at set point")
    client.put(Temperature=-60.0)
    client.until("TemperatureActual", lambda t: t == pytest.approx(-60.0, abs=0.1))
    client.put(AcquireTime=100.0, Acquire=1)
    client.put(Temperature=-50.0)
    assert "acquiring" in client.get("AndorMessage_RBV")
    client.put(Acquire=0, Temperature=30.0)
    assert client.get("AndorMessage_RBV") == "Temperature is out of range."


def test_runaway_stall_and_dropped_frames(rig):
    _, server, client = rig(speed=200.0)
    server.set_fault(CameraFault("runaway"))
    client.until("TemperatureActual", lambda t: t > -60.0)
    assert client.get("AndorTempStatus_RBV") == "Stabilized but drifted"
    client.small_roi()
    client.watch()
    server.set_fault(CameraFault("drop_frames", every=5))
    client.put(Acquire=1)
    ids = [f["uniqueId"] for f in client.next_frames(40)]
    assert ids == [n for n in range(1, ids[-1] + 1) if n % 5]
    server.set_fault(CameraFault("stall"))
    ids += [f["uniqueId"] for f in client.frames_until_quiet()]
    assert client.get("Acquire_RBV") == 1
    server.set_fault(None)
    assert client.next_frames(1)[0]["uniqueId"] > ids[-1] + 50
    client.put(Acquire=0)


def test_an_external_trigger_never_comes(rig):
    _, _, client = rig(speed=100.0)
    client.small_roi()
    client.put(TriggerMode=1)
    client.watch()
    client.put(Acquire=1)
    with pytest.raises(queue.Empty):
        client.frames.get(timeout=0.2)
    client.put(Acquire=0)
    assert client.get("Acquire_RBV") == 0


def test_nothing_listens_on_tcp_beyond_loopback(rig):
    rig()
    mine = {
        os.readlink(entry).split("[")[-1].rstrip("]")
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink() and os.readlink(entry).startswith("socket:")
    }
    for table, loopback in (("tcp", "0100007F"), ("tcp6", "0" * 24 + "01000000")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listening, inode = fields[3] == "0A", fields[9]
            if listening and inode in mine:
                assert fields[1].startswith(loopback)


def test_ophyd_async_accepts_it(rig):
    """In a process of its own: ophyd-async takes its addresses from the environment."""
    _, server, _ = rig(speed=20.0)
    script = """
        import asyncio
        from ophyd_async.epics.adandor import AndorDetector
        from ophyd_async.epics.adcore import ADImageMode

        async def main():
            detector = AndorDetector("pva://ATTA:ANDOR:", name="andor")
            await detector.connect(timeout=10)
            driver = detector.driver
            await driver.acquire_time.set(0.05)
            await driver.image_mode.set(ADImageMode.MULTIPLE)
            await driver.num_images.set(5)
            await driver.acquire.set(True)
            print(await driver.acquire_time.get_value(), await driver.array_counter.get_value())
            print((await driver.trigger_mode.get_value()).value, await driver.acquire.get_value())

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **conf(server)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0.05", "5", "Internal", "False"]


def test_charge_of_the_register_is_that_of_the_frames(rig):
    world, _, client = rig(speed=100.0)
    camera = world.atoms.camera
    client.small_roi()
    client.put(AndorEMGain=200, ImageMode=1, NumImages=200)
    client.watch()
    client.put(Acquire=1)
    frames = client.next_frames(200)
    truth = world.truth.camera
    pixels = [f["value"].astype(float) - truth.bias_adu for f in frames]
    mean_nc = np.mean([p.sum() for p in pixels]) * truth.electrons_per_adu * 1.602176634e-10
    assert camera.register_charge_nc == pytest.approx(mean_nc * 200, rel=0.05)
    assert camera.saturated_exposures == 0


@pytest.mark.parametrize(("shutter", "lit"), [(1, True), (2, False)])
def test_leaking_light_saturates_only_the_open_sensor(rig, shutter: int, lit: bool):
    world, server, client = rig(speed=100.0)
    server.set_fault(CameraFault("light_leak", electrons_px_s=1e5))
    client.small_roi()
    client.put(AndorEMGain=200, AndorShutterMode=shutter)
    client.watch()
    client.put(Acquire=1)
    frames = client.next_frames(5)
    client.put(Acquire=0)
    assert [bool((f["value"] == 65535).mean() > 0.9) for f in frames] == [lit] * 5
    assert (world.atoms.camera.saturated_exposures >= 5) is lit
    server.set_fault(None)
    assert world.atoms.camera.light_leak_electrons_px_s == 0.0


def test_a_restart_comes_up_with_defaults_and_what_autosave_puts_back(rig):
    world, server, client = rig(speed=100.0)
    client.small_roi(em_gain=100)
    client.put(AcquireTime=0.02, Acquire=1)
    server.set_fault(CameraFault("restart", em_gain=200, shutter_open=1, down_s=0.1))
    client.until("AndorEMGain_RBV", lambda gain: gain == 200)
    assert (client.get("Acquire_RBV"), client.get("AcquireTime_RBV")) == (0, 0.1)
    assert (client.get("AndorShutterMode"), client.get("SizeX_RBV")) == (1, 512)
    assert world.atoms.camera.shutter_open
    assert world.atoms.camera.setup.em_gain == 200


def test_a_fault_takes_only_what_is_its_own():
    with pytest.raises(ValueError, match="stall takes nothing, not every"):
        _camera_fault("stall", {"every": 3})
    with pytest.raises(ValueError, match="no camera fault 'flood'"):
        _camera_fault("flood", {})
    with pytest.raises(ValueError, match="em_gain must be a number within 0 and 1000"):
        _camera_fault("restart", {"em_gain": 2000})
    assert _camera_fault("light_leak", {"electrons_px_s": 5}).electrons_px_s == 5.0
