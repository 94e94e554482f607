"""What windows see while things go on: pictures at once, numbers five times a second."""

import json
import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.recent import RecentSignals
from atta_daq.rig.clock import RigClock
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.server import StationServer
from drivers.interfaces import Frame

log = logging.getLogger(__name__)

DISPLAY_S = 0.2
PICTURE_S = 1.0 / 30.0
"""Pictures come no faster than this, however fast the camera is."""
PROVISIONAL_S = 1.0
"""A provisional count costs a look at the whole segment."""
WAIT_S = 0.5


class Display:
    """Two threads: the one for pictures sleeps until a frame comes.

    `saturated_adu`: the count at which a pixel is shown as saturated.
    """

    def __init__(
        self, taker: SegmentTaker, clock: RigClock, server: StationServer, saturated_adu: int
    ) -> None:
        self._taker = taker
        self._clock = clock
        self._server = server
        self._saturated_adu = saturated_adu
        self._stop = threading.Event()
        self._counted_s = 0.0
        self._picture_due_s = 0.0
        self._recent: RecentSignals | None = None
        self._series = 0
        self._counting: CountingCalibration | None = None
        self._threads = [
            threading.Thread(target=self._repeat, args=(work, pause_s), name=name, daemon=True)
            for work, pause_s, name in (
                (self._picture, 0.0, "pictures"), (self._numbers, DISPLAY_S, "display"),
            )
        ]  # fmt: skip

    def start(self) -> None:
        """Begin to post."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End both threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Callable[[], None], pause_s: float) -> None:
        told = ""
        while not self._stop.wait(pause_s):
            try:
                work()
            except Exception as error:
                # The heartbeat of the station comes from here, and so do the pictures: neither
                # must end for one frame.
                if str(error) != told:
                    told = str(error)
                    log.exception("display")
                self._stop.wait(DISPLAY_S - pause_s)

    def _picture(self) -> None:
        frame = self._taker.provisional.wait(WAIT_S)
        if frame is None:
            return
        self._server.post_image(frame.image, frame.rig_time_s)
        # From the last due time, not from now: a camera at 30 frames a second would else be held
        # back a little more with every frame, until one is left out.
        now_s = time.monotonic()
        self._picture_due_s = max(self._picture_due_s + PICTURE_S, now_s)
        self._stop.wait(self._picture_due_s - now_s)

    def _numbers(self) -> None:
        provisional, trap, post = self._taker.provisional, self._taker.trap, self._server.post
        post("station:rig_time", self._clock.now_s())
        post("camera:frames", provisional.frames)
        post("trap:isotope", -1 if (isotope := trap.isotope) is None else isotope)
        post("trap:switching", trap.switching)
        if time.monotonic() - self._counted_s > PROVISIONAL_S:
            post("rate:counts", provisional.counts())
            self._counted_s = time.monotonic()
        frame = provisional.frame
        if frame is not None:
            saturated = np.count_nonzero(frame.image >= self._saturated_adu)
            post("camera:saturated", saturated / frame.image.size)
        self._signals()
        trace = self._taker.loading_trace
        if trace is not None:
            post("loading:trace", trace.volts)
            post("loading:step", trace.dt_s)

    def _signals(self) -> None:
        series, frames = self._taker.provisional.take()
        setup = self._taker.counting
        calibration = None if setup is None else setup.calibration
        if calibration is not self._counting:
            self._counting = calibration
            self._recent = None if calibration is None else RecentSignals(calibration)
            self._server.post("camera:counting", counting_record(calibration))
        if self._recent is None:
            self._post_signals(np.empty(0), np.empty(0))
            return
        if series != self._series:
            self._recent.clear()
            self._series = series
        fitting = [frame for frame in frames if frame.image.shape == self._recent.calibration.shape]
        if fitting:
            self._recent.add(*_stacked(fitting))
        signals, arrivals = self._recent.read()
        self._post_signals(signals, arrivals.astype(np.float64))

    def _post_signals(self, signals: np.ndarray, arrivals: np.ndarray) -> None:
        self._server.post("camera:signals", signals)
        self._server.post("camera:arrivals", arrivals)


def counting_record(calibration: CountingCalibration | None) -> str:
    """`camera:counting` of a calibration; empty for none."""
    if calibration is None:
        return ""
    return json.dumps(
        {
            "electrons_per_atom": calibration.electrons_per_atom.value,
            "zero_electrons": calibration.zero_electrons.value,
            "noise_electrons": calibration.noise_electrons.value,
            "dwell_s": calibration.dwell_s.value,
            "background": calibration.background_electrons.value,
            "spot_row_px": calibration.spot_row_px.value,
            "spot_column_px": calibration.spot_column_px.value,
            "spot_sigma_px": calibration.spot_sigma_px.value,
        }
    )


def _stacked(frames: list[Frame]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([frame.unique_id for frame in frames], dtype=np.int64)
    return np.stack([frame.image for frame in frames]), ids
