"""A finished day of the history: one compressed HDF5 file, written once, that any reader opens.

    /column            (k,) {name, unit, meaning}
    /seconds/utc_s     (n,) float64;  /seconds/rig_s (n,)
    /seconds/value     (n, k) float32, nan where stale; a chunk a column; absent once thinned
    /minutes/utc_s     (m,) float64;  /minutes/rig_s (m,);  /minutes/samples (m,) int64
    /minutes/value     (m, k, 3) float32: least, mean, greatest
    /alarms            events of alarms, one JSON object a line

Filters are HDF5's own shuffle and deflate. The file is complete before it gets its name.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from atta_daq.archive.disk import written_whole
from atta_daq.archive.history_records import AlarmEvent, Column, Minutes, Samples

SCHEMA = 1
LEVEL = 5
_COLUMN = np.dtype([(name, h5py.string_dtype()) for name in ("name", "unit", "meaning")])


def pack(path: Path, samples: Samples, alarms: Sequence[AlarmEvent]) -> None:
    """Write the file of a day. Raises OSError; then no file of that name has appeared."""
    with _as_os_error(path), written_whole(path) as beside:
        _pack(beside, samples, alarms)


def _pack(beside: Path, samples: Samples, alarms: Sequence[AlarmEvent]) -> None:
    minutes = samples.minutes()
    times = samples.utc_s if len(samples) else np.array([np.nan])
    with h5py.File(beside, "w", libver="latest") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["utc_min_s"] = float(times.min())
        file.attrs["utc_max_s"] = float(times.max())
        table = np.array([tuple(asdict(c).values()) for c in samples.columns], _COLUMN)
        file.create_dataset("column", data=table)
        _write(file, "seconds/utc_s", samples.utc_s)
        _write(file, "seconds/rig_s", samples.rig_s)
        _write(file, "seconds/value", samples.values)
        _write(file, "minutes/utc_s", minutes.utc_s)
        _write(file, "minutes/rig_s", minutes.rig_s)
        _write(file, "minutes/samples", minutes.samples)
        _write(file, "minutes/value", minutes.values)
        lines = "".join(alarm.to_line() + "\n" for alarm in alarms)
        _write(file, "alarms", np.frombuffer(lines.encode(), np.uint8))


def thin(path: Path) -> None:
    """Leave only the minutes of a day (and its alarms). Raises OSError; then it is as before."""
    with (
        _as_os_error(path),
        written_whole(path) as beside,
        h5py.File(path, "r") as old,
        h5py.File(beside, "w", libver="latest") as new,
    ):
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name in old:
            if name != "seconds":
                old.copy(old[name], new, name)


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    """h5py names a refused write differently, depending on which call of HDF5 was refused."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(f"{path}: {error}") from error


class PackedDay:
    """Reads a finished day. Raises OSError for a file that cannot be read."""

    def __init__(self, path: Path) -> None:
        self._file = h5py.File(path, "r")
        try:
            if self._file.attrs["schema"] != SCHEMA:
                raise OSError(f"schema {self._file.attrs['schema']}, not {SCHEMA}")
            table: Any = self._file["column"]
            self.columns = tuple(
                Column(*(text.decode() for text in row)) for row in table[()].tolist()
            )
        except KeyError as error:
            self._file.close()
            raise OSError(f"not a day of the history: {error}") from error

    def __enter__(self) -> "PackedDay":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def thinned(self) -> bool:
        """Only the minutes are left."""
        return "seconds" not in self._file

    def range(self) -> tuple[float, float]:
        """Earliest and latest UTC."""
        attributes: Any = self._file.attrs
        return float(attributes["utc_min_s"]), float(attributes["utc_max_s"])

    def samples(self, names: Sequence[str], since_s: float, until_s: float) -> Samples | None:
        """Samples of some readings; None when only minutes are left. KeyError for none of it."""
        if self.thinned:
            return None
        utc_s = self._read("seconds/utc_s")
        chosen = (utc_s >= since_s) & (utc_s <= until_s)
        columns, values = self._values("seconds/value", names)
        return Samples(utc_s[chosen], self._read("seconds/rig_s")[chosen], columns, values[chosen])

    def minutes(self, names: Sequence[str], since_s: float, until_s: float) -> Minutes:
        """Minutes of some readings."""
        utc_s = self._read("minutes/utc_s")
        chosen = (utc_s >= since_s) & (utc_s <= until_s)
        columns, values = self._values("minutes/value", names)
        return Minutes(
            utc_s[chosen], self._read("minutes/rig_s")[chosen],
            self._read("minutes/samples")[chosen], columns, values[chosen],
        )  # fmt: skip

    def alarms(self) -> tuple[AlarmEvent, ...]:
        """Every event, in order."""
        lines = self._read("alarms").tobytes().decode().splitlines()
        return tuple(AlarmEvent.from_line(line) for line in lines)

    def _values(self, name: str, names: Sequence[str]) -> tuple[tuple[Column, ...], NDArray]:
        places = [i for i, column in enumerate(self.columns) if column.name in names]
        dataset: Any = self._file[name]
        values = np.stack([dataset[:, i] for i in places], axis=1) if places else None
        empty = np.empty((dataset.shape[0], 0, *dataset.shape[2:]), np.float32)
        return tuple(self.columns[i] for i in places), empty if values is None else values

    def _read(self, name: str) -> NDArray:
        dataset: Any = self._file[name]
        return dataset[()]


def _write(file: h5py.File, name: str, data: NDArray) -> None:
    """One chunk a column, compressed here: zlib lets other threads go on meanwhile, HDF5 would
    keep every one that writes frames waiting."""
    if not data.size:
        file.create_dataset(name, shape=data.shape, dtype=data.dtype)
        return
    one_column = (data.shape[0], 1, *data.shape[2:])[: data.ndim]
    dataset = file.create_dataset(
        name, shape=data.shape, dtype=data.dtype, chunks=one_column, shuffle=True,
        compression="gzip", compression_opts=LEVEL,
    )  # fmt: skip
    columns = range(data.shape[1]) if data.ndim > 1 else (None,)
    for place in columns:
        column = np.ascontiguousarray(data if place is None else data[:, place])
        shuffled = column.reshape(-1).view(np.uint8).reshape(-1, data.dtype.itemsize).T.tobytes()
        offset = (0, *(() if place is None else (place,)), *(0,) * (data.ndim - 2))
        dataset.id.write_direct_chunk(offset, zlib.compress(shuffled, LEVEL))
