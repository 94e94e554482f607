"""What the archive costs, beside the naive ways of doing it, in the same run.

Each pair is compared for content before it is timed. Ratios are asserted with wide margins;
absolute times are printed only.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.frames import FramesReader, FramesWriter, predicted_bytes
from atta_daq.archive.header import RunHeader
from atta_daq.archive.journal import JournalWriter, read_journal
from atta_daq.archive.run_folder import RunState, RunWriter, open_run

pytestmark = pytest.mark.bench

FRAMES = 3000
EVENTS = 400


def _segment(index: int) -> Segment:
    return Segment(
        "run", index // 4, 0, index, SegmentKind.RARE, 85, True, index, False,
        Setting(-204.0, -204.1, 498.0), 1.8e9 + 240.0 * index, 1.8e9 + 240.0 * index + 240.0, 239.9,
        {"switching": 1.0}, counts=167, efficiency=0.94, efficiency_error=0.01, exposures=2399,
    )  # fmt: skip


def _best(work: Callable[[int], object], rounds: int = 3) -> float:
    """Fastest of several rounds (s): what the code costs, not what the machine did meanwhile."""
    times = []
    for number in range(rounds):
        begin = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Frames as the simulated EMCCD makes them: bias 200, read noise 10 ADU, gain 200, 5 e-/ADU."""
    rng = np.random.default_rng(7)
    electrons = rng.poisson(5.0, (FRAMES, 40, 40))
    multiplied = rng.gamma(np.maximum(electrons, 1e-9), 200.0) * (electrons > 0)
    return np.clip(200.0 + multiplied / 5.0 + rng.normal(0, 10, multiplied.shape), 0, 65535).astype(
        np.uint16
    )


def test_cost_of_a_frame(tmp_path: Path, images: np.ndarray, capsys) -> None:
    def naive(number: int) -> Path:
        path = tmp_path / f"naive{number}.h5"
        with h5py.File(path, "w", libver="latest") as file:
            data = file.create_dataset(
                "frames", (0, 40, 40), np.uint16, maxshape=(None, 40, 40), chunks=(1, 40, 40)
            )
            file.swmr_mode = True
            for i, image in enumerate(images):
                data.resize(i + 1, axis=0)
                data[i] = image
            data.flush()
        return path

    def blocks(number: int) -> Path:
        path = tmp_path / f"blocks{number}.h5"
        with FramesWriter(path, 40, 40) as writer:
            for i, image in enumerate(images):
                writer.append(image, i, 0.1 * i)
            writer.flush(0)
        return path

    with h5py.File(naive(99)) as file, FramesReader(blocks(99)) as reader:
        assert np.array_equal(file["frames"][:], images)
        assert np.array_equal(reader.segment(0).images, images)
    naive_us = 1e6 * _best(naive) / FRAMES
    blocks_us = 1e6 * _best(blocks) / FRAMES
    size = (tmp_path / "blocks99.h5").stat().st_size
    raw = predicted_bytes(40, 40, 1.0, FRAMES)
    with capsys.disabled():
        print(
            f"\n40x40 frame to SWMR: blocks {blocks_us:.1f} us with compression, counter, time and "
            f"fsync ({1e6 / blocks_us:.0f} frames/s); one append a frame {naive_us:.1f} us bare; "
            f"ratio {naive_us / blocks_us:.1f}; file {size / raw:.2f} of the prediction"
        )
    assert naive_us / blocks_us > 3.0


def test_cost_of_an_event(tmp_path: Path, capsys) -> None:
    bodies = [{"segment": _segment(i).to_dict()} for i in range(EVENTS)]

    def safe(number: int) -> Path:
        path = tmp_path / f"safe{number}"
        writer = JournalWriter(path, lambda: 0.0, lambda: 0.0)
        for body in bodies:
            writer.append("event", body)
        writer.close()
        return path

    def lazy(number: int) -> Path:
        path = tmp_path / f"lazy{number}"
        with path.open("w") as file:
            for i, body in enumerate(bodies):
                line = {"seq": i, "utc_s": 0.0, "rig_s": 0.0, "doc": "event", "body": body}
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        return path

    assert safe(99).read_bytes() == lazy(99).read_bytes()
    assert [d.body for d in read_journal(tmp_path / "safe99").documents] == bodies
    safe_ms, lazy_ms = 1e3 * _best(safe) / EVENTS, 1e3 * _best(lazy) / EVENTS
    read_ms = 1e3 * _best(lambda _: read_journal(tmp_path / "safe99")) / EVENTS
    with capsys.disabled():
        print(
            f"\nevent to the journal: {safe_ms:.3f} ms with fsync, {lazy_ms:.3f} ms without; "
            f"{len(safe(98).read_bytes()) // EVENTS} bytes; read back {read_ms:.3f} ms"
        )


def test_cost_of_acknowledging_a_segment(tmp_path: Path, images: np.ndarray, capsys) -> None:
    """Frames flushed, synced and the event journaled: the pause between two segments."""
    header = RunHeader("run", "speed", (85,), "co", ("detuning_mhz",))
    run = RunWriter.create(tmp_path, header, rig_now=time.time, utc_now=time.time)
    frames = run.open_frames(40, 40)
    took = []
    for index in range(30):
        for i in range(100):
            frames.append(images[100 * index + i], 100 * index + i, 0.1 * i)
        begin = time.perf_counter()
        run.segment(_segment(index))
        took.append(time.perf_counter() - begin)
    run.close(RunState.COMPLETE)
    with open_run(tmp_path / "run").frames() as reader:
        assert np.array_equal(reader.segment(29).images, images[2900:3000])
    with capsys.disabled():
        print(
            f"\nsegment acknowledged: median {1e3 * float(np.median(took)):.2f} ms, "
            f"slowest {1e3 * max(took):.2f} ms of 30 ({os.cpu_count()} cores)"
        )
