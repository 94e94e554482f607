"""A simulated rig in processes of its own, and a station on it, for tests of the whole."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from atta_daq.cli.simulated import SimulatedRig, start_simulated_rig
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station
from atta_daq.rig.errors import ConfigError

SPEED = 60.0
START_S = 90.0


@dataclass
class Rig:
    """A simulated rig and the rig file of its lab."""

    world: SimulatedRig
    config: dict[str, Any]
    path: Path
    speed: float = SPEED

    @property
    def name(self) -> str:
        return self.config["name"]

    def fault(self, instrument: str, fault: str, **arguments: object) -> None:
        """Command a fault of the simulators."""
        answer = self.world.ask({"cmd": "fault", "instrument": instrument, "fault": fault,
                                 **arguments})  # fmt: skip
        assert answer["ok"], answer

    def power_cycle(self, seed: int) -> None:
        """kill -9 the simulators and start them anew in their place: no box has power meanwhile."""
        self.world.process.kill()
        self.world.process.wait(10.0)
        folder = self.world.folder
        earlier = (folder / "ports.json").rename(folder / "earlier-ports.json")
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.world = start_simulated_rig(
                    folder, speed=self.speed, seed=seed, truth=None, geometry=None, again=earlier
                )
                return
            except ConfigError as error:
                # The system may have lent one of its ports to a connection meanwhile.
                if "in use" not in str(error) or time.monotonic() > deadline:
                    raise

    def clear(self) -> None:
        """Mend all faults."""
        assert self.world.ask({"cmd": "clear"})["ok"]


def start_rig(folder: Path, speed: float = SPEED, **options: Any) -> Rig:
    """`options`: `seed`, `truth` (a file), `instruments` as ("amplifier=thorlabs-itc4000",)."""
    world = start_simulated_rig(
        folder,
        speed=speed,
        seed=options.pop("seed", 1),
        truth=options.pop("truth", None),
        geometry=None,
        **options,
    )
    config = rig_file(world.ports, "co")
    path = folder / "rig.toml"
    path.write_text(tomli_w.dumps(config))
    return Rig(world, config, path, speed)


@dataclass
class RunningStation:
    """A station process and a client of it."""

    process: "subprocess.Popen[str]"
    client: StationClient
    data: Path
    log: Path

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10.0)

    def wait_for(self, name: str, wanted: Callable[[Any], bool], timeout_s: float = 100.0) -> Any:
        """Wait until a reading is as wanted; returns it."""
        deadline = time.monotonic() + timeout_s
        while not wanted(value := self.client.get(name)):
            assert time.monotonic() < deadline, (
                f"{name} stayed at {value!r}; outcome {self.client.get('run:outcome')!r}; "
                f"the station's log:\n{self.log.read_text()[-4000:]}"
            )
            time.sleep(0.03)
        return value

    def wait_for_end(self, timeout_s: float = 100.0) -> str:
        """Wait until the run has ended; returns its outcome."""
        self.wait_for("run:outcome", lambda v: v != "", timeout_s)
        return str(self.wait_for("run:outcome", lambda v: v != "", timeout_s))


def start_station(
    rig: Rig, data: Path, environment: dict[str, str] | None = None
) -> RunningStation:
    command = [sys.executable, "-m", "atta_daq", "station", "--config", str(rig.path),
               "--data", str(data), "--parent-pid", str(os.getpid())]  # fmt: skip
    log = data.parent / f"{data.name}-station.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environment)
    deadline = time.monotonic() + START_S
    while (endpoint := find_station(rig.name)) is None or endpoint.pid != process.pid:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "the station did not start"
        time.sleep(0.05)
    return RunningStation(process, StationClient(endpoint), data, log)


def stop_station(station: RunningStation) -> None:
    station.client.close()
    if station.process.poll() is None:
        station.process.terminate()
        station.process.wait(30.0)


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """The journal of a run as plain objects; fails on a line that is not whole."""
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
