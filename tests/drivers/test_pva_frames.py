"""Frames of the EMCCD driver against a small pvAccess server: none of before, none too many."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from drivers.areadetector import AreaDetectorCamera
from drivers.errors import DeviceFault
from drivers.interfaces import CameraLimits, CameraSettings, Frame, Range

LIMITS = CameraLimits(
    exposure_s=Range(0.0004, 10.0), em_gain=Range(2, 300), temperature_c=Range(-100.0, -60.0)
)
SETTINGS = CameraSettings(exposure_s=0.1, roi=(236, 240, 40, 32), em_gain=0)


@pytest.fixture
def camera(fake) -> Iterator[AreaDetectorCamera]:
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=1.0, action_s=1.0)
    camera.connect()
    yield camera
    camera.close()


def until(reached: Callable[[], bool]) -> None:
    """Wait for another thread; the test's time limit ends a wait in vain."""
    while not reached():
        time.sleep(0.002)


def test_frames_come_in_order_with_shape_and_time(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    pixels = np.arange(32 * 40, dtype=np.uint16).reshape(32, 40)
    fake.expose(1, 1_700_000_000.25, pixels)
    fake.expose(2, 1_700_000_000.35)
    until(lambda: len(frames) == 2)
    camera.stop()
    assert [frame.unique_id for frame in frames] == [1, 2]
    assert frames[0].rig_time_s == pytest.approx(1_700_000_000.25, abs=1e-6)
    np.testing.assert_array_equal(frames[0].image, pixels)
    assert fake.wrote("Acquire")[-2:] == [1, 0]


def test_first_frame_of_the_subscription_is_ignored(fake, camera):
    """A new subscription first delivers the previous acquisition's last frame."""
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(57)
    camera.start(frames.append)
    fake.expose(58)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert frames[0].unique_id == 1
    assert frames[0].image[0, 0] == 58
    assert camera.status().frames_lost == 0


def test_late_frames_of_before_are_ignored(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(57)
    camera.start(frames.append)
    fake.image.post(fake.array(np.full((32, 40), 56, np.uint16), 56, 1.0))
    fake.image.post(fake.array(np.full((32, 40), 57, np.uint16), 57, 1.0))
    fake.expose(58)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert [int(frame.image[0, 0]) for frame in frames] == [58]


def test_gaps_are_counted_also_before_the_first_frame(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(10)
    camera.start(frames.append)
    for unique_id in (12, 13, 17, 18):
        fake.expose(unique_id)
    until(lambda: len(frames) == 4)
    status = camera.status()
    camera.stop()
    assert [frame.unique_id for frame in frames] == [2, 3, 7, 8]
    assert (status.frames_delivered, status.frames_lost) == (4, 4)
    assert status.acquiring


def test_stop_leaves_no_late_frame(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    stopping = threading.Event()

    def expose() -> None:
        for unique_id in range(1, 400):
            fake.expose(unique_id)
            if unique_id == 100:
                stopping.set()

    exposing = threading.Thread(target=expose)
    exposing.start()
    assert stopping.wait(20.0)
    camera.stop()
    at_stop = len(frames)
    exposing.join()
    assert len(frames) == at_stop
    assert [frame.unique_id for frame in frames] == list(range(1, at_stop + 1))


def test_restart_counts_anew(fake, camera):
    camera.configure(SETTINGS)
    for first in (1, 4, 7):
        frames: list[Frame] = []
        camera.start(frames.append)
        for unique_id in range(first, first + 3):
            fake.expose(unique_id)
        until(lambda: len(frames) == 3)  # noqa: B023
        camera.stop()
        assert [frame.unique_id for frame in frames] == [1, 2, 3]
        assert [int(frame.image[0, 0]) for frame in frames] == [first, first + 1, first + 2]
        assert camera.progress().lost == 0


def test_acquisition_left_by_a_crashed_client_is_ended_first(fake, camera):
    camera.configure(SETTINGS)
    fake.set("Acquire_RBV", 1)
    fake.set("DetectorState_RBV", 1)
    camera.start(lambda _: None)
    camera.stop()
    assert fake.wrote("Acquire") == [0, 1, 0]


def test_camera_that_is_not_configured(camera):
    with pytest.raises(DeviceFault, match="configure it"):
        camera.start(lambda _: None)


def test_camera_that_does_not_start(fake):
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3, action_s=1.0)
    camera.connect()
    camera.configure(SETTINGS)
    fake.stuck.add("Acquire")
    with pytest.raises(DeviceFault, match="did not start"):
        camera.start(lambda _: None)
    camera.close()


def test_counter_is_reset_long_before_it_runs_over(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(2**30 + 5)
    camera.start(frames.append)
    assert fake.wrote("ArrayCounter") == [0]
    fake.image.post(fake.array(np.zeros((32, 40), np.uint16), 2**30 + 6, 1.0))
    fake.expose(1)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert (frames[0].unique_id, camera.progress().lost) == (1, 0)


def test_progress_tells_a_stall(fake):
    now = [100.0]
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, monotonic=lambda: now[0])
    camera.connect()
    camera.configure(SETTINGS)
    assert camera.progress().last_frame_wall_s is None
    camera.start(lambda _: None)
    fake.expose(1)
    until(lambda: camera.progress().delivered == 1)
    now[0] = 105.0
    assert camera.progress().last_frame_wall_s == 100.0
    camera.stop()
    camera.close()


def test_sink_that_fails_ends_the_stream_and_is_told(fake, camera, caplog):
    def sink(frame: Frame) -> None:
        raise RuntimeError("disk full")

    camera.configure(SETTINGS)
    camera.start(sink)
    fake.expose(1)
    until(lambda: bool(camera.progress().failure))
    assert "disk full" in camera.status().message
    assert "frame dropped" in caplog.text
    camera.stop()


@pytest.mark.parametrize("image", [np.zeros((32, 40), np.float64), np.zeros((2, 3, 4), np.uint16)])
def test_frames_of_another_type_end_the_stream(fake, camera, caplog, image):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    fake.expose(1, image=image)
    until(lambda: "cannot be used" in camera.progress().failure)
    assert frames == []
    assert "frame dropped" in caplog.text
    camera.stop()


def test_lost_server_ends_the_stream(fake, camera):
    camera.configure(SETTINGS)
    camera.start(lambda _: None)
    fake.close()
    until(lambda: bool(camera.progress().failure))
    assert "connection" in camera.progress().failure
