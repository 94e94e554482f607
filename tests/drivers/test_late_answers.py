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

LATE_S = 1.7
"""Beyond every driver's timeout for one answer."""
AFTER_S = 0.8
"""Reading goes on for so long behind the arrival of the late answer."""
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


def trap(boxes: LiveBoxes, spec: DriverSpec) -> str:
    """What went wrong with one driver; '' for nothing."""
    servers = boxes.start(spec.kind, spec.driver)
    box = instrument(spec, {name: server.address for name, server in servers.items()})
    read = READS.get(spec.kind, lambda i: i.status())
    box.connect()
    PREPARE.get(spec.kind, lambda i: None)(box)
    before, last = plain(read(box)), {}
    while before != last and spec.kind == "sideband":  # a synthesiser that locks to its new place
        last, before = before, plain(read(box))
    for server in servers.values():
        if server.name == "amplifier_monitor":
            continue
        boxes.call(server.set_fault, WireFault("late", left=1, delay_s=LATE_S))
        began = time.monotonic()
        try:
            after = plain(read(box))
            return f"{server.name}: no timeout, but {after}"
        except Timeout:
            pass
        except DriverError as error:
            return f"{server.name}: {type(error).__name__}: {error}"
        readings = 0
        while time.monotonic() - began < LATE_S + AFTER_S:
            after = plain(read(box))
            readings += 1
            if not same(before, after):
                return f"{server.name}: {before} was read as {after}"
        if not readings:
            return f"{server.name}: nothing was read behind the timeout"
    box.close()
    return ""


def test_a_late_answer_reaches_no_other_query(boxes: LiveBoxes) -> None:
    with ThreadPoolExecutor(len(SPECS)) as pool:
        found = list(pool.map(lambda spec: trap(boxes, spec), SPECS))
    wrong = [f"{s.kind} {s.driver}: {f}" for s, f in zip(SPECS, found, strict=True) if f]
    assert not wrong, "\n".join(wrong)
