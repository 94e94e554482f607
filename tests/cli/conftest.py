"""The command line in this process, and files that an operator could have written."""

import copy
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from rig_ports import PORTS

from atta_daq.cli.app import run_app
from atta_daq.cli.lazy import COMMANDS
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.instruments import Instruments

SCAN = """
name = "small"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 20.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
_JARGON = ("Traceback", "Input should", "extra_forbidden", "pydantic", "Value error", "click")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    def refused(self, *said: str, code: int = 2) -> None:
        """It failed with this code, saying all this on standard error, in plain words."""
        assert self.code == code, self
        for text in said:
            assert text in self.err, self.err
        for jargon in _JARGON:
            assert jargon not in self.err, self.err


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Carry out a command in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run_app([str(a) for a in arguments])
        said = capsys.readouterr()
        return Outcome(int(code), said.out, said.err)

    return run


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test when a process is started or an instrument is connected."""

    # What a command imports when it is first used may itself ask the system for something.
    for place in COMMANDS.values():
        import_module(place.partition(":")[0])
    import_module("drivers.dlcpro.driver")

    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("something was started or connected")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(Instruments, "connect", forbidden)


def lab() -> dict[str, Any]:
    """A rig file, as plain data, whose instruments are nowhere."""
    return copy.deepcopy(rig_file(PORTS, "co"))


@pytest.fixture
def write_rig(tmp_path: Path) -> Callable[..., Path]:
    """Write a rig file with one key set to something (None: left out)."""

    def write(key: str = "", value: object = None) -> Path:
        data = lab()
        if key:
            *tables, last = key.split(".")
            table = data
            for name in tables:
                table = table[name]
            if value is None:
                del table[last]
            else:
                table[last] = value
        path = tmp_path / "rig.toml"
        path.write_text(tomli_w.dumps(data))
        return path

    return write


@pytest.fixture
def write_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write the small scan with one text replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in SCAN
        path = tmp_path / "scan.toml"
        path.write_text(SCAN.replace(old, new, 1) if old else SCAN)
        return path

    return write
