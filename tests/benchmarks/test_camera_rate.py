"""Frames per second through the camera driver, from a pvAccess server in another process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from drivers.areadetector import AreaDetectorCamera
from drivers.interfaces import CameraLimits, CameraSettings, Frame, Range

FRAMES = 6_000
LIMITS = CameraLimits(Range(1e-5, 1.0), Range(2, 300), Range(-100.0, -60.0))

SERVER = r"""
import json, sys, threading, time
import numpy as np
from p4p.nt import NTEnum, NTNDArray, NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

size, rate, frames = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
pvs, provider, go = {}, StaticProvider("camera"), threading.Event()

def add(name, nt, initial):
    pv = pvs[name] = SharedPV(nt=nt, initial=initial)
    provider.add("B:cam1:" + name, pv)
    @pv.put
    def put(pv, op):
        value = float(op.value())
        for each in (name, name + "_RBV"):
            if each in pvs:
                kind = type(pvs[each].current())
                pvs[each].post(value if kind.__name__ == "ntfloat" else int(value))
        op.done()
        if name == "Acquire":
            pvs["DetectorState_RBV"].post(int(value))
            if value:
                go.set()

for name, labels in {
    "Acquire": ["Done", "Acquire"], "ImageMode": ["Single", "Multiple", "Continuous"],
    "TriggerMode": ["Internal"], "DataType": ["UInt16"], "ArrayCallbacks": ["Disable", "Enable"],
    "AndorReadOutMode": ["FVB", "Image"],
    "AndorEMGainMode": ["Real EM Gain"], "AndorEMGainAdvanced": ["Disabled"],
    "AndorShutterMode": ["Always Open", "Always Closed"],
}.items():
    for full in (name, name + "_RBV"):
        add(full, NTEnum(), {"choices": labels, "index": 0})
for name in ("MinX MinY SizeX SizeY BinX BinY AndorEMGain ArrayCounter").split():
    for full in (name, name + "_RBV"):
        add(full, NTScalar("i"), 0)
for name in ("AcquireTime", "AcquirePeriod"):
    for full in (name, name + "_RBV"):
        add(full, NTScalar("d"), 1.0)
texts = "Manufacturer Model SerialNumber FirmwareVersion AndorTempStatus AndorMessage"
for name in texts.split():
    add(name + "_RBV", NTScalar("s"), "-")
add("MaxSizeX_RBV", NTScalar("i"), 512)
add("MaxSizeY_RBV", NTScalar("i"), 512)
add("TemperatureActual", NTScalar("d"), -70.0)
add("DetectorState_RBV", NTEnum(), {"choices": ["Idle", "Acquire"], "index": 0})
pixels = np.random.default_rng(1).integers(0, 65535, (size, size), dtype=np.uint16)
template = NTNDArray().wrap(pixels)
image = SharedPV(initial=template)
provider.add("B:Pva1:Image", image)
server = Server(providers=[provider], isolate=True)
print(json.dumps({"port": server.conf()["EPICS_PVAS_BROADCAST_PORT"]}), flush=True)
go.wait()
begin = time.perf_counter()
for n in range(1, frames + 1):
    now = time.time()
    template["uniqueId"] = n
    template["timeStamp"] = {"secondsPastEpoch": int(now), "nanoseconds": int(now % 1 * 1e9)}
    image.post(template)
    ahead = begin + n / rate - time.perf_counter()
    if ahead > 0:
        time.sleep(ahead)
print(json.dumps({"sent_per_s": frames / (time.perf_counter() - begin)}), flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def server(request) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, *map(str, request.param)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate("\n", timeout=20.0)


def line(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.mark.bench
@pytest.mark.parametrize(
    "server",
    [(40, 1200, FRAMES), (40, 2000, FRAMES), (40, 1e9, FRAMES), (512, 100, 1000)],
    indirect=True,
    ids=["40x40 at 1200/s", "40x40 at 2000/s", "40x40 flat out", "512x512 at 100/s"],
)
def test_frames_through_the_driver(server, request):
    port = line(server)["port"]
    camera = AreaDetectorCamera("camera", f"pva://127.0.0.1:{port}/B:", LIMITS)
    camera.connect()
    size = request.node.callspec.params["server"][0]
    frames = request.node.callspec.params["server"][2]
    camera.configure(CameraSettings(0.001, (0, 0, size, size), 0))
    latencies_s: list[float] = []

    def sink(frame: Frame) -> None:
        latencies_s.append(time.time() - frame.rig_time_s)

    busy_s, begin_s = time.process_time(), time.perf_counter()
    camera.start(sink)
    sent = line(server)["sent_per_s"]
    while len(latencies_s) < frames and camera.progress().last_frame_wall_s is not None:
        if time.monotonic() - (camera.progress().last_frame_wall_s or 0.0) > 2.0:
            break
        time.sleep(0.01)
    elapsed_s, busy_s = time.perf_counter() - begin_s, time.process_time() - busy_s
    progress = camera.progress()
    camera.stop()
    camera.close()
    latencies_s.sort()
    median_s, p99_s = (latencies_s[int(len(latencies_s) * part)] for part in (0.5, 0.99))
    print(
        f"\n{size}x{size}: {sent:.0f} frames/s sent, {progress.delivered} delivered, "
        f"{progress.lost} lost, {1e6 * busy_s / progress.delivered:.0f} us of CPU a frame, "
        f"{busy_s / elapsed_s:.2f} cores, latency median {1e3 * median_s:.2f} ms, "
        f"p99 {1e3 * p99_s:.2f} ms"
    )
    flat_out = request.node.callspec.params["server"][1] > 1e6
    if not flat_out:
        assert (progress.delivered, progress.lost) == (frames, 0)
    assert progress.delivered + progress.lost <= frames
