"""One segment: what is moved, what is accounted for, what flags it."""

import threading
from typing import Any

import numpy as np
import pytest

from atta_daq.analysis.records import SegmentKind
from atta_daq.rig.frame_pump import FramePump
from atta_daq.rig.taker import Place, SegmentTaker
from atta_daq.scans.blocks import PlannedSegment, Target
from drivers.errors import ConnectionLost
from drivers.interfaces import CameraProtection, CameraStatus, Frame, Trace

COLD = CameraStatus(False, -70.0, True, 0, 0.1, False, 0, 0, "")
PLACE = Place("run", 3, 0, 7)
DT_S = 1e-3


def burst_trace(rate: float = 0.3, bursts: int = 5) -> Trace:
    """Bursts of height rate x 1 s that decay within 5 ms, after a second of dark each."""
    times = np.arange(int((bursts * 1.05 + 0.05) / DT_S)) * DT_S
    volts = np.full(times.size, 0.05)
    for k in range(1, bursts + 1):
        since = times - 1.05 * k
        lit = (since >= 0.0) & (since < 0.05)
        volts[lit] += rate * (1.0 + 0.01 * (-1) ** k) * np.exp(-since[lit] / 0.005)
    return Trace(volts, DT_S, None)


def bracket(pumping: bool = False) -> PlannedSegment:
    return PlannedSegment(
        SegmentKind.LOADING_83, 83, pumping, None, Target(), None, None, bracket=True
    )


@pytest.fixture
def taker(rig: Any) -> SegmentTaker:
    rig.instruments.loading.answers["quench_bursts"] = burst_trace()
    return SegmentTaker(rig.instruments, rig.config, rig.clock, rig.light, rig.trap)


def test_a_bracket_is_taken_with_the_light_blocked(rig: Any, taker: SegmentTaker) -> None:
    segment = taker.take(bracket(), PLACE)
    assert segment.flag == ""
    assert segment.rate == pytest.approx(0.3, rel=0.02)
    assert 0.0 < (segment.rate_error or 0.0) < 0.01
    assert segment.exposures == 5
    assert ("trap_switch", "set_pumping_light", False) in rig.log
    moved = {name for name, _ in rig.asked()}
    assert not moved & {"lock", "amplifier", "sideband"}, "the light stays where it is"


def test_all_time_is_accounted_for(rig: Any, taker: SegmentTaker) -> None:
    def record(*_: object) -> Trace:
        rig.wall_s += 7.0
        return burst_trace()

    rig.instruments.loading.quench_bursts = record
    taker.take(bracket(), PLACE)
    rig.wall_s += 3.0
    segment = taker.take(bracket(), PLACE)
    assert segment.live_s == 5.0
    assert segment.dead_s["record"] == pytest.approx(2.0)
    assert segment.dead_s["overhead"] == pytest.approx(3.0)


def test_pumping_moves_the_light_and_keeps_where_it_was_read(rig: Any, taker: SegmentTaker) -> None:
    segment = taker.take(bracket(pumping=True), PLACE)
    assert segment.setting.detuning_mhz is not None
    assert segment.setting.power_mw == pytest.approx(500.0 * 0.84)
    shutter = rig.log.index(("trap_switch", "set_pumping_light", True))
    lock = next(i for i, call in enumerate(rig.log) if call[:2] == ("lock", "set_ratio"))
    assert lock < shutter, "the light goes to its place before the shutter opens"


def test_a_fault_flags_the_segment_and_is_not_raised(rig: Any, taker: SegmentTaker) -> None:
    rig.instruments.loading.answers["quench_bursts"] = ConnectionLost("loading", "unplugged")
    segment = taker.take(bracket(), PLACE)
    assert segment.flag == "loading: unplugged"
    assert segment.live_s == 0.0
    assert segment.rate is None


def test_a_reason_of_the_guard_flags_it(taker: SegmentTaker) -> None:
    taker.guard = lambda: "lock: lost"
    assert taker.take(bracket(), PLACE).flag == "lock: lost"


