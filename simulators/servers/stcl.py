"""The scanning-cavity lock's firmware (INO-quantum, Arduino Due) on its programming port.

Every byte is echoed (others than printable ones as `\\0x<HEX>`), then the command acts. As on the
real board: an incomplete line stops the firmware, feedback and all, until it is completed; a
second command behind the line feed is an error; any byte ends a stream; `p6` is answered at the
end of the next ramp on which all peaks are found, however late that is.
"""

import asyncio
import re
from collections.abc import Callable

from simulators.wire import Link, SerialServer, Session
from simulators.world.peaks import Peaks
from simulators.world.world import World

LINE_S = 0.005
"""A line of peaks takes about this long on the wire (115200 baud)."""
ERROR_RESOLVED_S = 0.5
LONGEST_COMMAND = 64
_COMMAND = re.compile(r"([A-Za-z]+)(-?[0-9]+|\?)?(r)?")
_INTEGERS = {
    "Ls": "laser_set_us",
    "Rs": "ramp_set_us",
    "Lkp": "laser_kp",
    "Lki": "laser_ki",
    "Rkp": "ramp_kp",
    "Rki": "ramp_ki",
}
UINT32 = 2**32


class Firmware:
    """The board's program, one for all connections (one on the real cable)."""

    def __init__(self, world: World) -> None:
        self.world = world

    def power_up(self) -> None:
        """Power off and on: the settings that are compiled in."""
        with self.world.lock:
            self.world.cavity.firmware.power_up()

    def get(self, name: str) -> str:
        """Value of a setting or output as the firmware prints it."""
        with self.world.lock:
            cavity = self.world.cavity
            if name == "Lo":
                return str(cavity.firmware.laser_word())
            if name == "Ro":
                return str(cavity.firmware.ramp_word())
            return str(round(getattr(cavity.firmware.settings, _INTEGERS[name])))

    def set(self, name: str, value: int) -> str:
        """Set; what it prints, empty for nothing."""
        with self.world.lock:
            cavity = self.world.cavity
            if name == "Lo":
                cavity.firmware.set_laser_word(min(max(value, 0), 4095))
                return ""
            if name == "Ro":
                cavity.firmware.set_ramp_word(min(max(value, 0), 4095))
                return ""
            if name in ("Ls", "Rs"):
                value %= UINT32
            else:
                value = (value + UINT32 // 2) % UINT32 - UINT32 // 2
            cavity.firmware.change(**{_INTEGERS[name]: value})
            return str(value) if name == "Ls" else ""


class StclSession(Session):
    def __init__(self, link: Link, firmware: Firmware) -> None:
        super().__init__(link)
        self._firmware = firmware
        self._world = firmware.world
        self._line = ""
        self._error = 0
        self._told = True
        self._wanted: int | None = None
        self._streaming = False
        self._last_ramp = -1
        self._steps: list[tuple[float, Callable[[], None]]] = []
        self._resolve_at_s = 0.0
        self._started = False
        self._printed = ""
        self._timer: asyncio.TimerHandle | None = None

    def opened(self) -> None:
        with self._world.lock:
            self._started = self._world.cavity.firmware.running
            self._error = self._world.cavity.firmware.error_code()
        self._tick()

    def closed(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._line:
            self._halt(False)

    # --- commands -----------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        self._act(data.decode("latin-1"))
        self._flush()

    def _act(self, text: str) -> None:
        self._end_stream()
        with self._world.lock:
            self._world.cavity.firmware.end_startup()
        self._started = True
        while text:
            if "\n" not in text:
                self._collect(text)
                return
            head, text = text.split("\n", 1)
            self._collect(head)
            self._print("\\0xA\r\n")
            line, self._line = self._line, ""
            self._halt(False)
            if text:
                # What follows the line feed at once is read as part of the command.
                self._echo(text[0])
                self._print(" cmd error!\r\n")
                text = text[1:]
            elif line:
                self._command(line)

    def _collect(self, text: str) -> None:
        for character in text:
            self._echo(character)
            self._line += character
            if not _may_start_command(self._line):
                self._print(" cmd error!\r\n")
                self._line = ""
        self._halt(bool(self._line))

    def _halt(self, halted: bool) -> None:
        with self._world.lock:
            self._world.cavity.firmware.halt(halted)

    def _echo(self, character: str) -> None:
        code = ord(character)
        self._print(character if 32 <= code <= 127 else f"\\0x{code:X}\r\n")

    def _command(self, line: str) -> None:
        match = _COMMAND.fullmatch(line)
        name, argument, repeat = match.groups() if match else ("", None, None)
        if line == "rst":
            with self._world.lock:
                self._world.cavity.firmware.reset_outputs()
        elif name in ("p", "P") and argument not in (None, "?"):
            self._ask_peaks(int(argument), repeat is not None)
        elif name in _INTEGERS or name in ("Lo", "Ro"):
            self._setting(name, argument, repeat is not None)
        else:
            self._print(" cmd error!\r\n")
        self._told = False  # a command clears the flag: a standing error is printed again

    def _setting(self, name: str, argument: str | None, repeat: bool) -> None:
        if argument is None or (repeat and (name not in ("Ls", "Rs") or argument == "?")):
            self._print(" cmd error!\r\n")
        elif repeat:
            self._step_response(name, int(argument))
        elif argument == "?":
            value = self._firmware.get(name)
            self._print(f"{value}\r\n")
        else:
            reply = self._firmware.set(name, int(argument))
            if reply:
                self._print(f"{reply}\r\n")

    def _ask_peaks(self, peak: int, repeat: bool) -> None:
        if 0 <= peak <= 6:
            self._wanted = peak
            self._streaming = repeat
            self._last_ramp = self._ramp()

    def _step_response(self, name: str, value: int) -> None:
        what = "laser" if name == "Ls" else "ramp"
        self._print(f"{what} step {value} ...\r\n")
        self._ask_peaks(6, True)
        now_s = self._world.clock.now_s()
        self._steps = [
            (now_s + 1.0, lambda: self._step(name, what, value, "+")),
            (now_s + 6.0, lambda: self._step(name, what, -value, "-")),
        ]

    def _step(self, name: str, what: str, change: int, sign: str) -> None:
        self._firmware.set(name, int(self._firmware.get(name)) + change)
        self._print(f"#{what} step {sign}{change if sign == '+' else -change}\r\n")

    def _end_stream(self) -> None:
        """A byte ends stream and step response; a setpoint that was shifted stays shifted."""
        self._wanted = None
        self._streaming = False
        self._steps = []

    # --- what the board prints by itself --------------------------------------------------------

    def _tick(self) -> None:
        """Once a ramp, or as often as the serial line carries."""
        with self._world.lock:
            until_s = self._world.cavity.firmware.until_next_ramp_s()
        wait_s = max(self._world.clock.wall_delay_s(until_s), LINE_S)
        self._timer = self.link.call_later(wait_s, self._tick)
        if not self._line:
            self._look_at_ramp()
            self._flush()

    def _look_at_ramp(self) -> None:
        with self._world.lock:
            cavity = self._world.cavity
            self._report(cavity.firmware.error_code())
            if not self._started and cavity.firmware.running:
                self._started = True
                self._print("PI run!\r\n")
            now_s = self._world.clock.now_s()
            while self._steps and self._steps[0][0] <= now_s:
                self._steps.pop(0)[1]()
            peaks = cavity.firmware.peaks() if self._wanted is not None else None
        ramp = self._ramp()
        if self._wanted is None or peaks is None or ramp == self._last_ramp:
            return
        self._last_ramp = ramp
        if not self.link.backed_up:
            self._print(_line(peaks, self._wanted))
        if not self._streaming:
            self._wanted = None

    def _report(self, error: int) -> None:
        now_s = self._world.clock.now_s()
        if error:
            if self._error == 0 or not self._told:
                self._print(f"error {error}\r\n")
            elif error != self._error:
                self._print(f"new error {error}\r\n")
            self._error = error
            self._told = True
            self._resolve_at_s = now_s + ERROR_RESOLVED_S
        elif self._error and now_s >= self._resolve_at_s:
            self._error = 0
            self._print("error resolved.")

    def _ramp(self) -> int:
        with self._world.lock:
            self._world.cavity.advance()
            return self._world.cavity.firmware.ramp_index()

    def _print(self, text: str) -> None:
        self._printed += text

    def _flush(self) -> None:
        if self._printed:
            self.link.send(self._printed.encode("latin-1"))
            self._printed = ""


def _may_start_command(line: str) -> bool:
    """Could `line` be the beginning of a command? The firmware gives up where it cannot."""
    if len(line) > LONGEST_COMMAND:
        return False
    return (
        re.match(
            r"(?:[pP](?:-?[0-9]*r?)?|r(?:s(?:t)?)?|[LR](?:[so](?:\?|-?[0-9]*r?)?"
            r"|k(?:[pi](?:\?|-?[0-9]*)?)?)?)\Z",
            line,
        )
        is not None
    )


def _line(peaks: Peaks, wanted: int) -> str:
    times = peaks.times if wanted == 6 else peaks.times[wanted : wanted + 1]
    numbers = (*times, peaks.laser_error, peaks.laser_word, peaks.ramp_error, peaks.ramp_word)
    return " ".join(str(n) for n in numbers) + "\r\n"


async def start(world: World) -> SerialServer:
    """The lock's board on a free loopback port."""
    firmware = Firmware(world)
    server = SerialServer(
        "lock",
        lambda link: StclSession(link, firmware),
        world.streams["lock wire"],
        firmware.power_up,
    )
    await server.start()
    return server
