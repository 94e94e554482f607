"""What the run engine sees of the rig: one device that takes segments.

Frames never travel through the run engine; a segment's record does. The device satisfies
`bluesky.protocols.Movable`, `Triggerable`, `Readable`, `Pausable` and `Stoppable`.
"""

import threading
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from bluesky.protocols import Reading
from event_model import DataKey

from atta_daq.analysis.records import Segment, Setting
from atta_daq.rig.status import Worker, WorkStatus, done_status
from atta_daq.rig.taker import Place, SegmentTaker
from atta_daq.scans.blocks import PlannedSegment

DEAD_CAUSES = (
    "moving",
    "switching",
    "settling",
    "settle-frames",
    "lost-frames",
    "record",
    "overhead",
)
PAUSED = "paused"
"""Flag of a segment that 'pause now' ended; it is taken again in the same attempt."""
_TYPES = {
    "kind": "string",
    "flag": "string",
    "run_id": "string",
    "pumping": "boolean",
    "bracket": "boolean",
}
_INTEGERS = {
    "block", "attempt", "index", "isotope", "point", "counts", "exposures", "frames_lost",
}  # fmt: skip


def flat(segment: Segment) -> dict[str, Any]:
    """A segment as scalars for an event document; absent numbers become NaN or -1."""
    record = segment.to_dict()
    setting, dead = record.pop("setting"), record.pop("dead_s")
    values: dict[str, Any] = {**record, **setting}
    values |= {f"dead_{cause}_s": dead.get(cause, 0.0) for cause in DEAD_CAUSES}
    return {
        key: (-1 if key in _INTEGERS else float("nan")) if value is None else value
        for key, value in values.items()
    }


def _names() -> list[str]:
    segment = [f.name for f in fields(Segment) if f.name not in ("setting", "dead_s")]
    return [
        *segment,
        *(f.name for f in fields(Setting)),
        *(f"dead_{cause}_s" for cause in DEAD_CAUSES),
    ]


class _Take:
    """A segment from its trigger to the end of its work."""

    paused = False
    """A pause has ended it, perhaps before it began."""


class SegmentDevice:
    """Set what to take, trigger to take it, read what came of it."""

    name = "segment"
    parent = None

    def __init__(
        self,
        taker: SegmentTaker,
        on_flagged: Callable[[Segment], None],
        on_begun: Callable[[PlannedSegment], None] = lambda _planned: None,
        ending: Callable[[], str] = lambda: "",
    ) -> None:
        """`on_flagged` hears of segments that have no event, `on_begun` of each before it is
        taken; both on the device's thread. `ending`: why the run ends; '' while it does not."""
        self._taker = taker
        self._on_flagged = on_flagged
        self._on_begun = on_begun
        self._ending = ending
        self._worker = Worker("segment")
        self._planned: tuple[PlannedSegment, int] | None = None
        self._taken: tuple[PlannedSegment, int] | None = None
        """The `_planned` that `last` is of, once it was taken to its end."""
        self._attempts: dict[int, int] = {}
        self._index = 0
        self._under_way: list[_Take] = []
        """Two when a pause ends that is shorter than the segment needs to come to its end."""
        self._state = threading.Lock()
        self.run_id = ""
        self.last: Segment | None = None

    def start_run(self, run_id: str) -> None:
        """Forget the last run."""
        self.run_id = run_id
        self._index = 0
        self._attempts.clear()
        self.last = None
        self._taker.restart_clock()

    @property
    def busy(self) -> bool:
        """Whether a segment is being taken; a pause now outlasts it by what ends it."""
        return bool(self._under_way)

    @property
    def planned(self) -> PlannedSegment | None:
        """What is taken now, or was taken last."""
        return self._planned[0] if self._planned else None

    @property
    def current_block(self) -> int:
        """Block of `planned`; -1 before the first."""
        return self._planned[1] if self._planned else -1

    def set(self, value: tuple[PlannedSegment, int]) -> WorkStatus:
        """What to take next, and the number of its block."""
        self._planned = value
        return done_status()

    def trigger(self) -> WorkStatus:
        """Take it; done when it is taken.

        It is under way from here on, on the engine's thread, as `pause` is: a pause that comes
        before the device's thread begins with it is not lost.
        """
        wanted = self._planned
        assert wanted is not None, "set() comes before trigger()"
        take = _Take()
        with self._state:
            self._under_way.append(take)
        return self._worker.submit(lambda: self._carry_out(take, wanted))

    def _carry_out(self, take: _Take, wanted: tuple[PlannedSegment, int]) -> None:
        segment = None
        try:
            # The engine replays a segment that was whole before the pause: once is enough.
            if self._taken is not wanted:
                segment = self._take(take, *wanted)
        finally:
            with self._state:
                self._under_way.remove(take)
        if segment is None:
            return
        if take.paused:
            # The engine replays this segment after the pause: this take has no event, and must
            # not count even where the pause came too late to end it.
            segment = replace(segment, flag=segment.flag or PAUSED)
            self._on_flagged(segment)
        self.last = segment
        self._taken = None if take.paused else wanted

    def _take(self, take: _Take, planned: PlannedSegment, block: int) -> Segment:
        def ended() -> str:
            return self._ending() or (PAUSED if take.paused else "")

        if not ended():
            self._on_begun(planned)
        place = Place(self.run_id, block, self._attempts.get(block, 0), self._index)
        segment = self._taker.take(planned, place, ended)
        self._index += 1
        return segment

    def retry(self, block: int) -> None:
        """Count the next segments of `block` as a new attempt."""
        self._attempts[block] = self._attempts.get(block, 0) + 1

    def pause(self) -> None:
        """Pause now: the segment under way ends, is kept as flagged, and is retaken."""
        with self._state:
            if not self._under_way:
                return
            for take in self._under_way:
                take.paused = True
        self._taker.interrupt(PAUSED)

    def resume(self) -> None:
        """The engine replays the segment; the pause belongs to none."""
        self._taker.restart_clock()

    def stop(self, *, success: bool = False) -> None:
        """The run ends: so does the segment under way."""
        if not success:
            self._taker.interrupt("run ended")

    def close(self) -> None:
        """End the device's thread."""
        self._worker.close()

    def read(self) -> dict[str, Reading]:
        """The last segment, flat."""
        assert self.last is not None, "nothing was taken yet"
        stamp = self.last.end_rig_s
        return {
            f"segment_{key}": {"value": value, "timestamp": stamp}
            for key, value in flat(self.last).items()
        }

    def describe(self) -> dict[str, DataKey]:
        """Types of `read`."""
        keys: dict[str, DataKey] = {}
        for name in _names():
            dtype = _TYPES.get(name, "integer" if name in _INTEGERS else "number")
            keys[f"segment_{name}"] = {"source": "atta-daq", "dtype": dtype, "shape": []}  # type: ignore[typeddict-item]
        return keys
