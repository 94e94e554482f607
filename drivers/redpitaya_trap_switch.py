"""The trap switch: digital lines of a Red Pitaya and the generator of the isotope offset.

Lines: DIO0_P 819-nm shutter (1 open), DIO1_P trap light (1 on), DIO2_P hyperfine repumpers of the
odd isotopes (1 on), DIO3_P in, 1 when every trap laser is locked. The trap lasers stand at
generator frequency minus `base_mhz` from the 84Kr master.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from drivers.errors import DriverError, Timeout
from drivers.interfaces import Identity, TrapStatus
from drivers.redpitaya import BoardInstrument
from drivers.scpi_generator import ScpiGenerator
from drivers.twice import tried_twice

SHUTTER_819 = "DIO0_P"
TRAP_LIGHT = "DIO1_P"
ODD_REPUMPERS = "DIO2_P"
LASERS_LOCKED = "DIO3_P"
LOCK_READS = 3
"""Consecutive reads of the lock line: a laser that is just leaving its lock still reports it."""


class RedPitayaTrapSwitch(BoardInstrument):
    """Which isotope the trap lasers address, and the 819-nm shutter.

    The generator belongs to the switch: it is connected and closed with it. `lock_timeout_s` is
    the wall time that the lasers get to lock after a switch.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        generator: ScpiGenerator,
        *,
        base_mhz: float = 1000.0,
        lock_timeout_s: float = 10.0,
        timeout_s: float = 1.2,
        poll_s: float = 0.003,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            name, resource, timeout_s=timeout_s, poll_s=poll_s, sleep=sleep, monotonic=monotonic
        )
        self._generator = generator
        self._base_mhz = base_mhz
        self._lock_timeout_s = lock_timeout_s
        self._switching = threading.Lock()
        self._directions_of = 0
        """The session of the line on which the directions were set."""

    def connect(self) -> Identity:
        """Open both boxes and set the directions of the lines; returns the board's identity, with
        the generator's beside it."""
        identity = super().connect()
        self._set_directions()
        self._board.line.check_errors()
        return replace(identity, beside=(self._generator.connect(),))

    def close(self) -> None:
        super().close()
        self._generator.close()

    def make_safe(self) -> None:
        """819-nm shutter closed and trap light off. The offset stays: it holds the locks.

        Each is tried twice, the second time on a new line, and the other whatever comes of it.
        """
        failure: DriverError | None = None
        for pin in (SHUTTER_819, TRAP_LIGHT):
            try:
                tried_twice(partial(self._drive, pin, False))
            except DriverError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def status(self) -> TrapStatus:
        return TrapStatus(
            offset_mhz=self._generator.frequency_mhz() - self._base_mhz,
            lasers_locked=self._board.read_pin(LASERS_LOCKED),
            pumping_light=self._board.read_pin(SHUTTER_819),
            trap_light=self._board.read_pin(TRAP_LIGHT),
        )

    def set_offset(self, offset_mhz: float, odd: bool) -> None:
        """Move the trap lasers, switch the repumpers, return when every laser reports lock.

        Raises Timeout when they do not lock in `lock_timeout_s` (wall time).
        """
        with self._switching:
            self._generator.set_frequency(self._base_mhz + offset_mhz)
            if not self._generator.rf_is_on():
                self._generator.rf_on()
            self._drive(ODD_REPUMPERS, odd)
            self._wait_for_lock(offset_mhz)

    def set_pumping_light(self, on: bool) -> None:
        """Open or close the 819-nm shutter; return when the line is read back."""
        self._drive(SHUTTER_819, on)

    def set_trap_light(self, on: bool) -> None:
        self._drive(TRAP_LIGHT, on)

    def _set_directions(self) -> None:
        for pin in (SHUTTER_819, TRAP_LIGHT, ODD_REPUMPERS):
            self._board.make_output(pin)
        self._board.make_input(LASERS_LOCKED)
        self._directions_of = self._board.line.sessions

    def _drive(self, pin: str, high: bool) -> None:
        """Set a line, and before it the directions if the board may have restarted: its lines then
        are inputs, and whoever asked first on the new session has not told."""
        line = self._board.line
        with line.lock:
            line.reach()
            if self._directions_of != line.sessions:
                self._set_directions()
            self._board.set_pin(pin, high)

    def _wait_for_lock(self, offset_mhz: float) -> None:
        deadline = self._board.monotonic() + self._lock_timeout_s
        reads = 0
        while reads < LOCK_READS:
            if self._board.read_pin(LASERS_LOCKED):
                reads += 1
            else:
                reads = 0
            if self._board.monotonic() > deadline:
                raise Timeout(
                    self.name,
                    f"the trap lasers did not lock at {offset_mhz:+g} MHz "
                    f"within {self._lock_timeout_s:g} s",
                    "check which laser is out of lock",
                )
            self._board.sleep(self._board.poll_s)
