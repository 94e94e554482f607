"""A run is a folder: this is how it is written, closed and read.

    <run_id>/journal.jsonl   everything that happened (see journal.py); the run's only truth
             frames.h5       frames of the region of interest (see frames.py)
             scan.toml       the scan as asked for
             rig.toml        the rig as configured
             fit.json        the last fits
             owner.lock      held by the writer as long as it lives (see owner.py)
             .ballast        room held back for the run's end on a full disk (see ballast.py)
             report.html, run.nxs, segments.csv, points.csv    made from the above at any time
             truth.toml      laid beside a simulated run by whoever started the simulators

The state follows from the journal: the last stop document says it; without one the run is
running while its writer lives and has crashed otherwise.
"""

import json
import logging
import shutil
import socket
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from atta_daq.analysis.records import Segment
from atta_daq.analysis.results import FitResult
from atta_daq.archive.ballast import FILE as BALLAST
from atta_daq.archive.ballast import Ballast
from atta_daq.archive.disk import make_folder, sync_folder, write_whole
from atta_daq.archive.errors import (
    ArchiveError,
    JournalDamaged,
    RunClosed,
    SchemaUnknown,
    WriteFailed,
)
from atta_daq.archive.frames import FramesReader, FramesWriter
from atta_daq.archive.header import SCHEMA, RunHeader
from atta_daq.archive.journal import (
    Document,
    DocumentKind,
    JournalContent,
    JournalWriter,
    read_journal,
)
from atta_daq.owner import AlreadyOwned, OwnerLock, is_held, read_owner

_log = logging.getLogger(__name__)

JOURNAL = "journal.jsonl"
FRAMES = "frames.h5"
SCAN = "scan.toml"
RIG = "rig.toml"
FIT = "fit.json"
OWNER = "owner.lock"
TRUTH = "truth.toml"
ALL_THERE = "all blocks were there when its station ended"
"""Reason of a run whose station ended behind the last block, before it could say so."""
PASSED_OVER = (DocumentKind.NOTE, DocumentKind.FIT)
"""Documents that a run goes on without when the disk refuses them: it still needs the room for its
end."""


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    GAPS = "complete with gaps"
    """It went through to its end; blocks that failed were skipped and are missing."""
    ABORTED = "aborted"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Note:
    """A remark in the journal."""

    rig_s: float
    text: str
    author: str


@dataclass(frozen=True)
class Procedure:
    """What a run did to know its rig: axis zeroed, counting calibrated."""

    name: str
    rig_s: float
    body: dict[str, Any]
    """As journaled."""


