"""Where measured calibrations are kept: one journal a rig, beside the runs.

    DATA/calibrations/RIG/calibrations.jsonl    results and retirements, fsynced, only appended to
    DATA/calibrations/RIG/raw/ID.npz            what was read
    DATA/calibrations/RIG/plots/ID.svg          drawn from the raw data when it is asked for

Raw data come first: a result in the journal always has its raw data.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.archive.disk import make_folder, write_whole
from atta_daq.archive.journal import DocumentKind, JournalWriter, read_journal
from atta_daq.calibration.result import CalibrationResult

JOURNAL = "calibrations.jsonl"


@dataclass(frozen=True)
class Retirement:
    """A result that shall not be used any more; it is kept."""

    id: str
    utc_s: float
    who: str
    reason: str


class CalibrationStore:
    """The calibrations of one rig. One writer: whoever owns the rig."""

    def __init__(
        self,
        data: Path,
        rig: str,
        rig_now: Callable[[], float],
        utc_now: Callable[[], float],
    ) -> None:
        """`data` is the folder of the runs; nothing is made before the first result."""
        self.data = data
        self.folder = data / "calibrations" / rig
        self._rig_now = rig_now
        self._utc_now = utc_now

    def keep(self, result: CalibrationResult, raw: Mapping[str, NDArray]) -> None:
        """On the medium when it returns: raw data, result. Raises OSError, WriteFailed."""
        make_folder(self.folder / "raw")
        packed = io.BytesIO()
        arrays: dict[str, Any] = {name: np.asarray(values) for name, values in raw.items()}
        np.savez_compressed(packed, **arrays)
        write_whole(self.raw(result.id), packed.getvalue())
        self._append(DocumentKind.CALIBRATION, result.to_dict())

    def retire(self, result_id: str, who: str, reason: str) -> None:
        """Use a result no more. Raises KeyError for one that is not there or already retired."""
        if result_id not in {result.id for result in self.results()}:
            raise KeyError(result_id)
        self._append(DocumentKind.FLAG, {"id": result_id, "who": who, "reason": reason})

    def results(self, *, retired: bool = False) -> tuple[CalibrationResult, ...]:
        """Oldest first; with `retired` those too. Raises JournalDamaged."""
        if not (self.folder / JOURNAL).exists():
            return ()
        content = read_journal(self.folder / JOURNAL)
        found = (
            CalibrationResult.model_validate(document.body)
            for document in content.of(DocumentKind.CALIBRATION)
        )
        gone = self.retirements()
        return tuple(result for result in found if retired or result.id not in gone)

    def retirements(self) -> dict[str, Retirement]:
        """Id to who retired it, when and why."""
        if not (self.folder / JOURNAL).exists():
            return {}
        flags = read_journal(self.folder / JOURNAL).of(DocumentKind.FLAG)
        return {
            f.body["id"]: Retirement(f.body["id"], f.utc_s, f.body["who"], f.body["reason"])
            for f in flags
        }

    def raw(self, result_id: str) -> Path:
        """Raw data of a result."""
        return self.folder / "raw" / f"{result_id}.npz"

    def plot(self, result_id: str) -> Path:
        """Where the plot of a result is, or will be."""
        return self.folder / "plots" / f"{result_id}.svg"

    def _append(self, kind: DocumentKind, body: dict) -> None:
        writer = JournalWriter(self.folder / JOURNAL, self._rig_now, self._utc_now)
        try:
            writer.append(kind, body)
        finally:
            writer.close()
