"""One Thorlabs ITC4000: laser diode driver and temperature controller in one box, over SCPI.

Source: Series 4000 SCPI Programmers Reference Manual v3.3. The box speaks A, V, W and degC. It
answers no query that it does not understand, and confirms no setting: whoever sets, reads back.
"""

from drivers.errors import DeviceFault, DriverError, Timeout
from drivers.interfaces import Identity
from drivers.plausible import require_plausible
from drivers.visa_line import VisaLine

WINDOW_FAILURE = 512
INHIBITED = 16
INTERLOCK = 4
KEYLOCK = 1
CONDITIONS = {
    KEYLOCK: "key is off",
    2: "compliance voltage reached",
    INTERLOCK: "interlock is open",
    8: "current limit reached",
    INHIBITED: "output inhibited",
    32: "power limit reached",
    256: "switched off by its temperature protection",
    WINDOW_FAILURE: "temperature outside its window",
    1024: "temperature sensor failed",
    2048: "cooler at its compliance voltage",
    4096: "no cooler connected",
    16384: "box too hot",
}
"""Bits of `STAT:MEAS:COND?`; the other bits have no meaning that is known."""
_MOST_BITS = 1 << 16
LIMIT_ROUNDING_MA = 0.05
"""A limit of 106 mA may be answered as 0.10600001 A."""
BOX_MA = 25e3
"""No box of the series drives more than 20 A."""


class ItcBox:
    """Reads and writes one box. Raises what `VisaLine` raises, and `DeviceFault`."""

    def __init__(self, line: VisaLine, role: str) -> None:
        self.line = line
        self.role = role
        """Words for messages: what hangs on this box."""
        self._found_limit_ma: float | None = None
        self._seen_on = False

    def identify(self) -> Identity:
        """`*IDN?`; `DeviceFault` unless it is a box of this series."""
        identity = self.line.identify()
        if not (identity.maker.upper() == "THORLABS" and identity.model.startswith("ITC4")):
            raise DeviceFault(
                self.line.name,
                f"{self.line.resource} is a {identity.maker} {identity.model}, no ITC4000",
                f"correct the address of the {self.role}'s box in the rig file",
            )
        self._found_limit_ma, self._seen_on = None, False
        return identity

    def is_on(self) -> bool:
        on = self.line.query_flag("OUTP1:STAT?")
        self._seen_on = self._seen_on or on
        return on

    def switch(self, on: bool) -> None:
        """Laser output on or off, read back."""
        self._seen_on = False
        self._switch(1, on)
        self._seen_on = on

    def shout_off(self) -> None:
        """Send 'off', listen for nothing. Raises ConnectionLost or Timeout."""
        self._seen_on = False
        self.line.write("OUTP1:STAT OFF")

    def set_current_ma(self) -> float:
        return 1000.0 * self.line.query_number("SOUR:CURR?")

    def put_current(self, current_ma: float) -> None:
        """Set the laser current; the caller reads it back."""
        self.line.write(f"SOUR:CURR {current_ma / 1000.0:.6f}")

    def current_ma(self) -> float:
        """Laser current, measured."""
        return 1000.0 * self.line.query_number("MEAS:CURR1?")

    def photocurrent_ma(self) -> float:
        return 1000.0 * self.line.query_number("MEAS:CURR2?")

    def limit_ma(self) -> float:
        """The box's own current limit; the first one since `identify` is what it is held to."""
        limit_ma = 1000.0 * self.line.query_number("SOUR:CURR:LIM?")
        if self._found_limit_ma is None:
            # What is held to from now on: it must not be taken over in another unit.
            what = f"the current limit of the {self.role}'s box"
            require_plausible(self.line.name, what, limit_ma, 0.0, BOX_MA, "mA")
            self._found_limit_ma = limit_ma
        return limit_ma

    def check_limit(self) -> None:
        """Raises `DeviceFault` when the current limit is no longer what was found first.

        The limit is the one current that is never zero: numbers in another unit show in it even
        when no current is set.
        """
        found_ma = self._found_limit_ma
        limit_ma = self.limit_ma()
        if found_ma is not None and abs(limit_ma - found_ma) > LIMIT_ROUNDING_MA:
            raise DeviceFault(
                self.line.name,
                f"the current limit of the {self.role}'s box was {found_ma:g} mA and reads "
                f"{limit_ma:g} mA: it was changed, or the box answers in another unit",
                "check the limit at the display of the box, then connect anew",
            )

    def went_off(self, on: bool) -> bool:
        """Whether `on`, as just read, is off and this driver did not switch the laser off."""
        return self._seen_on and not on

    def temperature_c(self) -> float:
        return self.line.query_number("MEAS:TEMP?")

    def set_temperature_c(self) -> float:
        return self.line.query_number("SOUR2:TEMP:SPO?")

    def cooler_is_on(self) -> bool:
        return self.line.query_flag("OUTP2:STAT?")

    def switch_cooler_on(self) -> None:
        self._switch(2, True)

    def condition(self) -> int:
        """The register of protections; 0 when all is well."""
        text = self.line.query("STAT:MEAS:COND?")
        if not (text.removeprefix("+").isdigit() and int(text) < _MOST_BITS):
            raise self.line.not_of_protocol("STAT:MEAS:COND?", text)
        return int(text)

    def line_mode(self) -> str:
        """What the rear input LD-ENABLE does: OFF, PROT or ENAB."""
        return self._word("OUTP:PROT:EXT:MODE?", ("OFF", "PROT", "ENAB"))

    def line_tripped(self) -> bool:
        return self.line.query_flag("OUTP:PROT:EXT:TRIP?")

    def current_mode(self) -> str:
        """CURR (constant current) or POW (constant power)."""
        return self._word("SOUR:FUNC:MODE?", ("CURR", "POW"))

    def shape(self) -> str:
        """DC or PULS."""
        return self._word("SOUR:FUNC:SHAP?", ("DC", "PULS"))

    def faults(self) -> list[str]:
        """Empty the error queue; what stood in it."""
        try:
            self.line.check_errors()
        except DeviceFault as fault:
            return [fault.reason]
        return []

    def explain(self, timeout: Timeout) -> DriverError:
        """A query without answer: was it not understood, or is the box gone?"""
        try:
            faults = self.faults()
        except DriverError:
            return timeout
        if not faults:
            return timeout
        return DeviceFault(
            self.line.name,
            f"the {self.role}'s box does not know a query of this driver: {timeout.reason}; "
            + "; ".join(faults),
            "update the firmware of the box",
        )

    def _word(self, query: str, words: tuple[str, ...]) -> str:
        text = self.line.query(query).upper()
        if text not in words:
            raise self.line.not_of_protocol(query, text)
        return text

    def _switch(self, output: int, on: bool) -> None:
        with self.line.lock:
            self.line.write(f"OUTP{output}:STAT {'ON' if on else 'OFF'}")
            if self.line.query_flag(f"OUTP{output}:STAT?") is on:
                return
            why = words(self.condition()) + self.faults()
        what = "laser" if output == 1 else "cooler"
        raise DeviceFault(
            self.line.name,
            f"the {self.role}'s {what} did not switch {'on' if on else 'off'}"
            + (f": {', '.join(why)}" if why else ""),
            "check key, interlock, LD-ENABLE and the display of the box",
        )


def words(condition: int) -> list[str]:
    """The bits of a register in words."""
    return [text for bit, text in CONDITIONS.items() if condition & bit]
