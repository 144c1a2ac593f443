"""What stands at the cursor, in text that is being typed: the word, whether a name fits there, the call around it.

Looks at text backwards from the cursor, so that whatever is open or broken behind it does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from enum import Enum
from itertools import chain, islice, pairwise, takewhile

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.server.documents import Document
from kfunc_lsp.source.text import Lexeme, blank, is_identifier, lex

_FURTHEST = 16_384
_STEP = 512
"""Bytes, and the line that they begin in, that are cut into tokens at a time: most answers stand in the first."""
_BEFORE = re.compile(r"[A-Za-z0-9_]*\Z")
_AFTER = re.compile(r"[A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z_]\w*", re.A)
_PROBE = "x"
_ENDS = (";", "{", "}")
"""What a statement ends with, or begins behind."""
_SECTION = re.compile(r'^[ \t]*SEC\s*\(\s*"([^"\n]*)"\s*\)', re.M)


@dataclass(frozen=True, slots=True)
class Word:
    """The identifier around a byte offset; ``prefix`` is what stands before the cursor."""

    start: int
    end: int
    text: str
    prefix: str


def word_at(document: Document, offset: int) -> Word:
    """The identifier at or just before ``offset``; empty where none is."""
    text = document.file.text
    before = _BEFORE.search(text, max(offset - 256, 0), offset)
    after = _AFTER.match(text, offset)
    start = before.start() if before else offset
    end = after.end() if after else offset
    return Word(start, end, text[start:end], text[start:offset])


class Place(Enum):
    """What a name that is typed at the cursor would be."""

    NOWHERE = "no name fits: a comment, a string, a member, a directive"
    CALL = "an expression, to be called"
    NAME = "a name alone: an operand of `&` or of bpf_ksym_exists, or in a declaration"
    EXTERN = "the first word behind `extern`"


def place_at(document: Document, word: Word) -> Place:
    """What a name at ``word`` would be."""
    line = _line_start(document, word.start)
    tokens: list[Lexeme] = []
    for token in _backwards(document, word.start):
        if token[0] in _ENDS and token[1] < line:
            break
        tokens.append(token)
    if not tokens or tokens[0][0] != _PROBE:
        return Place.NOWHERE
    before, second = (tokens[at][0] if len(tokens) > at else "" for at in (1, 2))
    if before in (".", "->") or before[:1].isdigit():
        return Place.NOWHERE
    directive = [token for token, place in reversed(tokens) if place >= line]
    if directive[0] == "#":
        return Place.CALL if directive[1:2] == ["define"] and len(directive) > 3 else Place.NOWHERE
    if before in ("struct", "union", "enum", "goto"):
        return Place.NOWHERE
    statement = list(takewhile(lambda token: token not in _ENDS, (token for token, _ in tokens)))
    if statement[-1] == "extern":
        return Place.EXTERN if len(statement) == 2 else Place.NAME
    if before == "&" or (before == "(" and second == "bpf_ksym_exists"):
        return Place.NAME
    return Place.CALL


def _backwards(document: Document, offset: int) -> Iterator[Lexeme]:
    """The tokens before ``offset``, the nearest first, behind a probe there: a token of its own where code stands.

    They go back to the function that ends before, at a ``}`` in the first column.
    """
    text = document.file.text
    ended = text.rfind("\n}", 0, offset)
    first = text.find("\n", ended + 1, offset) + 1 if ended >= 0 else 0
    if _is_in_comment(text, first):
        first = 0
    rest = "".join(text[offset:].partition("*/")[:2]) if _is_in_comment(text, offset) else ""
    blanked = " " * first + blank(f"{text[first:offset]}{_PROBE}{rest}")
    end = offset + len(_PROBE)
    while end > max(first, offset - _FURTHEST):
        start = blanked.rfind("\n", first, max(end - _STEP, first)) + 1 or first
        yield from reversed(lex(blanked, start, end))
        end = start


def _is_in_comment(text: str, offset: int) -> bool:
    """Whether a comment that spans lines may be open at ``offset``; ``/*`` in a string counts too."""
    opened = text.rfind("/*", 0, offset)
    return opened >= 0 and text.find("*/", opened + 2, offset) < 0


def _line_start(document: Document, offset: int) -> int:
    """Where the line around ``offset`` starts, or the first of those that backslashes join with it."""
    text = document.file.text
    start = text.rfind("\n", 0, offset) + 1
    while start > 0 and text[: start - 1].endswith("\\"):
        start = text.rfind("\n", 0, start - 1) + 1
    return start


def section_around(document: Document, offset: int) -> str:
    """The ``SEC`` of the function around ``offset``, from the text above it; empty for none."""
    text = document.file.text
    top = max(text.rfind("\n}", 0, offset), text.rfind("\nstatic ", 0, offset), 0)
    sections = _SECTION.findall(text, top, offset)
    return sections[-1] if sections else ""


def function_around(document: Document, offset: int, names: Container[str]) -> str:
    """The function around ``offset``, one of ``names``; empty for none. A ``}`` in the first column ends a function."""
    text = document.file.text
    top = max(text.rfind("\n}", 0, offset), 0)
    body = text.rfind("\n{", top, offset)
    if body < 0:
        body = text.find("{", top, offset)
    heads = [name for name in _WORD.findall(text, top, max(body, top)) if name in names]
    return heads[-1] if heads else ""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose bracket is open at the cursor: its name and how many arguments stand complete before it."""

    name: str
    argument: int


def call_at(document: Document, offset: int) -> list[OpenCall]:
    """The calls around ``offset``, innermost first."""
    found: list[OpenCall] = []
    depth = commas = 0
    tokens = (token for token, _ in islice(_backwards(document, offset), 1, None))
    for token, before in pairwise(chain(tokens, [""])):
        if token in (")", "]", "}"):
            depth += 1
        elif token in ("(", "[", "{"):
            if depth:
                depth -= 1
                continue
            if token == "{":
                break
            if token == "(" and before and is_identifier(before):
                found.append(OpenCall(before, commas))
            commas = 0
        elif token == "," and not depth:
            commas += 1
        elif token == ";" and not depth:
            break
    return found
