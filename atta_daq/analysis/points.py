"""Segments to normalised points: what every fit and every plot starts from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.analysis.normaliser import Normaliser, pooled_relative_errors, that_loaded
from atta_daq.analysis.records import Segment, SegmentKind, Setting

FloatArray = NDArray[np.float64]
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class NormalisedPoint:
    """All that a run knows about one scan point in one pumping state.

    Model of a measurement: counts ~ Poisson(weight * rate + blank rate * live_s), or, for loading
    rates, value ~ Normal(weight * rate, value_error). `rate` is in atoms per hour (counts) or in
    detector units per second (loading) at the run's mean 83Kr loading rate.
    """

    index: int | None
    """The scan's point; None for references that belong to no point."""
    pumping: bool
    setting: Setting
    """Means over the segments, weighted by exposure."""
    mid_rig_s: float
    live_s: float
    counts: int | None
    """Atoms detected; None for loading rates."""
    value: float
    """Counts as a float, or the mean loading rate."""
    value_error: float
    """Of the loading rate; for counts sqrt(max(counts, 1)), for display only."""
    weight: float
    """Counts: live hours x efficiency x relative 83Kr rate; loading: relative 83Kr rate."""
    normaliser: float
    """83Kr rate during the point over its mean in the run."""
    normaliser_error: float
    ratio: float
    """(value - blanks) / weight: the normalised rate. An estimate for display and tables."""
    error: float
    """One standard error of `ratio`, normaliser and blank included."""
    extrapolated: bool
    """A bracket is missing before or after it."""
    segments: tuple[int, ...]
    """`Segment.index` of what was summed."""


@dataclass(frozen=True)
class BlankRate:
    """Counts with the trap off every isotope, in one state of the 819-nm light."""

    pumping: bool
    counts: int
    live_s: float


@dataclass(frozen=True)
class NormalisedData:
    """The normalised points of one isotope of a run."""

    isotope: int
    points: tuple[NormalisedPoint, ...]
    covariance: FloatArray
    """Relative covariance of the weights, (n, n): brackets, walk of the source, efficiency."""
    blanks: tuple[BlankRate, ...]
    normaliser: Normaliser
    unit: str
    last_block: int
    notes: tuple[str, ...]

    @property
    def poisson(self) -> bool:
        """Counted atoms, not loading rates."""
        return bool(self.points) and self.points[0].counts is not None

    def array(self, name: str) -> FloatArray:
        """One numeric attribute of all points, shape (n,)."""
        return np.array([getattr(point, name) for point in self.points], dtype=np.float64)


def usable(segments: Iterable[Segment]) -> list[Segment]:
    """Unflagged segments; of signal and blanks only the last unflagged attempt of a block.

    A block counts once. Brackets of earlier attempts stay: they are interpolated, not summed.
    """
    unflagged = [segment for segment in segments if not segment.flag]
    last: dict[int, int] = {}
    for segment in unflagged:
        if not segment.bracket:
            last[segment.block] = max(segment.attempt, last.get(segment.block, 0))
    return [s for s in unflagged if s.bracket or s.attempt == last[s.block]]


def has_signal(segments: Iterable[Segment], isotope: int) -> bool:
    """Something unflagged of the isotope: that `normalise` has no points is not for lack of it."""
    return any(_is_signal(s, isotope) for s in usable(segments))


def _is_signal(segment: Segment, isotope: int) -> bool:
    apart = (SegmentKind.BLANK, SegmentKind.CHECK_83)
    return segment.isotope == isotope and not segment.bracket and segment.kind not in apart


