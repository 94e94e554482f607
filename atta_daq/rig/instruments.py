"""The instruments of one rig as one object: connect, release, make safe."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from threading import Thread
from typing import cast

from drivers.errors import DeviceFault, DriverError
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
        """Connect to every instrument side by side; on any failure the caller must `close`."""

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
            return list(pool.map(one, self))

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
                instrument.make_safe()
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


def _tried(*actions: Callable[[], object]) -> list[str]:
    """Carry all of them out, whatever fails; returns what did."""
    failed = []
    for action in actions:
        try:
            action()
        except DriverError as error:
            failed.append(str(error))
    return failed
