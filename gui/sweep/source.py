"""What the sweep view shows: the run under way or an earlier one, others behind it, theory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from atta_daq.client.runs import PartPoints, RunInfo
from gui.context import Context
from gui.sweep.heading import LONG_ENDING
from gui.sweep.layers import MAX_EARLIER
from gui.sweep.records import LiveRecords, RunRecords, Theory, theories

NEXT_SCAN = " (next scan)"
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


class Source:
    """Holds the records; `changed` is called when there is something else to draw."""

    def __init__(self, context: Context, changed: Callable[[], None]) -> None:
        self._context = context
        self._changed = changed
        self._live = LiveRecords()
        self._shown: RunRecords | None = None
        self.earlier: list[RunRecords] = []
        self._theory: tuple[Theory, ...] = ()
        """Of the live run."""
        self._preview: tuple[Theory, ...] = ()
        """Of the scan in the editor."""
        self._run_id = ""

    @property
    def is_live(self) -> bool:
        return self._shown is None

    @property
    def records(self) -> RunRecords:
        """What is shown now."""
        return self._shown or self._live.records

    def follow(self) -> bool:
        """Take over the readings; True when another run has begun."""
        readings = self._context.readings
        try:
            self._live.update(*(readings.text(f"run:{name}") for name in ("info", "points", "fit")))
        except _UNREADABLE as error:
            self._context.notices.error(f"the run's records cannot be read: {error!r}")
            return False
        info = self._live.records.info
        if info is None or info.run_id == self._run_id:
            return False
        self._run_id = info.run_id
        self._theory = ()
        if info.scan:
            run_id = info.run_id
            self._context.command(
                "theory",
                done=lambda answer: self._take_theory(run_id, answer),
                refused=lambda why: self._context.notices.warn(f"no theory for this run: {why}"),
                scan=info.scan,
            )
        return self.is_live

    def show_run(self, data: Mapping[str, Any]) -> None:
        if (records := self._parse(data)) is not None:
            self._shown = records
            # It would stand behind itself.
            self.earlier = [other for other in self.earlier if other.run_id != records.run_id]
            self._changed()

    def show_live(self) -> None:
        self._shown = None
        self._changed()

    def compare(self, data: Mapping[str, Any]) -> None:
        notices = self._context.notices
        if (records := self._parse(data)) is None:
            return
        if records.run_id in (self.records.run_id, *(other.run_id for other in self.earlier)):
            notices.info(f"run {records.run_id} is drawn already")
        elif len(self.earlier) >= MAX_EARLIER:
            notices.warn(f"{MAX_EARLIER} earlier runs are drawn: remove them first")
        else:
            self.earlier.append(records)
            if not any(records.like(part) for part in self.offered()):
                notices.warn(
                    f"run {records.run_id} has no part like those of this run: it is drawn as "
                    "soon as there is one"
                )
            self._changed()

    def forget(self) -> None:
        """Take the earlier runs away."""
        self.earlier.clear()
        self._changed()

    def preview(self, answer: Mapping[str, Any]) -> None:
        try:
            self._preview = theories(answer)
        except _UNREADABLE as error:
            self._context.notices.error(f"the theory cannot be read: {error!r}")
        else:
            self._changed()

    def offered(self) -> list[PartPoints]:
        """The parts that can be drawn: those with points, and those that theory knows."""
        parts = list(self.records.parts)
        if not self.is_live:
            return parts
        names = {part.name for part in parts}
        parts += [theory.as_part() for theory in self._theory if theory.name not in names]
        for part in (theory.as_part() for theory in self._next_scan()):
            if not any(_alike(part, other) for other in parts):
                parts.append(replace(part, name=part.name + NEXT_SCAN))
        return parts

    def automatic(self, offered: Sequence[PartPoints]) -> PartPoints | None:
        """The part to draw when the operator chose none: the one being taken, or next."""
        if self.is_live and (following := self._next_scan()):
            first = following[0].as_part()
            return next(part for part in offered if _alike(first, part))
        newest = self.records.newest
        return newest if newest is not None else next(iter(offered), None)

    def automatic_word(self, part: PartPoints | None) -> str:
        """What the automatic part is."""
        if not self.is_live:
            return "newest"
        if self.stale_since is not None:
            return "last known"
        if self._context.state.run_state != "idle":
            return "being taken"
        if part is not None and part.points:
            return "last run"
        return "next" if self._next_scan() else "newest"

    @property
    def stale_since(self) -> float | None:
        """When the live points were told last, UTC seconds, if they are no longer up to date."""
        points = self._context.readings.value("run:points")
        return points.utc_s if self.is_live and points.stale and points.value else None

    @property
    def ended(self) -> RunInfo | None:
        """The run whose points are shown as the live ones though it has ended."""
        info = self._live.records.info if self.is_live else None
        over = info is not None and info.state not in ("", "running")
        return info if over and self._context.state.run_state == "idle" else None

    @property
    def over(self) -> bool:
        """The run that is shown has ended: nothing of it changes any more."""
        if self.is_live:
            return self.ended is not None
        info = self.records.info
        return info is not None and info.state not in ("", "running")

    def theory_for(self, part: PartPoints) -> Theory | None:
        """What the model expects of a part; between runs that of the scan in the editor."""
        if not self.is_live:
            return None
        for theory in self._next_scan():
            if _alike(theory.as_part(), part):
                return theory
        name = part.name.removesuffix(NEXT_SCAN)
        return next((theory for theory in self._theory if theory.name == name), None)

    def doppler_mhz(self, part: PartPoints, records: RunRecords) -> float:
        """Detuning as set less that at rest, for the run's own geometry; 0 without a station."""
        rig = self._context.readings.rig
        if rig is None:
            return 0.0
        if records.info is not None and records.info.geometry in ("co", "counter"):
            rig = replace(rig, geometry=records.info.geometry)
        return rig.doppler_mhz(part.isotope)

    def title(self, part: PartPoints) -> str:
        """'85Kr, co-propagating light'."""
        rig, info = self._context.readings.rig, self.records.info
        geometry = (info.geometry if info else "") or (rig.geometry if rig else "")
        light = f", {geometry}{LONG_ENDING}" if geometry else ""
        return f"{part.name}{light}" if part.name else "No run yet"

    def _next_scan(self) -> tuple[Theory, ...]:
        """Of the scan in the editor; nothing while a run is under way."""
        return self._preview if self._context.state.run_state == "idle" else ()

    def _take_theory(self, run_id: str, answer: Mapping[str, Any]) -> None:
        if run_id != self._run_id:
            return
        try:
            self._theory = theories(answer)
        except _UNREADABLE as error:
            self._context.notices.error(f"the theory cannot be read: {error!r}")
        else:
            self._changed()

    def _parse(self, data: Mapping[str, Any]) -> RunRecords | None:
        try:
            return RunRecords.from_data(data)
        except _UNREADABLE as error:
            self._context.notices.error(f"the run cannot be read: {error!r}")
            return None


def _alike(a: PartPoints, b: PartPoints) -> bool:
    """The same isotope along the same first quantity."""
    return a.isotope == b.isotope and a.axes[:1] == b.axes[:1]
