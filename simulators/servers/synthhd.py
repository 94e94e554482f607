"""Windfreak SynthHD v2 on a byte stream: channel A drives the electro-optical modulator.

Setters are silent and out-of-range values are ignored without a word, as on the real box: only a
read-back shows what it kept. Commands need no end; a number ends at the next byte that cannot
belong to it, or after 20 ms of silence.
"""

import asyncio
import re
from dataclasses import dataclass, field

from simulators.wire import Link, SerialServer, Session
from simulators.world.world import World

IDLE_S = 0.02
PLL_SETTLING_S = 0.005
TABLE_ROWS = 500
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]*")
_ROW = re.compile(r"[0-9]+")
_LONGEST = 64


@dataclass(frozen=True)
class Setting:
    """One command letter: default, closed range, decimals of the reply (0: integer)."""

    default: float
    low: float
    high: float
    decimals: int = 0


CHANNEL_SETTINGS = {
    "f": Setting(1000.0, 10.0, 15000.0, 8),
    "W": Setting(-60.0, -70.0, 20.0, 3),
    "Z": Setting(3, 0, 3),
    "a": Setting(2000, 0, 4000),
    "~": Setting(0.0, 0.0, 360.0, 3),
    "h": Setting(0, 0, 1),
    "r": Setting(0, 0, 1),
    "E": Setting(0, 0, 1),
    "U": Setting(5, 0, 15),
    "b": Setting(0, 0, 1),
    "i": Setting(100.0, 0.1, 1000.0, 1),
    "l": Setting(1000.0, 10.0, 15000.0, 8),
    "u": Setting(2000.0, 10.0, 15000.0, 8),
    "s": Setting(100.0, 0.0, 15000.0, 8),
    "t": Setting(100.0, 4.0, 10000.0, 3),
    "[": Setting(-10.0, -70.0, 20.0, 3),
    "]": Setting(-10.0, -70.0, 20.0, 3),
    "^": Setting(1, 0, 1),
    "X": Setting(0, 0, 2),
    "g": Setting(0, 0, 1),
    "c": Setting(0, 0, 1),
    "k": Setting(0.0, -15000.0, 15000.0, 8),
    "n": Setting(0, 0, 2),
    "F": Setting(1000, 1, 1000000),
    "q": Setting(32, 1, 500),
    "A": Setting(0, 0, 1),
    "P": Setting(1000, 1, 10_000_000),
    "O": Setting(1000, 2, 10_000_000),
    "R": Setting(10, 1, 65500),
    ":": Setting(0, 0, 1),
    "j": Setting(0, 0, 1),
    "D": Setting(0, 0, 1),
    "<": Setting(1000, 1, 5000),
    ">": Setting(100000, 10, 10_000_000),
    ",": Setting(100, 1, 65500),
    ";": Setting(1, 0, 1),
    "/": Setting(0, 0, 1),
}
SHARED_SETTINGS = {
    "C": Setting(0, 0, 1),
    "x": Setting(1, 0, 2),
    "*": Setting(10.0, 10.0, 100.0, 8),
    "w": Setting(0, 0, 9),
    "Y": Setting(1, 0, 1),
}
_STEPS = {"f": 7, "W": 2}
"""Resolution in decimals: 0.1 Hz and 0.01 dB."""
_MOVES_OUTPUT = "fWhrEgcAlu[]"
"""Commands behind which another frequency or level may leave channel A."""
_HELP = ["C) Control channel", "f) Frequency MHz", "W) Power dBm", "EOM"]


@dataclass
class _Channel:
    values: dict[str, float] = field(
        default_factory=lambda: {key: s.default for key, s in CHANNEL_SETTINGS.items()}
    )
    unlocked_until_s: float = 0.0
    table: dict[int, dict[str, float]] = field(default_factory=dict)
    am_table: dict[int, float] = field(default_factory=dict)


