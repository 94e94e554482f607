"""What is wrong with a file, in an operator's words: key, what stands there, what is allowed.

Everything allowed is read from the model, so that message, reference page and check cannot differ.
"""

import difflib
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

FILE_NAMES = {"parts": "part", "axes": "axis"}
"""What the model calls a list, and what a scan file does."""
_HEADINGS = {"parts": "part", "axes": "part.axis", "light": "part.light"}
_UNITS = {
    "mhz": "MHz", "ma": "mA", "mw": "mW", "dbm": "dBm", "s": "s", "mm": "mm", "c": "°C",
    "us": "µs", "v": "V", "days": "days",
}  # fmt: skip
_LONGEST_INPUT = 60


def problems(model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line for each wrong key: `key: what is wrong; what is allowed`."""
    return [f"{_place(location)}: {text}" for location, text in located_problems(model, error)]


def located_problems(
    model: type[BaseModel], error: ValidationError
) -> list[tuple[tuple[str | int, ...], str]]:
    """Location in the model's own names, and what is wrong there, for each wrong key."""
    items = error.errors()
    # A list whose only element is wrong counts as too short as well; the element's line says it.
    inner = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    return [
        (item["loc"], _explain(model, item))
        for item in items
        if not (item["type"] == "too_short" and item["loc"] in inner)
    ]


def file_name(key: str) -> str:
    """What a scan file calls a key of the model; also the other way round."""
    swapped = {**FILE_NAMES, **{theirs: ours for ours, theirs in FILE_NAMES.items()}}
    return swapped.get(key, key)


def inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model behind an annotation, and whether there may be many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        found, _ = inner_model(argument)
        if found is not None:
            return found, get_origin(annotation) is tuple
    return None, False


def limits(field: FieldInfo) -> list[str]:
    """The bounds of a number, as in '> 0'."""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return [
        f"{sign} {bound:g}"
        for item in field.metadata
        for name, sign in signs.items()
        if (bound := getattr(item, name, None)) is not None
    ]


def unit_of(key: str) -> str:
    """The unit that a key carries at its end: 'mW/mA' of 'slope_mw_per_ma'; empty without one."""
    words = key.split("_")
    if len(words) > 3 and words[-2] == "per" and words[-3] in _UNITS:
        return f"{_UNITS[words[-3]]}/{_UNITS.get(words[-1], words[-1])}"
    return _UNITS.get(words[-1], "") if len(words) > 1 else ""


def allowed(field: FieldInfo, key: str) -> str:
    """What a key takes, as in 'a number > 0, in MHz'."""
    kind = _kind(field.annotation, key)
    bounds = " and ".join(limits(field))
    if bounds:
        kind += f" {bounds}"
    if field.examples:
        kind += f" such as {' or '.join(repr(example) for example in field.examples)}"
    longest = next((n for i in field.metadata if (n := getattr(i, "max_length", None))), None)
    if longest:
        kind += f" of at most {longest} characters"
    unit = unit_of(key)
    return f"{kind}, in {unit}" if unit and "number" in kind else kind


def _place(location: tuple[Any, ...]) -> str:
    """'amplifier.address'; with lists 'part 2, axis 1, start' (counted from 1, as in the file)."""
    if not location:
        return "whole file"
    words: list[str] = []
    for item in location:
        if isinstance(item, int) and words:
            words[-1] += f" {item + 1}"
        else:
            words.append(file_name(str(item)))
    return (", " if any(isinstance(item, int) for item in location) else ".").join(words)


def _explain(model: type[BaseModel], item: Any) -> str:
    location: tuple[Any, ...] = item["loc"]
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return _unknown(model, location)
    owner, field = _find(model, location)
    if field is None:
        return f"{_shown(item['input'])} is not allowed"
    key = _named(location)
    inside_list = isinstance(location[-1], int)
    takes = _element(field, key) if inside_list else allowed(field, key)
    if owner is not None and owner.__name__ == "Interval" and len(location) > 1:
        takes = allowed(field, str(location[-2]))
    about = f" ({_meaning(field)})" if _meaning(field) and not inside_list else ""
    if item["type"] == "missing":
        return f"missing; give {takes}{about}"
    return f"{_shown(item['input'])} is not allowed; give {takes}{about}"


def _unknown(model: type[BaseModel], location: tuple[Any, ...]) -> str:
    owner = _model_at(model, location[:-1])
    if owner is None:
        return "unknown key"
    names = sorted(file_name(name) for name in owner.model_fields)
    near = difflib.get_close_matches(file_name(str(location[-1])), names, 1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"unknown key; {hint}allowed here: {', '.join(names)}"


def _named(location: tuple[Any, ...]) -> str:
    return next((item for item in reversed(location) if isinstance(item, str)), "")


def _model_at(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for item in location:
        if isinstance(item, int):
            continue
        field = current.model_fields.get(item) if current else None
        current = inner_model(field.annotation)[0] if field else None
    return current


def _find(
    model: type[BaseModel], location: tuple[Any, ...]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The field at a place, and the model that it belongs to."""
    names = tuple(item for item in location if isinstance(item, str))
    if not names:
        return None, None
    owner = _model_at(model, names[:-1])
    return owner, owner.model_fields.get(names[-1]) if owner else None


def _element(field: FieldInfo, key: str) -> str:
    inner, _ = inner_model(field.annotation)
    if inner is not None:
        return f"a [[{_HEADINGS.get(key, key)}]] table"
    numbers = [a for a in get_args(field.annotation) if get_origin(a) is tuple]
    return _kind(get_args(numbers[0])[0], key) if numbers else allowed(field, key)


def _meaning(field: FieldInfo) -> str:
    text = (field.description or "").replace("\n", " ").strip()
    return text.rstrip(".")


def _kind(annotation: Any, key: str) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(_shown(value) for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        kinds = [_kind(a, key) for a in get_args(annotation) if a is not type(None)]
        return " or ".join(kinds)
    inner, many = inner_model(annotation)
    if inner is not None:
        if inner.__name__ == "Interval":
            return "a table { low = a number, high = a number }"
        name = _HEADINGS.get(key, key)
        return f"one or more [[{name}]] tables" if many else f"a [{name}] table"
    if origin is tuple:
        return f"a list of {_kind(get_args(annotation)[0], key)}s".replace("of a ", "of ")
    names: dict[Any, str] = {
        float: "a number", int: "a whole number", str: "text in quotes", bool: "true or false",
        Path: "a path in quotes",
    }  # fmt: skip
    return names.get(annotation, "a date such as 2026-11-22T08:30:00")


def _shown(value: Any) -> str:
    """A value as it stands in the file; of long ones only what they are."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    text = repr(value)
    if len(text) > _LONGEST_INPUT:
        return "a list" if isinstance(value, list) else f"{text[:_LONGEST_INPUT]}..."
    return text
