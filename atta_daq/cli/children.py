"""Processes that a command starts: a station, a window."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import typer

from atta_daq.client.discovery import find_station
from atta_daq.client.endpoint import Endpoint
from atta_daq.client.errors import StationSilent

Process = subprocess.Popen[bytes]

START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 60.0
"""A station that ends closes its run and writes the report."""
LOG = "station.log"


class StationStart:
    """A station that was started and may not serve yet. It writes into `station.log`."""

    def __init__(self, rig: str, arguments: Sequence[str], folder: Path, *, stays: bool) -> None:
        """`folder` of the runs; the station ends with this process unless it `stays`."""
        self.rig = rig
        self._log = folder / LOG
        self._said_before = self._log.stat().st_size if self._log.exists() else 0
        command = [sys.executable, "-m", "atta_daq", "station", *arguments]
        if not stays:
            command += ["--parent-pid", str(os.getpid())]
        with self._log.open("ab") as out:
            # Its own session: Ctrl-C is for the command, which then ends the run in good order.
            self.process: Process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self._deadline = time.monotonic() + START_TIMEOUT_S

    def endpoint(self) -> Endpoint | None:
        """Where it serves; None while it is not ready.

        If it ended instead: its own words on standard error, and typer.Exit with its exit code.
        Raises StationSilent when it takes too long.
        """
        # Looked at first: the words of a station that ends in between are then complete.
        ended = self.process.poll() is not None
        found = find_station(self.rig)
        if found is not None:
            return found
        if ended:
            said = self._log.read_bytes()[self._said_before :].decode(errors="replace").strip()
            print(said, file=sys.stderr)
            raise typer.Exit(self.process.returncode or 1)
        if time.monotonic() > self._deadline:
            self.process.kill()
            raise StationSilent(f"the station did not start within {START_TIMEOUT_S:g} s")
        return None

    def wait(self) -> Endpoint:
        """As `endpoint`, once it serves."""
        while (found := self.endpoint()) is None:
            time.sleep(0.05)
        return found


def end(process: Process, timeout_s: float = END_TIMEOUT_S) -> None:
    """End a process in good order, or by force when that takes longer than `timeout_s`."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
