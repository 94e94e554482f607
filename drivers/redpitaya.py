"""What the Red Pitayas of the rig share: digital pins, triggered acquisition, pulse trains.

SCPI server of the Red Pitaya OS, TCP, CR LF both ways. Setters are silent and a refused query
gives no answer at all, so settings are read back and the error queue is looked at. A trigger that
is armed before `ACQ:START` is ignored (RedPitaya issue 284). The buffer of 16384 samples is full
8192 samples plus the trigger delay after the trigger (issue 256), so the delay sets how long a
record takes; what lies before the trigger is cut off. Blocks are big-endian float32.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange, Timeout
from drivers.interfaces import Identity, Trace
from drivers.plausible import require_plausible
from drivers.visa_line import VisaLine

SAMPLE_RATE_HZ = 125e6
BUFFER_SAMPLES = 16384
FEWEST_SAMPLES = BUFFER_SAMPLES // 2
"""Samples after the trigger at a delay of 0."""
DECIMATIONS = tuple(2**n for n in range(17))
LONGEST_RECORD_S = BUFFER_SAMPLES * DECIMATIONS[-1] / SAMPLE_RATE_HZ
"""8.59 s: the longest record that one buffer holds."""
SPAN_V = 1.5
"""Beyond the converter's range on LV, +-1 V, with its calibration."""
GENERATOR_TOLERANCE = 1e-3
"""Relative; the synthesiser's own steps are far finer, another setting is far off."""


def shortest_decimation(duration_s: float) -> int:
    """The smallest decimation whose buffer holds `duration_s` (at most 8.59 s)."""
    return next(d for d in DECIMATIONS if BUFFER_SAMPLES * d / SAMPLE_RATE_HZ >= duration_s)


@dataclass(frozen=True)
class PulseTrain:
    """`count` pulses on OUT1, high (1 V) for `width_s` at the start of every `period_s`."""

    count: int
    period_s: float
    width_s: float


