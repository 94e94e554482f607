"""RF source of the electro-optical modulator as an SCPI generator: Rigol DSG830, Keysight MXG.

The boxes differ in the word for the level, in how they print numbers and errors, and in the bits
of the questionable-frequency register. A level without a unit is in that of `UNIT:POWer`.
Sources: Rigol DSG800 and DSG3000 programming guides, Keysight Signal Generators Programming Guide.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulators.scpi import ScpiInstrument, ScpiSession, boolean, choice, limited
from simulators.servers.rf_level import LevelUnit
from simulators.wire import Link, VisaServer
from simulators.world.world import World

FREQUENCY_UNITS = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "GHZ": 1e9}
RESOLUTION_HZ = 0.01
SETTLING_S = 0.005
"""After a step the synthesiser is out of lock for so long (rig time)."""
FREE_RUNNING = 1.01
"""Without lock the oscillator runs free, 1 % off (A)."""
SYNTHESISER_UNLOCKED = 1
AM_PEAK_DB = 20.0 * math.log10(2.0)
"""Of a carrier that is modulated in full."""


@dataclass(frozen=True)
class Maker:
    """What one maker's box answers."""

    identity: str
    level: str
    low_hz: float
    high_hz: float
    low_dbm: float
    high_dbm: float
    frequency: Callable[[float], str]
    power: Callable[[float], str]
    error: Callable[[int, str], str]
    modulation: str
    """Switch of all modulation."""
    sweep_end: str
    """Where a sweep of the level ends."""


RIGOL = Maker(
    identity="Rigol Technologies,DSG830,DSG8A000000002,00.01.05",
    level="[:SOURce#]:LEVel[:AMPLitude]",
    low_hz=9e3, high_hz=3e9, low_dbm=-110.0, high_dbm=20.0,
    frequency=lambda hz: f"{hz:.2f}",
    power=lambda dbm: f"{dbm:.2f}",
    error=lambda code, text: f'{code},"{text}"',
    modulation="MODulation:STATe",
    sweep_end="[:SOURce#]:SWEep:STEP:STOP:LEVel",
)  # fmt: skip
KEYSIGHT = Maker(
    identity="Agilent Technologies, N5181A, MY47420001, A.01.60",
    level="[:SOURce#]:POWer[:LEVel][:IMMediate][:AMPLitude]",
    low_hz=100e3, high_hz=3e9, low_dbm=-144.0, high_dbm=17.0,
    frequency=lambda hz: f"{hz:+.13E}",
    power=lambda dbm: f"{dbm:+.8E}",
    error=lambda code, text: f'{code:+d},"{text}"',
    modulation="OUTPut:MODulation[:STATe]",
    sweep_end="[:SOURce#]:POWer:STOP",
)  # fmt: skip


