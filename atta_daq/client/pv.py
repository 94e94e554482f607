"""What a process variable is: the kinds of which `names` and the modules beside it make lists."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["double", "int", "bool", "string", "array", "table", "image"]


@dataclass(frozen=True)
class Reading:
    """One value that the station posts. NTScalar unless it is an array, a table or an image.

    A meaning that begins with 'JSON' is a string that holds a JSON text.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    precision: int = 3


@dataclass(frozen=True)
class Command:
    """One remote procedure. Arguments travel as an NTURI query, the answer as JSON."""

    name: str
    arguments: tuple[str, ...]
    meaning: str
    needs_control: bool = True
    in_turn: bool = False
    """A move: the station carries them out one at a time, a client sends them in their order."""
    after_moves: bool = False
    """A client sends it after the moves that were given before it."""
    begins: bool = False
    """It may set the rig in motion without being a move: a client tells which STOP it has seen."""
    changes: bool = False
    """What needs no control changes something all the same, and twice would do harm."""

    @property
    def once(self) -> bool:
        """A call that is sent again after a lost connection is not carried out again."""
        return self.needs_control or self.changes
