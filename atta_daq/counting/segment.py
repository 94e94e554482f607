"""Counts the atoms of one segment while its frames come in.

`arm` opens a segment, `add` takes frames (any thread; it only copies references and filters in
chunks), `provisional` tells what has been seen so far, `finish` decides the count once. Lost
frames (gaps in the camera's numbers) are dead time: the chain of atoms runs on blindly, nothing
that may have arrived there is counted or guessed. An atom that sits in the trap when the segment
starts, or when a gap ends, is no arrival.
"""

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.counting.calibration import CountingCalibration
from atta_daq.counting.chain import AtomChain, most_likely_rate
from atta_daq.counting.efficiency import EfficiencyCurve

FloatArray = NDArray[np.float64]
CHUNK_FRAMES = 64
# A provisional count needs some arrival rate before there is one.
PROVISIONAL_ARRIVALS_PER_EXPOSURE = 0.02


@dataclass(frozen=True)
class CountResult:
    """What a segment counted."""

    counts: int
    """Atoms, as a Poisson number of mean rate x live_s x efficiency (see `efficiency`)."""
    efficiency: float
    efficiency_error: float
    live_s: float
    """Exposures used times exposure."""
    exposures: int
    frames_lost: int
    """Gaps in the camera's numbers between the first and the last used frame."""
    frames_ignored: int
    """Frames from before the arming, settling frames and repeated ones."""
    arrivals_rig_s: FloatArray
    """Rig times of the arrivals that can be told apart, ascending; at high rates fewer than
    `counts`."""
    signals: FloatArray
    """(exposures,) detected electrons in the spot."""
    frame_times_rig_s: FloatArray
    """(exposures,) end of each exposure."""
    background_electrons: float
    """Per pixel and exposure, mean of the segment."""
    rate_per_s: float
    """Most likely arrival rate."""
    rate_error_per_s: float
    """From the counting statistics and the efficiency's error."""


class NotArmed(RuntimeError):
    """The counter was read before it was armed."""


