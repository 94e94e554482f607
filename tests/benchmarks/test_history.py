"""Size and speed of the history: a day of nothing but noise, and three years of days."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from atta_daq.archive.history_day import DayWriter
from atta_daq.archive.history_folder import HistoryFolder, day_files, new_day, pack_day, total_bytes
from atta_daq.archive.history_pack import pack, thin
from atta_daq.archive.history_records import Samples
from atta_daq.station.history import columns_of

BEGIN_S = 1_790_035_200.0
DAY_SAMPLES = 86_400
COMMIT = 5
DAYS = 1096
CHANGING = 17
"""Readings that differ from second to second on the simulated rig while it runs."""


class Held(threading.Thread):
    """How long another thread of the process is kept from running."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest_s = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.001):
            now = time.monotonic()
            self.longest_s, last = max(self.longest_s, now - last), now

    def stop(self) -> float:
        self._over.set()
        self.join()
        return self.longest_s


@pytest.mark.bench
def test_a_day_of_noise(tmp_path: Path) -> None:
    columns = columns_of()
    rng = np.random.default_rng(1)
    writer = DayWriter(new_day(tmp_path, BEGIN_S), columns)
    slowest = 0.0
    for first in range(0, DAY_SAMPLES, COMMIT):
        values = rng.normal(size=(COMMIT, len(columns))).astype("<f4")
        rows = [
            (BEGIN_S + first + i, BEGIN_S + first + i, row.tobytes())
            for i, row in enumerate(values)
        ]
        started = time.monotonic()
        writer.append(rows)
        slowest = max(slowest, time.monotonic() - started)
    writer.close()
    written = total_bytes(tmp_path)
    held = Held()
    held.start()
    started = time.monotonic()
    pack_day(day_files(tmp_path)[0])
    packing, longest = time.monotonic() - started, held.stop()
    packed = total_bytes(tmp_path)
    thin(day_files(tmp_path)[0].path)
    thinned = total_bytes(tmp_path)
    print(
        f"\n{len(columns)} readings of noise, a day: {written / 1e6:.1f} MB under way, "
        f"{packed / 1e6:.1f} MB packed, {thinned / 1e6:.2f} MB of minutes; slowest commit "
        f"{1e3 * slowest:.0f} ms; packed in {packing:.1f} s, others held up for "
        f"{1e3 * longest:.0f} ms at most"
    )
    assert written < 60e6
    assert packed < 25e6
    assert thinned < 2e6
    assert longest < 1.0


@pytest.mark.bench
def test_three_years(tmp_path: Path) -> None:
    columns = columns_of()
    rng = np.random.default_rng(2)
    values = np.zeros((DAY_SAMPLES, len(columns)), np.float32)
    values[:, :CHANGING] = rng.normal(size=(DAY_SAMPLES, CHANGING))
    times = BEGIN_S + np.arange(DAY_SAMPLES)
    pack(tmp_path / "000001_2026-09-22.h5", Samples(times, times, columns, values), [])
    size = total_bytes(tmp_path)
    for number in range(2, DAYS + 1):
        os.link(tmp_path / "000001_2026-09-22.h5", tmp_path / f"{number:06d}_2026-09-22.h5")
    started = time.monotonic()
    past = HistoryFolder(tmp_path).minutes([columns[0].name])
    lasted = time.monotonic() - started
    assert past.minutes is not None
    assert len(past.minutes) == DAYS * 1440
    print(
        f"\n{DAYS} days of {size / 1e6:.1f} MB ({CHANGING} readings change): the minutes of one "
        f"reading over all of them in {lasted:.1f} s"
    )
    assert lasted < 60.0
