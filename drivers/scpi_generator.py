"""SCPI radio-frequency generators, one table for each maker's dialect.

Setters give no answer, so every set is followed by a look into the error queue and a read-back.
An empty queue is `0,"No error"` or `+0,"No error"`, by maker.

The unit of the level is a setting of the box: a bare number, sent or read, is in it, and 1.5 is
1.5 dBm or 1.5 V = 16.5 dBm. Levels are sent with their unit, and the box is told dBm at `connect`
and asked for its unit with every level that is read, as anybody can change it at the front panel.

Rigol DSG800 programming guide: `:FREQ`, `:LEV`, `:OUTP`, 2-79 on the status registers; the bit of
the frequency register stands in the DSG3000 guide, 2-109. Keysight Signal Generators Programming
Guide (N5181A MXG, E8257D, E4428C): `:POW` for the level, tables 4-13 and 4-14 of the same register.
"""

from dataclasses import dataclass
from threading import RLock

from drivers.errors import DeviceFault, DriverError, OutOfRange, Timeout
from drivers.interfaces import Identity, Range, SidebandLimits, SidebandStatus
from drivers.plausible import require_plausible
from drivers.twice import tried_twice
from drivers.visa_line import VisaLine

FREQUENCY_TOLERANCE_MHZ = 1e-6
"""1 Hz; the boxes resolve 0.01 Hz."""
POWER_TOLERANCE_DB = 0.011
"""The boxes resolve 0.01 dB."""
NOT_THERE = ("-113", "-241")
"""Undefined header, hardware missing (SCPI-1999, vol. 2, 21.8.9 and 21.8.10)."""
LEVEL_UNIT = ":UNIT:POW"
"""Of both makers: DBM, DBMV, DBUV, V, W and, by box, others."""

BOX_MHZ = (1e-3, 100e3)
BOX_DBM = (-200.0, 60.0)
"""No generator gives, or is set to, anything beyond."""


@dataclass(frozen=True)
class Motion:
    """What moves level or frequency by itself, which `:LEV?` and `:FREQ?` do not show."""

    what: str
    command: str
    off: str
    """What it is told."""
    still: tuple[str, ...]
    """What a box answers that stands still."""


@dataclass(frozen=True)
class Dialect:
    """How one maker spells the three settings, how its boxes tell of their synthesiser, and what
    makes them leave what they were set to."""

    frequency: str
    power: str
    dbm: str
    """What follows a level in dBm."""
    output: str
    condition: str
    """Query of the questionable-frequency condition register."""
    unlocked_bits: int
    """Its bits that mean that the carrier or its reference is not locked."""
    motions: tuple[Motion, ...]


RIGOL_DSG800 = Dialect(
    ":FREQ", ":LEV", "dBm", ":OUTP", ":STAT:QUES:FREQ:COND?", 0b1,
    (
        Motion("its modulation", ":MOD:STAT", "OFF", ("0", "OFF")),
        Motion("its sweep", ":SWE:STAT", "OFF", ("OFF",)),
    ),
)  # fmt: skip
KEYSIGHT = Dialect(
    ":FREQ", ":POW", " dBm", ":OUTP", ":STAT:QUES:FREQ:COND?", 0b1100111,
    (
        Motion("its modulation", ":OUTP:MOD", "OFF", ("0",)),
        Motion("its sweep of the frequency", ":FREQ:MODE", "CW", ("CW", "FIX", "FIXED")),
        Motion("its sweep of the level", ":POW:MODE", "FIX", ("FIX", "FIXED")),
    ),
)  # fmt: skip
"""Synthesiser, 10-MHz and 1-GHz reference, sampler loop, YO loop. Bit 3, the baseband generator,
says nothing of the carrier."""
DIALECTS = {"rigol-dsg800": RIGOL_DSG800, "keysight-mxg": KEYSIGHT}
"""By the name in the rig file."""


