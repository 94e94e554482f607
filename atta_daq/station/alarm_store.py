"""Alarms that nobody has acknowledged, on disk: a kill or a reboot is no look at them.

DATA/alarms/RIG.json    written whole and synced when one is raised or acknowledged
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from atta_daq.archive.disk import make_folder, write_whole
from atta_daq.client.log import Alarm
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.steady import steady_s

log = logging.getLogger(__name__)

TRY_AGAIN_S = 5.0
"""Wall time until a disk that refused is asked again."""


class AlarmStore:
    """Of one rig. One writer: whoever owns the rig. Used by one thread at a time."""

    def __init__(self, data: Path, rig: str, *, steady: Callable[[], float] = steady_s) -> None:
        """`data` is the folder of the runs; nothing is made before the first alarm."""
        self.path = data / "alarms" / f"{rig}.json"
        self._steady = steady
        self._problem = ""
        self._again_s = float("-inf")
        self._saved: set[tuple[str, float]] = set()

    def restore(self, alarms: Alarms) -> None:
        """Give `alarms` what the last station left. A file that cannot be read is an alarm itself:
        there may have been more."""
        try:
            text = self.path.read_text(encoding="utf-8")
            left = [Alarm(**alarm) for alarm in json.loads(text)]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError) as error:
            said = (
                f"{self.path} cannot be read ({error}): the last station may have left alarms that "
                "nobody has acknowledged; look into `atta-daq history --alarms`"
            )
            alarms.raise_(Cause("alarms:lost", "station", said, once=True))
            return
        self._saved = _raised(left)
        alarms.restore(left)

    def save(self, alarms: Sequence[Alarm]) -> None:
        """Keep those that are not acknowledged: on the medium when it returns, unless `causes` says
        why not. A change of the text alone is not worth a write."""
        unseen = [alarm for alarm in alarms if not alarm.acknowledged]
        raised, now_s = _raised(unseen), self._steady()
        if raised == self._saved:
            self._problem = ""
            return
        if self._problem and now_s < self._again_s:
            return
        try:
            make_folder(self.path.parent)
            write_whole(self.path, json.dumps([asdict(alarm) for alarm in unseen], indent=1) + "\n")
        except OSError as error:
            if not self._problem:
                log.warning("%s: %s", self.path, error)
            self._problem = f"{self.path}: {error.strerror or error}"
            self._again_s = now_s + TRY_AGAIN_S
        else:
            self._problem, self._saved = "", raised

    def causes(self) -> Iterable[Cause]:
        """What is wrong now, for the alarms."""
        if self._problem:
            text = f"a restart of the station would forget alarms: {self._problem}; free the disk"
            yield Cause("alarms:file", "station", text, "minor")


def _raised(alarms: Sequence[Alarm]) -> set[tuple[str, float]]:
    """Each with when it was raised: it may be so anew."""
    return {(alarm.id, alarm.since_utc_s) for alarm in alarms}
