"""One station a rig, and one owner of each wire: lock files that name their owner; the rig's tells
clients where to find it."""

import hashlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from atta_daq.client.client import Endpoint
from atta_daq.client.discovery import endpoint_path, lock_path, wire_lock_path
from atta_daq.owner import AlreadyOwned, OwnerLock, read_owner
from atta_daq.rig.addresses import canonical
from atta_daq.rig.config import RigConfig
from atta_daq.rig.drivers import KINDS

NO_WIRES: Mapping[str, str] = {}


def wires_of(config: RigConfig, *kinds: str) -> dict[str, str]:
    """Wire, the same however it is spelt, to what the rig file calls it: of all instruments, or of
    those of `kinds`. What only reads a server that others share has none."""

    def found() -> Iterator[tuple[str, str]]:
        for kind in kinds or KINDS:
            section = config.instrument(kind)
            if section is not None and section.exclusive:
                for key, address in section.addresses().items():
                    yield canonical(address), f"{kind}.{key} = {address}"

    return dict(found())


class RigLock:
    """Held by the station of a rig as long as it lives, or by a check of the instruments.

    `wires`, as `wires_of` gives them, are held with it: two rig files of different names may lead
    to one box.
    """

    def __init__(
        self, rig: str, purpose: str = "station", wires: Mapping[str, str] = NO_WIRES
    ) -> None:
        self._rig = rig
        self._purpose = purpose
        self._wires = wires
        self._lock = OwnerLock(lock_path(rig))
        self._held = ExitStack()
        self._endpoint = endpoint_path(rig)

    def acquire(self, utc_s: float) -> None:
        """Take the rig and its wires. Raises `owner.AlreadyOwned`, naming the first station."""
        try:
            self._lock.acquire(self._purpose, utc_s)
        except AlreadyOwned as error:
            owner = read_owner(self._lock.path)
            raise AlreadyOwned(
                f"rig '{self._rig}' is in use by {owner or 'another process'}; end that one "
                "first. `atta-daq run` works with a station that already runs"
            ) from error
        try:
            self._take_wires(utc_s)
        except BaseException:
            self.release()
            raise
        # A killed station leaves its address behind; clients must not try it.
        self._endpoint.unlink(missing_ok=True)

    def _take_wires(self, utc_s: float) -> None:
        host = socket.gethostname()
        for wire, name in sorted(self._wires.items()):
            # A folder of a network drive is that of several computers, each with a /dev/ttyACM0.
            digest = hashlib.sha256(f"{host} {wire}".encode()).hexdigest()
            lock = OwnerLock(wire_lock_path(digest[:32]))
            try:
                lock.acquire(f"{self._purpose} of rig '{self._rig}'", utc_s)
            except AlreadyOwned as error:
                owner = read_owner(lock.path)
                raise AlreadyOwned(
                    f"rig '{self._rig}': {name} is in use by {owner or 'another process'}: the two "
                    "would take each other's answers; end that one first, or correct the address"
                ) from error
            self._held.callback(lock.release)

    def publish(self, endpoint: Endpoint) -> None:
        """Tell clients where the station serves."""
        beside = self._endpoint.with_suffix(".tmp")
        beside.write_text(endpoint.to_json())
        beside.replace(self._endpoint)

    def release(self) -> None:
        """Give the rig up. Idempotent."""
        self._endpoint.unlink(missing_ok=True)
        self._held.close()
        self._lock.release()
