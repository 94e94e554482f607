"""Frames of the region of interest in one HDF5 file that survives the death of its writer.

    /frames       (N, rows, columns) uint16, ADU; bitshuffle-lz4, chunks of about 100 frames
    /unique_id    (N,) int64   the camera's counter; a gap is a lost frame
    /rig_time_s   (N,) float64 end of the exposure on the rig's clock
    /segments     (S,) {segment, first, count} int64: frames first .. first + count - 1

The file is written in SWMR mode (single writer, multiple reader): whatever was flushed can be
read while it grows and after a kill, with `swmr=True`. Frames are appended in blocks: one
append a frame costs forty times as much.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from atta_daq.archive.disk import sync, sync_file, sync_folder, written_whole
from atta_daq.archive.errors import FramesDamaged, SchemaUnknown, WriteFailed

SCHEMA = 1
BLOCK_BYTES = 320_000
"""About 100 frames of 40x40; larger frames go in smaller blocks."""
REFUSED = (OSError, RuntimeError)
"""What h5py raises when the disk takes nothing: it depends on which call of HDF5 was refused."""
UNREADABLE = (*REFUSED, KeyError, ValueError)
"""The same for a file that is torn."""
_SEGMENT = np.dtype([("segment", "<i8"), ("first", "<i8"), ("count", "<i8")])


def frames_per_block(rows: int, columns: int) -> int:
    """Frames in one block and one chunk of the file."""
    return max(1, min(256, BLOCK_BYTES // (2 * rows * columns)))


def predicted_bytes(
    rows: int, columns: int, frame_rate_hz: float, duration_s: float, compression: float = 1.0
) -> int:
    """Volume of a run's frames; with `compression` 1 an upper bound.

    `duration_s` is the time during which the camera delivers. 16 bytes a frame go to its counter
    and its time.
    """
    frames = frame_rate_hz * duration_s
    return round(frames * (2 * rows * columns / compression + 16))


class FramesWriter:
    """Appends frames to one file. Safe to call from the camera's thread and the run engine's.

    `append` copies into a block; a full block goes to the file. `flush` must return before the
    segment's event is journaled.
    """

    def __init__(self, path: Path, rows: int, columns: int) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._block = frames_per_block(rows, columns)
        self._images = np.empty((self._block, rows, columns), np.uint16)
        self._ids = np.empty(self._block, np.int64)
        self._times = np.empty(self._block, np.float64)
        self._filled = 0
        self._written = 0
        self._first = 0
        cache = max(1 << 20, 4 * self._images.nbytes)
        self._file = h5py.File(path, "x", libver="latest", rdcc_nbytes=cache)
        self._file.attrs["schema"] = SCHEMA
        self._frames = self._file.create_dataset(
            "frames",
            shape=(0, rows, columns),
            maxshape=(None, rows, columns),
            chunks=(self._block, rows, columns),
            dtype=np.uint16,
            **hdf5plugin.Bitshuffle(cname="lz4"),
        )
        self._frames.attrs["units"] = "ADU"
        self._unique_id = self._column("unique_id", np.dtype(np.int64), 4096)
        self._rig_time = self._column("rig_time_s", np.dtype(np.float64), 4096)
        self._rig_time.attrs["units"] = "s"
        self._segments = self._column("segments", _SEGMENT, 256)
        self._file.swmr_mode = True
        # Segments are acknowledged on this file: a power cut must leave its name there as well.
        sync_folder(path.parent)

    def _column(self, name: str, dtype: np.dtype, chunk: int) -> h5py.Dataset:
        return self._file.create_dataset(
            name, shape=(0,), maxshape=(None,), chunks=(chunk,), dtype=dtype
        )

    def append(self, image: NDArray[np.uint16], unique_id: int, rig_time_s: float) -> None:
        """Take one frame (rows, columns).

        Raises ValueError for another shape or type, and `WriteFailed` when the disk refuses; the
        frames that wait in memory are tried again with the next call.
        """
        if image.dtype != np.uint16 or image.shape != self._images.shape[1:]:
            raise ValueError(
                f"{self.path.name} takes {self._images.shape[1:]} uint16 frames, "
                f"not {image.shape} {image.dtype}"
            )
        with self._lock:
            if self._at_boundary:
                self._write_block()
            self._images[self._filled] = image
            self._ids[self._filled] = unique_id
            self._times[self._filled] = rig_time_s
            self._filled += 1
            if self._at_boundary:
                self._write_block()

    @property
    def _at_boundary(self) -> bool:
        """The file's chunks start at multiples of the block: frames are written up to the next."""
        return self._filled > 0 and (self._written + self._filled) % self._block == 0

    def _write_block(self) -> None:
        start, stop = self._written, self._written + self._filled
        # Frames first: a reader never finds an identifier without its frame.
        try:
            for dataset, values in (
                (self._frames, self._images),
                (self._unique_id, self._ids),
                (self._rig_time, self._times),
            ):
                dataset.resize(stop, axis=0)
                dataset[start:stop] = values[: self._filled]
        except REFUSED as error:
            raise WriteFailed(
                f"{self.path}: {self._filled} frames could not be written ({error}); free the "
                f"disk, then go on"
            ) from error
        self._written, self._filled = stop, 0

    def flush(self, segment: int) -> int:
        """End a segment: frames since the last flush are its own, and on the medium.

        `segment` is `Segment.index`. Returns the number of its frames. Raises `WriteFailed` when
        the disk refuses: the segment is not acknowledged then.
        """
        with self._lock:
            if self._filled:
                self._write_block()
            count = self._written - self._first
            try:
                self._file.flush()
                number = self._segments.shape[0]
                self._segments.resize(number + 1, axis=0)
                self._segments[number] = np.array((segment, self._first, count), _SEGMENT)
                self._segments.flush()
                sync(self._file.id.get_vfd_handle())
            except REFUSED as error:
                raise WriteFailed(
                    f"{self.path}: segment {segment} could not be written ({error}); free the disk"
                ) from error
            self._first = self._written
            return count

    def discard(self) -> int:
        """Give the frames since the last flush to no segment (settling, a broken attempt).

        They stay in the file. Returns their number.
        """
        with self._lock:
            total = self._written + self._filled
            count, self._first = total - self._first, total
            return count

    def close(self) -> None:
        """Write what is left and close the file. Idempotent. Raises `WriteFailed` when the disk
        refuses; with room again, another call closes it well."""
        with self._lock:
            if not self._file:
                return
            if self._filled:
                self._write_block()
            try:
                # What a refused write has left is written here: a file closes badly only once.
                self._file.flush()
                self._file.close()
            except REFUSED as error:
                raise WriteFailed(f"{self.path}: cannot be closed ({error})") from error
        sync_file(self.path)

    def __enter__(self) -> "FramesWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class SegmentFrames:
    """The frames of one segment."""

    images: NDArray[np.uint16]
    """(count, rows, columns), ADU."""
    unique_id: NDArray[np.int64]
    rig_time_s: NDArray[np.float64]


