"""Toptica DLC pro on the wire: the command line and the monitoring line.

Command line: banner, then every reply ends `\\n> `. Monitoring line: `(add 'name [ms [threshold]])`
sends the value at once and then every interval, `(remove 'name)` ends it.
"""

import asyncio
from dataclasses import dataclass

from simulators.servers.decop import (
    DecopSyntaxError,
    Expression,
    Prefixed,
    Symbol,
    Value,
    read,
    write,
)
from simulators.servers.dlcpro_box import DlcProBox
from simulators.servers.parameters import (
    NORMAL_LEVEL,
    NOT_ALLOWED,
    SYNTAX,
    WRONG_TYPE,
    Refused,
)
from simulators.wire import LineSession, Link, WireServer
from simulators.world.world import World

PROMPT = b"\n> "
BANNER = b"DLC pro 3.3.3\r\nSN: DLC PRO_020295\r\nDeCoF Command Line\r"
PASSWORDS = {2: "CAUTION", 3: "", 4: ""}
"""User levels that an operator can reach, with their passwords."""
DEFAULT_INTERVAL_MS = 100
SHORTEST_INTERVAL_S = 0.01
SUBSCRIPTIONS = 100


class _Quit(Exception):
    """The client has asked to leave."""


@dataclass(frozen=True)
class _Output:
    """Text lines of a command, then its return value."""

    text: str
    value: Value | None


