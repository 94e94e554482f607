"""A rig of recording fakes: what was asked of which instrument, in which order."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import rig_config
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.trap_control import TrapControl
from atta_daq.station.precheck import axis_of
from drivers.interfaces import (
    AmplifierStatus,
    CameraProtection,
    CameraStatus,
    LockStatus,
    SidebandStatus,
    TrapStatus,
)

COLD = CameraStatus(False, -70.0, True, 0, 0.1, False, 0, 0, "")
"""A camera at rest, its sensor at its temperature."""


class Recorder:
    """An instrument that keeps every call; `answers` gives what a method returns."""

    def __init__(self, name: str, log: list[tuple], answers: dict[str, Any]) -> None:
        self.name = name
        self._log = log
        self.answers = answers

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: object, **named: object) -> Any:
            self._log.append((self.name, method, *arguments, *named.values()))
            answer = self.answers.get(method)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class FakeRig:
    """Instruments, configuration and controls on one injected clock."""

    def __init__(self) -> None:
        self.log: list[tuple] = []
        self.wall_s = 1000.0
        self.config = rig_config(rig_file(PORTS, "co"), "rig.toml")
        self.clock = RigClock(wall=lambda: self.wall_s)
        locked = LockStatus(True, "", 0.5, 0.5, 1e-5, 0.5)
        amplifier = AmplifierStatus(
            True, 90.0, 90.0, 20.0, True, 2000.0, 2000.0, 500.0, False, True, True, "OK"
        )
        answers: dict[str, dict[str, Any]] = {
            "lock": {"status": locked, "set_ratio": locked, "relock": locked},
            "amplifier": {"status": amplifier},
            "sideband": {"status": SidebandStatus(200.0, 0.0, False, True, None)},
            "trap_switch": {"status": TrapStatus(-265.0, True, False, True)},
            "camera": {"protection": CameraProtection(0.0, 0, "", 0.0), "status": COLD},
        }
        names = ("amplifier", "trap_switch", "camera", "sideband", "lock", "loading",
                 "reference_cell")  # fmt: skip
        self.instruments: Any = SimpleNamespace(
            **{name: Recorder(name, self.log, answers.get(name, {})) for name in names}
        )
        self.instruments.darken_camera = partial(Instruments.darken_camera, self.instruments)
        self.light = LightControl(self.instruments, self.config, axis_of(self.config))
        self.trap = TrapControl(self.instruments, self.config, self.clock, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.wall_s += seconds

    def asked(self) -> list[tuple[str, str]]:
        """Instrument and method of every call that changes something, in order."""
        return [(c[0], c[1]) for c in self.log if c[1] not in ("status", "protection")]


@pytest.fixture
def rig() -> FakeRig:
    return FakeRig()