def test_what_has_ended_before_it_began_moves_nothing(rig: Any, taker: SegmentTaker) -> None:
    segment = taker.take(bracket(pumping=True), PLACE, lambda: "aborted by office")
    assert (segment.flag, segment.live_s) == ("aborted by office", 0.0)
    assert not rig.asked()


def test_an_interrupt_while_it_begins_is_not_lost(rig: Any, taker: SegmentTaker) -> None:
    """Also one that comes when the segment has just asked whether it is over already."""
    other = threading.Thread(target=taker.interrupt, args=("aborted",))

    def ended() -> str:
        other.start()
        return ""

    def record(*_: object) -> Trace:
        other.join(10.0)
        return burst_trace()

    rig.instruments.loading.quench_bursts = record
    assert taker.take(bracket(), PLACE, ended).flag == "aborted"
    assert taker.take(bracket(), PLACE, lambda: "").flag == "", "it was meant for that segment"


def test_a_blank_with_light_leaves_the_light_where_it_stands(rig: Any, taker: SegmentTaker) -> None:
    rig.instruments.camera.answers["start"] = ConnectionLost("camera", "gone")
    planned = PlannedSegment(SegmentKind.BLANK, 0, True, None, Target(), 10.0, None)
    assert taker.take(planned, PLACE).flag == "camera: gone"
    assert ("lock", "set_ratio") not in rig.asked()
    assert ("trap_switch", "set_pumping_light", True) in rig.log
    assert ("camera", "stop") in rig.asked(), "stopped whatever happened"


class WarmingCamera:
    """Tells the temperature that it had before the start until it is stopped, as ADAndor does."""

    def __init__(self, rig: Any, taker: SegmentTaker, after: CameraStatus) -> None:
        self._frames = 1 + rig.config.timing.settle_frames
        self._taker = taker
        self._after = after
        self.interrupted = ""
        rig.instruments.camera.start = self._start
        rig.instruments.camera.stop = self._stop
        self._rig = rig

    def _start(self, pump: FramePump) -> None:
        if self.interrupted:
            self._taker.interrupt(self.interrupted)
            return
        for number in range(self._frames):
            pump(
                Frame(
                    number, 0.1 * number, np.zeros(self._rig.config.camera.frame_shape, np.uint16)
                )
            )

    def _stop(self) -> None:
        self._rig.instruments.camera.answers["status"] = self._after


WARM = CameraStatus(False, -68.2, False, 0, 0.1, False, 0, 0, "")


@pytest.mark.parametrize(
    ("after", "interrupted", "flag"),
    [
        (COLD, "", ""),
        (WARM, "", "camera: the sensor is not at its temperature (-68.2 °C)"),
        (WARM, "lock: lost", "lock: lost"),
    ],
)
def test_a_sensor_found_warm_after_the_frames_flags_their_segment(
    rig: Any, taker: SegmentTaker, after: CameraStatus, interrupted: str, flag: str
) -> None:
    WarmingCamera(rig, taker, after).interrupted = interrupted
    dwell_s = rig.config.camera.exposure_s
    planned = PlannedSegment(SegmentKind.BLANK, 0, True, None, Target(), dwell_s, None)
    assert taker.take(planned, PLACE).flag == flag


def test_a_trip_of_the_cameras_protection_flags_its_segment_and_no_later_one(
    rig: Any, taker: SegmentTaker
) -> None:
    camera = rig.instruments.camera
    trips = [CameraProtection(0.0, 0, "", 0.0), CameraProtection(0.1, 1, "too bright", 0.5)]
    camera.protection = lambda: trips.pop(0) if len(trips) > 1 else trips[0]
    assert taker.take(bracket(), PLACE).flag == "camera: too bright"
    assert taker.take(bracket(), PLACE).flag == "", "the words stay until the next acquisition"
