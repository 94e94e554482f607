"""Faults that stay until an instrument is connected anew: the station does that by itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from live_boxes import LiveBoxes, instrument
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import rig_config
from atta_daq.rig.drivers import find
from atta_daq.station.alarms import Alarms
from atta_daq.station.monitor import Monitor, Watch
from drivers.errors import DeviceFault
from drivers.visa_line import VisaLine
from simulators.faults import WireFault

POLL_S = 0.05
PATIENT_S = 60.0
"""The software lock compiles its fits when it is connected first."""


@pytest.fixture
def boxes() -> Iterator[LiveBoxes]:
    boxes = LiveBoxes()
    yield boxes
    boxes.close()


class Polled:
    """One instrument under a monitor, and what it says."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self.said: list[Any] = []
        server = SimpleNamespace(
            post=lambda *_: None, stale=lambda *_: None, limits=lambda *_: None,
            alarm_limits=lambda *_: None, latest=lambda _name: None,
        )  # fmt: skip
        self.monitor = Monitor(
            cast(Any, SimpleNamespace(amplifier=box, camera=None)),
            rig_config(rig_file(PORTS, "co"), "rig.toml"),
            cast(Any, SimpleNamespace(forget=lambda: None)),
            cast(Any, SimpleNamespace(spoil=lambda _text: None)),
            cast(Any, server),
            Alarms(lambda *_: None, cast(Any, lambda *_: None), time.time),
            cast(Any, None),
        )
        watch = Watch(box, lambda: self.said.append(box.status()), (), POLL_S)
        self.monitor._watches = lambda: (watch,)

    def reason(self) -> str:
        """Why it is silent, '' while it is not."""
        return self.monitor.silent().get(self.box.name, "")

    def answers_again(self) -> bool:
        said = len(self.said)
        until(lambda: not self.reason() and len(self.said) > said + 1)
        return True


@contextmanager
def polled(box: Any) -> Iterator[Polled]:
    watched = Polled(box)
    box.connect()
    watched.monitor.start()
    try:
        until(lambda: bool(watched.said))
        yield watched
    finally:
        watched.monitor.close()
        box.close()


def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def driver_on(boxes: LiveBoxes, kind: str, driver: str) -> tuple[Any, dict[str, Any]]:
    """The driver on a simulated box of its own, and the servers of that."""
    servers = boxes.start(kind, driver)
    spec = find(kind, driver)
    assert spec is not None
    return instrument(spec, {name: server.address for name, server in servers.items()}), servers


def at_the_panel(address: str, setting: str) -> None:
    line = VisaLine("operator", address)
    line.open()
    line.write(setting)
    line.check_errors()
    line.close()


@pytest.mark.timeout(120)
def test_a_current_limit_that_was_lowered_at_the_box_is_taken_over(boxes: LiveBoxes) -> None:
    pair, servers = driver_on(boxes, "amplifier", "thorlabs-itc4000")
    with polled(pair) as watched:
        at_the_panel(servers["amplifier"].address, "SOUR:CURR:LIM 2.4")
        until(lambda: "2500 mA and reads 2400 mA: it was changed" in watched.reason())
        assert watched.answers_again()
        assert watched.said[-1].seed_protection_armed
        # Above the envelope it is refused, not taken over.
        at_the_panel(servers["amplifier"].address, "SOUR:CURR:LIM 2.9")
        until(lambda: "the boxes do not guard the amplifier" in watched.reason())
        at_the_panel(servers["amplifier"].address, "SOUR:CURR:LIM 2.5")
        assert watched.answers_again()


@pytest.mark.timeout(120)
def test_a_limit_in_another_unit_is_not_taken_over(boxes: LiveBoxes) -> None:
    pair, servers = driver_on(boxes, "amplifier", "thorlabs-itc4000")
    with polled(pair) as watched:
        boxes.call(servers["amplifier"].set_fault, WireFault("wrong_unit"))
        until(lambda: "reads 2.5e+06 mA, which cannot be" in watched.reason())
        said = len(watched.said)
        time.sleep(1.0)
        assert len(watched.said) == said, "nothing that it says is used"
        boxes.call(servers["amplifier"].set_fault, None)
        assert watched.answers_again()


@pytest.mark.timeout(120)
def test_a_software_lock_whose_loop_has_ended_is_started_anew(
    boxes: LiveBoxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, _ = driver_on(boxes, "lock", "redpitaya-stcl")
    with polled(lock) as watched:

        def bug() -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(lock._loop, "run_once", bug)
        until(lambda: "its loop has ended by a fault of the program" in watched.reason())
        assert watched.answers_again()
        assert lock._thread.is_alive()


def test_one_fault_alone_is_told_and_the_instrument_is_left_alone() -> None:
    class Box:
        name = "sideband"
        connections = 0
        faults = 0

        def connect(self) -> None:
            self.connections += 1

        def status(self) -> str:
            if self.faults:
                self.faults -= 1
                raise DeviceFault(self.name, "it reports -222", "")
            return "well"

        def close(self) -> None: ...

    box = Box()
    with polled(box) as watched:
        box.faults = 1
        until(lambda: not box.faults)
        assert watched.answers_again()
        assert box.connections == 1
        box.faults = 2
        until(lambda: not box.faults)
        assert watched.answers_again()
        assert box.connections == 2
