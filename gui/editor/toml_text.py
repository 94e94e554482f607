"""A scan file as tables that remember their comments, so that the form can edit it.

Values come from `tomllib`. A comment above a key or a heading, or beside a key, moves with it when
its part is moved or copied. Layout (blank lines, quotes, inline tables) is written anew.
"""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

import tomli_w

_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class Table(dict[str, Any]):
    """A TOML table. The comments are whole lines with their '#'."""

    def __init__(self, values: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(values)
        self.heading: list[str] = []
        """Above the table's own heading."""
        self.above: dict[str, list[str]] = {}
        self.beside: dict[str, str] = {}
        self.tail: list[str] = []
        """After everything (of the whole file only)."""


def read(text: str) -> Table:
    """Tables from TOML text. Raises tomllib.TOMLDecodeError."""
    root = _tables(tomllib.loads(text))
    _attach_comments(root, text)
    return root


def write(root: Table) -> str:
    """TOML text: `tomllib.loads(write(read(text))) == tomllib.loads(text)`."""
    lines: list[str] = []
    _write(lines, root, "")
    lines += root.tail
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines) + "\n"


def _tables(value: Any) -> Any:
    if isinstance(value, dict):
        return Table((key, _tables(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [_tables(inner) for inner in value]
    return value


# --- comments ----------------------------------------------------------------------------------


def _attach_comments(root: Table, text: str) -> None:
    current, pending, statement = root, [], ""
    seen: dict[int, int] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if not statement and (not stripped or stripped.startswith("#")):
            pending += [stripped] if stripped else []
            continue
        statement = f"{statement}\n{line}" if statement else line
        skeleton = _parsed(statement)
        if skeleton is None:  # a list or a text goes on in the next line
            continue
        key = _KEY.match(statement)
        if stripped.startswith("[") and key is None:
            current = _heading(root, skeleton, seen)
            current.heading = pending
        elif key is not None and key[1] in current:
            current.above[key[1]] = pending
            current.beside[key[1]] = _comment_at_end(line, statement)
        pending, statement = [], ""
    root.tail = pending


def _heading(root: Table, skeleton: dict[str, Any], seen: dict[int, int]) -> Table:
    """The table that a heading, parsed by itself, begins; `seen` counts tables of lists."""
    here: Any = root
    while skeleton:
        key, inner = next(iter(skeleton.items()))
        here = here[key]
        if isinstance(inner, list):  # [[...]]: the next table of the list
            number = seen.get(id(here), 0)
            seen[id(here)] = number + 1
            here, inner = here[number], inner[0]
        elif isinstance(here, list):
            here = here[seen.get(id(here), 1) - 1]
        skeleton = inner
    return here


def _comment_at_end(line: str, statement: str) -> str:
    if line != statement:
        return ""
    for place, sign in enumerate(line):
        if sign == "#" and _parsed(line[:place]) is not None:
            return line[place:].strip()
    return ""


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


# --- writing -----------------------------------------------------------------------------------


def _write(lines: list[str], table: Table, path: str) -> None:
    """Plain keys first: below a heading they would belong to it."""
    for key, value in table.items():
        if not _is_headed(value):
            lines += table.above.get(key, [])
            beside = table.beside.get(key, "")
            lines.append(f"{_key(key)} = {_plain(value)}" + (f"  {beside}" if beside else ""))
    for key, value in table.items():
        if not _is_headed(value):
            continue
        name = f"{path}.{_key(key)}" if path else _key(key)
        many = isinstance(value, list)
        for inner in value if many else (value,):
            if not path:
                lines.append("")
            lines += inner.heading
            lines.append(f"[[{name}]]" if many else f"[{name}]")
            _write(lines, inner, name)


def _is_headed(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(inner, Table) for inner in value)
    return isinstance(value, Table)


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).rsplit(" =", 1)[0]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_plain(inner) for inner in value) + "]"
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_plain(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return tomli_w.dumps({"v": value})[len("v = ") :].rstrip("\n")
