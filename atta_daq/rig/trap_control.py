"""Switching the trap between isotopes without ever showing the camera an abundant one."""

import time
from collections.abc import Callable

from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from drivers.errors import DriverError, Timeout


class TrapControl:
    """Isotope, pumping shutter and the camera's gain, in the safe order."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        clock: RigClock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self.isotope: int | None = None
        """Where the trap stands; 0 is the blank, None is unknown."""
        self.switching = False
        """The lasers are on their way: that is why it is unknown."""
        self.lost_answer: Callable[[str], None] = lambda _reason: None
        """Told an answer of the generator that was lost, though the next one comes: the poll of
        the trap need not meet the same one."""

    def gain_forbidden(self) -> str:
        """Why the camera's gain must stay off now; empty when it may be on.

        83Kr and 84Kr are 1e10 times more abundant than the counted atoms: their light would
        destroy the multiplication register. Asks the generator, not memory: a trap of which nobody
        knows where it is may be on one of them. An answer that went wrong is asked for once more;
        when none came in time, the time is up.
        """
        trap_switch = self._instruments.trap_switch
        try:
            try:
                offset_mhz = trap_switch.status().offset_mhz
            except Timeout:
                raise
            except DriverError as error:
                self.lost_answer(str(error))
                offset_mhz = trap_switch.status().offset_mhz
        except DriverError as error:
            return f"where the trap is cannot be read ({error})"
        near = self._config.trap_switch.abundant(offset_mhz)
        return f"the trap is on or near {near}" if near else ""

    def to(self, isotope: int) -> tuple[float, float]:
        """Move the trap to `isotope` (0: blank). Returns switching and settling time (rig s).

        The camera goes dark before the lasers pass an abundant isotope, or come from nobody
        knows where: its register is clocked between the exposures, too.
        """
        if self.isotope == isotope:
            return 0.0, 0.0
        camera, switch = self._instruments.camera, self._config.trap_switch
        start_s = self._clock.now_s()
        before, self.isotope = self.isotope, None
        self.switching = True
        try:
            if before is None or switch.passes_abundant(before, isotope):
                camera.set_em_gain(0)
                camera.close_shutter()
            # The blank keeps the repumping light of its odd partners: same stray light on the
            # camera.
            self._instruments.trap_switch.set_offset(switch.offset_mhz(isotope), odd=isotope != 84)
            locked_s = self._clock.now_s()
            self._sleep(self._clock.wall_s(self._config.timing.settling_s))
            self.isotope = isotope
        finally:
            self.switching = False
        return locked_s - start_s, self._clock.now_s() - locked_s

    def start(self) -> None:
        """Trap light on, 819-nm shutter closed, isotope to be set anew."""
        self.light_on()
        self._instruments.trap_switch.set_pumping_light(False)

    def light_on(self) -> None:
        """Trap light on, isotope to be set anew; the 819-nm shutter stays as it is."""
        self._instruments.trap_switch.set_trap_light(True)
        self.isotope = None

    def pump(self, on: bool) -> None:
        """Open or close the 819-nm shutter."""
        self._instruments.trap_switch.set_pumping_light(on)