class CommandLine(LineSession):
    def __init__(self, link: Link, box: DlcProBox) -> None:
        super().__init__(link)
        self._box = box
        self._level = NORMAL_LEVEL
        self._echo = False

    def opened(self) -> None:
        self.link.send(BANNER + PROMPT)

    def line(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace").strip()
        if not text:
            return PROMPT
        echo = f"{text}\n" if self._echo else ""
        try:
            with self._box.world.lock:
                self._box.watch_temperatures()
                reply = self._printed(self._evaluate(read(text)))
        except Refused as refusal:
            reply = f"Error: {refusal.code} {refusal}"
        except DecopSyntaxError as error:
            reply = f"Error: {SYNTAX} {error}"
        except _Quit:
            self.link.close()
            return b""
        return f"{echo}{reply}".encode() + PROMPT

    @staticmethod
    def _printed(result: "Value | _Output") -> str:
        if not isinstance(result, _Output):
            return write(result)
        # A command without a result still answers with one line.
        return result.text + ("()" if result.value is None else write(result.value))

    def _evaluate(self, expression: Expression) -> "Value | _Output":
        if isinstance(expression, Prefixed):
            return self._quasi_quoted(expression)
        if isinstance(expression, Symbol):
            raise Refused(SYNTAX, f"undefined: {expression.name}")
        if not isinstance(expression, list):
            return expression
        if not expression or not isinstance(expression[0], Symbol):
            raise Refused(SYNTAX, "not a command")
        return self._call(expression[0].name, expression[1:])

    def _call(self, function: str, arguments: list[Expression]) -> "Value | _Output":
        match function, arguments:
            case (("param-ref" | "param-gsv"), [name]):
                return self._get(_name(name))
            case "param-set!", [name, value]:
                return self._set(_name(name), self._value(value))
            case "exec", [name, *rest]:
                return self._exec(_name(name), [self._value(v) for v in rest])
            case "param-disp", []:
                return self._display("")
            case "param-disp", [name]:
                return self._display(_name(name))
            case "change-ul", [level, password]:
                return self._change_level(self._value(level), self._value(password))
            case "+", _:
                return self._sum(arguments)
            case "quit", _:
                raise _Quit
        raise Refused(SYNTAX, f"cannot do ({function} ...) with {len(arguments)} arguments")

    def _get(self, name: str) -> Value:
        if name == "ul":
            return self._level
        if name == "echo":
            return self._echo
        return self._box.tree.get(name)

    def _set(self, name: str, value: Value) -> int:
        """Status of a write: 0, or the negative code of the refusal."""
        try:
            if name == "echo":
                if not isinstance(value, bool):
                    raise Refused(WRONG_TYPE, "echo takes a bool")
                self._echo = value
            elif name == "ul":
                raise Refused(NOT_ALLOWED, "use change-ul")
            else:
                self._box.tree.put(name, value, self._level)
        except Refused as refusal:
            return refusal.code
        return 0

    def _exec(self, name: str, arguments: list[Value]) -> "Value | _Output":
        if name == "change-ul" and len(arguments) == 2:
            return self._change_level(*arguments)
        text, value = self._box.execute(name)
        return _Output(text, value)

    def _change_level(self, level: Value, password: Value) -> int:
        """The level now in force; a wrong password changes nothing."""
        if isinstance(level, int) and PASSWORDS.get(level) == password:
            self._level = level
        return self._level

    def _display(self, node: str) -> _Output:
        lines = [f"{p.name} {write(p.get())}\n" for p in self._box.tree.under(node)]
        return _Output("".join(lines), None)

    def _sum(self, arguments: list[Expression]) -> int | float:
        total: int | float = 0
        for argument in arguments:
            value = self._value(argument)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Refused(WRONG_TYPE, "+ takes numbers")
            total += value
        return total

    def _quasi_quoted(self, expression: Prefixed) -> Value:
        """A literal; inside a quasi-quoted list what stands behind a comma is evaluated."""
        inner = expression.inner
        if expression.mark == "," or not isinstance(inner, list):
            raise Refused(SYNTAX, "not a value")
        values: list[Value] = []
        for item in inner:
            if isinstance(item, Prefixed) and item.mark == "," and expression.mark == "`":
                values.append(self._value(item.inner))
            else:
                values.append(self._value(item))
        return tuple(values)

    def _value(self, expression: Expression) -> Value:
        result = self._evaluate(expression)
        if isinstance(result, _Output):
            raise Refused(SYNTAX, "not a value")
        return result


class MonitoringLine(LineSession):
    def __init__(self, link: Link, box: DlcProBox) -> None:
        super().__init__(link)
        self._box = box
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def closed(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def line(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace").strip()
        if not text:
            return b""
        try:
            match read(text):
                case [Symbol("add"), name, *numbers] if len(numbers) <= 2:
                    self._add(_name(name), numbers)
                case [Symbol("remove"), name]:
                    self._remove(_name(name))
                case [Symbol("change-ul"), _, _]:
                    pass
                case _:
                    raise Refused(SYNTAX, "add, remove or change-ul")
        except Refused as refusal:
            return self._error(refusal.code, "", str(refusal))
        except DecopSyntaxError as error:
            return self._error(SYNTAX, "", str(error))
        return b""

    def _add(self, name: str, numbers: list[Expression]) -> None:
        interval_ms, threshold = (*numbers, *(DEFAULT_INTERVAL_MS, 0.0)[len(numbers) :])
        if isinstance(interval_ms, bool) or not isinstance(interval_ms, int | float):
            raise Refused(WRONG_TYPE, "the interval is a number of milliseconds")
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            raise Refused(WRONG_TYPE, "the threshold is a number")
        if len(self._timers) >= SUBSCRIPTIONS:
            raise Refused(NOT_ALLOWED, "too many subscriptions")
        self._remove(name)
        interval_s = min(max(interval_ms / 1000.0, SHORTEST_INTERVAL_S), 3600.0)
        self._update(name, interval_s, abs(threshold), None)

    def _remove(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _update(self, name: str, interval_s: float, threshold: float, last: Value | None) -> None:
        """Send the value unless it is within `threshold` of the one sent last; come again."""
        try:
            with self._box.world.lock:
                value = self._box.tree.get(name)
        except Refused as refusal:
            self.link.send(self._error(refusal.code, name, str(refusal)))
            return
        near = (
            threshold > 0.0
            and isinstance(value, int | float)
            and isinstance(last, int | float)
            and abs(value - last) < threshold
        )
        if not near and not self.link.backed_up:
            last = value
            self.link.send(f"({self._box.time_text()} '{name} {write(value)})\n".encode())
        self._timers[name] = self.link.call_later(
            interval_s, lambda: self._update(name, interval_s, threshold, last)
        )

    def _error(self, code: int, name: str, text: str) -> bytes:
        return f"(Error: {code} ({self._box.time_text()} '{name}) {text})\n".encode()


def _name(expression: Expression) -> str:
    match expression:
        case Prefixed("'", Symbol(name)):
            return name
    raise Refused(SYNTAX, "a quoted name is needed")


@dataclass(frozen=True)
class DlcProServers:
    command: WireServer
    monitor: WireServer
    box: DlcProBox


async def start(world: World) -> DlcProServers:
    """A DLC pro on two free loopback ports."""
    box = DlcProBox(world)
    noise = world.streams["amplifier wire"]
    command = WireServer("amplifier", lambda link: CommandLine(link, box), noise, box.power_up)
    monitor = WireServer("amplifier_monitor", lambda link: MonitoringLine(link, box), noise)
    command.lasting["runaway"] = box.run_away
    command.faults["restart"] = box.power_cycle
    await command.start()
    await monitor.start()
    return DlcProServers(command, monitor, box)