def normalise(
    segments: Sequence[Segment],
    isotope: int,
    *,
    pumped_brackets: bool = False,
    drift: DriftSpectrum = TYPICAL,
    rate_unit: str = "1/s",
) -> NormalisedData:
    """Normalised points of `isotope` from the segments of one run or chain of runs (any order).

    Segments of one scan point and pumping state are summed: sums of Poisson counts over known
    exposures lose nothing. References without a point are summed by block.

    `pumped_brackets` = False drops brackets that were taken with the 819-nm shutter open, and
    says so: they contain the effect that they should divide out. True uses them as taken.
    Brackets without a positive rate, from a source that was out, are dropped and said, too.
    `drift` is what is known of the source beside the brackets of this run, `rate_unit` the unit of
    what was not counted but loaded.

    Raises ValueError when there is no usable segment of the isotope, or when counted and
    loading segments of it are mixed.
    """
    good = usable(segments)
    flagged = sum(1 for segment in segments if segment.flag)
    notes = [f"{flagged} flagged segments left out"] if flagged else []
    signal = [s for s in good if _is_signal(s, isotope)]
    if not signal:
        raise ValueError(f"no usable segment of {isotope}Kr")
    brackets = [s for s in good if s.bracket]
    if not pumped_brackets and any(s.pumping for s in brackets):
        notes.append(
            f"{sum(s.pumping for s in brackets)} brackets taken with pumping light left out"
        )
        brackets = [s for s in brackets if not s.pumping]
    loaded = that_loaded(brackets)
    if len(loaded) < len(brackets):
        notes.append(
            f"{len(brackets) - len(loaded)} brackets without a positive loading rate left out"
        )
    brackets = loaded
    normaliser = Normaliser.from_brackets(brackets, drift)
    if not brackets:
        notes.append("no 83Kr bracket: rates are not normalised")
    counted = {s.counts is not None for s in signal}
    if len(counted) > 1:
        raise ValueError(f"{isotope}Kr: counted and loading segments cannot be mixed")
    blanks = _blanks(good)
    if counted == {True} and not blanks:
        notes.append("no blank: false counts are not subtracted")
    unit = "atoms/h" if counted == {True} else rate_unit
    last_block = max(s.block for s in good)
    return _assemble(signal, isotope, normaliser, blanks, notes, last_block, unit)


def _blanks(segments: Sequence[Segment]) -> tuple[BlankRate, ...]:
    found = []
    for pumping in (False, True):
        matching = [
            s
            for s in segments
            if s.kind == SegmentKind.BLANK and s.pumping == pumping and s.counts is not None
        ]
        if matching:
            counts = sum(s.counts or 0 for s in matching)
            found.append(BlankRate(pumping, counts, sum(s.live_s for s in matching)))
    return tuple(found)


def blank_for(blanks: Sequence[BlankRate], pumping: bool) -> int:
    """Index of the blank that serves a pumping state: its partner, else the other; -1 if none."""
    for i, blank in enumerate(blanks):
        if blank.pumping == pumping:
            return i
    return 0 if blanks else -1