class RedPitaya:
    """One board behind one line.

    `poll_s` is the wall time between two looks at a running acquisition, `margin_s` the wall time
    that an acquisition may take beyond its own duration. `sleep` and `monotonic` are injected in
    tests.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        *,
        timeout_s: float = 1.2,
        poll_s: float = 0.003,
        margin_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.line = VisaLine(name, resource, timeout_s=timeout_s, terminator="\r\n")
        self.sleep = sleep
        self.monotonic = monotonic
        self.poll_s = poll_s
        self._margin_s = margin_s
        self._recording = threading.Lock()
        self._cancelled = threading.Event()
        self._emptied_of = 0
        """The session of the line on which the error queue was emptied."""

    def connect(self) -> Identity:
        """Open the line and read who answers. What an earlier client left in the error queue is
        not blamed on the first setting of this one."""
        with self.line.lock:
            self.line.open()
            identity = self.line.identify()
            # Once a session: a record that is under way asks for its own complaints itself.
            if self._emptied_of != self.line.sessions:
                self.line.forget_errors()
                self._emptied_of = self.line.sessions
        return identity

    # --- digital pins --------------------------------------------------------------------

    def make_output(self, pin: str) -> None:
        """Let the board drive `pin` (such as `DIO0_P`)."""
        self.line.write(f"DIG:PIN:DIR OUT,{pin}")

    def make_input(self, pin: str) -> None:
        self.line.write(f"DIG:PIN:DIR IN,{pin}")

    def read_pin(self, pin: str) -> bool:
        return self.line.query_flag(f"DIG:PIN? {pin}")

    def set_pin(self, pin: str, high: bool) -> None:
        """Drive `pin` and read it back. Raises DeviceFault when the pin did not follow."""
        with self.line.lock:
            self.line.write(f"DIG:PIN {pin},{int(high)}")
            if self.read_pin(pin) != high:
                raise DeviceFault(
                    self.name,
                    f"{pin} was set to {int(high)} but reads {int(not high)}",
                    "check the wiring of the line",
                )

    # --- generator -----------------------------------------------------------------------

    def output_off(self) -> None:
        """Switch OUT1 off and read it back."""
        with self.line.lock:
            self.line.write("OUTPUT1:STATE OFF")
            if self.line.query_flag("OUTPUT1:STATE?"):
                raise DeviceFault(self.name, "OUT1 stayed on", "switch the board off")

    def _prepare_pulses(self, pulses: PulseTrain) -> None:
        line = self.line
        line.write("GEN:RST")
        line.write("SOUR1:FUNC PWM")
        # PWM swings by the amplitude around the offset: 0 V and 1 V, the levels of the gate.
        line.write("SOUR1:VOLT 0.5")
        line.write("SOUR1:VOLT:OFFS 0.5")
        line.write("SOUR1:BURS:STAT BURST")
        line.write("SOUR1:BURS:NOR 1")
        self._set_number("SOUR1:FREQ:FIX", 1.0 / pulses.period_s, GENERATOR_TOLERANCE)
        self._set_number("SOUR1:DCYC", pulses.width_s / pulses.period_s, GENERATOR_TOLERANCE)
        self._set_number("SOUR1:BURS:NCYC", pulses.count)
        line.write("OUTPUT1:STATE ON")

    def _set_number(self, command: str, value: float, tolerance: float = 0.0) -> None:
        self.line.write(f"{command} {value:.9g}")
        kept = self.line.query_number(f"{command}?")
        if abs(kept - value) > tolerance * abs(value):
            raise DeviceFault(
                self.name,
                f"{command} was set to {value:.9g} but reads {kept:.9g}",
                "check the OS version of the board",
            )

    # --- acquisition ---------------------------------------------------------------------

    def record(self, channel: int, duration_s: float, pulses: PulseTrain | None = None) -> Trace:
        """`duration_s` of input `channel` (1 or 2), at least 8192 samples.

        At the finest sampling whose buffer holds it, and not a sample longer, since all of it is
        dead time. With `pulses` OUT1 plays them and the record starts with the first edge, else
        it starts now. Times are the board's own (rig time). Raises OutOfRange beyond 8.59 s.
        """
        if not 0.0 < duration_s <= LONGEST_RECORD_S:
            raise OutOfRange(
                self.name,
                f"a record of {duration_s:g} s is outside 0 to {LONGEST_RECORD_S:.2f} s",
                "take fewer or shorter pulses",
            )
        decimation = shortest_decimation(duration_s)
        dt_s = decimation / SAMPLE_RATE_HZ
        samples = max(FEWEST_SAMPLES, min(BUFFER_SAMPLES, math.ceil(duration_s / dt_s)))
        with self._recording:
            self._cancelled.clear()
            self._prepare_acquisition(channel, decimation, samples)
            if pulses is None:
                volts = self._acquire(channel, samples * dt_s, "NOW")
            else:
                volts = self._acquire_pulsed(channel, samples * dt_s, pulses)
        volts = volts[BUFFER_SAMPLES - samples :]
        return Trace(volts=volts, dt_s=dt_s, rig_time_s=None)

    def cancel(self) -> None:
        """Let a running record end with DeviceFault at its next poll. Never waits for it."""
        self._cancelled.set()

    def _prepare_acquisition(self, channel: int, decimation: int, samples: int) -> None:
        line = self.line
        line.write("ACQ:RST")
        line.write("ACQ:DATA:FORMAT BIN")
        line.write("ACQ:DATA:UNITS VOLTS")
        line.write("ACQ:AVG ON")
        line.write(f"ACQ:SOUR{channel}:GAIN LV")
        # Either of the two, not taken, would shift or stretch the time axis without a word.
        self._set_number("ACQ:TRIG:DLY", samples - FEWEST_SAMPLES)
        self._set_number("ACQ:DEC", decimation)

    def _acquire_pulsed(
        self, channel: int, duration_s: float, pulses: PulseTrain
    ) -> NDArray[np.float64]:
        try:
            self._prepare_pulses(pulses)
            volts = self._acquire(channel, duration_s, "AWG_PE")
        except (ConnectionLost, Timeout):
            # Not waited for once more: the operator would hear of it too late. The train ends by
            # itself, and the next record begins with the output reset.
            raise
        except DriverError:
            # The first failure tells the operator more than one of the cleaning up.
            with contextlib.suppress(DriverError):
                self.output_off()
            raise
        self.output_off()
        return volts

    def _acquire(self, channel: int, duration_s: float, trigger: str) -> NDArray[np.float64]:
        line = self.line
        line.check_errors()
        line.write("ACQ:START")
        line.write(f"ACQ:TRIG {trigger}")
        if trigger == "AWG_PE":
            line.write("SOUR1:TRIG:INT")
        deadline = self.monotonic() + duration_s + self._margin_s
        self._wait_for("ACQ:TRIG:STAT?", "TD", deadline)
        self._wait_for("ACQ:TRIG:FILL?", "1", deadline)
        return self._read_buffer(channel)

    def _read_buffer(self, channel: int) -> NDArray[np.float64]:
        """The whole buffer of an input, oldest sample first (V)."""
        line = self.line
        command = f"ACQ:SOUR{channel}:DATA?"
        payload = line.query_binary(command)
        if len(payload) != 4 * BUFFER_SAMPLES:
            raise line.not_of_protocol(command, f"a block of {len(payload)} bytes")
        volts = np.frombuffer(payload, dtype=">f4").astype(np.float64)
        if not np.isfinite(volts).all():
            raise line.not_of_protocol(command, "samples that are no numbers")
        require_plausible(self.name, "a sample", float(np.abs(volts).max()), 0.0, SPAN_V, "V")
        return volts

    def _wait_for(self, query: str, wanted: str, deadline: float) -> None:
        while (answer := self.line.query(query)) != wanted:
            if answer not in ("WAIT", "TD", "0", "1"):
                raise self.line.not_of_protocol(query, answer)
            if self._cancelled.is_set():
                raise DeviceFault(self.name, "the record was cancelled", "start it again")
            if self.monotonic() > deadline:
                raise Timeout(
                    self.name, f"{query} still answers {answer}", "check its trigger, retry"
                )
            self.sleep(self.poll_s)


class BoardInstrument:
    """What every instrument on one board of its own does alike; see `RedPitaya` for the times."""

    def __init__(
        self,
        name: str,
        resource: str,
        *,
        timeout_s: float = 1.2,
        poll_s: float = 0.003,
        margin_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = RedPitaya(
            name,
            resource,
            timeout_s=timeout_s,
            poll_s=poll_s,
            margin_s=margin_s,
            sleep=sleep,
            monotonic=monotonic,
        )

    @property
    def name(self) -> str:
        return self._board.name

    def connect(self) -> Identity:
        return self._board.connect()

    def close(self) -> None:
        self._board.line.close()