class RunWriter:
    """The one writer of one run. Made by `create`; every method is safe from any thread."""

    start: Document
    """That its journal begins with."""

    def __init__(
        self, folder: Path, lock: OwnerLock, journal: JournalWriter, ballast: Ballast
    ) -> None:
        self.folder = folder
        self._lock = lock
        self._ballast = ballast
        self._journal = journal
        self._frames: FramesWriter | None = None
        self._closed = False
        # A late fit may come while the run is closed on another thread.
        self._mutex = threading.RLock()

    @classmethod
    def create(
        cls,
        data: Path,
        header: RunHeader,
        *,
        rig_now: Callable[[], float],
        utc_now: Callable[[], float],
        scan_toml: str = "",
        rig_toml: str = "",
    ) -> "RunWriter":
        """Make the folder below `data`, take its lock, write the start document.

        Raises `WriteFailed` when the disk has no room for a run, or refuses it; nothing of the run
        is left then.
        """
        folder = data / header.run_id
        try:
            make_folder(data)
            folder.mkdir()
            with ExitStack() as undo:
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
                ballast = Ballast(folder / BALLAST)
                sync_folder(data)
                lock = OwnerLock(folder / OWNER)
                undo.callback(lock.release)
                lock.acquire(f"run {header.run_id}", utc_now())
                if scan_toml:
                    write_whole(folder / SCAN, scan_toml)
                if rig_toml:
                    write_whole(folder / RIG, rig_toml)
                journal = JournalWriter(folder / JOURNAL, rig_now, utc_now)
                undo.callback(journal.close)
                writer = cls(folder, lock, journal, ballast)
                writer.start = writer._append(DocumentKind.START, header.to_dict())
                undo.pop_all()
        except OSError as error:
            raise WriteFailed(
                f"{folder}: a run cannot be begun ({error}); free the disk, or let the station "
                "write there"
            ) from error
        return writer

    @property
    def run_id(self) -> str:
        return self.folder.name

    def open_frames(self, rows: int, columns: int) -> FramesWriter:
        """The frames file, made on the first call. Feed it from a thread of its own."""
        if self._frames is None:
            self._frames = FramesWriter(self.folder / FRAMES, rows, columns)
        return self._frames

    def append(
        self, doc: DocumentKind | str, body: Mapping[str, Any], rig_s: float | None = None
    ) -> Document:
        """Journal a document, but for start and stop, which `create` and `close` write.

        Raises `RunClosed` after `close`, else as `JournalWriter.append`.
        """
        if doc in (DocumentKind.START, DocumentKind.STOP):
            raise ValueError(f"a {doc} document is written by create() or close() only")
        return self._append(DocumentKind(doc), body, rig_s)

    def _append(
        self, doc: DocumentKind, body: Mapping[str, Any], rig_s: float | None = None
    ) -> Document:
        with self._mutex:
            if self._closed:
                raise RunClosed(f"run {self.run_id} has ended; its journal takes nothing more")
            try:
                return self._journal.append(doc, dict(body), rig_s)
            except WriteFailed:
                if doc not in PASSED_OVER:
                    self._ballast.drop()
                raise

    def segment(self, segment: Segment, body: Mapping[str, Any] | None = None) -> Document:
        """Acknowledge a segment: its frames are flushed to disk, then its event is journaled.

        `body` may carry the Bluesky event that it belongs to. Raises `WriteFailed` when the disk
        refuses: the segment is not acknowledged, and the room for the run's end is given back.
        """
        if self._frames is not None:
            try:
                self._frames.flush(segment.index)
            except WriteFailed:
                self._ballast.drop()
                raise
        return self.append(DocumentKind.EVENT, {**(body or {}), "segment": segment.to_dict()})

    def flag(self, segment_index: int, cause: str, author: str = "") -> Document:
        """Say that a segment, already written, must not be used. An empty cause takes it back."""
        body = {"segment_index": segment_index, "cause": cause, "author": author}
        return self.append(DocumentKind.FLAG, body)

    def note(self, text: str, author: str = "") -> Document:
        """Write a remark."""
        return self.append(DocumentKind.NOTE, {"text": text, "author": author})

    def ends(self, reason: str) -> Document:
        """Write that somebody wants the run to end. A writer that dies before it has closed it
        leaves an aborted run, which no start goes on with by itself."""
        return self.append(DocumentKind.NOTE, {"text": reason, "author": "station", "ends": True})

    def fit(self, name: str, result: FitResult) -> Document:
        """Journal a fit. The last of each name is the run's."""
        return self.append(DocumentKind.FIT, {"name": name, "result": result.to_dict()})

    def close(
        self, state: RunState, reason: str = "", body: Mapping[str, Any] | None = None
    ) -> None:
        """Write the stop document and release everything. Idempotent.

        Raises `WriteFailed` when the disk takes not even that; then `abandon` is left.
        """
        with self._mutex:
            if self._closed:
                return
            self._ballast.drop()
            if self._frames is not None:
                self._frames.close()
            stop = {**(body or {}), "state": state.value, "reason": reason}
            self._append(DocumentKind.STOP, stop)
            self.abandon()

    def abandon(self) -> None:
        """Let go of files and lock without a stop document, as a dying writer would. The next
        start closes the run as crashed. Idempotent."""
        with self._mutex:
            self._closed = True
            self._ballast.drop()
            try:
                if self._frames is not None:
                    self._frames.close()
            except WriteFailed as error:
                _log.error("%s; what was acknowledged can be read", error)
            self._journal.close()
            self._lock.release()


