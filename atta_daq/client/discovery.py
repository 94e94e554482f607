"""Where stations serve: those of this computer by their lock files, others over the network."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from atta_daq.client.endpoint import Endpoint
from atta_daq.client.names import ENDPOINT
from atta_daq.owner import is_held

RUNTIME_VARIABLE = "ATTA_DAQ_RUNTIME_DIR"
DEFAULT_TCP_PORT = 5075
"""Of EPICS PVA."""
REMOTE_TIMEOUT_S = 2.0

Find = Callable[[str], Endpoint | None]
"""Asked where the station of a rig is, '' for whichever there is."""
SEARCH_S = 0.2
"""Wall time between two searches for a station."""
HEARTBEAT = "station:rig_time"
"""Posted five times a second: its loss is the loss of the station."""
SILENT_S = 3.0
"""Wall time without it after which the station is lost. A connection to a computer that hangs or
whose cable is pulled stands for half a minute more."""


class Heart:
    """Whether a station lives, by its heartbeat. Any thread may ask, one of them may tell.

    A connection delivers at first what was posted last, be it long ago: only a value that differs
    from the one before, of this connection or of the former, is a beat.
    """

    def __init__(self, silent_s: float = SILENT_S) -> None:
        self._silent_s = silent_s
        self._last: object = None
        self._beat_s = math.inf
        """Wall time of the last beat."""

    def beat(self, value: object) -> bool:
        """Take a value of `HEARTBEAT`; whether it says that the station lives."""
        lives = self._last not in (None, value)
        self._last = value
        if lives:
            self._beat_s = time.monotonic()
        return lives

    @property
    def silent(self) -> bool:
        """It has beaten, but for too long not again."""
        return time.monotonic() - self._beat_s > self._silent_s


_ENDPOINT_SUFFIX = ".endpoint.json"


def runtime_dir() -> Path:
    """Where stations leave their lock files; `ATTA_DAQ_RUNTIME_DIR` overrides it."""
    given = os.environ.get(RUNTIME_VARIABLE)
    folder = Path(given) if given else user_state_path("atta-daq") / "stations"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lock_path(rig: str) -> Path:
    """Lock file of a rig: held by its station as long as that lives."""
    return runtime_dir() / f"{rig}.lock"


def wire_lock_path(digest: str) -> Path:
    """Lock file of one wire to an instrument, of whatever rig."""
    return runtime_dir() / f"wire-{digest}.lock"


def endpoint_path(rig: str) -> Path:
    """File that tells where the rig's station serves."""
    return runtime_dir() / f"{rig}{_ENDPOINT_SUFFIX}"


def find_station(rig: str) -> Endpoint | None:
    """Where the rig's station serves; None when none runs on this computer."""
    path = endpoint_path(rig)
    if not is_held(lock_path(rig)):
        return None
    try:
        return Endpoint.from_json(path.read_text())
    except (OSError, ValueError, TypeError):
        return None


def local_stations() -> list[Endpoint]:
    """All stations that run on this computer, by name of their rig."""
    rigs = (path.name.removesuffix(_ENDPOINT_SUFFIX)
            for path in runtime_dir().glob(f"*{_ENDPOINT_SUFFIX}"))  # fmt: skip
    found = (find_station(rig) for rig in sorted(rigs))
    return [endpoint for endpoint in found if endpoint is not None]


def find_local(rig: str = "") -> Endpoint | None:
    """The station of `rig` on this computer; without a name the only one. None when none runs.

    Raises LookupError that names them when several run and no name was given.
    """
    if rig:
        return find_station(rig)
    stations = local_stations()
    if len(stations) > 1:
        names = ", ".join(endpoint.rig for endpoint in stations)
        raise LookupError(f"several stations run here: {names}; choose one with --rig")
    return stations[0] if stations else None


def find_remote(where: str, rig: str = "") -> Endpoint | None:
    """The station at `where`, HOST or HOST:PORT (TCP, 5075 unless given); None when none answers.

    Raises ValueError when `where` is no address, LookupError when the station there has another
    rig than the one wanted.
    """
    host, port = _address(where)
    text = _ask(host, port)
    if text is None:
        return None
    # The station cannot know by which of its addresses this computer sees it.
    endpoint = replace(Endpoint.from_json(text), host=host, tcp_port=port)
    if rig and endpoint.rig != rig:
        raise LookupError(f"the station at {where} has rig '{endpoint.rig}', not '{rig}'")
    return endpoint


def finder(connect: str, rig: str) -> Find:
    """By host and port if `connect` names them, else on this computer; `rig`, if it is named, goes
    before the one that is asked for."""
    if connect:
        return lambda attached: find_remote(connect, rig or attached)
    return lambda attached: find_local(rig or attached)


def _address(where: str) -> tuple[str, int]:
    host, colon, port = where.partition(":")
    if not host or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ValueError(f"'{where}' is no address; HOST or HOST:PORT, such as lab-pc:5075")
    return host, int(port) if colon else DEFAULT_TCP_PORT


def _ask(host: str, port: int) -> str | None:
    """What the station at this address tells of itself."""
    # Looked for on this computer, nothing of PVA need be loaded: the command line starts faster.
    from p4p.client.thread import Context, RemoteError

    conf = {
        "EPICS_PVA_ADDR_LIST": "",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_NAME_SERVERS": f"{host}:{port}",
    }
    with Context("pva", conf=conf, useenv=False, nt=False) as context:
        try:
            structure: Any = context.get(ENDPOINT, timeout=REMOTE_TIMEOUT_S)
        except (TimeoutError, RemoteError):
            return None
    return str(structure["value"])
