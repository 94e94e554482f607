"""Whole runs on the simulated rig through the command line, for benchmarks and soak runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomli_w


def take(
    scan: Path | str,
    folder: Path,
    *,
    speed: float = 120.0,
    seed: int = 1,
    truth: dict[str, Any] | None = None,
    timeout_s: float = 3000.0,
) -> dict[str, Any]:
    """`atta-daq run SCAN --simulate --json`; `scan` is a file or TOML text."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(scan, str):
        path = folder / "scan.toml"
        path.write_text(scan)
        scan = path
    command = [sys.executable, "-m", "atta_daq", "run", str(scan), "--simulate", "--json",
               "--speed", str(speed), "--seed", str(seed),
               "--data", str(folder / "data")]  # fmt: skip
    if truth is not None:
        override = folder / "truth.toml"
        override.write_text(tomli_w.dumps(truth))
        command += ["--truth", str(override)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def pull(result: dict[str, Any], name: str) -> float:
    """(fitted - true)/error of a parameter."""
    parameter = result["parameters"][name]
    return (parameter["value"] - result["truth"][name]) / parameter["error"]
