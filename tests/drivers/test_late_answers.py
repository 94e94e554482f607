"""The trap of every protocol without message numbers: an answer that comes after its timeout.

No value may ever be taken for the answer to another query, neither by the reading that follows
the timeout nor by those that are under way when the late bytes at last arrive.
"""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, is_dataclass
from typing import Any

import pytest
from garbage_wires import READS, SPECS
from live_boxes import LiveBoxes, instrument

from atta_daq.rig.drivers import DriverSpec
from drivers.errors import DriverError, Timeout
from simulators.faults import WireFault
from simulators.wire import WireServer

LATE_S = 1.7
"""Beyond every driver's timeout for one answer."""
SETTLED_S = 0.05
"""A synthesiser has locked to its new place."""
AFTER_S = 0.8
"""Reading goes on for so long behind the arrival of the late answer."""
OWN_THREAD = {"redpitaya-stcl"}
"""A status that the driver's own loop has at hand: nothing is asked that an answer could be late
to. Its board is met as the reference cell's."""
PREPARE: dict[str, Callable[[Any], object]] = {
    "amplifier": lambda i: i.seed_on(),
    "sideband": lambda i: (i.set_frequency(200.0), i.set_power(-20.0)),
}
"""Every value that is read shall be another, so that a swap shows."""


@pytest.fixture
def boxes() -> Iterator[LiveBoxes]:
    boxes = LiveBoxes()
    yield boxes
    boxes.close()


def plain(reading: Any) -> Any:
    """What of a reading can be compared; the samples of a trace by their number."""
    if hasattr(reading, "volts"):
        return {"samples": len(reading.volts), "dt_s": reading.dt_s}
    return asdict(reading) if is_dataclass(reading) and not isinstance(reading, type) else reading


def same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Equal but for noise."""

    def close(a: Any, b: Any) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return math.isclose(a, b, rel_tol=0.1, abs_tol=1.0) or (math.isnan(a) and math.isnan(b))
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            return all(close(x, y) for x, y in zip(a, b, strict=True))
        return a == b

    return before.keys() == after.keys() and all(close(before[k], after[k]) for k in before)


class Trap:
    """One driver on its box, ready to be kept waiting."""

    def __init__(self, boxes: LiveBoxes, spec: DriverSpec) -> None:
        self.boxes, self.spec = boxes, spec
        self.servers = boxes.start(spec.kind, spec.driver)
        self.box = instrument(spec, {name: s.address for name, s in self.servers.items()})
        self.box.connect()
        PREPARE.get(spec.kind, lambda i: None)(self.box)
        time.sleep(SETTLED_S)
        self.before = self.read()

    def read(self) -> Any:
        return plain(READS.get(self.spec.kind, lambda i: i.status())(self.box))

    def wrong(self) -> str:
        """What goes wrong when an answer is late; '' for nothing."""
        for server in self.servers.values():
            if server.name != "amplifier_monitor" and (found := self._wrong(server)):
                return f"{self.spec.kind} {self.spec.driver}, {server.name}: {found}"
        self.box.close()
        return ""

    def _wrong(self, server: WireServer) -> str:
        self.boxes.call(server.set_fault, WireFault("late", left=1, delay_s=LATE_S))
        began = time.monotonic()
        try:
            return f"no timeout, but {self.read()}"
        except Timeout:
            pass
        except DriverError as error:
            return f"{type(error).__name__}: {error}"
        readings = 0
        while time.monotonic() - began < LATE_S + AFTER_S:
            after = self.read()
            readings += 1
            if not same(self.before, after):
                return f"{self.before} was read as {after}"
        return "" if readings else "nothing was read behind the timeout"


def test_a_late_answer_reaches_no_other_query(boxes: LiveBoxes) -> None:
    # One after the other first: what is compiled on the way would hold up the others.
    traps = [Trap(boxes, spec) for spec in SPECS if spec.driver not in OWN_THREAD]
    with ThreadPoolExecutor(len(traps)) as pool:
        wrong = [found for found in pool.map(Trap.wrong, traps) if found]
    assert not wrong, "\n".join(wrong)