class RfGenerator(ScpiInstrument):
    """Frequency, level and output drive the modulator. Comes up with RF off."""

    def __init__(self, world: World, maker: Maker) -> None:
        super().__init__(maker.identity)
        self._world = world
        self._maker = maker
        self._broken = False
        self._preset()
        self.on("[:SOURce#]:FREQuency[:CW]?", 0, lambda _s, _a: maker.frequency(self._frequency_hz))
        self.on("[:SOURce#]:FREQuency[:CW]", 1, lambda _s, a: self._set_frequency(a[0]))
        self.on(f"{maker.level}?", 0, lambda _s, _a: maker.power(self._unit.shown(self._level_dbm)))
        self.on(maker.level, 1, lambda _s, a: self._set_level(a[0]))
        self.on("UNIT:POWer?", 0, lambda _s, _a: self._unit.name)
        self.on("UNIT:POWer", 1, lambda _s, a: self._unit.choose(a[0]))
        self.on("OUTPut#[:STATe]?", 0, lambda _s, _a: str(int(self._rf_on)))
        self.on("OUTPut#[:STATe]", 1, lambda _s, a: self._set_output(a[0]))
        self._switch(maker.modulation, "modulation")
        self._switch("[:SOURce#]:AM:STATe", "amplitude modulation")
        self.on(f"{maker.sweep_end}?", 0, lambda _s, _a: maker.power(self._sweep_end_dbm))
        self.on(maker.sweep_end, 1, lambda _s, a: self._set_sweep_end(a[0]))
        if maker is RIGOL:
            self.on("[:SOURce#]:SWEep:STATe?", 0, lambda _s, _a: ",".join(self._swept) or "OFF")
            for count in (1, 2):
                self.on("[:SOURce#]:SWEep:STATe", count, lambda _s, a: self._set_swept(a))
        if maker is KEYSIGHT:
            self._mode("FREQuency", "FREQ", "CW")
            self._mode("POWer", "LEV", "FIX")
            self._switch("[:SOURce#]:LFOutput:STATe", "low-frequency output")
        self.on("STATus:QUEStionable:FREQuency:CONDition?", 0, lambda _s, _a: self._condition())
        self.on("*RST", 0, lambda _s, _a: self._reset())
        self._drive()

    def power_up(self) -> None:
        """Power off and on: RF off, no errors."""
        self._errors.clear()
        self._reset()

    def lose_lock(self, broken: bool = True) -> None:
        """The loop of the synthesiser opens, or closes again."""
        self._broken = broken
        self._drive()

    def _preset(self) -> None:
        self._frequency_hz = 1e9
        self._level_dbm = self._maker.low_dbm
        self._unit = LevelUnit()
        self._rf_on = False
        names = ("modulation", "amplitude modulation", "low-frequency output")
        self._switches: dict[str, bool] = dict.fromkeys(names, False)
        self._swept: list[str] = []
        """What a sweep that is on moves: LEV, FREQ, both in this order."""
        self._sweep_end_dbm = self._maker.low_dbm
        self._settled_s = self._world.clock.now_s()

    def _reset(self) -> None:
        self._preset()
        self._drive()

    def _switch(self, header: str, name: str) -> None:
        """A switch that the box keeps. Only the amplitude modulation moves anything here."""

        def put(arguments: list[str]) -> None:
            self._switches[name] = boolean(arguments[0])
            self._drive()

        self.on(f"{header}?", 0, lambda _s, _a: str(int(self._switches[name])))
        self.on(header, 1, lambda _s, a: put(a))

    def _mode(self, header: str, swept: str, fixed: str) -> None:
        """Whether one quantity stands still, as Keysight's boxes have it for each."""
        word = f"[:SOURce#]:{header}:MODE"

        def put(arguments: list[str]) -> None:
            mode = choice(arguments[0], ("CW", "FIX", "FIXED", "LIST"))
            kept = [name for name in self._swept if name != swept]
            self._set_swept([*kept, swept] if mode == "LIST" else kept)

        self.on(f"{word}?", 0, lambda _s, _a: "LIST" if swept in self._swept else fixed)
        self.on(word, 1, lambda _s, a: put(a))

    def _set_swept(self, words: list[str]) -> None:
        long = {"FREQUENCY": "FREQ", "LEVEL": "LEV"}
        names = [choice(word, ("OFF", "FREQ", "LEV", *long)) for word in words]
        found = {long.get(name, name) for name in names}
        self._swept = [name for name in ("LEV", "FREQ") if name in found]
        self._drive()

    def _set_sweep_end(self, text: str) -> None:
        self._sweep_end_dbm = self._unit.dbm(text, self._maker.low_dbm, self._maker.high_dbm)
        self._drive()

    def _set_frequency(self, text: str) -> None:
        wanted_hz = limited(text, self._maker.low_hz, self._maker.high_hz, FREQUENCY_UNITS)
        self._frequency_hz = round(wanted_hz / RESOLUTION_HZ) * RESOLUTION_HZ
        self._settled_s = self._world.clock.now_s() + SETTLING_S
        self._drive()

    def _set_level(self, text: str) -> None:
        self._level_dbm = self._unit.dbm(text, self._maker.low_dbm, self._maker.high_dbm)
        self._drive()

    def _set_output(self, text: str) -> None:
        self._rf_on = boolean(text)
        self._drive()

    def _condition(self) -> str:
        unlocked = self._broken or self._world.clock.now_s() < self._settled_s
        value = SYNTHESISER_UNLOCKED if unlocked else 0
        return f"{value:+d}" if self._maker is KEYSIGHT else str(value)

    def _drive(self) -> None:
        frequency_mhz = 1e-6 * self._frequency_hz * (FREE_RUNNING if self._broken else 1.0)
        with self._world.lock:
            self._world.light.set_rf(frequency_mhz, self._highest_dbm(), self._rf_on)

    def _highest_dbm(self) -> float:
        """What leaves the box: of a sweep its end, of a modulated carrier its peaks, where they do
        the most harm."""
        level_dbm = self._sweep_end_dbm if "LEV" in self._swept else self._level_dbm
        modulated = self._switches["modulation"] and self._switches["amplitude modulation"]
        return level_dbm + AM_PEAK_DB * modulated

    def _next_error(self) -> str:
        code, text = self._errors.popleft() if self._errors else (0, "No error")
        return self._maker.error(code, text)


async def start(world: World, maker: Maker, port: int = 0) -> VisaServer:
    """Start the sideband generator of `world`; `\\n` both ways."""
    box = RfGenerator(world, maker)

    def session(link: Link) -> ScpiSession:
        return ScpiSession(link, box, b"\n")

    server = VisaServer("sideband", session, world.streams["sideband wire"], box.power_up)
    server.lasting["unlocked"] = box.lose_lock
    await server.start(port)
    return server
