"""Starts the simulated rig and writes the rig file that a lab with these instruments would have.

The simulators are a process like any other: nothing of them is imported here. The calibrations
written here are what such a lab would have measured before, rounded and slightly off; the truth
stays in the simulators.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer

from atta_daq.cli.arguments import require_speed_and_seed
from atta_daq.cli.options import InstrumentsOption
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import ConfigError, read_toml

START_TIMEOUT_S = 60.0


@dataclass
class SimulatedRig:
    """A running simulator process."""

    process: subprocess.Popen[bytes]
    ports: dict[str, Any]
    folder: Path

    def ask(self, request: dict[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask the simulators' control socket; the station never does."""
        host, _, port = self.ports["control"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout_s) as wire:
            wire.sendall(json.dumps(request).encode() + b"\n")
            answer = wire.makefile("rb").readline()
        return json.loads(answer)

    def close(self) -> None:
        """End the simulators."""
        self.process.terminate()
        self.process.wait(10.0)


def start_simulated_rig(
    folder: Path,
    *,
    speed: float,
    seed: int,
    truth: Path | None,
    geometry: str | None,
    instruments: Sequence[str] = (),
    again: Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> SimulatedRig:
    """Start the simulators and wait until all of them listen.

    `instruments` are 'role=driver', as in the rig file, where another box than the usual one
    shall play a part. `again`: the ports file of a rig that was killed, whose place it takes.
    `meanwhile` is called while they start.

    `geometry` of the scan is what the operator would set up on the bench before; it overrides
    the truth file's. Raises ConfigError with the simulators' own words when they do not start.
    """
    ports_file = folder / "ports.json"
    command = [
        sys.executable, "-m", "simulators", "--ports-file", str(ports_file),
        "--speed", str(speed), "--seed", str(seed), "--parent-pid", str(os.getpid()),
        *chosen(instruments), *(["--again", str(again)] if again is not None else []),
    ]  # fmt: skip
    override = _with_geometry(folder, truth, geometry)
    if override is not None:
        command += ["--truth", str(override)]
    # Its own session: Ctrl-C is for the command; the run needs its rig until it has ended.
    with (folder / "simulators.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
    try:
        meanwhile()
        _wait_for(ports_file, process, folder / "simulators.log", override, truth)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return SimulatedRig(process, json.loads(ports_file.read_text()), folder)


def _wait_for(
    ports_file: Path,
    process: "subprocess.Popen[bytes]",
    log: Path,
    override: Path | None,
    truth: Path | None,
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ports_file.exists():
        if process.poll() is not None:
            # The operator knows the file that was given, not the copy with the geometry.
            said = log.read_text().strip().replace(str(override), str(truth))
            raise ConfigError(said or f"the simulators ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise ConfigError(f"the simulators did not start within {START_TIMEOUT_S:g} s")
        time.sleep(0.02)


def _with_geometry(folder: Path, truth: Path | None, geometry: str | None) -> Path | None:
    data = {} if truth is None else read_toml(truth)
    pumping = data.setdefault("pumping", {})
    if geometry is None or not isinstance(pumping, dict):
        return truth
    pumping["geometry"] = geometry
    path = folder / "truth-override.toml"
    path.write_text(tomli_w.dumps(data))
    return path


def simulate(
    ports_file: Annotated[
        Path | None,
        typer.Option(help="Write the addresses there: JSON, instrument to address."),
    ] = None,
    speed: Annotated[float, typer.Option(help="Rig seconds per second.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 1,
    truth: Annotated[
        Path | None, typer.Option(help="TOML that overrides any part of the default truth.")
    ] = None,
    print_truth: Annotated[
        bool, typer.Option("--print-truth", help="Print every truth parameter as TOML, end.")
    ] = False,
    instruments: InstrumentsOption = None,
) -> None:
    """Start only the simulated instruments, on loopback, for your own clients. Ends on Ctrl-C."""
    require_speed_and_seed(speed, seed)
    if truth is not None:
        read_toml(truth)
    command = [
        sys.executable, "-m", "simulators", "--speed", str(speed), "--seed", str(seed),
        "--parent-pid", str(os.getpid()),
    ]  # fmt: skip
    command += ["--ports-file", str(ports_file)] if ports_file else []
    command += ["--truth", str(truth)] if truth else []
    command += ["--print-truth"] if print_truth else []
    command += chosen(instruments or ())
    with subprocess.Popen(command) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()
    raise typer.Exit(code)


@contextmanager
def simulated_rig(
    *,
    speed: float,
    seed: int,
    truth: Path | None,
    geometry: str | None = None,
    name: str | None = None,
    instruments: Sequence[str] = (),
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Path, SimulatedRig]]:
    """The rig file of a simulated rig, and its simulators for as long as it is used.

    Without `geometry` that of the truth file counts. `meanwhile` is called while they start.
    """
    with tempfile.TemporaryDirectory(prefix="atta-daq-") as scratch:
        folder = Path(scratch)
        world = start_simulated_rig(
            folder, speed=speed, seed=seed, truth=truth, geometry=geometry,
            instruments=instruments, meanwhile=meanwhile,
        )  # fmt: skip
        try:
            path = folder / "rig.toml"
            rig = rig_file(world.ports, geometry or _geometry(truth), name)
            path.write_text(tomli_w.dumps(rig))
            yield path, world
        finally:
            world.close()


def chosen(instruments: Sequence[str]) -> list[str]:
    """The choice of boxes as arguments of the simulators."""
    return [word for pair in instruments for word in ("--instrument", pair)]


def _geometry(truth: Path | None) -> str:
    pumping = {} if truth is None else read_toml(truth).get("pumping", {})
    return pumping.get("geometry", "co")
