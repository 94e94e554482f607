"""What was measured since the end of a night was last told, by the archive: no kill can lose it.

DATA/messages/RIG.told holds that moment (UTC, s since 1970). Without one the night begins when the
station starts.
"""

import logging
import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.chain import newest_of, successors
from atta_daq.archive.disk import make_folder, write_whole
from atta_daq.archive.errors import ArchiveError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """A measurement of the night: a run with all that it goes on with."""

    run_id: str
    """Its newest run."""
    state: str
    """How that one ended."""
    runs: int = 1
    """Of this night."""

    @property
    def complete(self) -> bool:
        """Every block that the scan asked for."""
        return self.state == "complete"

    def __str__(self) -> str:
        return f"{self.run_id}: {self.state}" + (f", in {self.runs} runs" if self.runs > 1 else "")


class Tonight:
    """Of one rig. For one thread."""

    def __init__(self, data: Path, rig: str, utc_now: Callable[[], float]) -> None:
        self._data = data
        self._rig = rig
        self._utc_now = utc_now
        self._path = data / "messages" / f"{rig}.told"
        self._since_utc_s = math.inf

    def begin(self) -> None:
        """At the start of the station: go on with the night that a killed one has left."""
        with suppress(OSError, ValueError):
            self._since_utc_s = float(self._path.read_text())
        if not math.isfinite(self._since_utc_s):
            self.told()

    def told(self) -> None:
        """The end of the night was told; the next one begins."""
        self._since_utc_s = self._utc_now()
        try:
            make_folder(self._path.parent)
            write_whole(self._path, f"{self._since_utc_s}\n")
        except OSError as error:
            # The next station would tell of this night again, which is better than never.
            log.warning("%s: %s", self._path, error)

    def measured(self, heard: Mapping[str, str]) -> tuple[Measured, ...]:
        """The measurements, oldest first, each once however many runs it took.

        `heard`: runs that ended in this life of the station, with their states; they belong to the
        night whatever the clock says. Without an archive that can be read they are all there is.
        """
        try:
            entries = {
                e.run_id: e for e in Catalogue(self._data).runs() if e.measured_by(self._rig)
            }
            mine = [n for n, e in entries.items() if e.end_utc_s > self._since_utc_s]
            later = successors(self._data) if mine or heard else {}
        except (ArchiveError, OSError, sqlite3.Error) as error:
            log.warning("the runs of the night: %s", error)
            return tuple(Measured(run_id, state) for run_id, state in heard.items())
        newest: dict[str, int] = {}
        # The catalogue has the newest first; what it does not know goes by when it was heard.
        for name in dict.fromkeys((*reversed(mine), *heard)):
            last = newest_of(name, later)
            newest[last] = newest.get(last, 0) + 1
        return tuple(
            Measured(
                name, entries[name].state.value if name in entries else heard.get(name, ""), runs
            )
            for name, runs in newest.items()
        )
