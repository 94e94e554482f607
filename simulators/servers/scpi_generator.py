"""The generator of the isotope offset: SCPI in the dialect of a Rigol DSG800.

Its frequency is 1000 MHz plus the offset of the trap lasers from the 84Kr master; without RF the
trap lasers have nothing to lock to.
"""

from simulators.scpi import ScpiInstrument, ScpiSession, boolean, choice, limited
from simulators.servers.rf_level import LevelUnit
from simulators.wire import Link, VisaServer
from simulators.world.world import World

BASE_HZ = 1000e6
LOWEST_HZ, HIGHEST_HZ = 9e3, 3e9
LOWEST_DBM, HIGHEST_DBM = -110.0, 20.0
FREQUENCY_UNITS = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "GHZ": 1e9}
RESOLUTION_HZ = 0.01


class OffsetGenerator(ScpiInstrument):
    """Frequency, level, output. Powers up as it was stored: RF on at the 84Kr line."""

    def __init__(self, world: World) -> None:
        super().__init__("Rigol Technologies,DSG830,DSG8A000000001,00.01.05")
        self._world = world
        self._recall()
        frequency, level = "[:SOURce#]:FREQuency[:CW]", "[:SOURce#]:LEVel[:AMPLitude]"
        self.on(f"{frequency}?", 0, lambda _s, _a: f"{self._frequency_hz:.2f}")
        self.on(frequency, 1, lambda _s, a: self._set_frequency(a[0]))
        self.on(f"{level}?", 0, lambda _s, _a: f"{self._unit.shown(self._level_dbm):.2f}")
        self.on(level, 1, lambda _s, a: self._set_level(a[0]))
        self.on("UNIT:POWer?", 0, lambda _s, _a: self._unit.name)
        self.on("UNIT:POWer", 1, lambda _s, a: self._unit.choose(a[0]))
        self.on("OUTPut#[:STATe]?", 0, lambda _s, _a: str(int(self._rf_on)))
        self.on("OUTPut#[:STATe]", 1, lambda _s, a: self._set_output(boolean(a[0])))
        self.on("MODulation:STATe?", 0, lambda _s, _a: str(int(self._modulation)))
        self.on("MODulation:STATe", 1, lambda _s, a: self._set_modulation(a[0]))
        self.on("[:SOURce#]:SWEep:STATe?", 0, lambda _s, _a: self._sweep)
        self.on("[:SOURce#]:SWEep:STATe", 1, lambda _s, a: self._set_sweep(a[0]))
        self.on("*RST", 0, lambda _s, _a: self._set_output(False))
        self._apply()

    def power_up(self) -> None:
        super().power_up()
        self._recall()
        self._apply()

    def _recall(self) -> None:
        """The state that is stored in the box."""
        self._frequency_hz = BASE_HZ + 1e6 * self._world.truth.trap.offset_84_mhz
        self._level_dbm = 10.0
        self._unit = LevelUnit()
        self._rf_on = True
        self._modulation = False
        self._sweep = "OFF"

    def _set_frequency(self, text: str) -> None:
        wanted_hz = limited(text, LOWEST_HZ, HIGHEST_HZ, FREQUENCY_UNITS)
        self._frequency_hz = round(wanted_hz / RESOLUTION_HZ) * RESOLUTION_HZ
        self._apply()

    def _set_level(self, text: str) -> None:
        self._level_dbm = self._unit.dbm(text, LOWEST_DBM, HIGHEST_DBM)

    def _set_output(self, on: bool) -> None:
        self._rf_on = on
        self._apply()

    def _set_modulation(self, text: str) -> None:
        self._modulation = boolean(text)

    def _set_sweep(self, text: str) -> None:
        self._sweep = choice(text, ("OFF", "FREQ", "LEV"))

    def _apply(self) -> None:
        offset_mhz = 1e-6 * (self._frequency_hz - BASE_HZ)
        self._world.atoms.set_offset(offset_mhz if self._rf_on else None)


async def start(world: World, port: int = 0) -> VisaServer:
    """Start the generator `isotope_offset` of `world`."""
    instrument = OffsetGenerator(world)

    def session(link: Link) -> ScpiSession:
        return ScpiSession(link, instrument, b"\n")

    server = VisaServer(
        "isotope_offset", session, world.streams["garble isotope_offset"], instrument.power_up
    )
    await server.start(port)
    return server
