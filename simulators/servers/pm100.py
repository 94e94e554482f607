"""Thorlabs PM100D console with an S121C head: SCPI, `\\n` both ways.

Keeps unit, range and wavelength as they were set, whoever set them. Polarity of `ZERO:STAT?` as in
the maker's own driver library: 1 while the dark zero runs.
"""

import math
from collections.abc import Callable

from simulators.scpi import ScpiError, ScpiInstrument, ScpiSession, boolean, choice, limited
from simulators.wire import Link, VisaServer
from simulators.world.world import World

LOWEST_NM, HIGHEST_NM = 400.0, 1100.0
RANGES_W = tuple(500e-3 / 10.0**decade for decade in range(6))
OVER_RANGE = "9.90000000E+37"
ZERO_S = 3.0
"""Rig time of a dark zero."""
AT_POWER_UP_NM = 635.0
HEAD = "S121C,17031501,02-MAR-2026,1,18,289"
"""Name, serial, calibration, type, subtype, flags: power, wavelength, temperature sensor."""


class Pm100(ScpiInstrument):
    """One box for all who talk to it. `busy` is what `ZERO:STAT?` says during a dark zero."""

    def __init__(self, world: World, *, busy: bool = True) -> None:
        super().__init__("Thorlabs,PM100D,P0012345,2.6.0")
        self._world = world
        self._busy = busy
        self._preset()
        self.on("SYSTem:SENSor:IDN?", 0, lambda _s, _a: HEAD)
        wavelength, power = "[:SENSe]:CORRection:WAVelength", "[:SENSe]:POWer[:DC]"
        self.on(f"{wavelength}?", 0, lambda _s, _a: _number(self._wavelength_nm))
        self.on(f"{wavelength}?", 1, lambda _s, a: _number(_limit(a[0])))
        self.on(wavelength, 1, lambda _s, a: self._set_wavelength(a[0]))
        self._setting(f"{power}:UNIT", lambda: self.unit, self._set_unit)
        self._setting(f"{power}:RANGe:AUTO", lambda: str(int(self._auto)), self._set_auto)
        self._setting(f"{power}:RANGe[:UPPer]", lambda: _number(self._range_w), self._set_range)
        self._setting("[:SENSe]:AVERage[:COUNt]", lambda: str(self._averages), self._set_averages)
        zero = "[:SENSe]:CORRection:COLLect:ZERO"
        self.on(f"{zero}[:INITiate]", 0, lambda _s, _a: self._begin_zero())
        self.on(f"{zero}:ABORt", 0, lambda _s, _a: self._abort_zero())
        self.on(f"{zero}:STATe?", 0, lambda _s, _a: str(int(self._zeroing() is self._busy)))
        self.on(f"{zero}:MAGNitude?", 0, lambda _s, _a: self._magnitude())
        for header in ("MEASure[:SCALar][:POWer]?", "READ?", "FETCh?"):
            self.on(header, 0, lambda _s, _a: self._measure())
        self.on("CONFigure[:SCALar][:POWer]", 0, lambda _s, _a: None)
        self.on("*RST", 0, lambda _s, _a: self._preset())

    def power_up(self) -> None:
        """Power off and on: settings as delivered, the dark zero forgotten."""
        self._errors.clear()
        self._preset()

    def turn_knob(self, unit: str | None = None, wavelength_nm: float | None = None) -> None:
        """Somebody changes a setting at the front panel. Raises ValueError for what it has not."""
        if unit is not None:
            if unit not in ("W", "DBM"):
                raise ValueError(f"unit must be W or DBM, got {unit!r}")
            self.unit = unit
        if wavelength_nm is not None:
            if not LOWEST_NM <= wavelength_nm <= HIGHEST_NM:
                raise ValueError(f"wavelength_nm must be within 400 and 1100, got {wavelength_nm}")
            self._wavelength_nm = wavelength_nm

    def _preset(self) -> None:
        self._wavelength_nm = AT_POWER_UP_NM
        self.unit = "W"
        self._auto = True
        self._range_w = RANGES_W[0]
        self._averages = 1
        self._dark_mw = 0.0
        self._zero_ends_s = -math.inf
        self._zeroed = True

    def _setting(self, header: str, get: Callable[[], str], put: Callable[[str], None]) -> None:
        self.on(f"{header}?", 0, lambda _s, _a: get())
        self.on(header, 1, lambda _s, a: put(a[0]))

    def _set_wavelength(self, text: str) -> None:
        word = text.strip().upper()
        named = word in ("MIN", "MAX")
        self._wavelength_nm = _limit(word) if named else limited(text, LOWEST_NM, HIGHEST_NM)

    def _set_unit(self, text: str) -> None:
        self.unit = choice(text, ("W", "DBM"))

    def _set_auto(self, text: str) -> None:
        self._auto = boolean(text)

    def _set_range(self, text: str) -> None:
        """Takes the next larger range; a fixed range ends the automatic one."""
        wanted_w = limited(text, 0.0, RANGES_W[0])
        self._range_w = min(r for r in RANGES_W if r >= wanted_w)
        self._auto = False

    def _set_averages(self, text: str) -> None:
        self._averages = int(limited(text, 1, 3000))

    # --- measuring ------------------------------------------------------------------------------

    def _raw_mw(self) -> float:
        with self._world.lock:
            head = self._world.power_head
            shown = [head.shown_mw(self._wavelength_nm) for _ in range(self._averages)]
        return sum(shown) / len(shown)

    def _measure(self) -> str:
        self._finish_zero()
        power_w = 1e-3 * (self._raw_mw() - self._dark_mw)
        if self._auto:
            fitting = [r for r in RANGES_W if r >= 1.05 * abs(power_w)]
            self._range_w = min(fitting, default=RANGES_W[0])
        if abs(power_w) > 1.05 * self._range_w:
            return OVER_RANGE
        if self.unit == "DBM":
            return _number(10.0 * math.log10(max(power_w, 1e-12) / 1e-3))
        return _number(power_w)

    # --- dark zero ------------------------------------------------------------------------------

    def _begin_zero(self) -> None:
        self._finish_zero()
        self._zero_ends_s = self._world.clock.now_s() + ZERO_S
        self._zeroed = False

    def _abort_zero(self) -> None:
        self._zero_ends_s = -math.inf
        self._zeroed = True

    def _zeroing(self) -> bool:
        self._finish_zero()
        return not self._zeroed

    def _finish_zero(self) -> None:
        """When its time has passed, what the head shows is darkness, light or no light."""
        if not self._zeroed and self._world.clock.now_s() >= self._zero_ends_s:
            self._zeroed = True
            self._dark_mw = sum(self._raw_mw() for _ in range(20)) / 20.0

    def _magnitude(self) -> str:
        self._finish_zero()
        return _number(1e-3 * self._dark_mw)


def _number(value: float) -> str:
    return f"{value:.8E}"


def _limit(text: str) -> float:
    limits = {"MIN": LOWEST_NM, "MAX": HIGHEST_NM}
    if text.strip().upper() not in limits:
        raise ScpiError(-224, "Illegal parameter value")
    return limits[text.strip().upper()]


class Pm100Server(VisaServer):
    """A `VisaServer` that leads to its box, for faults at the front panel."""

    box: Pm100


async def start(world: World, port: int = 0) -> Pm100Server:
    """Start the power meter of `world`."""
    box = Pm100(world)

    def session(link: Link) -> ScpiSession:
        return ScpiSession(link, box, b"\n")

    server = Pm100Server("power_meter", session, world.streams["power meter wire"], box.power_up)
    # Somebody has turned the knob: not a scale, another quantity.
    server.lasting["wrong_unit"] = lambda begun: box.turn_knob("DBM" if begun else "W")
    server.box = box
    await server.start(port)
    return server
