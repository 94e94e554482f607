"""A tree of named, typed parameters as a Toptica box keeps it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulators.servers.decop import Value

# The maker's codes are not public: drivers may look at sign and prefix only.
UNKNOWN, READ_ONLY, WRONG_TYPE, REFUSED, NOT_ALLOWED, SYNTAX = -3, -4, -5, -11, -13, -1
NORMAL_LEVEL = 3
MAINTENANCE_LEVEL = 2


class Refused(Exception):
    """The box refuses. `code` is negative, the text for `Error:` lines."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True)
class Parameter:
    """`get` reads it now; `put` sets a value of type `kind`, and may raise `Refused`."""

    name: str
    kind: type
    get: Callable[[], Value]
    put: Callable[[Value], None] | None = None
    level: int = NORMAL_LEVEL
    """Weakest user level that may write."""


class ParameterTree:
    """All parameters of a box by their full name."""

    def __init__(self) -> None:
        self._parameters: dict[str, Parameter] = {}

    def add(self, parameter: Parameter) -> None:
        self._parameters[parameter.name] = parameter

    def live(
        self,
        name: str,
        get: Callable[[], Value],
        put: Callable[..., None] | None = None,
        *,
        level: int = NORMAL_LEVEL,
    ) -> None:
        """A parameter that mirrors the world; its type is that of its present value."""
        self.add(Parameter(name, type(get()), get, put, level))

    def kept(
        self,
        name: str,
        value: Value,
        *,
        writable: bool = True,
        low: float = -math.inf,
        high: float = math.inf,
        level: int = NORMAL_LEVEL,
    ) -> None:
        """A parameter that only keeps what was written, within a range."""
        cell = [value]

        def put(new: Value) -> None:
            if isinstance(new, int | float) and not low <= new <= high:
                raise Refused(REFUSED, f"{name} must be within {low:g} and {high:g}")
            cell[0] = new

        self.add(Parameter(name, type(value), lambda: cell[0], put if writable else None, level))

    def get(self, name: str) -> Value:
        """Raises `Refused` for an unknown name."""
        return self._find(name).get()

    def put(self, name: str, value: Value, level: int) -> None:
        """Raises `Refused`: unknown, read-only, wrong type, user level too weak, out of range."""
        parameter = self._find(name)
        if parameter.put is None:
            raise Refused(READ_ONLY, f"{name} is read-only")
        if parameter.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not parameter.kind:
            raise Refused(WRONG_TYPE, f"{name} takes a {parameter.kind.__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise Refused(WRONG_TYPE, f"{name} takes a finite number")
        if level > parameter.level:
            raise Refused(NOT_ALLOWED, f"{name} needs user level {parameter.level}")
        parameter.put(value)

    def under(self, node: str) -> Iterator[Parameter]:
        """Every parameter at or below `node` ("" for all), in order of their names."""
        for name in sorted(self._parameters):
            if not node or name == node or name.startswith(f"{node}:"):
                yield self._parameters[name]

    def _find(self, name: str) -> Parameter:
        try:
            return self._parameters[name]
        except KeyError:
            raise Refused(UNKNOWN, f"unknown parameter {name}") from None