class Run:
    """A run as it stands on disk, running or ended. Read anew with `open_run`."""

    def __init__(self, folder: Path, content: JournalContent) -> None:
        self.folder = folder
        self.content = content
        if not content.documents or content.documents[0].doc is not DocumentKind.START:
            raise JournalDamaged(f"{folder / JOURNAL}: does not begin with a start document")
        body = content.documents[0].body
        schema = body.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise SchemaUnknown(
                f"{folder}: schema {schema}; this program knows up to {SCHEMA}. Use the version "
                f"that wrote it ({body.get('program') or 'not stated'}) or a later one."
            )
        self.header = RunHeader.from_dict(body)

    @property
    def run_id(self) -> str:
        return self.header.run_id

    @property
    def first_id(self) -> str:
        """Name of the run that the measurement begins with: this one, unless it goes on with
        another."""
        return self.run_id

    @cached_property
    def state(self) -> RunState:
        """From the last stop document; without one, from whether the writer lives."""
        stop = self.stop
        if stop is not None:
            return RunState(stop.body["state"])
        return RunState.RUNNING if is_held(self.folder / OWNER) else RunState.CRASHED

    @property
    def start(self) -> Document:
        return self.content.documents[0]

    @property
    def stop(self) -> Document | None:
        stops = self.content.of(DocumentKind.STOP)
        return stops[-1] if stops else None

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Every segment in the order taken, with the flags that were put on it later."""
        flags = {
            int(d.body["segment_index"]): str(d.body["cause"])
            for d in self.content.of(DocumentKind.FLAG)
        }
        segments = (
            Segment.from_dict(d.body["segment"])
            for d in self.content.of(DocumentKind.EVENT)
            if "segment" in d.body
        )
        return tuple(replace(s, flag=flags[s.index]) if s.index in flags else s for s in segments)

    @cached_property
    def fits(self) -> dict[str, FitResult]:
        """The last fit of each name: from fit.json if it is there, else from the journal."""
        path = self.folder / FIT
        if path.exists():
            stored = json.loads(path.read_text())
        else:
            stored = {d.body["name"]: d.body["result"] for d in self.content.of(DocumentKind.FIT)}
        return {name: FitResult.from_dict(result) for name, result in stored.items()}

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(
            Note(d.rig_s, str(d.body.get("text", "")), str(d.body.get("author", "")))
            for d in self.content.of(DocumentKind.NOTE)
        )

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        return tuple(
            Procedure(str(d.body.get("name", "")), d.rig_s, d.body)
            for d in self.content.of(DocumentKind.CALIBRATION)
        )

    @property
    def scan_toml(self) -> str:
        return self._text(SCAN)

    @property
    def rig_toml(self) -> str:
        return self._text(RIG)

    @cached_property
    def truth(self) -> dict[str, Any] | None:
        """truth.toml of a simulated run; None for a real one. For the report and benchmarks."""
        text = self._text(TRUTH)
        return tomllib.loads(text) if text else None

    def frames(self) -> FramesReader:
        """Reader of the frames. Raises `FramesDamaged` when there are none."""
        return FramesReader(self.folder / FRAMES)

    def save_fits(self, fits: Mapping[str, FitResult]) -> Path:
        """Write fit.json. Leaves the journal as it is, so that a closed run can be fitted again."""
        content = {name: result.to_dict() for name, result in fits.items()}
        path = write_whole(self.folder / FIT, json.dumps(content, indent=1) + "\n")
        self.__dict__.pop("fits", None)
        return path

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


def open_run(folder: Path) -> Run:
    """Read a run. Raises `JournalDamaged`, `SchemaUnknown`, or `ArchiveError` without a journal."""
    path = folder / JOURNAL
    if not path.exists():
        raise ArchiveError(f"{folder} is not a run: it has no {JOURNAL}")
    return Run(folder, read_journal(path))


def run_folders(data: Path) -> tuple[Path, ...]:
    """The folders below `data` that hold a journal, oldest name first."""
    return tuple(sorted(path.parent for path in data.glob(f"*/{JOURNAL}")))


def close_dead_runs(
    folders: Iterable[Path],
    *,
    rig_now: Callable[[], float],
    utc_now: Callable[[], float],
    rig: str = "",
) -> tuple[str, ...]:
    """Close every run whose writer died, as `crashed`, or as `aborted` if somebody had asked for
    its end; return their names.

    For the start of the station of `rig` (empty: of any), which knows the time of its own rig
    alone. A run on a damaged journal, or written on another computer, is left alone and logged.
    """
    closed: list[str] = []
    for folder in folders:
        try:
            if close_dead_run(folder, rig_now=rig_now, utc_now=utc_now, rig=rig):
                closed.append(folder.name)
        except (ArchiveError, OSError) as error:
            # The station starts all the same, and the next start tries again.
            _log.warning("%s cannot be closed: %s", folder, error)
    return tuple(closed)


def asked_to_end(content: JournalContent) -> str:
    """Why somebody wanted the end of the run (`RunWriter.ends`); '' if nobody did."""
    notes = content.of(DocumentKind.NOTE)
    return next((note.body["text"] for note in notes if note.body.get("ends")), "")


def close_dead_run(
    folder: Path, *, rig_now: Callable[[], float], utc_now: Callable[[], float], rig: str = ""
) -> bool:
    """One of `close_dead_runs`; False for one that is closed, of another rig or computer, or being
    written. Raises ArchiveError, OSError."""
    run = open_run(folder)
    if run.stop is not None or (rig and run.header.rig not in ("", rig)):
        return False
    owner = read_owner(folder / OWNER)
    if owner is not None and owner.host != socket.gethostname():
        # A lock on a network drive may not be seen from here; never write into a live run.
        _log.warning("%s was written on %s: close it from there", folder, owner.host)
        return False
    lock = OwnerLock(folder / OWNER)
    try:
        lock.acquire(f"closing run {folder.name}", utc_now())
        # First: on a full disk its end has no other room.
        (folder / BALLAST).unlink(missing_ok=True)
        with closing(JournalWriter(folder / JOURNAL, rig_now, utc_now)) as journal:
            last = read_journal(folder / JOURNAL).documents[-1]
            asked = asked_to_end(run.content)
            died = f"the writer, {owner or 'unknown'}, died without closing the run"
            journal.append(
                DocumentKind.STOP,
                {
                    "state": (RunState.ABORTED if asked else RunState.CRASHED).value,
                    "reason": f"{asked}; {died}" if asked else died,
                    "last_rig_s": last.rig_s,
                    "last_utc_s": last.utc_s,
                    "torn_bytes": len(journal.torn),
                },
            )
    except AlreadyOwned:
        return False
    finally:
        lock.release()
    return True


def close_as_complete(
    folder: Path, *, rig_now: Callable[[], float], utc_now: Callable[[], float]
) -> None:
    """Say of a run that ended without saying so, but holds all of its blocks, that it is complete.

    What its last stop document knew stays in the new one, but for state and reason. Raises
    `WriteFailed` when the disk refuses it, `AlreadyOwned` while somebody writes the run.
    """
    stop = open_run(folder).stop
    try:
        lock = OwnerLock(folder / OWNER)
        lock.acquire(f"closing run {folder.name}", utc_now())
        try:
            with closing(JournalWriter(folder / JOURNAL, rig_now, utc_now)) as journal:
                complete = {"state": RunState.COMPLETE.value, "reason": ALL_THERE}
                journal.append(DocumentKind.STOP, {**(stop.body if stop else {}), **complete})
        finally:
            lock.release()
    except OSError as error:
        raise WriteFailed(
            f"{folder}: its end cannot be written ({error}); free the disk"
        ) from error
