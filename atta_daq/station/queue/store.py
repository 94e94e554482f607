"""The queue on disk: one file a rig, written whole (see `docs/decisions/0011`).

DATA/queue/RIG.json    the queue as it stands; a reader finds the old or the new one, whole
"""

import json
from pathlib import Path

from atta_daq.archive.disk import make_folder, write_whole
from atta_daq.archive.errors import ArchiveError
from atta_daq.station.queue.night import Night

SCHEMA = 1


class QueueDamaged(ArchiveError):
    """The file of the queue cannot be read. It is left as it is."""


class QueueStore:
    """Reads and writes the queue of one rig. One writer: whoever owns the rig."""

    def __init__(self, data: Path, rig: str) -> None:
        """`data` is the folder of the runs; nothing is made before the first change."""
        self.path = data / "queue" / f"{rig}.json"

    def load(self) -> Night:
        """An empty queue when there is no file. Raises QueueDamaged; OSError."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Night()
        except UnicodeDecodeError as error:
            raise QueueDamaged(f"{self.path}: not a text ({error})") from error
        try:
            content = json.loads(text)
            schema = content.pop("schema")
            if schema != SCHEMA:
                raise QueueDamaged(
                    f"{self.path}: schema {schema}; this program knows {SCHEMA}. Use the version "
                    "that wrote it or a later one"
                )
            return Night.model_validate_json(json.dumps(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise QueueDamaged(
                f"{self.path}: cannot be read ({error}). Mend it or move it away; without it the "
                "queue is empty, and the runs are all there"
            ) from error

    def save(self, night: Night) -> None:
        """On the medium when it returns. Raises OSError; the old content stays then."""
        make_folder(self.path.parent)
        content = {"schema": SCHEMA, **night.model_dump(mode="json")}
        write_whole(self.path, json.dumps(content, indent=1) + "\n")
