"""The trap of every protocol without message numbers: an answer that comes after its timeout, and
whatever mix of late, half and garbled answers comes behind it.

No value may ever be taken for the answer to another query, neither by the reading that follows
the timeout nor by those that are under way when the late bytes at last arrive.
"""

import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import Any

import pytest
from garbage_wires import READS, SPECS
from live_boxes import LiveBoxes, instrument

from atta_daq.rig.drivers import DriverSpec
from drivers.errors import DriverError, Timeout
from drivers.stcl.regulators import Outputs
from drivers.stcl.settings import StclSettings
from drivers.stcl_board import StclBoard
from simulators.faults import WireFault
from simulators.wire import WireServer

if sys.platform != "win32":
    from pty_wire import PtyWire

LATE_S = 1.7
"""Beyond every driver's timeout for one answer."""
SETTLED_S = 0.05
"""A synthesiser has locked to its new place."""
PAUSE_S = 0.02
"""Between two readings: all boxes share one thread."""
NEVER = -1
STANDING = Outputs(ramp_offset_v=0.1, laser_v=0.25)
AFTER_S = 0.8
"""Reading goes on for so long behind the arrival of the late answer."""
MIXED_S = 12.0
FEWEST_FAULTS = 3
"""As many must have met each driver in that time, however busy the machine."""
BACK_S = 12.0
"""A driver is back so long after its wire was mended."""
SEED = 4
SHARE = 0.2
"""Of the answers that are distorted."""
SERIAL = {"windfreak-synthhd", "arduino-stcl"}
"""Met over a serial port, too."""
OWN_THREAD = {"redpitaya-stcl"}
"""A status that the driver's own loop has at hand: nothing is asked that an answer could be late
to. What that loop asks its board is met by itself."""


def _numbers(line: Any, *queries: str) -> dict[str, Callable[[], float]]:
    return {text: partial(line.query_number, text) for text in queries}


def _windfreak(box: Any) -> dict[str, Callable[[], float]]:
    def ask(query: str) -> float:
        with box._lock:
            box._select()
            return box._number(query)

    return {text: partial(ask, text) for text in ("f?", "W?", "u?", "i?")}


def _arduino(box: Any) -> dict[str, Callable[[], float]]:
    def ask(query: str) -> float:
        with box._lock:
            return box._wire.ask_integer(query)

    return {text: partial(ask, text) for text in ("Ls?", "Lkp?", "Lki?", "Rkp?")}


def _toptica(box: Any) -> dict[str, Callable[[], float]]:
    names = (
        "dl:cc:current-clip",
        "amp:cc:current-clip",
        "dl:tc:temp-set-min",
        "dl:tc:temp-set-max",
    )
    return {text: partial(box._link.read_real, f"laser1:{text}") for text in names}


def _thorlabs(box: Any) -> dict[str, Callable[[], float]]:
    return _numbers(box._chip.line, "SOUR:CURR:LIM?", "SOUR2:TEMP:SPO?", "OUTP2:STAT?")


def _red_pitaya(box: Any) -> dict[str, Callable[[], float]]:
    return _numbers(box._board.line, "ACQ:DEC?", "ACQ:BUF:SIZE?", "SYST:ERR:COUN?")


