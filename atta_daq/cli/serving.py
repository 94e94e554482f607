"""The station's process: from its rig file until it is asked to end."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from atta_daq.cli.arguments import require_writable
from atta_daq.cli.checks import assembled
from atta_daq.heap import loaded
from atta_daq.rig.config import load_rig
from atta_daq.station.station import Station


def serve(config: Path, data: Path, parent_pid: int) -> None:
    """Until SIGTERM, Ctrl-C, a client's `shutdown`, or the end of the parent."""
    rig = load_rig(config)
    assembled(rig, config)
    require_writable(rig.data_dir or data)
    owner = Station(rig, config.read_text(), rig.data_dir or data)
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: ended.append(caught))
    endpoint = owner.open()
    loaded()
    with suppress(OSError):  # what it is written into may lie on a full disk
        print(f"station '{endpoint.rig}' serves on {endpoint.host}:{endpoint.tcp_port}", flush=True)
    try:
        owner.wait(lambda: bool(ended) or bool(parent_pid and not _alive(parent_pid)))
    finally:
        owner.close()


def _alive(pid: int) -> bool:
    return os.getppid() == pid
