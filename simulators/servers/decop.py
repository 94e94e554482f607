"""The expressions of Toptica's command language: reading them and writing values.

Values: bool `#t`, int `5`, real `5.0`, string `"..."`, binary `&BASE64`, tuple `(a b)`. A quoted
name is a `Symbol`; a list that is to be carried out is a Python list.
"""

import re
from base64 import b64encode
from dataclasses import dataclass

DEEPEST = 32
_TOKEN = re.compile(r"""\s*(?:([()'`,])|("(?:[^"\\]|\\.)*")|([^\s()'`,"]+))""", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")


class DecopSyntaxError(ValueError):
    """Not an expression of the language."""


@dataclass(frozen=True)
class Symbol:
    name: str


@dataclass(frozen=True)
class Prefixed:
    """An expression behind one of the marks ' (quote), ` (quasi-quote) and , (unquote)."""

    mark: str
    inner: "Expression"


Value = bool | int | float | str | bytes | tuple
Expression = Value | Symbol | Prefixed | list


def read(text: str) -> Expression:
    """The one expression in `text`. Raises DecopSyntaxError."""
    tokens = _tokens(text)
    expression, rest = _expression(tokens, 0, 0)
    if rest != len(tokens):
        raise DecopSyntaxError("more than one expression")
    return expression


def write(value: Value) -> str:
    """A value as the box prints it; a real always has a dot."""
    if isinstance(value, bool):
        return "#t" if value else "#f"
    if isinstance(value, float):
        text = repr(value)
        return text if any(c in text for c in ".n") else text.replace("e", ".0e")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "&" + b64encode(value).decode()
    if isinstance(value, tuple):
        return "(" + " ".join(write(v) for v in value) + ")"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise DecopSyntaxError("string without end")
        tokens.append(match[match.lastindex or 0])
        position = match.end()
    return tokens


def _expression(tokens: list[str], position: int, depth: int) -> tuple[Expression, int]:
    if position >= len(tokens):
        raise DecopSyntaxError("unexpected end")
    if depth > DEEPEST:
        raise DecopSyntaxError("too deep")
    token = tokens[position]
    if token in ("'", "`", ","):
        inner, position = _expression(tokens, position + 1, depth + 1)
        return Prefixed(token, inner), position
    if token == "(":
        items: list[Expression] = []
        position += 1
        while position < len(tokens) and tokens[position] != ")":
            item, position = _expression(tokens, position, depth + 1)
            items.append(item)
        if position >= len(tokens):
            raise DecopSyntaxError("missing )")
        return items, position + 1
    if token == ")":
        raise DecopSyntaxError("unexpected )")
    return _atom(token), position + 1


def _atom(token: str) -> Expression:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
    if token.lower() in ("#t", "#f"):
        return token.lower() == "#t"
    if _INTEGER.match(token):
        return int(token)
    if _REAL.match(token):
        return float(token)
    return Symbol(token)
