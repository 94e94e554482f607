"""The instruments of one rig as one object: connect, release, make safe."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import cast

from drivers.errors import DriverError
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

    def make_safe(self) -> list[str]:
        """STOP: bring every instrument into its safe state, side by side, whatever else fails.

        Returns one line for each instrument: what was done, or why it could not be.
        """

        def one(instrument: Instrument) -> str:
            try:
                instrument.make_safe()
            except DriverError as error:
                return f"{instrument.name}: NOT SAFE: {error}"
            except Exception as error:  # STOP must reach the others whatever this one throws
                return f"{instrument.name}: NOT SAFE: {type(error).__name__}: {error}"
            return f"{instrument.name}: safe"

        with ThreadPoolExecutor(thread_name_prefix="stop") as pool:
            return list(pool.map(one, self))


def _tried(*actions: Callable[[], object]) -> list[str]:
    """Carry all of them out, whatever fails; returns what did."""
    failed = []
    for action in actions:
        try:
            action()
        except DriverError as error:
            failed.append(str(error))
    return failed
