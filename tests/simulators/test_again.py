"""A rig that is switched on again stands where it stood, at a time that went on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from simulators.again import recall


def started(folder: Path, *more: str) -> tuple["subprocess.Popen[str]", dict[str, Any]]:
    ports = folder / f"ports-{len(more)}.json"
    deadline = time.monotonic() + 40.0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", "--ports-file", str(ports), "--speed", "50",
             "--parent-pid", str(os.getpid()), "--instrument", "amplifier=thorlabs-itc4000", *more],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            if line.startswith("simulated rig ready"):
                return process, json.loads(ports.read_text())
            said += line
        process.stdout.close()
        process.wait(10.0)
        # The system may have lent a port of the first one to a connection meanwhile.
        assert "in use" in said, said
        assert time.monotonic() < deadline, said


def test_a_killed_rig_comes_back_at_its_addresses(tmp_path: Path) -> None:
    first, ports = started(tmp_path)
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(ports))
    first.send_signal(signal.SIGKILL)
    first.wait(10.0)
    second, again = started(tmp_path, "--again", str(kept))
    try:
        # EPICS clients find a server by its search port: its TCP port may be another.
        assert {**again, "pva_tcp_ports": None} == {**ports, "pva_tcp_ports": None}
    finally:
        second.terminate()
        second.wait(10.0)
        for process in (first, second):
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.parametrize("text", ["[]", "{}", '{"clock": 3}', "no json"])
def test_a_file_that_is_no_ports_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"ports file|Expecting"):
        recall(path)
