"""Frames on their way from the camera's thread to the consumers."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.rig.frame_pump import FramePump
from drivers.errors import DeviceFault
from drivers.interfaces import Frame

SHAPE = (2, 2)
IMAGE = np.zeros(SHAPE, dtype=np.uint16)


def frame(unique_id: int) -> Frame:
    return Frame(unique_id, 0.1 * unique_id, IMAGE)


def never() -> str:
    return ""


@given(st.lists(st.booleans(), min_size=30, max_size=30))
def test_a_segment_takes_its_exposures_lost_ones_included(kept: list[bool]) -> None:
    seen: list[int] = []
    pump = FramePump(15, 5, SHAPE, (lambda f: seen.append(f.unique_id),))
    sent = [i for i, keep in enumerate(kept) if keep]
    for i in sent:
        pump(frame(i))
    pump.finish()
    expected = [i for i in sent if i - sent[0] < 20] if sent else []
    assert seen == expected
    assert pump.received == len(expected)


def test_it_says_when_all_have_come() -> None:
    pump = FramePump(3, 2, SHAPE, ())
    for i in range(7, 12):
        pump(frame(i))
    assert pump.wait(10.0, never) == ""
    pump.finish()
    assert pump.received == 5


def test_lost_last_frames_do_not_hold_the_segment() -> None:
    pump = FramePump(3, 0, SHAPE, ())
    pump(frame(0))
    pump(frame(9))
    assert pump.wait(10.0, never) == ""
    pump.finish()
    assert pump.received == 1


def test_frames_of_another_size_are_the_cameras_fault() -> None:
    """A camera that was restarted sends its whole sensor."""
    seen: list[int] = []
    pump = FramePump(30, 0, SHAPE, (lambda f: seen.append(f.unique_id),))
    pump(frame(0))
    pump(Frame(1, 0.1, np.zeros((512, 512), dtype=np.uint16)))
    assert pump.wait(10.0, never) == "", "the segment ends at once"
    with pytest.raises(DeviceFault, match="512 x 512 pixels instead of 2 x 2") as refused:
        pump.finish()
    assert refused.value.instrument == "camera"
    assert seen == [0], "nobody has to take it"


def test_a_camera_that_stalls_is_named() -> None:
    pump = FramePump(3, 0, SHAPE, ())
    pump(frame(0))
    assert "camera stalled" in pump.wait(0.05, never, poll_s=0.01)
    pump.finish()


def test_an_interruption_ends_it_with_its_cause() -> None:
    pump = FramePump(3, 0, SHAPE, ())
    assert pump.wait(10.0, lambda: "lock lost", poll_s=0.01) == "lock lost"
    pump.finish()


def test_a_consumer_that_fails_is_not_swallowed() -> None:
    def full(_frame: Frame) -> None:
        raise OSError("no space left on device")

    pump = FramePump(3, 0, SHAPE, (full,))
    pump(frame(0))
    assert pump.wait(10.0, never) == ""
    with pytest.raises(DeviceFault, match="no space left"):
        pump.finish()


def test_its_thread_ends() -> None:
    before = threading.active_count()
    pump = FramePump(1, 0, SHAPE, ())
    pump(frame(0))
    pump.finish()
    assert threading.active_count() == before
