"""Does the source still load? A bracket below its floor makes its block worthless."""

from collections.abc import Iterable

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.rig.fault_limits import LoadingLimits


class LoadingFloor:
    """Judges the loading rates of one run. `low` is why the last of them was not enough."""

    def __init__(self, limits: LoadingLimits, earlier: Iterable[Segment] = ()) -> None:
        """`earlier`: segments of the runs that this one goes on with; theirs is the first one."""
        self._limits = limits
        self._first: float | None = None
        self.low = ""
        self.low_kind = SegmentKind.LOADING_83
        """What was measured when it was not enough."""
        for segment in earlier:
            if not segment.flag:
                self._remember(segment)

    def judge(self, segment: Segment) -> str:
        """Why a segment that was taken without a flag is not good enough; '' when it is, and for
        everything that measures no loading.

        A rate that is not positive is never enough, with or without a floor: nothing can be
        divided by it.
        """
        if segment.rate is None:
            return ""
        abundant = 84 if segment.kind is SegmentKind.LOADING_84 else 83
        said = f"{abundant}Kr loading at {segment.rate:.3g} V/s"
        floor = self._floor(segment)
        # Not (rate < floor): a rate that is no number is not enough either.
        if floor and not segment.rate >= floor:
            return self._too_low(abundant, f"{said}, below the floor of {floor:.3g}")
        if not segment.rate > 0.0:
            return self._too_low(abundant, f"{said}: the trap loads nothing")
        if segment.kind is self.low_kind:
            self.low = ""
        self._remember(segment)
        return ""

    def _too_low(self, abundant: int, cause: str) -> str:
        self.low = cause
        self.low_kind = SegmentKind.LOADING_84 if abundant == 84 else SegmentKind.LOADING_83
        return cause

    def _floor(self, segment: Segment) -> float | None:
        limits = self._limits
        if segment.kind is SegmentKind.LOADING_84:
            return limits.kr84_v_per_s
        if not _is_bracket(segment):
            return None
        floors = [limits.kr83_v_per_s]
        if limits.fraction is not None and self._first is not None:
            floors.append(limits.fraction * self._first)
        return max((f for f in floors if f is not None), default=None)

    def _remember(self, segment: Segment) -> None:
        rate = segment.rate
        if self._first is None and _is_bracket(segment) and rate is not None and rate > 0.0:
            self._first = rate


def _is_bracket(segment: Segment) -> bool:
    """Of 83Kr: a probe of 84Kr, taken like a bracket until it loads again, is no measure of it."""
    return segment.kind is SegmentKind.LOADING_83 and segment.bracket
