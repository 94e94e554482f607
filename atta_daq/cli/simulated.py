"""Starts the simulated rig and writes the rig file that a lab with these instruments would have.

The simulators are a process like any other: nothing of them is imported here. The calibrations
written here are what such a lab would have measured before, rounded and slightly off; the truth
stays in the simulators.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer

from atta_daq.cli.arguments import require_speed_and_seed
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
    folder: Path, *, speed: float, seed: int, truth: Path | None, geometry: str | None
) -> SimulatedRig:
    """Start the simulators and wait until all of them listen.

    `geometry` of the scan is what the operator would set up on the bench before; it overrides
    the truth file's. Raises ConfigError with the simulators' own words when they do not start.
    """
    ports_file = folder / "ports.json"
    command = [
        sys.executable, "-m", "simulators", "--ports-file", str(ports_file),
        "--speed", str(speed), "--seed", str(seed), "--parent-pid", str(os.getpid()),
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
) -> Iterator[tuple[Path, SimulatedRig]]:
    """The rig file of a simulated rig, and its simulators for as long as it is used.

    Without `geometry` that of the truth file counts.
    """
    with tempfile.TemporaryDirectory(prefix="atta-daq-") as scratch:
        folder = Path(scratch)
        world = start_simulated_rig(folder, speed=speed, seed=seed, truth=truth, geometry=geometry)
        try:
            path = folder / "rig.toml"
            rig = rig_file(world.ports, geometry or _geometry(truth), name)
            path.write_text(tomli_w.dumps(rig))
            yield path, world
        finally:
            world.close()


def _geometry(truth: Path | None) -> str:
    pumping = {} if truth is None else read_toml(truth).get("pumping", {})
    return pumping.get("geometry", "co")


def rig_file(ports: dict[str, Any], geometry: str, name: str | None = None) -> dict[str, Any]:
    """The rig file of the simulated rig, as plain data. Without `name` one is made up."""
    return {
        "name": name or f"simulated-{secrets.token_hex(3)}",
        "geometry": geometry,
        "amplifier": {
            "driver": "toptica-dlcpro",
            "address": ports["amplifier"],
            "seed_current_ma": {"low": 0.0, "high": 106.0},
            "seed_operating_ma": 90.0,
            "amplifier_current_ma": {"low": 0.0, "high": 2500.0},
            "unseeded_ceiling_ma": 300.0,
            "seed_power_min_mw": 10.0,
        },
        "sideband": {
            "driver": "windfreak-synthhd",
            "address": ports["sideband"],
            "frequency_mhz": {"low": 10.0, "high": 1000.0},
            "power_dbm": {"low": -40.0, "high": 15.0},
        },
        "lock": {
            "driver": "arduino-stcl",
            "address": ports["lock"],
            "ratio": {"low": 0.08, "high": 0.92},
        },
        "camera": {
            "driver": "areadetector",
            "address": ports["camera"],
            "roi_x": 235,
            "roi_y": 236,
        },
        "trap_switch": {
            "driver": "redpitaya",
            "address": ports["trap_switch"],
            "offset_generator": ports["isotope_offset"],
            "offset_81_mhz": -96.0,
            "offset_83_mhz": -180.0,
            "offset_84_mhz": 0.0,
            "offset_85_mhz": -265.0,
            "offset_blank_mhz": 120.0,
        },
        "loading": {"driver": "redpitaya", "address": ports["loading"]},
        "reference_cell": {"driver": "redpitaya", "address": ports["reference_cell"]},
        "clock": {"rate": ports["clock"]["speed"], "origin_s": ports["clock"]["origin_s"]},
        "calibrations": {
            "cavity": {
                "fsr_mhz": 3000.0,
                "fsr_error_mhz": 1.0,
                "ratio_sign": 1,
                "zero_ratio": 0.405,
                "zero_error_mhz": 30.0,
            },
            "fibre_power": {
                "threshold_ma": 800.0,
                "slope_mw_per_ma": 0.294,
                "relative_error": 0.02,
                "full_power_mw": 499.0,
                "monitor_ratio": 0.84,
            },
            "eom": {"v_pi_v": 4.0, "v_pi_error_v": 0.1},
            "doppler": {
                "even_mhz": 290.0,
                "even_error_mhz": 10.0,
                "even_rms_mhz": 90.0,
                "odd_mhz": 260.0,
                "odd_error_mhz": 10.0,
                "odd_rms_mhz": 90.0,
                "odd_rms_error_mhz": 10.0,
            },
            "pumping": {
                "rabi_scale": 4.0,
                "rabi_scale_error": 0.5,
                "waist_mm": 7.5,
                "waist_counter_mm": 16.0,
                "tube_diameter_mm": 9.0,
            },
            "rates": {
                "counts_81_per_h": 165.0,
                "counts_85_per_h": 2100.0,
                "loading_relative_error": 0.005,
            },
        },
    }
