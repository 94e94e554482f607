"""Thorlabs PM100D / PM100USB power meter with a photodiode head on a pick-off of the 819-nm light.

Wire (PM100D operation manual, 6.4; PM100USB manual, 7): SCPI, setters without an answer,
`SYST:ERR?`. The unit is a setting of the box that changes what `MEAS:POW?` means, and the reading
of a photodiode depends on the wavelength that it is corrected for: both are set when connecting
and looked at with every reading, as a knob or a restart changes them without a word.
"""

import threading
import time
from collections.abc import Callable

from drivers.errors import DeviceFault, OutOfRange
from drivers.interfaces import Identity, PowerReading
from drivers.visa_line import VisaLine

OVER_RANGE_W = 9.9e37
"""What SCPI-1999 (vol. 1, 7.2.1.4) sends for infinity."""
WAVELENGTH_TOLERANCE_NM = 0.5
POWER_SENSOR, WAVELENGTH_SETTABLE = 1, 32
"""Flags of the head, last field of `SYST:SENS:IDN?`."""
ZERO_S = 20.0
"""Wall time; no dark zero takes longer."""
POLL_S = 0.01


class PM100:
    """`PowerMeter`. Nothing to make safe: it only looks.

    `wavelength_nm` of the light; `dark_limit_mw`, the most that the head may show for a dark zero.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        *,
        wavelength_nm: float = 819.0,
        dark_limit_mw: float = 0.05,
        timeout_s: float = 1.2,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = VisaLine(name, resource, timeout_s=timeout_s)
        self._wavelength_nm = wavelength_nm
        self._dark_limit_mw = dark_limit_mw
        self._sleep = sleep
        self._monotonic = monotonic
        self._zeroing = threading.Lock()
        self._busy: bool | None = None
        """What `ZERO:STAT?` says while a zero is under way; None until one was watched."""

    @property
    def name(self) -> str:
        return self._line.name

    def connect(self) -> Identity:
        """Open the line, look at the head, set unit, range and wavelength.

        Raises `DeviceFault` for a missing or unfit head, or a setting that was not kept.
        """
        with self._line.lock:
            self._line.open()
            identity = self._line.identify()
            # Errors of whoever used the box before are not ours.
            self._line.write("*CLS")
            self._require_head()
            self._force_watt()
            self._line.write("SENS:POW:RANG:AUTO 1")
            self._line.check_errors()
            if not self._line.query_flag("SENS:POW:RANG:AUTO?"):
                raise self._kept("automatic range", "a fixed one")
            self.set_wavelength(self._wavelength_nm)
        return identity

    def close(self) -> None:
        self._line.close()

    def make_safe(self) -> None:
        """Nothing to do: the meter moves nothing."""

    def set_wavelength(self, wavelength_nm: float) -> float:
        """Set what the head is corrected for and return the read-back (nm)."""
        with self._line.lock:
            low = self._line.query_number("SENS:CORR:WAV? MIN")
            high = self._line.query_number("SENS:CORR:WAV? MAX")
            if not low <= wavelength_nm <= high:
                raise OutOfRange(
                    self.name,
                    f"the head covers {low:g} to {high:g} nm, not {wavelength_nm:g} nm",
                    "use another head, or correct wavelength_nm in the rig file",
                )
            self._line.write(f"SENS:CORR:WAV {wavelength_nm:.1f}")
            self._line.check_errors()
            kept = self._line.query_number("SENS:CORR:WAV?")
            if abs(kept - wavelength_nm) > WAVELENGTH_TOLERANCE_NM:
                raise self._kept(f"{wavelength_nm:.1f} nm", f"{kept:.1f} nm")
            self._wavelength_nm = wavelength_nm
            return kept

    def read(self) -> PowerReading:
        """Power on the head now, with the settings that it was read under.

        Raises `DeviceFault` when the box has another unit or wavelength than it was given: both
        are set again, and that reading is not used.
        """
        with self._line.lock:
            unit = self._line.query("SENS:POW:UNIT?")
            if unit != "W":
                self._force_watt()
                raise self._changed(f"its unit was {unit[:20]!r}", "watt")
            wavelength_nm = self._line.query_number("SENS:CORR:WAV?")
            if abs(wavelength_nm - self._wavelength_nm) > WAVELENGTH_TOLERANCE_NM:
                wanted_nm = self._wavelength_nm
                self.set_wavelength(wanted_nm)
                raise self._changed(f"its wavelength was {wavelength_nm:g} nm", f"{wanted_nm:g} nm")
            power_w = self._line.query_number("MEAS:POW?")
            range_w = self._line.query_number("SENS:POW:RANG:UPP?")
            dark_w = self._line.query_number("SENS:CORR:COLL:ZERO:MAGN?")
            zeroing = None if self._busy is None else self._zero_state() is self._busy
        over = abs(power_w) >= OVER_RANGE_W
        if not over and abs(power_w) > 2.0 * range_w:
            raise self._line.not_of_protocol("MEAS:POW?", f"{power_w:g} in the {range_w:g}-W range")
        return PowerReading(
            power_mw=float("nan") if over else 1e3 * power_w,
            over_range=over,
            wavelength_nm=wavelength_nm,
            range_mw=1e3 * range_w,
            dark_mw=1e3 * dark_w,
            zeroing=zeroing,
        )

    def zero(self) -> None:
        """Dark zero; the head must show less than `dark_limit_mw`.

        Drivers disagree whether `ZERO:STAT?` is 1 while it zeroes or when it has: the state before
        the start is taken as idle, and the zero as done when the state has left it and come back,
        which is so either way. A state that does not is waited for as long as any zero takes
        (`ZERO_S`). The reading afterwards is what proves it.
        """
        with self._zeroing:
            self._require_dark()
            with self._line.lock:
                idle = self._zero_state()
                self._line.write("SENS:CORR:COLL:ZERO:INIT")
                self._line.check_errors()
            deadline = self._monotonic() + ZERO_S
            away = False
            while self._monotonic() < deadline:
                state = self._zero_state()
                if away and state is idle:
                    self._busy = not idle
                    break
                away = away or state is not idle
                self._sleep(POLL_S)
            left = self.read()
            if left.over_range or abs(left.power_mw) > self._dark_limit_mw:
                raise DeviceFault(
                    self.name,
                    f"still shows {left.power_mw:g} mW after its dark zero",
                    "light fell on the head meanwhile; block it and zero again",
                )

    def _require_dark(self) -> None:
        before = self.read()
        if before.over_range or abs(before.power_mw) > self._dark_limit_mw:
            shown = "more than its range" if before.over_range else f"{before.power_mw:g} mW"
            raise OutOfRange(
                self.name,
                f"the head shows {shown}, above the dark limit of {self._dark_limit_mw:g} mW",
                "switch the light off or block it, then zero",
            )

    def _require_head(self) -> None:
        text = self._line.query("SYST:SENS:IDN?")
        fields = [field.strip().strip('"') for field in text.split(",")]
        if fields[0].lower() == "no sensor":
            raise DeviceFault(self.name, "no head is connected", "plug the head in, then connect")
        if len(fields) != 6 or not fields[5].isdecimal() or len(fields[5]) > 5:
            raise self._line.not_of_protocol("SYST:SENS:IDN?", text)
        flags = int(fields[5])
        if not flags & POWER_SENSOR or not flags & WAVELENGTH_SETTABLE:
            raise DeviceFault(
                self.name,
                f"the head {fields[0]} measures no power, or none at a chosen wavelength",
                "use a photodiode head for 819 nm",
            )

    def _force_watt(self) -> None:
        self._line.write("SENS:POW:UNIT W")
        self._line.check_errors()
        unit = self._line.query("SENS:POW:UNIT?")
        if unit != "W":
            raise self._kept("unit W", f"{unit[:20]!r}")

    def _zero_state(self) -> bool:
        return self._line.query_flag("SENS:CORR:COLL:ZERO:STAT?")

    def _kept(self, wanted: str, kept: str) -> DeviceFault:
        return DeviceFault(
            self.name, f"{wanted} was set but the box kept {kept}", "check its front panel"
        )

    def _changed(self, found: str, now: str) -> DeviceFault:
        return DeviceFault(
            self.name,
            f"{found}, changed at the box or by a restart; {now} is set again and this reading "
            "was not used",
            "leave the settings of the meter to the station",
        )
