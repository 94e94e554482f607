"""The journal: one JSON object a line, on the medium before `append` returns.

    {"seq": 0, "utc_s": .., "rig_s": .., "doc": "start", "body": {"schema": 1, ..}}
    {"seq": 1, ...}

`seq` counts without gaps, so a lost line shows. Numbers that are not finite are written as
Python's json does (`NaN`, `Infinity`).
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from atta_daq.archive.disk import sync, sync_folder
from atta_daq.archive.errors import JournalDamaged, WriteFailed

_log = logging.getLogger(__name__)


class DocumentKind(StrEnum):
    """What a journal line is about."""

    START = "start"
    DESCRIPTOR = "descriptor"
    EVENT = "event"
    STOP = "stop"
    NOTE = "note"
    FIT = "fit"
    FLAG = "flag"
    CALIBRATION = "calibration"
    DECISION = "decision"
    """What a scan chose to take next, or why it ends early; see `scans.decisions`."""
    RECOVERY = "recovery"
    """A wait for the rig: its begin, each try of a recipe, its end."""
    SKIPPED = "skipped"
    """A block that was given up, with its cause."""
    BLUESKY = "bluesky"
    """A document of the run engine that carries nothing of ours."""


@dataclass(frozen=True)
class Document:
    """One line of a journal."""

    seq: int
    utc_s: float
    """Seconds since 1970, of this computer."""
    rig_s: float
    """Seconds since 1970, on the rig's clock."""
    doc: DocumentKind
    body: dict[str, Any]

    def to_line(self) -> bytes:
        """The line with its newline. ASCII only, so that no text can break it."""
        record = {
            "seq": self.seq,
            "utc_s": self.utc_s,
            "rig_s": self.rig_s,
            "doc": self.doc.value,
            "body": self.body,
        }
        return json.dumps(record, separators=(",", ":"), default=_plain).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Document":
        """Inverse of `to_line`. Raises ValueError on anything else."""
        record = json.loads(line)
        try:
            return cls(
                seq=int(record["seq"]),
                utc_s=float(record["utc_s"]),
                rig_s=float(record["rig_s"]),
                doc=DocumentKind(record["doc"]),
                body=dict(record["body"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a journal line: {error!r}") from error


@dataclass(frozen=True)
class JournalContent:
    """What a journal holds."""

    documents: tuple[Document, ...]
    good_bytes: int
    """Length of the readable part."""
    torn: bytes
    """What follows it: an unfinished last line, never acknowledged; usually empty."""
    terminated: bool
    """The readable part ends with a newline."""

    def of(self, kind: DocumentKind) -> tuple[Document, ...]:
        """The documents of one kind, in order."""
        return tuple(d for d in self.documents if d.doc is kind)


def read_journal(path: Path) -> JournalContent:
    """Read every document of a journal, which may still be growing.

    An unreadable last line was never acknowledged: it is left out and logged as a warning. An
    unreadable line further up, or a gap in `seq`, raises `JournalDamaged` with its line number.
    """
    raw = path.read_bytes()
    documents: list[Document] = []
    position = 0
    while position < len(raw):
        newline = raw.find(b"\n", position)
        end = len(raw) if newline < 0 else newline + 1
        number = len(documents) + 1
        try:
            document = Document.from_line(raw[position:end])
        except ValueError as error:
            if end < len(raw):
                raise JournalDamaged(
                    f"{path}, line {number}: cannot be read ({error}); {number - 1} documents "
                    f"before it are good. Restore the file from a backup, or cut it there."
                ) from error
            _log.warning(
                "%s, line %d: the last line is torn (%d bytes) and ignored; it was never "
                "acknowledged. %d documents read.",
                path,
                number,
                end - position,
                len(documents),
            )
            break
        if document.seq != len(documents):
            raise JournalDamaged(
                f"{path}, line {number}: carries seq {document.seq}, expected {len(documents)}; "
                f"a document is missing or doubled."
            )
        documents.append(document)
        position = end
    return JournalContent(
        documents=tuple(documents),
        good_bytes=position,
        torn=raw[position:],
        terminated=position == 0 or raw[position - 1 : position] == b"\n",
    )


class JournalWriter:
    """The single writer of one journal; may be called from several threads.

    Opening an existing journal goes on after its last good line: a torn tail is cut off first
    (`torn` keeps it). `rig_now` and `utc_now` give the time stamps (s).
    """

    def __init__(
        self, path: Path, rig_now: Callable[[], float], utc_now: Callable[[], float]
    ) -> None:
        self.path = path
        self._rig_now = rig_now
        self._utc_now = utc_now
        self._lock = threading.Lock()
        fresh = not path.exists()
        content = JournalContent((), 0, b"", True) if fresh else read_journal(path)
        self.torn = content.torn
        self._seq = len(content.documents)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = content.good_bytes
        try:
            os.ftruncate(self._descriptor, content.good_bytes)
            if not content.terminated:
                self._write(b"\n")
            if fresh:
                sync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def append(
        self, doc: DocumentKind | str, body: dict[str, Any], rig_s: float | None = None
    ) -> Document:
        """Write one document; when this returns, it is on the medium.

        `rig_s` overrides the rig time, for documents that were stamped by an instrument. Raises
        `WriteFailed` when the disk refuses (the journal is left as it was before) and
        ValueError or TypeError for a body that JSON cannot hold.
        """
        with self._lock:
            document = Document(
                seq=self._seq,
                utc_s=self._utc_now(),
                rig_s=self._rig_now() if rig_s is None else rig_s,
                doc=DocumentKind(doc),
                body=body,
            )
            self._write(document.to_line())
            self._seq += 1
            return document

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            sync(self._descriptor)
        except OSError as error:
            # A part of the line may stand there; cut it off, else the next one is unreadable.
            os.ftruncate(self._descriptor, self._size)
            raise WriteFailed(
                f"{self.path}: document {self._seq} could not be written ({error}); free the "
                f"disk or mend the connection, then go on"
            ) from error
        self._size += len(data)

    def close(self) -> None:
        """Release the file. Nothing can be appended afterwards. Idempotent."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def _plain(value: Any) -> Any:
    """numpy scalars and arrays, paths: as the JSON types that hold the same."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written to a journal: {value!r}")