class ScpiGenerator:
    """An RF generator as sideband source or as the isotope offset of the trap lasers."""

    def __init__(
        self,
        name: str,
        resource: str,
        limits: SidebandLimits,
        *,
        dialect: Dialect = RIGOL_DSG800,
        timeout_s: float = 1.2,
    ) -> None:
        self._line = VisaLine(name, resource, timeout_s=timeout_s)
        self._limits = limits
        self._dialect = dialect
        self._setting = RLock()
        """One setting at a time until it is read back; switching RF off never waits for it."""
        self._lacks: set[str] = set()
        """Queries that the box was found not to know."""

    @property
    def name(self) -> str:
        return self._line.name

    @property
    def limits(self) -> SidebandLimits:
        return self._limits

    def connect(self) -> Identity:
        """Open the line, read who answers, set the unit of its level to dBm, switch off what would
        move the level or the frequency by itself.

        What an earlier client left in the error queue is thrown away. Raises `DeviceFault` when the
        box keeps another unit, a sweep or a modulation.
        """
        with self._line.lock:
            self._line.open()
            identity = self._line.identify()
            self._line.write("*CLS")
            self._lacks.clear()
            self._hold_still()
            self._force_dbm()
        return identity

    def close(self) -> None:
        self._line.close()

    def make_safe(self) -> None:
        """RF off; a second attempt on a new line if the first fails."""
        tried_twice(self.rf_off)

    def status(self) -> SidebandStatus:
        """Settings as read back, and whether the synthesiser is locked.

        The error queue is read first: `DeviceFault` when it holds anything, and when the unit of
        the level is not dBm any more. `pll_locked` is None for a box without that register; none
        of these boxes tells its temperature. Between its questions the line is free for others.
        """
        self._line.check_errors()
        return SidebandStatus(
            frequency_mhz=self.frequency_mhz(),
            power_dbm=self._power_dbm(),
            rf_on=self._line.query_flag(f"{self._dialect.output}?"),
            pll_locked=self._locked(),
            temperature_c=None,
        )

    def frequency_mhz(self) -> float:
        """Frequency as read back (MHz)."""
        value = self._line.query_number(f"{self._dialect.frequency}?") * 1e-6
        return require_plausible(self.name, "the frequency", value, *BOX_MHZ, "MHz")

    def set_frequency(self, frequency_mhz: float) -> float:
        """Set and return the frequency read back (MHz)."""
        self._require(frequency_mhz, self._limits.frequency_mhz, "frequency", "MHz")
        with self._setting:
            self._told(f"{self._dialect.frequency} {frequency_mhz * 1e6:.2f}")
            kept = self.frequency_mhz()
        if abs(kept - frequency_mhz) > FREQUENCY_TOLERANCE_MHZ:
            raise self._kept(f"{frequency_mhz:.6f} MHz", f"{kept:.6f} MHz")
        return kept

    def set_power(self, power_dbm: float) -> float:
        """Set and return the power read back (dBm)."""
        self._require(power_dbm, self._limits.power_dbm, "power", "dBm")
        with self._setting:
            self._told(f"{self._dialect.power} {power_dbm:.2f}{self._dialect.dbm}")
            kept = self._power_dbm()
        if abs(kept - power_dbm) > POWER_TOLERANCE_DB:
            raise self._kept(f"{power_dbm:.2f} dBm", f"{kept:.2f} dBm")
        return kept

    def rf_is_on(self) -> bool:
        """Whether the output is on. Raises `DeviceFault` when the error queue holds anything."""
        self._line.check_errors()
        return self._line.query_flag(f"{self._dialect.output}?")

    def rf_on(self) -> None:
        """RF on, if the power that is set lies inside the limits; without sweep or modulation."""
        # Held until it is on: an 'off' in between would be the earlier of the two.
        with self._setting, self._line.lock:
            self._hold_still()
            power = self._power_dbm()
            self._require(power, self._limits.power_dbm, "power set on the box", "dBm")
            self._switch(True)

    def rf_off(self) -> None:
        self._switch(False)

    def _told(self, setting: str) -> None:
        """Send a setting; what the box complains of behind it is its fault."""
        with self._line.lock:
            self._line.write(setting)
            self._line.check_errors()

    def _power_dbm(self) -> float:
        """Raises `DeviceFault` when the box does not tell it in dBm: the unit is set again, and RF
        whose level then turns out to lie above its limit is switched off."""
        with self._line.lock:
            unit = self._line.query(f"{LEVEL_UNIT}?")
            if unit.upper() == "DBM":
                return self._level_dbm()
            self._force_dbm()
            level_dbm = self._level_dbm()
            found = (
                f"the unit of its level was {unit[:20]!r}, changed at the box; dBm is set again, "
                f"the level is {level_dbm:.2f} dBm"
            )
            if level_dbm > self._limits.power_dbm.high + POWER_TOLERANCE_DB:
                found += f", above the {self._limits.power_dbm.high:g} dBm of the rig file"
                try:
                    self._switch(False)
                except DriverError as error:
                    raise type(error)(
                        self.name, f"{found}; RF IS NOT OFF: {error.reason}", "switch it off there"
                    ) from error
                found += ": RF was switched off"
            raise DeviceFault(self.name, found, "leave the unit of the generator at dBm")

    def _level_dbm(self) -> float:
        value = self._line.query_number(f"{self._dialect.power}?")
        return require_plausible(self.name, "the power", value, *BOX_DBM, "dBm")

    def _force_dbm(self) -> None:
        self._line.write(f"{LEVEL_UNIT} DBM")
        unit = self._line.query(f"{LEVEL_UNIT}?")
        if unit.upper() != "DBM":
            raise self._kept("unit DBM", f"{unit[:20]!r}")

    def _hold_still(self) -> None:
        """Raises `DeviceFault` when a sweep or a modulation stays on. A box that knows no such
        setting has none."""
        for motion in self._dialect.motions:
            query = f"{motion.command}?"
            if (found := self._asked(query)) is None or found.upper() in motion.still:
                continue
            self._told(f"{motion.command} {motion.off}")
            kept = self._line.query(query)
            if kept.upper() not in motion.still:
                raise DeviceFault(
                    self.name,
                    f"{motion.what} stays on ({query} answers {kept[:20]!r}): it does not put out "
                    "the level that it tells",
                    "switch it off at its front panel",
                )

    def _locked(self) -> bool | None:
        """None for a box without the register."""
        command = self._dialect.condition
        text = self._asked(command)
        if text is None:
            return None
        # Keysight answers with a sign; a register has at most 15 bits (IEEE 488.2, 11.4.2).
        if not text.removeprefix("+").isdecimal() or int(text) >= 1 << 15:
            raise self._line.not_of_protocol(command, text)
        return not int(text) & self._dialect.unlocked_bits

    def _asked(self, query: str) -> str | None:
        """The answer to what not every box knows; None from one that does not: such a query is not
        answered, and its complaint waits in the queue. It is not asked again."""
        if query in self._lacks:
            return None
        # Held: nobody else shall find that complaint.
        with self._line.lock:
            try:
                return self._line.query(query)
            except Timeout:
                try:
                    self._line.check_errors()
                except DeviceFault as fault:
                    if not any(code in fault.reason for code in NOT_THERE):
                        raise
                    self._lacks.add(query)
                    return None
                raise

    def _switch(self, on: bool) -> None:
        word = "ON" if on else "OFF"
        with self._line.lock:
            self._line.write(f"{self._dialect.output} {word}")
            stands = self._line.query_flag(f"{self._dialect.output}?")
            # RF that is off is off, whatever complaint waits in the queue; the next status tells.
            if on or stands:
                self._line.check_errors()
            if stands != on:
                raise self._kept(f"output {word}", "the other state")

    def _require(self, value: float, allowed: Range, what: str, unit: str) -> None:
        if value not in allowed:
            raise OutOfRange(
                self.name,
                f"{what} {value:g} {unit} is outside {allowed.low:g} to {allowed.high:g} {unit}",
                "change the setpoint or the limit in the rig file",
            )

    def _kept(self, wanted: str, kept: str) -> DeviceFault:
        return DeviceFault(
            self.name, f"{wanted} was set but the box kept {kept}", "check its front panel"
        )
