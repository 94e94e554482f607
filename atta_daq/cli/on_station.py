"""A command that needs the rig's station."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atta_daq.cli.children import StationStart, end
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.config import RigConfig


@contextmanager
def station_client(path: Path, rig: RigConfig, data: Path) -> Iterator[StationClient]:
    """A client of the rig's station, which is started for it and ended after it unless one runs."""
    endpoint = find_station(rig.name)
    process = None
    try:
        if endpoint is None:
            arguments = ["--config", str(path), "--data", str(data)]
            station = StationStart(rig.name, arguments, rig.data_dir or data, stays=False)
            process = station.process
            endpoint = station.wait()
        with StationClient(endpoint) as client:
            yield client
    finally:
        if process is not None:
            end(process)
