"""Frames come back as they went in, from a finished, growing or abandoned file."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from medium import recorded, synced

from atta_daq.archive.errors import FramesDamaged, WriteFailed
from atta_daq.archive.frames import (
    REFUSED,
    FramesReader,
    FramesWriter,
    frames_per_block,
    is_cleanly_closed,
    predicted_bytes,
    repair,
)

ROWS, COLUMNS = 40, 36


def _image(rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(300.0, (ROWS, COLUMNS)).astype(np.uint16)


def test_segments_of_any_length_come_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    lengths = [0, 1, 250, 7, 111, 300]
    stored: dict[int, list[np.ndarray]] = {}
    number = 0
    with FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS) as writer:
        for segment, length in enumerate(lengths):
            stored[segment] = []
            for _ in range(length):
                image = _image(rng)
                stored[segment].append(image)
                writer.append(image, 5 + 2 * number, 0.1 * number)
                number += 1
            assert writer.flush(segment) == length
    with FramesReader(tmp_path / "frames.h5") as reader:
        assert reader.shape == (ROWS, COLUMNS)
        assert reader.segments == dict(enumerate(lengths))
        first = 0
        for segment, images in stored.items():
            frames = reader.segment(segment)
            assert len(frames.images) == len(images)
            assert all(np.array_equal(a, b) for a, b in zip(frames.images, images, strict=True))
            counter = np.arange(first, first + len(images))
            assert np.array_equal(frames.unique_id, 5 + 2 * counter)
            assert np.array_equal(frames.rig_time_s, 0.1 * counter)
            first += len(images)


def test_flushed_frames_can_be_read_while_the_writer_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    images = [_image(rng) for _ in range(130)]
    with FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS) as writer:
        for number, image in enumerate(images):
            writer.append(image, number, float(number))
        writer.flush(4)
        writer.append(images[0], 999, 999.0)
        with FramesReader(tmp_path / "frames.h5") as reader:
            assert np.array_equal(reader.segment(4).images, np.array(images))
    assert is_cleanly_closed(tmp_path / "frames.h5")


def test_discarded_frames_belong_to_no_segment(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    with FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS) as writer:
        for number in range(10):
            writer.append(_image(rng), number, float(number))
        assert writer.discard() == 10
        for number in range(10, 15):
            writer.append(_image(rng), number, float(number))
        assert writer.flush(0) == 5
    with FramesReader(tmp_path / "frames.h5") as reader:
        assert reader.segment(0).unique_id.tolist() == [10, 11, 12, 13, 14]
        assert reader.total == 15
        with pytest.raises(KeyError):
            reader.segment(1)


def test_a_frame_of_another_shape_or_type_is_refused(tmp_path: Path) -> None:
    with FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS) as writer:
        with pytest.raises(ValueError, match=r"\(40, 36\) uint16"):
            writer.append(np.zeros((36, 40), np.uint16), 0, 0.0)
        with pytest.raises(ValueError, match="float64"):
            writer.append(np.zeros((40, 36)), 0, 0.0)  # pyright: ignore[reportArgumentType]


def test_an_index_beyond_the_frames_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "frames.h5"
    with FramesWriter(path, ROWS, COLUMNS) as writer:
        writer.append(np.zeros((ROWS, COLUMNS), np.uint16), 0, 0.0)
        writer.flush(0)
    with h5py.File(path, "r+") as file:
        file["unique_id"].resize(0, axis=0)
    with FramesReader(path) as reader, pytest.raises(FramesDamaged, match="segment 0"):
        reader.segment(0)


def test_what_is_not_hdf5_is_reported(tmp_path: Path) -> None:
    (tmp_path / "frames.h5").write_bytes(b"nothing")
    with pytest.raises(FramesDamaged, match=r"frames\.h5: cannot be opened"):
        FramesReader(tmp_path / "frames.h5")


def test_repair_makes_an_abandoned_file_open_for_everybody(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    images = [_image(rng) for _ in range(150)]
    writer = FramesWriter(tmp_path / "live.h5", ROWS, COLUMNS)
    for number, image in enumerate(images):
        writer.append(image, number, float(number))
    writer.flush(0)
    dead = tmp_path / "dead.h5"
    dead.write_bytes((tmp_path / "live.h5").read_bytes())
    writer.close()
    assert not is_cleanly_closed(dead)
    repair(dead)
    assert is_cleanly_closed(dead)
    with FramesReader(dead) as reader:
        assert np.array_equal(reader.segment(0).images, np.array(images))


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """frames.h5 of a writer that died, alone in its folder."""
    writer = FramesWriter(tmp_path / "live.h5", ROWS, COLUMNS)
    writer.append(_image(np.random.default_rng(7)), 1, 1.0)
    writer.flush(0)
    path = tmp_path / "run" / "frames.h5"
    path.parent.mkdir()
    path.write_bytes((tmp_path / "live.h5").read_bytes())
    writer.close()
    return path


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("write")])
def test_a_repair_that_fails_leaves_all_as_it_was(
    dead: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """On a full disk half a copy would take the room that the run's end needs."""
    before = dead.read_bytes()

    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(h5py.Group, "copy", refused)
    with pytest.raises(REFUSED):
        repair(dead)
    assert list(dead.parent.iterdir()) == [dead]
    assert dead.read_bytes() == before


