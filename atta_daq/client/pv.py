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
