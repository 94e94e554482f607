"""The instruments of one rig as one object: connect, release, make safe."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from threading import Thread
from typing import cast

from drivers.errors import ConnectionLost, DeviceFault, DriverError, Timeout
from drivers.interfaces import (
    AtomCamera,
    Identity,
    Instrument,
    LoadingDetector,
    PowerMeter,
    ReferenceCell,
    SidebandGenerator,
    SlowControl,
    TaperedAmplifier,
    TransferCavityLock,
    TrapSwitch,
)

log = logging.getLogger(__name__)

STOP_WAIT_S = 10.0
"""Longer than any driver tries: the slowest waits for a handful of answers of 1.2 s each."""
STOP_AGAIN_S = 2.5
"""An order that failed sooner is given a second time; the answer must not wait for more."""
NO_SERIALS = {"", "UNKNOWN", "NONE", "N/A", "NA", "SERIAL", "DEFAULT"}
"""What boxes say that know no serial number of their own; so does one of zeros only."""


@dataclass(frozen=True)
class Answer:
    """Who answered at an address, or why nobody did."""

    name: str
    address: str
    identity: Identity | None
    error: DriverError | None


@dataclass(frozen=True)
class Instruments:
    """Everything the station drives. The order is the order of STOP: light first."""

    amplifier: TaperedAmplifier
    trap_switch: TrapSwitch
    camera: AtomCamera
    sideband: SidebandGenerator
    lock: TransferCavityLock
    loading: LoadingDetector
    reference_cell: ReferenceCell
    addresses: dict[str, str]
    power_meter: PowerMeter | None = None
    slow_control: SlowControl | None = None

    def __iter__(self) -> Iterator[Instrument]:
        for field in fields(self):
            instrument = getattr(self, field.name)
            if field.name != "addresses" and instrument is not None:
                yield cast(Instrument, instrument)

    def connect(self) -> list[Answer]:
        """Connect to every instrument side by side; on any failure the caller must `close`.

        One box behind two names, by two wires of it, is refused under the second.
        """

        def one(instrument: Instrument) -> Answer:
            address = self.addresses[instrument.name]
            try:
                return Answer(instrument.name, address, instrument.connect(), None)
            except DriverError as error:
                return Answer(instrument.name, address, None, error)
            except Exception as error:  # the others must be closed, and it must be named
                fault = DeviceFault(
                    instrument.name,
                    f"connecting to it failed in this program ({type(error).__name__}: {error})",
                    "its log has more; report it as a fault of the driver",
                )
                log.exception("connecting to %s", instrument.name)
                return Answer(instrument.name, address, None, fault)

        with ThreadPoolExecutor(thread_name_prefix="connect") as pool:
            return list(_each_box_once(pool.map(one, self)))

    def close(self) -> None:
        """Release every wire; changes nothing on the instruments."""
        for instrument in self:
            instrument.close()

    def darken_camera(self) -> list[str]:
        """Camera stopped, gain off, shutter closed. Returns what could not be done."""
        camera = self.camera
        return _tried(camera.stop, lambda: camera.set_em_gain(0), camera.close_shutter)

    def leave_dark(self) -> list[str]:
        """After a run or a fault: camera dark, 819-nm shutter closed; the light stays on.

        Returns what could not be done.
        """
        return self.darken_camera() + _tried(lambda: self.trap_switch.set_pumping_light(False))

    def make_safe(self, wait_s: float = STOP_WAIT_S) -> list[str]:
        """STOP: bring every instrument into its safe state, side by side, whatever else fails.

        Returns one line for each instrument: what was done, or why it could not be. One that has
        not come back after `wait_s` is named and left to its thread: the answer does not wait.
        """
        done: dict[str, str] = {}

        def one(instrument: Instrument) -> None:
            name = instrument.name
            try:
                _tell(instrument)
            except DriverError as error:
                done[name] = f"{name}: NOT SAFE: {error}"
            except Exception as error:  # STOP must reach the others whatever this one throws
                done[name] = f"{name}: NOT SAFE: {type(error).__name__}: {error}"
            else:
                done[name] = f"{name}: safe"

        # Daemons: one that hangs must not keep the station from ending either.
        threads = {
            instrument.name: Thread(
                target=one, args=(instrument,), name=f"stop-{instrument.name}", daemon=True
            )
            for instrument in self
        }
        for thread in threads.values():
            thread.start()
        deadline_s = time.monotonic() + wait_s
        for thread in threads.values():
            thread.join(max(0.0, deadline_s - time.monotonic()))
        late = f"NOT SAFE: it has not come back within {wait_s:g} s and is still being told"
        return [done.get(name, f"{name}: {late}; see to the box itself") for name in threads]


def _each_box_once(answers: Iterable[Answer]) -> Iterator[Answer]:
    """The answers; a box that an instrument before has, too, by its serial number, is a fault."""
    users: dict[tuple[str, str, str], str] = {}
    for answer in answers:
        refusal: DriverError | None = None
        found = answer.identity
        for box in (found, *found.beside) if found else ():
            who = (box.maker.upper(), box.model.upper(), box.serial.upper())
            if not box.serial.strip("0 -") or box.serial.strip().upper() in NO_SERIALS:
                continue
            other = users.setdefault(who, answer.name)
            if other != answer.name:
                refusal = DeviceFault(
                    answer.name,
                    f"{box.maker} {box.model}, serial {box.serial}, answers as {other}, too: two "
                    "instruments would set one box against each other",
                    f"correct the address of {answer.name} or {other} in the rig file",
                )
        yield answer if refusal is None else replace(answer, identity=None, error=refusal)


def _tell(instrument: Instrument) -> None:
    """STOP for one of them. A line that has died fails once and is then opened anew: the order is
    given again, unless its driver has done that."""
    began_s = time.monotonic()
    try:
        instrument.make_safe()
    except (ConnectionLost, Timeout) as error:
        if error.tried_twice or time.monotonic() - began_s > STOP_AGAIN_S:
            raise
        instrument.make_safe()


def _tried(*actions: Callable[[], object]) -> list[str]:
    """Carry all of them out, whatever fails; returns what did."""
    failed = []
    for action in actions:
        try:
            action()
        except DriverError as error:
            failed.append(str(error))
    return failed