def test_a_repaired_file_is_on_the_medium_before_it_takes_the_place(
    dead: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one holds frames that were acknowledged: a power cut must find one of the two."""
    did = recorded(monkeypatch)
    repair(dead)
    (copy,) = synced(dead)
    assert did == [copy, ("replace", copy[1]), *synced(dead.parent)]


def test_the_name_of_the_file_is_on_the_medium_before_a_segment_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is synced of a file that a power cut leaves without a name is lost."""
    seen: list[list[str]] = []
    monkeypatch.setattr(
        "atta_daq.archive.frames.sync_folder", lambda folder: seen.append(os.listdir(folder))
    )
    FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS).close()
    assert seen == [["frames.h5"]]


def test_a_repair_removes_what_dead_processes_left_of_theirs(dead: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = [dead.with_name(name) for name in (".frames.h5.repair", f".frames.h5.{gone.pid}.tmp")]
    others = dead.with_name(f".frames.h5.{os.getppid()}.tmp")
    for path in (*left, others):
        path.write_bytes(b"half of it")
    repair(dead)
    assert sorted(dead.parent.iterdir()) == sorted([dead, others])


def test_blocks_hold_about_a_hundred_small_frames_and_at_least_one_large() -> None:
    assert frames_per_block(40, 40) == 100
    assert frames_per_block(512, 512) == 1


def test_the_predicted_volume_bounds_what_is_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    with FramesWriter(tmp_path / "frames.h5", 40, 40) as writer:
        for number in range(1000):
            writer.append(rng.poisson(300.0, (40, 40)).astype(np.uint16), number, float(number))
        writer.flush(0)
    size = (tmp_path / "frames.h5").stat().st_size
    fixed = 100_000  # headers and one chunk of every column, whatever the length
    assert size < predicted_bytes(40, 40, frame_rate_hz=10.0, duration_s=100.0) + fixed
    assert predicted_bytes(64, 64, 10.0, 36_000.0) == pytest.approx(3e9, rel=0.02)


def test_frames_that_the_disk_refused_are_kept_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    images = [_image(rng) for _ in range(300)]
    block = frames_per_block(ROWS, COLUMNS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with FramesWriter(tmp_path / "frames.h5", ROWS, COLUMNS) as writer:
        for number, image in enumerate(images[: block - 1]):
            writer.append(image, number, float(number))
        with monkeypatch.context() as patch:
            patch.setattr(h5py.Dataset, "__setitem__", full)
            with pytest.raises(WriteFailed, match=f"{block} frames could not be written"):
                writer.append(images[block - 1], block - 1, float(block - 1))
            with pytest.raises(WriteFailed):
                writer.append(images[block], block, float(block))
            with pytest.raises(WriteFailed):
                writer.flush(0)
        for number in range(block, 300):
            writer.append(images[number], number, float(number))
        assert writer.flush(0) == 300
    with FramesReader(tmp_path / "frames.h5") as reader:
        assert np.array_equal(reader.segment(0).images, np.array(images))
        assert reader.segment(0).unique_id.tolist() == list(range(300))
