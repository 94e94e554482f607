"""Where a run's time went, and what it counted: the numbers behind the report's tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from atta_daq.analysis.records import Segment, SegmentKind

COUNTING = (SegmentKind.RARE, SegmentKind.BLANK)
LIVE_NAMES = {
    SegmentKind.RARE: "counting atoms",
    SegmentKind.BLANK: "counting blanks",
    SegmentKind.LOADING_83: "83Kr loading",
    SegmentKind.LOADING_84: "84Kr loading",
    SegmentKind.CHECK_83: "83Kr check",
}


MEANINGS = {
    "counting atoms": "camera open, trap on the rare isotope",
    "counting blanks": "camera open, trap off every isotope",
    "83Kr loading": "loading time between the quench pulses",
    "84Kr loading": "recording of the rise after clearing",
    "83Kr loading (brackets)": "the same, as normaliser, 819-nm light blocked",
    "83Kr check": "loading time with light and without, to compare start and end",
    "moving": "819-nm light on its way: lock, power, sidebands",
    "switching": "trap lasers on their way, until every one reports lock",
    "settling": "wait after the trap lasers' lock",
    "settle-frames": "first frames of a segment, left out",
    "lost-frames": "frames that never arrived",
    "record": "loading detector beyond the loading time itself",
    "overhead": "the program itself: start and stop of the camera, reading, storing",
    "flagged segments": "live time of attempts that are not used",
    "between segments": "pauses",
}
"""What a reader who did not write the program needs to hear about a cause."""


@dataclass(frozen=True)
class TimeShare:
    """One line of the account."""

    cause: str
    seconds: float
    share: float
    """Of the scan."""
    live: bool
    """Time that gave data, not time lost."""
    meaning: str = ""


@dataclass(frozen=True)
class TimeAccount:
    """A scan's time from the way to its first segment to the end of its last (rig time)."""

    shares: tuple[TimeShare, ...]
    scan_s: float
    preparation_s: float
    """Before the scan: zeroing, calibration of the counting."""
    open_in_segments: float | None
    """Camera open, share of the time between start and end of unflagged counting segments."""
    open_in_scan: float | None
    """The same, of the whole scan."""


def time_account(segments: Sequence[Segment], run_start_rig_s: float) -> TimeAccount | None:
    """Sum up live and dead time by cause; None without segments or without times (imports).

    A flagged segment's live time is lost: it stands under 'flagged segments'. What no segment
    accounts for stands under 'between segments' (pauses).
    """
    if not segments:
        return None
    ordered = sorted(segments, key=lambda s: s.start_rig_s)
    first = ordered[0]
    begin_s = min(first.start_rig_s, first.end_rig_s - first.live_s - sum(first.dead_s.values()))
    scan_s = max(s.end_rig_s for s in segments) - begin_s
    if scan_s <= 0.0 or all(s.end_rig_s == s.start_rig_s for s in segments):
        return None
    live: dict[str, float] = {}
    dead: dict[str, float] = {}
    for segment in segments:
        if segment.flag:
            dead["flagged segments"] = dead.get("flagged segments", 0.0) + segment.live_s
        else:
            name = LIVE_NAMES[segment.kind]
            if segment.bracket:
                name += " (brackets)"
            live[name] = live.get(name, 0.0) + segment.live_s
        for cause, seconds in segment.dead_s.items():
            dead[cause] = dead.get(cause, 0.0) + seconds
    rest = scan_s - sum(live.values()) - sum(dead.values())
    if abs(rest) > 1e-3 * scan_s:
        dead["between segments"] = rest
    shares = [
        TimeShare(name, seconds, seconds / scan_s, alive, MEANINGS.get(name, ""))
        for group, alive in ((live, True), (dead, False))
        for name, seconds in sorted(group.items(), key=lambda item: -item[1])
    ]
    counting = [s for s in segments if s.kind in COUNTING and not s.flag]
    counted_s = sum(s.live_s for s in counting)
    span_s = sum(s.end_rig_s - s.start_rig_s for s in counting)
    return TimeAccount(
        shares=tuple(shares),
        scan_s=scan_s,
        preparation_s=max(0.0, begin_s - run_start_rig_s),
        open_in_segments=counted_s / span_s if span_s > 0.0 else None,
        open_in_scan=counted_s / scan_s if counting else None,
    )


@dataclass(frozen=True)
class CountLine:
    """What one kind of segment brought, light on or off."""

    what: str
    pumping: bool
    segments: int
    flagged: int
    live_s: float
    counts: int | None
    per_hour: float | None
    """Atoms per hour of live time, corrected for efficiency; for blanks as counted."""
    per_hour_error: float | None
    frames_lost: int


def count_lines(segments: Sequence[Segment]) -> tuple[CountLine, ...]:
    """Sums over unflagged segments by isotope, kind and pumping; flagged ones are only numbered."""
    groups: dict[tuple, list[Segment]] = {}
    for s in segments:
        groups.setdefault((s.bracket, s.isotope, s.kind.value, s.pumping), []).append(s)
    return tuple(_count_line(group) for _, group in sorted(groups.items()))


def _count_line(group: Sequence[Segment]) -> CountLine:
    good = [s for s in group if not s.flag]
    first = group[0]
    counted = [s for s in good if s.counts is not None]
    counts = sum(s.counts or 0 for s in counted) if counted else None
    exposure_h = sum(s.live_s * (s.efficiency or 1.0) for s in counted) / 3600.0
    if first.kind is SegmentKind.BLANK:
        what = "blank"
    else:
        check = " check" if first.kind is SegmentKind.CHECK_83 else ""
        what = f"{first.isotope}Kr" + (" bracket" if first.bracket else check)
    known = counts is not None and exposure_h > 0.0
    return CountLine(
        what=what,
        pumping=first.pumping,
        segments=len(good),
        flagged=len(group) - len(good),
        live_s=sum(s.live_s for s in good),
        counts=counts,
        per_hour=counts / exposure_h if known and counts is not None else None,
        per_hour_error=math.sqrt(max(counts or 0, 1)) / exposure_h if known else None,
        frames_lost=sum(s.frames_lost for s in group),
    )
