"""What the run engine sees of the rig: one device that takes segments.

Frames never travel through the run engine; a segment's record does. The device satisfies
`bluesky.protocols.Movable`, `Triggerable`, `Readable`, `Pausable` and `Stoppable`.
"""

import threading
from collections.abc import Callable
from dataclasses import fields
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


class SegmentDevice:
    """Set what to take, trigger to take it, read what came of it."""

    name = "segment"
    parent = None

    def __init__(
        self,
        taker: SegmentTaker,
        on_flagged: Callable[[Segment], None],
        on_begun: Callable[[PlannedSegment], None] = lambda _planned: None,
    ) -> None:
        """`on_flagged` hears of segments that have no event, `on_begun` of each before it is
        taken; both on the device's thread."""
        self._taker = taker
        self._on_flagged = on_flagged
        self._on_begun = on_begun
        self._worker = Worker("segment")
        self._planned: tuple[PlannedSegment, int] | None = None
        self._attempts: dict[int, int] = {}
        self._index = 0
        self._busy = False
        self._interrupted = False
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
        """Take it; done when it is taken."""
        assert self._planned is not None, "set() comes before trigger()"
        planned, block = self._planned

        def work() -> None:
            attempt = self._attempts.get(block, 0)
            with self._state:
                self._busy = True
            self._on_begun(planned)
            segment = self._taker.take(planned, Place(self.run_id, block, attempt, self._index))
            self._index += 1
            with self._state:
                self._busy = False
                interrupted, self._interrupted = self._interrupted, False
            if interrupted:
                # The engine replays this segment after the pause: this take has no event.
                self._on_flagged(segment)
            self.last = segment

        return self._worker.submit(work)

    def retry(self, block: int) -> None:
        """Count the next segments of `block` as a new attempt."""
        self._attempts[block] = self._attempts.get(block, 0) + 1

    def pause(self) -> None:
        """Pause now: the segment under way ends, is kept as flagged, and is retaken."""
        with self._state:
            if not self._busy:
                return
            self._interrupted = True
        self._taker.interrupt("paused")

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