class SynthHd:
    """State of the box, shared by all its connections."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._recall()
        self._noise = world.streams["SynthHD temperature"]

    def power_up(self) -> None:
        """Power off and on: what is stored in the box, RF off."""
        self._recall()
        self._drive_modulator()

    def _recall(self) -> None:
        self._shared = {key: s.default for key, s in SHARED_SETTINGS.items()}
        self._channels = (_Channel(), _Channel())

    @property
    def _channel(self) -> _Channel:
        return self._channels[int(self._shared["C"])]

    def apply(self, command: str, argument: str) -> str:
        """Act on one command; the reply without its line feed, empty for none.

        `argument` is "?" for a query, a number for a setting, a row and more for tables.
        """
        if command in "L@":
            return self._row(command, argument)
        if command in CHANNEL_SETTINGS:
            return self._setting(command, argument, CHANNEL_SETTINGS, self._channel.values)
        if command in SHARED_SETTINGS:
            return self._setting(command, argument, SHARED_SETTINGS, self._shared)
        return self._information(command + argument)

    def _setting(
        self,
        command: str,
        argument: str,
        settings: dict[str, Setting],
        values: dict[str, float],
    ) -> str:
        setting = settings[command]
        if argument == "?":
            return f"{values[command]:.{setting.decimals}f}"
        value = _number(argument)
        if value is None or not setting.low <= value <= setting.high:
            return ""
        values[command] = round(value, _STEPS.get(command, setting.decimals))
        if command in "fE":
            self._channel.unlocked_until_s = self._world.clock.now_s() + PLL_SETTLING_S
        if command in _MOVES_OUTPUT:
            self._drive_modulator()
        return ""

    def _drive_modulator(self) -> None:
        values, am_table = self._channels[0].values, self._channels[0].am_table
        on = all(values[switch] == 1 for switch in "hrE")
        frequency_mhz, power_dbm = values["f"], values["W"]
        # Sweep and modulation stand at their upper ends, where they do the most harm.
        if values["g"] == 1 or values["c"] == 1:
            frequency_mhz, power_dbm = max(values["l"], values["u"]), max(values["["], values["]"])
        if values["A"] == 1:
            power_dbm = max(am_table.values(), default=power_dbm)
        with self._world.lock:
            self._world.light.set_rf(frequency_mhz, power_dbm, on)

    def _locked(self) -> bool:
        channel = self._channel
        settled = self._world.clock.now_s() >= channel.unlocked_until_s
        return channel.values["E"] == 1 and channel.values["U"] > 0 and settled

    def _information(self, command: str) -> str:
        match command:
            case "V":
                return "1"
            case "p":
                return str(int(self._locked()))
            case "z":
                return f"{38.0 + 0.1 * self._noise.standard_normal():.3f}"
            case "I":
                return "1"
            case "+":
                return "WFT SynthHD 1230"
            case "-":
                return "1230"
            case "v0":
                return "Firmware Version 3.25"
            case "v1":
                return "Hardware Version 2.06"
            case "v2":
                return "HD"
            case "?":
                return "\n".join(_HELP)
        return ""

    def _row(self, command: str, argument: str) -> str:
        table = self._channel.table
        if argument == "d":
            table.clear()
            return ""
        if argument == "?":
            return str(len(table))
        match = re.fullmatch(r"([0-9]+)([fa])(.*)", argument)
        if not match or int(match[1]) >= TABLE_ROWS:
            return ""
        row, column = int(match[1]), match[2]
        cells = self._channel.am_table if command == "@" else {}
        if command == "L":
            cells = {r: c[column] for r, c in table.items() if column in c}
        if match[3] == "?":
            decimals = 8 if column == "f" else 3
            return f"{cells.get(row, 0.0):.{decimals}f}"
        value = _number(match[3])
        limits = CHANNEL_SETTINGS["f" if column == "f" else "W"]
        if value is None or not limits.low <= value <= limits.high:
            return ""
        if command == "@":
            cells[row] = value
            self._drive_modulator()
        else:
            table.setdefault(row, {})[column] = value
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class SynthHdSession(Session):
    def __init__(self, link: Link, box: SynthHd) -> None:
        super().__init__(link)
        self._box = box
        self._pending = ""
        self._idle: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        self._pending += data.decode("latin-1")
        self._run(final=False)
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self.link.call_later(IDLE_S, self._silence) if self._pending else None

    def closed(self) -> None:
        if self._idle is not None:
            self._idle.cancel()

    def _silence(self) -> None:
        self._idle = None
        self._run(final=True)
        self._pending = ""

    def _run(self, final: bool) -> None:
        """Act on every command that is complete; `final`: silence ends the last one."""
        while self._pending:
            length, command, argument = split(self._pending, final)
            if length == 0:
                return
            self._pending = self._pending[length:]
            reply = self._box.apply(command, argument) if command else ""
            if reply:
                self.link.send(reply.encode() + b"\n")


def split(text: str, final: bool) -> tuple[int, str, str]:
    """(length, letter, argument) of the first command of `text`.

    Length 0: not complete yet. An empty letter: skip these characters.
    """
    letter, rest = text[0], text[1:]
    if letter in "VpzI+-?eG":
        return 1, letter, ""
    if letter == "v":
        if not rest:
            return int(final), "", ""
        return 2, letter, rest[0]
    prefix = 0
    if letter in "L@":
        if rest[:1] in ("d", "?") and letter == "L":
            return 2, letter, rest[0]
        row = _ROW.match(rest)
        prefix = row.end() + 1 if row else 0
        if len(rest) < max(prefix, 1):
            return int(final or len(text) > _LONGEST), "", ""
        if row is None or rest[prefix - 1] not in "fa":
            return 1, "", ""
    elif letter not in CHANNEL_SETTINGS and letter not in SHARED_SETTINGS:
        return 1, "", ""
    value = rest[prefix:]
    if value.startswith("?"):
        return 2 + prefix, letter, rest[: prefix + 1]
    match = _NUMBER.match(value)
    end = match.end() if match else 0
    if end == len(value) and not final and end <= _LONGEST:
        return 0, "", ""
    return 1 + prefix + end, letter, rest[: prefix + end]


async def start(world: World) -> SerialServer:
    """A SynthHD on a free loopback port."""
    box = SynthHd(world)
    server = SerialServer(
        "sideband",
        lambda link: SynthHdSession(link, box),
        world.streams["sideband wire"],
        box.power_up,
    )
    await server.start()
    return server
