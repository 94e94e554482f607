"""The charge that has gone through the camera's multiplication register, ever.

Kept in a small file beside the runs, one entry a sensor: the register ages with it, and no
session alone tells how far. A crash loses what came after the last save.
"""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from atta_daq.archive.disk import write_whole
from atta_daq.station.alarms import Cause

log = logging.getLogger(__name__)

FILE = "camera-dose.json"
SAVE_S = 10.0
SCHEMA = 1


class RegisterDose:
    """Sums a session's dose onto what the file knew of the sensor. Safe from any thread.

    A file that cannot be read is set aside, never overwritten; `causes` then says so, as it does
    while the disk takes none.
    """

    def __init__(
        self, folder: Path, sensor: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = folder / FILE
        self._sensor = sensor
        self._monotonic = monotonic
        self._mutex = threading.Lock()
        self._unreadable = self._unwritten = ""
        self._others = self._read()
        self._before_nc = self._others.pop(sensor, 0.0)
        self._session_nc = 0.0
        self._saved_nc = self._before_nc
        self._saved_s = monotonic()

    @property
    def session_nc(self) -> float:
        """Since the station started (nC)."""
        return self._session_nc

    @property
    def total_nc(self) -> float:
        """Of this sensor, ever (nC)."""
        return self._before_nc + self._session_nc

    def session(self, dose_nc: float) -> None:
        """What the driver has counted since it was made."""
        self._session_nc = dose_nc

    def step(self) -> None:
        """Save now and then; call it often."""
        if self._monotonic() - self._saved_s >= SAVE_S:
            self.save()

    def save(self) -> None:
        """Write the file if the dose has grown. OSError is told by `causes`, not raised."""
        with self._mutex:
            self._saved_s = self._monotonic()
            total_nc = self.total_nc
            if total_nc == self._saved_nc:
                return
            record = {"schema": SCHEMA, "nc": {**self._others, self._sensor: total_nc}}
            try:
                write_whole(self._path, json.dumps(record, indent=2))
            except OSError as error:
                said = f"{self._path} cannot be written: {error.strerror or error}"
                if said != self._unwritten:
                    log.warning("%s", said)
                self._unwritten = said
                return
            self._saved_nc, self._unwritten = total_nc, ""

    def causes(self) -> Iterable[Cause]:
        """What is wrong with the file now, for the alarms."""
        if self._unreadable:
            yield Cause("camera:dose", "camera", self._unreadable, "minor")
        if unwritten := self._unwritten:
            text = (
                f"the dose of the camera's register is kept in memory only: {unwritten}; free the "
                "disk, or let the station write there"
            )
            yield Cause("camera:dose_kept", "camera", text, "minor")

    def _read(self) -> dict[str, float]:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            return self._set_aside(str(error))
        try:
            record = json.loads(text)
            doses = {str(sensor): float(nc) for sensor, nc in record["nc"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._set_aside(f"{type(error).__name__}: {error}")
        if record.get("schema") != SCHEMA or not all(
            math.isfinite(nc) and nc >= 0.0 for nc in doses.values()
        ):
            return self._set_aside("it is of another schema or holds impossible doses")
        return doses

    def _set_aside(self, why: str) -> dict[str, float]:
        kept = self._path.with_name(f"{FILE}.unreadable-{time.time():.0f}")
        try:
            os.replace(self._path, kept)
        except OSError:
            kept = self._path
        self._unreadable = (
            f"{self._path} cannot be used ({why}); kept as {kept.name}. The dose of the camera's "
            "register starts from 0: put the file right and restart the station"
        )
        log.warning("%s", self._unreadable)
        return {}
