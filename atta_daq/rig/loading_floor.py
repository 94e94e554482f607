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
        everything that measures no loading."""
        floor, name = self._floor(segment)
        if segment.rate is None:
            return ""
        # Not (rate < floor): a rate that is no number is not enough either.
        if floor and not segment.rate >= floor:
            self.low = f"{name} loading at {segment.rate:.3g} V/s, below the floor of {floor:.3g}"
            self.low_kind = segment.kind
            return self.low
        if segment.kind is self.low_kind:
            self.low = ""
        self._remember(segment)
        return ""

    def _floor(self, segment: Segment) -> tuple[float | None, str]:
        limits = self._limits
        if segment.kind is SegmentKind.LOADING_84:
            return limits.kr84_v_per_s, "84Kr"
        if not (segment.kind is SegmentKind.LOADING_83 and segment.bracket):
            return None, ""
        floors = [limits.kr83_v_per_s]
        if limits.fraction is not None and self._first is not None:
            floors.append(limits.fraction * self._first)
        return max((f for f in floors if f is not None), default=None), "83Kr"

    def _remember(self, segment: Segment) -> None:
        if self._first is None and segment.bracket and segment.rate is not None:
            self._first = segment.rate
