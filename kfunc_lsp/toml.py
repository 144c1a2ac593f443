"""TOML beyond the standard library, which reads it alone: the line that sets a value, and values as text."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence

_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(value: object) -> str:
    """A string, true or false, a sequence or a mapping of such as TOML on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        pairs = (f"{key if _BARE.fullmatch(key) else written(key)} = {written(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    assert isinstance(value, Sequence)
    return f"[{', '.join(map(written, value))}]"


def line_of(text: str, keys: Sequence[str]) -> int:
    """The line (from 1) of the statement in ``text``, which is TOML, that first sets what is under ``keys``.

    0 where there is none.
    """
    wanted, table = tuple(keys), tuple[str, ...]()
    for line, statement in _statements(text):
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            return 0
        if statement.startswith("["):
            table = _chain(values)
            if table[: len(wanted)] == wanted:
                return line
        elif wanted[: len(table)] == table and _has(values, wanted[len(table) :]):
            return line
    return 0


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement, which may go over several lines, and the line that it begins in."""
    depth, start, line = 0, 0, 1
    for piece in _PIECE.finditer(text + "\n"):
        sign = piece[0]
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        elif sign == "\n" and depth == 0:
            statement = text[start : piece.start()].strip()
            if statement and not statement.startswith("#"):
                yield line, statement
            line += text.count("\n", start, piece.end())
            start = piece.end()


def _chain(values: Mapping[str, object]) -> tuple[str, ...]:
    """The keys of tables that hold one table each, outermost first: what a header names."""
    keys: list[str] = []
    inner: object = values
    while isinstance(inner, dict) and len(inner) == 1:
        key, inner = next(iter(inner.items()))
        keys.append(key)
    return tuple(keys)


def _has(values: object, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True