def _assemble(
    signal: list[Segment],
    isotope: int,
    normaliser: Normaliser,
    blanks: tuple[BlankRate, ...],
    notes: list[str],
    last_block: int,
    unit: str,
) -> NormalisedData:
    counted = signal[0].counts is not None
    relative, segment_covariance = normaliser.at(
        np.array([s.start_rig_s for s in signal]), np.array([s.end_rig_s for s in signal])
    )
    if counted:
        efficiency = np.array([1.0 if s.efficiency is None else s.efficiency for s in signal])
        live_h = np.array([s.live_s for s in signal]) / SECONDS_PER_HOUR
        share = live_h * efficiency * relative
        efficiency_error = np.array([s.efficiency_error or 0.0 for s in signal]) / efficiency
        errors = np.zeros(len(signal))
        if any(s.efficiency is None for s in signal):
            notes.append("no counting efficiency given: taken as 1")
    else:
        errors = pooled_relative_errors(signal)
        share = relative / np.where(errors > 0.0, errors, 1.0) ** 2
        efficiency_error = np.zeros(len(signal))

    groups: dict[tuple[object, bool], list[int]] = {}
    for i, s in enumerate(signal):
        key = ("point", s.point) if s.point is not None else ("block", s.block)
        groups.setdefault((key, s.pumping), []).append(i)
    ordered = sorted(groups.values(), key=lambda rows: signal[rows[0]].mid_rig_s)

    mixing = np.zeros((len(ordered), len(signal)))
    for p, rows in enumerate(ordered):
        mixing[p, rows] = share[rows] / share[rows].sum()
    covariance = mixing @ segment_covariance @ mixing.T
    # One calibration of the counting serves all segments of a run: its error is common to them,
    # and drops out of their ratios. A run that goes on with another one calibrates anew. Summed in
    # the order taken: that of a set of names is another one in every process, to the last bit.
    for run_id in dict.fromkeys(s.run_id for s in signal):
        mine = np.array([s.run_id == run_id for s in signal])
        scale = mixing @ (efficiency_error * mine)
        covariance += np.outer(scale, scale)
    covariance = 0.5 * (covariance + covariance.T)

    points = []
    for p, rows in enumerate(ordered):
        members = [signal[i] for i in rows]
        norm = float(np.sum(mixing[p, rows] * relative[rows]))
        norm_error = float(np.sqrt(covariance[p, p]))
        live_s = sum(s.live_s for s in members)
        if counted:
            counts = sum(s.counts or 0 for s in members)
            value, weight, value_error = float(counts), float(share[rows].sum()), max(counts, 1)
            value_error = float(np.sqrt(value_error))
        else:
            counts = None
            inverse = 1.0 / np.where(errors[rows] > 0.0, errors[rows], 1.0) ** 2
            rates = np.array([s.rate for s in members])
            value = float(np.sum(inverse * rates) / inverse.sum())
            weight = float(np.sum(inverse * relative[rows]) / inverse.sum())
            value_error = float(value * np.sqrt(1.0 / inverse.sum()))
        ratio, error = _ratio(value, value_error, weight, norm_error, members[0], blanks, live_s)
        points.append(
            NormalisedPoint(
                index=members[0].point,
                pumping=members[0].pumping,
                setting=_mean_setting(members, mixing[p, rows]),
                mid_rig_s=float(np.mean([s.mid_rig_s for s in members])),
                live_s=live_s,
                counts=counts,
                value=value,
                value_error=value_error,
                weight=weight,
                normaliser=norm,
                normaliser_error=norm_error,
                ratio=ratio,
                error=error,
                extrapolated=any(normaliser.is_extrapolated(s.mid_rig_s) for s in members),
                segments=tuple(s.index for s in members),
            )
        )
    late = sum(point.extrapolated for point in points)
    if normaliser.rate.size and late:
        notes.append(f"{late} points lack a bracket on one side: 83Kr rate held, error enlarged")
    notes += step_notes(normaliser, signal)
    return NormalisedData(
        isotope, tuple(points), covariance, blanks, normaliser, unit, last_block, tuple(notes)
    )


def step_notes(normaliser: Normaliser, segments: Sequence[Segment]) -> list[str]:
    """Each jump of the source in words, with how many segments it touches."""
    notes = []
    for step in normaliser.steps:
        touched = sum(step.after_s < s.mid_rig_s < step.before_s for s in segments)
        notes.append(
            f"{step.in_words(float(normaliser.time_s[0]))}: error enlarged in between "
            f"({touched} segments)"
        )
    return notes


def _ratio(
    value: float,
    value_error: float,
    weight: float,
    norm_error: float,
    member: Segment,
    blanks: Sequence[BlankRate],
    live_s: float,
) -> tuple[float, float]:
    variance = value_error**2
    chosen = blank_for(blanks, member.pumping) if member.counts is not None else -1
    if chosen >= 0:
        blank = blanks[chosen]
        scale = live_s / blank.live_s
        value -= blank.counts * scale
        variance += max(blank.counts, 1) * scale**2
    ratio = value / weight
    return ratio, float(np.sqrt(variance / weight**2 + (ratio * norm_error) ** 2))


def _mean_setting(members: Sequence[Segment], weight: FloatArray) -> Setting:
    def mean(name: str) -> float | None:
        values = [getattr(s.setting, name) for s in members]
        known = [v is not None for v in values]
        if not any(known):
            return None
        pairs = [(v, w) for v, w in zip(values, weight, strict=True) if v is not None]
        return float(sum(v * w for v, w in pairs) / sum(w for _, w in pairs))

    return Setting(
        detuning_set_mhz=mean("detuning_set_mhz"),
        detuning_mhz=mean("detuning_mhz"),
        power_mw=mean("power_mw"),
        sideband_frequency_mhz=mean("sideband_frequency_mhz") or 0.0,
        sideband_depth=mean("sideband_depth") or 0.0,
    )
