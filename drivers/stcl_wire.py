"""Wire of the scanning-cavity-lock firmware (INO, Arduino Due): lines, echoes, peak times.

Source: `SCTL_Arduino.ino` and README of INO-quantum/scanning-cavity-lock. The firmware echoes
each byte of a command, the line end as the text `\\0xA`, and then answers. That echo tells which
answer belongs to which command, so a late one cannot be taken for another's. Its own messages
(`error -11`, `error resolved.` without a line end, `PI run!`) may come at any time.

A command must arrive whole, in one write: the firmware waits for the rest of a line with its
feedback stopped. A second command before the first is answered is an error.
"""

import re
from dataclasses import dataclass

from drivers.errors import DeviceFault, DriverError, ProtocolError
from drivers.transport import ByteStream

TICKS_PER_US = 84
"""Peak times are counted by the processor's clock of 84 MHz."""
ACTUATOR_MAX = 4095
"""Largest word of the 12-bit outputs."""

_MAX_LINES = 40
"""Lines of the firmware's own messages read before an answer is given up."""
_QUIET_S = 0.05
_ERROR = re.compile(r"(?:new )?error (-?\d+)")
_RESOLVED = "error resolved."
_NUMBER_TEXT = re.compile(r"-?\d{1,10}")


@dataclass(frozen=True)
class Peaks:
    """Answer to `p6`: one ramp up and down.

    `rising` are the times of master, slave and next master on the ramp up, `falling` those of
    next master, slave and master on the ramp down, in ticks of 84 MHz. The outputs are DAC words.
    """

    rising: tuple[int, int, int]
    falling: tuple[int, int, int]
    laser_output: int
    ramp_output: int

    @property
    def ratio(self) -> float:
        """Mean of both ramps, which is what the firmware holds: piezo hysteresis cancels."""
        t0, t1, t2 = self.rising
        t3, t4, t5 = self.falling
        return 0.5 * ((t1 - t0) / (t2 - t0) + (t5 - t4) / (t5 - t3))

    @property
    def times_us(self) -> tuple[float, ...]:
        """All six, the ramp up first."""
        return tuple(ticks / TICKS_PER_US for ticks in (*self.rising, *self.falling))

    @property
    def spacing_us(self) -> float:
        """Time between the master peaks, mean of both ramps."""
        return (self.rising[2] - self.rising[0] + self.falling[2] - self.falling[0]) / (
            2 * TICKS_PER_US
        )


def parse_peaks(text: str) -> Peaks | None:
    """The ten integers of a `p6` line; None if `text` is no such line, or out of order."""
    words = text.split()
    if len(words) != 10 or not all(_NUMBER_TEXT.fullmatch(word) for word in words):
        return None
    t0, t1, t2, t3, t4, t5, _, laser_output, _, ramp_output = map(int, words)
    ordered = 0 <= t0 < t1 < t2 < t3 < t4 < t5
    outputs = 0 <= laser_output <= ACTUATOR_MAX and 0 <= ramp_output <= ACTUATOR_MAX
    if not (ordered and outputs):
        return None
    return Peaks((t0, t1, t2), (t3, t4, t5), laser_output, ramp_output)


class StclWire:
    """Commands and answers on a `ByteStream`. Not thread-safe: the driver holds its lock.

    `error` is the last error number that the firmware announced and did not resolve, or None.
    A standing error is announced again after each command, and leaves `p6` unanswered.
    """

    def __init__(self, instrument: str, stream: ByteStream) -> None:
        self._instrument = instrument
        self._stream = stream
        self.error: int | None = None
        self._announced = False

    def expect_news(self) -> None:
        """Begin to watch for announcements of an error."""
        self._announced = False

    def forget_old_error(self) -> None:
        """Complete ramps without an announcement since `expect_news`: the error is over."""
        if not self._announced:
            self.error = None

    def close(self) -> None:
        self._stream.close()

    def send(self, command: str) -> None:
        """A command without answer; returns when its echo has come."""
        self._ensure_open()
        self._stream.write(command.encode("ascii") + b"\n")
        self._await_echo(command)

    def ask_integer(self, command: str) -> int:
        """A command that answers with one integer, e.g. `Ls?` or `Ls1230`."""
        self.send(command)
        for _ in range(_MAX_LINES):
            text = self._next_text()
            if _NUMBER_TEXT.fullmatch(text):
                return int(text)
        raise self._garbled(command)

    def ask_peaks(self) -> Peaks:
        """`p6`: waits for the next complete ramp. `Timeout` while a peak is missing."""
        self.send("p6")
        for _ in range(_MAX_LINES):
            peaks = parse_peaks(self._next_text())
            if peaks is not None:
                return peaks
        raise self._garbled("p6")

    def _ensure_open(self) -> None:
        if self._stream.is_open:
            return
        self._stream.open()
        self.error = None
        # Ends a stream of peaks, and a command that a lost connection left unfinished.
        self._stream.write(b"\n")
        self._stream.discard(_QUIET_S)

    def _await_echo(self, command: str) -> None:
        echo = command + "\\0xA"
        for _ in range(_MAX_LINES):
            text = self._next_text()
            if text.endswith("cmd error!"):
                self._stream.close()
                raise DeviceFault(
                    self._instrument,
                    f"the firmware did not accept '{command}'",
                    "check that the box runs the scanning-cavity-lock firmware",
                )
            if text.endswith(echo):
                return
        raise self._garbled(command)

    def _next_text(self) -> str:
        """Next line, freed of the firmware's messages, which are noted in `error`."""
        text = self._stream.read_line().decode("ascii", "replace")
        if _RESOLVED in text:
            self.error = None
            text = text.replace(_RESOLVED, "")
        found = _ERROR.match(text.strip())
        if found:
            self.error = int(found[1])
            self._announced = True
        return text.strip()

    def _garbled(self, command: str) -> DriverError:
        self._stream.close()
        return ProtocolError(
            self._instrument,
            f"no intelligible answer to '{command}'",
            "the connection was closed and will be opened anew; check the address",
        )
