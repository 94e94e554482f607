"""The device that takes segments, beside an engine that pauses and replays."""

import threading
from typing import Any

from atta_daq.rig.devices import SegmentDevice


class Taker:
    """Each take lasts until it may end."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Semaphore(0), threading.Semaphore(0)

    def take(self, _planned: Any, _place: Any, _ended: Any) -> Any:
        self.began.release()
        assert self.may_end.acquire(timeout=20.0)

    def interrupt(self, _reason: str) -> None:
        pass


def test_a_segment_that_a_pause_has_ended_before_it_began_is_not_announced() -> None:
    taker: Any = Taker()
    begun: list[Any] = []
    device = SegmentDevice(taker, lambda _segment: None, begun.append)
    planned: Any = "85Kr at 100 MHz"
    device.set((planned, 0))
    done = []
    for _ in range(2):
        done.append(device.trigger())
        assert done[1:] or taker.began.acquire(timeout=20.0)
        device.pause()
    taker.may_end.release(2)
    assert [status.exception(20.0) for status in done] == [None, None]
    device.close()
    assert begun == [planned]
