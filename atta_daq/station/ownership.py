"""One station a rig: a lock file that names its owner and tells clients where to find it."""

from atta_daq.client.client import Endpoint
from atta_daq.client.discovery import endpoint_path, lock_path
from atta_daq.owner import AlreadyOwned, OwnerLock, read_owner


class RigLock:
    """Held by the station of a rig as long as it lives, or by a check of the instruments."""

    def __init__(self, rig: str, purpose: str = "station") -> None:
        self._rig = rig
        self._purpose = purpose
        self._lock = OwnerLock(lock_path(rig))
        self._endpoint = endpoint_path(rig)

    def acquire(self, utc_s: float) -> None:
        """Take the rig. Raises `owner.AlreadyOwned`, naming the first station."""
        try:
            self._lock.acquire(self._purpose, utc_s)
        except AlreadyOwned as error:
            owner = read_owner(self._lock.path)
            raise AlreadyOwned(
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