class FramesReader:
    """Reads a frames file: finished, growing, or left by a writer that died."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r", libver="latest", swmr=True)
        except OSError as error:
            raise FramesDamaged(f"{path}: cannot be opened ({error})") from error
        schema = int(np.asarray(self._file.attrs["schema"]))
        if schema > SCHEMA:
            self._file.close()
            raise SchemaUnknown(f"{path}: schema {schema}, this program knows up to {SCHEMA}")
        index = self._dataset("segments")[:]
        self._index = {
            int(s): (int(first), int(count))
            for s, first, count in zip(
                index["segment"], index["first"], index["count"], strict=True
            )
        }

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        _, rows, columns = self._dataset("frames").shape
        return rows, columns

    @property
    def total(self) -> int:
        """Frames that can be read, with or without a segment."""
        return min(self._dataset(n).shape[0] for n in ("frames", "unique_id", "rig_time_s"))

    @property
    def segments(self) -> dict[int, int]:
        """Segment index to number of frames, in the order written."""
        return {segment: count for segment, (_, count) in self._index.items()}

    def segment(self, segment: int) -> SegmentFrames:
        """The frames of one segment. Raises KeyError for one without frames and `FramesDamaged`
        when the file holds fewer than its index says."""
        first, count = self._index[segment]
        if first + count > self.total:
            raise FramesDamaged(
                f"{self.path}: segment {segment} should end at frame {first + count}, the file "
                f"ends at {self.total}"
            )
        where = slice(first, first + count)
        return SegmentFrames(
            images=self._dataset("frames")[where],
            unique_id=self._dataset("unique_id")[where],
            rig_time_s=self._dataset("rig_time_s")[where],
        )

    def _dataset(self, name: str) -> h5py.Dataset:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise FramesDamaged(f"{self.path}: holds no '{name}'")
        return dataset

    def close(self) -> None:
        """Release the file. Idempotent."""
        self._file.close()

    def __enter__(self) -> "FramesReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_cleanly_closed(path: Path) -> bool:
    """False for a file whose writer died or is still at work: it opens with `swmr=True` only,
    which other programs and external links do not ask for."""
    try:
        h5py.File(path, "r").close()
    except OSError:
        return False
    return True


def repair(path: Path) -> None:
    """Rewrite a file whose writer died so that any HDF5 program opens it.

    Chunks are copied as they are, not unpacked. Must not be called on a file being written. Raises
    one of `UNREADABLE` for a file that holds nothing to be read, or when the disk takes no second
    one; the file is as it was then.
    """
    # The name that an earlier version gave to its copy, and kept on a full disk.
    path.with_name(f".{path.name}.repair").unlink(missing_ok=True)
    with (
        written_whole(path) as beside,
        h5py.File(path, "r", libver="latest", swmr=True) as old,
        h5py.File(beside, "w") as new,
    ):
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name in old:
            old.copy(old[name], new, name)