class SegmentCounter:
    """One segment at a time; arm it again for the next."""

    def __init__(
        self,
        calibration: CountingCalibration,
        efficiency: EfficiencyCurve,
        *,
        settle_frames: int = 0,
    ) -> None:
        """`settle_frames`: exposures thrown away after arming, lost ones included."""
        if settle_frames < 0:
            raise ValueError("settle_frames must not be negative")
        self.calibration = calibration
        self.efficiency = efficiency
        self._settle_frames = settle_frames
        self._lock = threading.Lock()
        self._provisional_chain = AtomChain(
            calibration.emission(),
            PROVISIONAL_ARRIVALS_PER_EXPOSURE,
            calibration.dwell_exposures,
        )
        self._armed = False
        self._reset(math.inf, None)
        self._warm_up()

    def _warm_up(self) -> None:
        """Compile now what would otherwise hold up the first segment for seconds."""
        dark = np.zeros((1, *self.calibration.shape), dtype=np.uint16)
        signals = self.calibration.spot_filter.apply(dark)
        self._provisional_chain.arrivals(signals)
        self._provisional_chain.smoothed(signals)

    def _reset(self, armed_at_s: float, exposures: int | None) -> None:
        self._armed_at_s = armed_at_s
        self._wanted = exposures
        self._first_id: int | None = None
        self._last_id: int | None = None
        self._ignored = 0
        self._ids: list[int] = []
        self._times: list[float] = []
        self._waiting: list[NDArray[np.uint16]] = []
        self._signals: list[FloatArray] = []
        self._levels: list[FloatArray] = []

    def arm(self, rig_time_s: float, exposures: int | None = None) -> None:
        """Open a segment at `rig_time_s`; exposures that began before it are ignored.

        With `exposures` the segment takes that many frames and ignores the rest. Whatever was
        not finished is thrown away.
        """
        if exposures is not None and exposures < 1:
            raise ValueError("a segment needs at least one exposure")
        with self._lock:
            self._reset(rig_time_s, exposures)
            self._armed = True

    def add(self, image: NDArray[np.uint16], unique_id: int, rig_time_s: float) -> int:
        """Take one frame, whose exposure ended at `rig_time_s`; return the exposures used so far.

        The image is kept until its chunk is filtered: hand over one that nobody writes to.
        Raises ValueError if its shape is not the calibration's.
        """
        if image.shape != self.calibration.shape:
            raise ValueError(
                f"EMCCD: a frame of {image.shape} does not fit the counting calibration for "
                f"{self.calibration.shape}: set the region back or calibrate again"
            )
        with self._lock:
            if not self._accepts(unique_id, rig_time_s):
                self._ignored += 1
                return len(self._ids)
            self._last_id = unique_id
            self._ids.append(unique_id)
            self._times.append(rig_time_s)
            self._waiting.append(image)
            if len(self._waiting) >= CHUNK_FRAMES:
                self._filter()
            return len(self._ids)

    def _accepts(self, unique_id: int, rig_time_s: float) -> bool:
        # A thousandth of an exposure of grace: time stamps are rounded.
        begin = rig_time_s - 0.999 * self.calibration.exposure_s
        if not self._armed or begin < self._armed_at_s:
            return False
        if self._first_id is None:
            self._first_id = unique_id
        if self._wanted is not None and len(self._ids) >= self._wanted:
            return False
        if unique_id < self._first_id + self._settle_frames:
            return False
        return self._last_id is None or unique_id > self._last_id

    def _filter(self) -> None:
        if not self._waiting:
            return
        frames = np.stack(self._waiting)
        self._waiting.clear()
        signals, levels = self.calibration.spot_filter.with_background(frames)
        self._signals.append(signals)
        self._levels.append(levels)

    @property
    def exposures(self) -> int:
        """Exposures used so far."""
        with self._lock:
            return len(self._ids)

    def provisional(self) -> int:
        """Arrivals that can be told apart so far: for display, never for a result."""
        with self._lock:
            self._need_armed()
            signals, lost, _ = self._collected()
        # Outside the lock: a camera's thread must not wait for it.
        return self._provisional_chain.arrivals(signals, lost).count

    def finish(self) -> CountResult:
        """Close the segment and decide its count. Raises NotArmed if none is open."""
        with self._lock:
            self._need_armed()
            self._armed = False
            signals, lost, levels = self._collected()
            times = np.array(self._times)
            ignored = self._ignored
        return self._decide(signals, lost, levels, times, ignored)

    def _need_armed(self) -> None:
        if not self._armed:
            raise NotArmed("the counter has no open segment: arm it first")

    def _collected(self) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
        self._filter()
        signals = np.concatenate(self._signals) if self._signals else np.empty(0)
        levels = np.concatenate(self._levels) if self._levels else np.empty(0)
        ids = np.array(self._ids, dtype=np.int64)
        lost = np.diff(ids, prepend=ids[:1] - 1) - 1
        return signals, lost, levels

    def _decide(
        self,
        signals: FloatArray,
        lost: NDArray[np.int64],
        levels: FloatArray,
        times: FloatArray,
        ignored: int,
    ) -> CountResult:
        calibration, curve = self.calibration, self.efficiency
        exposure, dwell = calibration.exposure_s, calibration.dwell_exposures
        live = signals.size * exposure
        counts, rate, background = 0, 0.0, calibration.background_electrons.value
        arrivals = np.empty(0)
        if signals.size:
            level = float(levels.mean()) - calibration.bias_adu.value
            background = level / calibration.adu_per_electron.value
            # The light of this segment, not of the calibration, makes this segment's noise.
            tables = calibration.emission(background)
            likely = most_likely_rate(tables, dwell, signals, lost)
            rate = likely.arrivals_per_exposure / exposure
            counts = round(curve.information_at(rate) * rate * live)
            path = AtomChain(tables, likely.arrivals_per_exposure, dwell).arrivals(signals, lost)
            arrivals = times[path.frame] - exposure * (1.0 - path.fraction)
        true_rate = curve.true_rate(rate)
        efficiency, error = curve.at(true_rate), curve.error_at(true_rate)
        counted = counts / (efficiency * live) if live else 0.0
        statistical = math.sqrt(max(counts, 1)) / (efficiency * live) if live else math.inf
        return CountResult(
            counts=counts,
            efficiency=efficiency,
            efficiency_error=error,
            live_s=live,
            exposures=int(signals.size),
            frames_lost=int(lost.sum()),
            frames_ignored=ignored,
            arrivals_rig_s=np.sort(arrivals),
            signals=signals,
            frame_times_rig_s=times,
            background_electrons=background,
            rate_per_s=true_rate,
            rate_error_per_s=math.hypot(statistical, counted * error / efficiency),
        )
