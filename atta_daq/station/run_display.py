"""What clients see of the run: the readings `run:*` and `rate:*`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.analysis.results import FitResult
from atta_daq.client.runs import PartPoints, PointUnderWay, RunInfo, points_to_json
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.server import StationServer

_TEXTS = ("run:id", "run:info", "run:outcome", "run:suspended", "run:recovery", "run:points",
          "run:point", "run:fit")  # fmt: skip
_NUMBERS = ("run:segment", "run:segments", "run:block", "run:remaining", "run:skipped")


class RunDisplay:
    """Posts the run under way, and keeps the last one in view after its end."""

    def __init__(self, server: StationServer) -> None:
        self._server = server
        self._info: RunInfo | None = None
        self._rows: list[dict[str, Any]] = []
        self.tell_end: Callable[[RunInfo], None] = lambda info: None
        """Hears of each run that has ended."""

    def blank(self) -> None:
        """There has been no run yet."""
        for name in _TEXTS:
            self._server.post(name, "")
        for name in _NUMBERS:
            self._server.post(name, 0)
        self._server.post("run:state", "idle")

    def begin(
        self, run_id: str, definition: ScanDefinition, scan_toml: str, started_utc_s: float
    ) -> None:
        """A new run: nothing of the last one stays."""
        self._rows = []
        self._server.post_table([])
        self.blank()
        self._server.post("run:id", run_id)
        self._show(
            RunInfo(
                run_id=run_id,
                scan=scan_toml,
                name=definition.name,
                geometry=definition.geometry or "",
                started_utc_s=started_utc_s,
                state="running",
                outcome="",
                sample=definition.sample,
                note=definition.note,
                operator=definition.operator,
            )
        )

    def state(self, state: str) -> None:
        """'preparing', 'running', 'paused', 'stopping', 'idle'."""
        # The point first: who sees a run that does not go on sees no point under way.
        if state != "running":
            self._server.post("run:point", "")
        self._server.post("run:state", state)

    def suspended(self, reason: str) -> None:
        """Why the run waits; '' when it goes on."""
        if reason:
            self._server.post("run:point", "")
        self._server.post("run:suspended", reason)

    def recovery(self, text: str) -> None:
        """Recipe and try by which the rig is brought back; '' for none."""
        self._server.post("run:recovery", text)

    def skipped(self, blocks: int) -> None:
        """How many blocks were given up so far."""
        self._server.post("run:skipped", blocks)

    def begun(self, point: PointUnderWay) -> None:
        """A segment that is about to be taken."""
        self._server.post("run:point", point.to_json())

    def flagged(self, index: int, cause: str) -> None:
        """A segment that was good until now is not used."""
        for row in self._rows:
            if row["index"] == index:
                row["flag"] = cause
        self._server.post_table(self._rows)
        self._server.post("run:segment", sum(not row["flag"] for row in self._rows))

    def planned(self, segments: int, remaining_s: float) -> None:
        """Segments of the whole scan, and its rig time."""
        self._server.post("run:segments", segments)
        self._server.post("run:remaining", remaining_s)

    def segment(self, segment: Segment, remaining_s: float) -> None:
        """A segment that was taken, flagged or not, and the rig time that is left."""
        self._rows.append(table_row(segment))
        post = self._server.post
        self._server.post_table(self._rows)
        post("run:segment", sum(not row["flag"] for row in self._rows))
        post("run:block", segment.block)
        post("run:remaining", remaining_s)
        if segment.flag:
            return
        if segment.kind is SegmentKind.RARE and segment.counts is not None:
            exposure_h = segment.live_s * (segment.efficiency or 1.0) / 3600.0
            post("rate:counting", segment.counts / exposure_h)
        elif segment.rate is not None:
            name = "84" if segment.kind is SegmentKind.LOADING_84 else "83"
            post(f"rate:loading_{name}", segment.rate)

    def points(self, parts: list[PartPoints]) -> None:
        """The normalised points so far."""
        self._server.post("run:points", points_to_json(parts))

    def fits(self, fits: Mapping[str, FitResult]) -> None:
        """The last fits."""
        self._server.post(
            "run:fit", json.dumps({name: fit.to_dict() for name, fit in fits.items()})
        )

    def note(self, text: str) -> None:
        """A note of the operator's."""
        if self._info is not None:
            self._show(replace(self._info, notes=(*self._info.notes, text)))

    def end(self, state: str, reason: str) -> None:
        """The run has ended, its fits and its report are made."""
        if self._info is not None:
            self._show(replace(self._info, state=state, outcome=reason))
            self.tell_end(self._info)
        self._server.post("run:outcome", f"{state}: {reason}" if reason else state)

    def _show(self, info: RunInfo) -> None:
        self._info = info
        self._server.post("run:info", info.to_json())


def table_row(segment: Segment) -> dict[str, Any]:
    """A row of `run:table`: the segment with its setting laid open."""
    record = segment.to_dict()
    return {**record, **record["setting"], "mid_rig_s": segment.mid_rig_s}
