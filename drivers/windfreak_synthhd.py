"""Windfreak SynthHD, the RF source of the electro-optical modulator.

Wire (windfreak-python 0.3.0 and its tests; SynthHD API guide v1.0b): commands are one letter
and a number, run together without a terminator; answers end with LF. Setters are silent and
there is no error channel, so everything is read back. Commands act on the selected channel.

Every write ends with a query: the box then stands at a command boundary, whatever its rule for
the end of a number. `E` never follows a number directly, which could be read as an exponent.
"""

import math
import re
import time
from collections.abc import Callable
from threading import RLock

from drivers.errors import DeviceFault, DriverError, OutOfRange, ProtocolError
from drivers.interfaces import Identity, Range, SidebandLimits, SidebandStatus
from drivers.plausible import require_plausible
from drivers.transport import ByteStream, SerialStream
from drivers.twice import tried_twice

_FREQUENCY_TOLERANCE_MHZ = 1e-4
"""The box rounds to its channel spacing (100 Hz)."""
_POWER_TOLERANCE_DBM = 0.0101
_BOX_MHZ = (1.0, 30e3)
_BOX_DBM = (-150.0, 50.0)
"""No SynthHD gives, or is set to, anything beyond."""
_POLL_S = 0.003
_QUIET_S = 0.02
_MOTIONS = {
    "g": "its sweep",
    "c": "its endless sweep",
    "A": "its amplitude modulation",
    "/": "its frequency modulation",
    "j": "its train of pulses",
    "w": "the function of its trigger input",
}
"""What moves level or frequency by itself, 0 for off: `W?` and `f?` do not show it, and a sweep
goes up to +20 dBm."""
_IDENTITY = re.compile(r"WFT (?P<model>Synth.*?) (?P<serial>\S+)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MAX_STALE_LINES = 5


class SynthHD:
    """`SidebandGenerator` on channel A (0) or B (1). The safe state is RF off.

    `url` is a serial device or `socket://host:port`; `timeout_s` the wall time for an answer,
    `lock_timeout_s` for the synthesiser to lock after a step.
    """

    def __init__(
        self,
        name: str,
        url: str,
        limits: SidebandLimits,
        *,
        channel: int = 0,
        timeout_s: float = 1.0,
        lock_timeout_s: float = 2.0,
        stream: ByteStream | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if channel not in (0, 1):
            raise ValueError(f"{name}: channel is 0 (A) or 1 (B), not {channel}")
        self._name = name
        self._limits = limits
        self._channel = channel
        self._lock_timeout_s = lock_timeout_s
        self._stream = stream or SerialStream(name, url, timeout_s=timeout_s, sleep=sleep)
        self._sleep = sleep
        self._lock = RLock()
        self._identity: Identity | None = None

    @property
    def name(self) -> str:
        return self._name

    def connect(self) -> Identity:
        """Open, identify, switch off sweep, modulation and trigger function of the channel."""
        with self._lock:
            self._select()
            self._hold_still()
            assert self._identity is not None
            return self._identity

    def close(self) -> None:
        with self._lock:
            self._stream.close()

    def make_safe(self) -> None:
        """RF off; a second attempt on a new connection if the first fails."""
        with self._lock:
            tried_twice(self._off_or_closed)

    def _off_or_closed(self) -> None:
        try:
            self.rf_off()
        except DriverError:
            self._stream.close()
            raise

    def status(self) -> SidebandStatus:
        with self._lock:
            self._select()
            return SidebandStatus(
                frequency_mhz=self._frequency_mhz("f?"),
                power_dbm=self._power_dbm("W?"),
                rf_on=all([self._flag("r?"), self._flag("E?"), self._flag("h?")]),
                # Without current in its charge pump, which resets itself to 0 at times, it drifts.
                pll_locked=self._flag("p") and self._number("U?") > 0.0,
                temperature_c=self._number("z"),
            )

    def set_frequency(self, frequency_mhz: float) -> float:
        """Set (MHz), wait for the synthesiser to lock if RF is on; return the read-back."""
        self._check("frequency", frequency_mhz, self._limits.frequency_mhz, "MHz")
        with self._lock:
            self._select()
            kept_mhz = self._frequency_mhz(f"f{frequency_mhz:.8f}f?")
            self._check_kept("frequency", frequency_mhz, kept_mhz, _FREQUENCY_TOLERANCE_MHZ, "MHz")
            if self._flag("E?"):
                self._wait_for_pll()
            return kept_mhz

    def set_power(self, power_dbm: float) -> float:
        """Set (dBm); return the read-back."""
        self._check("power", power_dbm, self._limits.power_dbm, "dBm")
        with self._lock:
            self._select()
            kept_dbm = self._power_dbm(f"W{power_dbm:.3f}W?")
            self._check_kept("power", power_dbm, kept_dbm, _POWER_TOLERANCE_DBM, "dBm")
            return kept_dbm

    def rf_on(self) -> None:
        """Switch on: PLL chip first, then output stage and mute, once the PLL has locked.

        Refused when frequency or power, as they stand in the box, are outside the limits, or when a
        sweep or a modulation stays on.
        """
        with self._lock:
            self._select()
            self._hold_still()
            self._check("frequency", self._frequency_mhz("f?"), self._limits.frequency_mhz, "MHz")
            self._check("power", self._power_dbm("W?"), self._limits.power_dbm, "dBm")
            self._switch("E", True)
            self._wait_for_pll()
            self._switch("r", True)
            self._switch("h", True)

    def rf_off(self) -> None:
        with self._lock:
            self._select()
            for letter in "hrE":
                self._switch(letter, False)

    # --- wire ---

    def _select(self) -> None:
        """Open if need be, and select the channel; the caller holds the lock."""
        if not self._stream.is_open:
            self._open()
        answer = self._ask(f"C{self._channel}C?")
        if answer != str(self._channel):
            raise self._garbled(f"channel {self._channel} was selected", answer)

    def _open(self) -> None:
        """Open and synchronise: nothing that was on its way may answer a later query."""
        self._stream.open()
        self._stream.discard(_QUIET_S)
        self._stream.write(b"+")
        for _ in range(_MAX_STALE_LINES):
            line = self._stream.read_line().decode("ascii", "replace")
            found = _IDENTITY.fullmatch(line.strip())
            if found:
                break
        else:
            raise self._garbled("'+' (identity)", line)
        self._identity = Identity(
            maker="Windfreak",
            model=found["model"],
            serial=found["serial"],
            firmware=self._ask("v0").removeprefix("Firmware Version "),
        )

    def _ask(self, commands: str) -> str:
        stale = self._stream.discard(0.0)
        if stale:
            raise self._garbled("nothing", stale.decode("ascii", "replace"))
        self._stream.write(commands.encode("ascii"))
        return self._stream.read_line().decode("ascii", "replace").strip()

    def _number(self, commands: str) -> float:
        answer = self._ask(commands)
        if not _NUMBER.fullmatch(answer):
            raise self._garbled(f"'{commands}'", answer)
        return float(answer)

    def _frequency_mhz(self, commands: str) -> float:
        value = self._number(commands)
        return require_plausible(self._name, "the frequency", value, *_BOX_MHZ, "MHz")

    def _power_dbm(self, commands: str) -> float:
        value = self._number(commands)
        return require_plausible(self._name, "the power", value, *_BOX_DBM, "dBm")

    def _flag(self, commands: str) -> bool:
        answer = self._ask(commands)
        if answer not in ("0", "1"):
            raise self._garbled(f"'{commands}'", answer)
        return answer == "1"

    def _switch(self, letter: str, on: bool) -> None:
        """Set one of the switches E, r, h and read it back."""
        self._ask(f"{letter}{int(on)}C?")
        if self._flag(f"{letter}?") is not on:
            raise DeviceFault(
                self._name,
                f"switch '{letter}' did not become {int(on)}",
                "switch RF off at the box, check its supply, and connect again",
            )

    def _hold_still(self) -> None:
        """Switch off what moves level or frequency by itself; each is read back."""
        for letter, what in _MOTIONS.items():
            if self._number(f"{letter}0{letter}?") != 0.0:
                raise DeviceFault(
                    self._name,
                    f"{what} ('{letter}') stays on: it does not put out the level that it tells",
                    "switch it off with the maker's program, then connect again",
                )

    def _wait_for_pll(self) -> None:
        deadline_s = time.monotonic() + self._lock_timeout_s
        while not self._flag("p"):
            if time.monotonic() > deadline_s:
                raise DeviceFault(
                    self._name,
                    f"the synthesiser did not lock within {self._lock_timeout_s:g} s",
                    "check the reference setting and the charge pump of the box",
                )
            self._sleep(_POLL_S)

    # --- checks ---

    def _check(self, quantity: str, value: float, allowed: Range, unit: str) -> None:
        if not (math.isfinite(value) and value in allowed):
            raise OutOfRange(
                self._name,
                f"{quantity} {value:g} is outside {allowed.low:g} to {allowed.high:g} {unit}",
                "choose a value inside, or change the limit in the rig file",
            )

    def _check_kept(
        self, quantity: str, asked: float, kept: float, tolerance: float, unit: str
    ) -> None:
        if abs(kept - asked) > tolerance:
            raise DeviceFault(
                self._name,
                f"{quantity} set to {asked:g} {unit}, but the box kept {kept:g} {unit}",
                "the value may be beyond the box's own range",
            )

    def _garbled(self, question: str, answer: str) -> ProtocolError:
        self._stream.close()
        return ProtocolError(
            self._name,
            f"unintelligible answer {answer!r} to {question}",
            "the connection was closed and will be opened anew; check the address",
        )
