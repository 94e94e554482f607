"""What reaches the medium, in order: a power cut finds some beginning of it."""

import os
from pathlib import Path

import pytest

from atta_daq.archive import disk


def recorded(patch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What `atta_daq.archive.disk` syncs and puts in place from now on, each by its inode."""
    did: list[tuple[str, int]] = []
    really = os.replace

    def replace(source: Path, target: Path) -> None:
        did.append(("replace", source.stat().st_ino))
        really(source, target)

    patch.setattr(os, "replace", replace)
    patch.setattr(disk, "sync", lambda file: did.append(("sync", os.fstat(file).st_ino)))
    patch.setattr(disk, "sync_folder", lambda path: did.append(("sync", path.stat().st_ino)))
    return did


def synced(*paths: Path) -> list[tuple[str, int]]:
    """These, as `recorded` tells them."""
    return [("sync", path.stat().st_ino) for path in paths]