QUERIES: dict[str, Callable[[Any], dict[str, Callable[[], float]]]] = {
    "toptica-dlcpro": _toptica,
    "thorlabs-itc4000": _thorlabs,
    "windfreak-synthhd": _windfreak,
    "rigol-dsg800": lambda box: _numbers(box._line, ":FREQ?", ":LEV?", ":OUTP?"),
    "keysight-mxg": lambda box: _numbers(box._line, ":FREQ?", ":POW?", ":OUTP?"),
    "arduino-stcl": _arduino,
    "redpitaya": _red_pitaya,
    "thorlabs-pm100": lambda box: _numbers(
        box._line, "SENS:CORR:WAV?", "SENS:CORR:WAV? MIN", "SENS:CORR:WAV? MAX"
    ),
}
"""Numbers of each driver's box that stand still, each another: any could pass for any other."""
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

    def __init__(self, boxes: LiveBoxes, spec: DriverSpec, *, over_pty: bool = False) -> None:
        self.boxes, self.spec = boxes, spec
        self.servers = boxes.start(spec.kind, spec.driver)
        addresses = {name: server.address for name, server in self.servers.items()}
        self.wire = None
        if over_pty:
            assert sys.platform != "win32"
            self.wire = PtyWire(self.servers[spec.kind].port)
            addresses[spec.kind] = self.wire.device
        self.box = instrument(spec, addresses)
        self.box.connect()
        PREPARE.get(spec.kind, lambda i: None)(self.box)
        time.sleep(SETTLED_S)
        self.first_reading()

    def read(self) -> Any:
        return plain(READS.get(self.spec.kind, lambda i: i.status())(self.box))

    def wrong(self) -> str:
        """What goes wrong when an answer is late; '' for nothing."""
        for server in self.servers.values():
            if server.name == "amplifier_monitor":
                continue
            assert self.answers[server.name], f"a reading asks {server.name} nothing"
            # some readings ask until it is so: how often differs, half of that is always reached
            for place in sorted({0, self.answers[server.name] // 2}):
                if found := self._wrong(server, place):
                    return f"{self.name}, {server.name}, answer {place}: {found}"
        self.close()
        return ""

    def close(self) -> None:
        self.box.close()
        if self.wire is not None:
            self.wire.close()

    def mixed(self) -> str:
        """What goes wrong when one query after the other, drawn too, is answered late, by half or
        garbled; '' for nothing.
        The wire is mended in the end, and the driver must be back."""
        queries = QUERIES[self.spec.driver](self.box)
        world = {text: ask() for text, ask in queries.items()}
        assert len(set(world.values())) == len(world), world
        mixes = [
            Mixed(server, random.Random(f"{SEED} {self.name} {name}"))
            for name, server in self.servers.items()
        ]
        try:
            found = self._asked_mixed(queries, world)
        finally:
            for mix in mixes:
                mix.remove()
        done = sum((mix.done for mix in mixes), Counter())
        if not found and done.total() < FEWEST_FAULTS:
            found = f"only {dict(done)} were drawn"
        found = found or self._back()
        self.close()
        return f"{self.name}: {found}" if found else ""

    def _asked_mixed(self, queries: dict[str, Any], world: dict[str, float]) -> str:
        dice, ends, good = random.Random(f"{SEED} {self.name}"), time.monotonic() + MIXED_S, 0
        while time.monotonic() < ends:
            text = dice.choice(list(queries))
            try:
                told = queries[text]()
            except DriverError:
                continue
            if told != world[text]:
                return f"{text} is {world[text]} and was read as {told}"
            good += 1
            time.sleep(PAUSE_S)
        return "" if good else "nothing could be read"

    def _back(self) -> str:
        """The wire is mended."""
        ends, said = time.monotonic() + BACK_S, ""
        while time.monotonic() < ends:
            try:
                return "" if same(self.before, told := self.read()) else f"was read as {told}"
            except DriverError as error:
                said = str(error)
        return f"it is not back: {said}"

    @property
    def name(self) -> str:
        return f"{self.spec.kind} {self.spec.driver}"

    def first_reading(self) -> None:
        """What all later readings must be, and how many answers it took from each server."""
        counters = {name: Late(server, NEVER) for name, server in self.servers.items()}
        self.before = self.read()
        for counter in counters.values():
            counter.remove()
        self.answers = {name: counter.seen for name, counter in counters.items()}

    def _wrong(self, server: WireServer, place: int) -> str:
        late = Late(server, place)
        began = time.monotonic()
        try:
            told = self.read()
            # a driver may wait for a whole stream of answers, of which one is late
            if place == 0 or not same(self.before, told):
                return f"no timeout, but {told}"
        except Timeout:
            pass
        except DriverError as error:
            return f"{type(error).__name__}: {error}"
        finally:
            late.remove()
        readings = 0
        while time.monotonic() - began < LATE_S + AFTER_S:
            try:
                after = self.read()
            except DriverError as error:
                return f"{error}, {time.monotonic() - began:.2f} s after the fault"
            readings += 1
            time.sleep(PAUSE_S)
            if not same(self.before, after):
                return f"{self.before} was read as {after}"
        return "" if readings else "nothing was read behind the timeout"


class Late:
    """Makes one answer of a server late: that with the number `place` from now on."""

    def __init__(self, server: WireServer, place: int) -> None:
        self._server, self._place = server, place
        self.seen = 0
        server.distorted = self._distorted

    def remove(self) -> None:
        del self._server.distorted

    def _distorted(self, data: bytes) -> tuple[bytes, float]:
        """On the loop of the server, for each answer."""
        if self.seen == self._place:
            self._server.set_fault(WireFault("late", left=1, delay_s=LATE_S))
        self.seen += 1
        return type(self._server).distorted(self._server, data)


class Mixed:
    """Distorts a drawn share of the answers of a server."""

    def __init__(self, server: WireServer, dice: random.Random) -> None:
        self._server, self._dice = server, dice
        self.done: Counter[str] = Counter()
        server.distorted = self._distorted

    def remove(self) -> None:
        del self._server.distorted

    def _distorted(self, data: bytes) -> tuple[bytes, float]:
        if not data or self._dice.random() > SHARE:
            return data, 0.0
        kind = self._dice.choice(("late", "half", "garbled"))
        self.done[kind] += 1
        if kind == "late":
            return data, LATE_S
        if kind == "half":
            return data[: len(data) // 2], 0.0
        place = self._dice.randrange(len(data))
        # Not a digit for a digit: no protocol of these has a check sum that would show it.
        return (data if data[place] <= 32 else data[:place] + b"~" + data[place + 1 :]), 0.0


class BoardTrap(Trap):
    """The board of the software lock, asked what the lock's own loop asks it."""

    def __init__(self, boxes: LiveBoxes) -> None:
        self.wire = None
        self.servers = boxes.start("lock", "redpitaya-stcl")
        resource = self.servers["lock"].address
        self.box = StclBoard("lock", resource, StclSettings(), timeout_s=1.0)
        self.box.connect()
        self.box.prepare(STANDING)
        self.first_reading()

    @property
    def name(self) -> str:
        return "lock redpitaya-stcl"

    def read(self) -> Any:
        standing = self.box.standing()
        traces = self.box.record_sweep()
        assert standing is not None
        # in mV, of which `same` tells one from another
        millivolts = {name: 1e3 * volts for name, volts in asdict(standing).items()}
        return {**millivolts, "samples": len(traces.master_v), "dt_s": traces.dt_s}

    def close(self) -> None:
        self.box.line.close()


def test_a_late_answer_reaches_no_other_query(boxes: LiveBoxes) -> None:
    # One after the other first: what is compiled on the way would hold up the others.
    traps = [Trap(boxes, spec) for spec in SPECS if spec.driver not in OWN_THREAD]
    traps.append(BoardTrap(boxes))
    with ThreadPoolExecutor(len(traps)) as pool:
        wrong = [found for found in pool.map(Trap.wrong, traps) if found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(120)
def test_no_value_is_that_of_another_query_in_any_mix_of_faults(boxes: LiveBoxes) -> None:
    traps = [Trap(boxes, spec) for spec in SPECS if spec.driver not in OWN_THREAD]
    if sys.platform != "win32":
        traps += [Trap(boxes, spec, over_pty=True) for spec in SPECS if spec.driver in SERIAL]
    with ThreadPoolExecutor(len(traps)) as pool:
        wrong = [found for found in pool.map(Trap.mixed, traps) if found]
    assert not wrong, "\n".join(wrong)
