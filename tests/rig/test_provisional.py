"""The latest frames, for windows."""

import numpy as np

from atta_daq.counting.segment import NotArmed
from atta_daq.rig.provisional import RECENT_FRAMES, Provisional
from drivers.interfaces import Frame


def frame(number: int) -> Frame:
    return Frame(number, 0.1 * number, np.full((2, 2), number, dtype=np.uint16))


def test_the_newest_is_handed_out_once() -> None:
    provisional = Provisional()
    assert provisional.wait(0.0) is None
    provisional.add(frame(1))
    provisional.add(frame(2))
    shown = provisional.wait(0.0)
    assert shown is not None
    assert shown.unique_id == 2
    assert provisional.wait(0.0) is None


def test_frames_are_taken_once_and_only_the_last_are_kept() -> None:
    provisional = Provisional()
    for number in range(RECENT_FRAMES + 50):
        provisional.add(frame(number))
    series, taken = provisional.take()
    assert [f.unique_id for f in taken] == list(range(50, RECENT_FRAMES + 50))
    assert provisional.frames == RECENT_FRAMES + 50
    assert provisional.take() == (series, [])
    provisional.add(frame(1))
    provisional.begin()
    assert provisional.take() == (series + 1, [])
    assert provisional.frames == 0


class Counter:
    armed = True

    def provisional(self) -> int:
        if not self.armed:
            raise NotArmed("finished")
        return 7


def test_counts_stay_when_the_segment_was_decided() -> None:
    provisional = Provisional()
    assert provisional.counts() == 0
    counter = Counter()
    provisional.counter = counter  # type: ignore[assignment]
    assert provisional.counts() == 7
    counter.armed = False
    assert provisional.counts() == 7
    provisional.begin()
    assert provisional.counts() == 0
