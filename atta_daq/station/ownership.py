"""One station a rig: a lock file that names its owner and tells clients where to find it."""

import os
from pathlib import Path

from platformdirs import user_state_path

from atta_daq.archive.errors import RunOwned
from atta_daq.archive.owner import OwnerLock, is_held, read_owner
from atta_daq.client.client import Endpoint

RUNTIME_VARIABLE = "ATTA_DAQ_RUNTIME_DIR"


def runtime_dir() -> Path:
    """Where stations leave their lock files; `ATTA_DAQ_RUNTIME_DIR` overrides it."""
    given = os.environ.get(RUNTIME_VARIABLE)
    folder = Path(given) if given else user_state_path("atta-daq") / "stations"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class RigLock:
    """Held by the station of a rig as long as it lives, or by a check of the instruments."""

    def __init__(self, rig: str, purpose: str = "station") -> None:
        self._rig = rig
        self._purpose = purpose
        self._lock = OwnerLock(_lock_path(rig))
        self._endpoint = _endpoint_path(rig)

    def acquire(self, utc_s: float) -> None:
        """Take the rig. Raises `archive.errors.RunOwned`, naming the first station."""
        try:
            self._lock.acquire(self._purpose, utc_s)
        except RunOwned as error:
            owner = read_owner(self._lock.path)
            raise RunOwned(
                f"rig '{self._rig}' is in use by {owner or 'another process'}; end that one "
                "first. `atta-daq run` works with a station that already runs"
            ) from error
        # A killed station leaves its address behind; clients must not try it.
        self._endpoint.unlink(missing_ok=True)

    def publish(self, endpoint: Endpoint) -> None:
        """Tell clients where the station serves."""
        beside = self._endpoint.with_suffix(".tmp")
        beside.write_text(endpoint.to_json())
        beside.replace(self._endpoint)

    def release(self) -> None:
        """Give the rig up. Idempotent."""
        self._endpoint.unlink(missing_ok=True)
        self._lock.release()


def find_station(rig: str) -> Endpoint | None:
    """Where the rig's station serves; None when none runs."""
    path = _endpoint_path(rig)
    if not is_held(_lock_path(rig)):
        return None
    try:
        return Endpoint.from_json(path.read_text())
    except (OSError, ValueError, TypeError):
        return None


def _lock_path(rig: str) -> Path:
    return runtime_dir() / f"{rig}.lock"


def _endpoint_path(rig: str) -> Path:
    return runtime_dir() / f"{rig}.endpoint.json"
