"""Uses of names in code: calls with their arguments, references, guards, and who is passed to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from kfunc_lsp.source.expand import Token
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.model import UseKind

KEYWORDS = frozenset("if for while switch return sizeof do else case goto".split())
_NO_RECEIVERS = KEYWORDS | frozenset("volatile asm __asm__ __attribute__ cleanup __cleanup__".split())
_ASM_CALL = re.compile(r"\bcall\s+(?:%\[)?([A-Za-z_]\w*)")
_UNEVALUATED = frozenset(
    """
    _Static_assert sizeof typeof __typeof__ __builtin_constant_p __builtin_types_compatible_p _Alignof __alignof__
    alignof _Generic __builtin_choose_expr __builtin_object_size __builtin_dynamic_object_size
    """.split()
)
_CONDITION_BEFORE = frozenset(("!", "&&", "||"))
_CONDITION_HOLDERS = frozenset("if while ( ! && || __builtin_expect likely unlikely".split())
_CONDITION_AFTER = frozenset(") && || ? == != ;".split())
_NOT_A_USE_AFTER = frozenset((".", "->", "struct", "union", "enum", "goto"))


class Site(NamedTuple):
    """A use of a name in question: ``at`` is its token, ``arguments`` the token ranges of a call.

    ``body`` is the enclosing function's index, -1 at file level. ``after_word`` marks what looks like a declaration of
    a function, unless the name is a ksym.
    """

    name: str
    at: int
    kind: UseKind
    arguments: tuple[tuple[int, int], ...]
    is_guard: bool
    body: int
    after_word: bool


def sites(tokens: list[Token], start: int, end: int, known: Set[str], body: int) -> list[Site]:
    """The uses of ``known`` names in tokens ``[start, end)``; ``body`` is the index of the function they are in."""
    found: list[Site] = []
    at = start - 1
    while (at := at + 1) < end:
        text = tokens[at][0]
        if text in known:
            before = tokens[at - 1][0] if at > start else ""
            if before in _NOT_A_USE_AFTER:
                continue
            following = tokens[at + 1][0] if at + 1 < end else ""
            if before == "(" and at >= start + 2 and tokens[at - 2][0].strip("_") == "cleanup":
                found.append(Site(text, at, UseKind.CLEANUP, (), False, body, False))
            elif following == "(":
                after_word = is_identifier(before or "0") and before not in KEYWORDS
                ranges = tuple(arguments(tokens, at + 1, end))
                found.append(Site(text, at, UseKind.CALL, ranges, False, body, after_word))
            else:
                holder = tokens[at - 2][0] if at >= start + 2 else ""
                asks = before in _CONDITION_BEFORE or (before == "(" and holder in _CONDITION_HOLDERS)
                guards = (asks and following in _CONDITION_AFTER) or following == "?"
                found.append(Site(text, at, UseKind.REFERENCE, (), guards, body, False))
        elif text in _UNEVALUATED:
            skipped = _after_brackets(tokens, at + 1, end)
            at = skipped if text == "sizeof" and skipped == at + 1 else skipped - 1
        elif text in ("asm", "__asm__"):
            names = _asm_calls(tokens, at, end)
            found += [Site(name, at, UseKind.ASM, (), False, body, False) for name in names if name in known]
    return found


def mentioned(tokens: list[Token], start: int, end: int, names: Set[str]) -> Iterator[int]:
    """Tokens in ``[start, end)`` that call one of ``names`` or take its address, in code that is evaluated."""
    at = start - 1
    while (at := at + 1) < end:
        text = tokens[at][0]
        if text in _UNEVALUATED:
            skipped = _after_brackets(tokens, at + 1, end)
            at = skipped if text == "sizeof" and skipped == at + 1 else skipped - 1
        elif text in names:
            before = tokens[at - 1][0] if at > start else ""
            following = tokens[at + 1][0] if at + 1 < end else ""
            is_local = is_identifier(before or "0") and before not in KEYWORDS
            if before not in _NOT_A_USE_AFTER and not is_local and not (before == ")" and following == ";"):
                yield at


def receiver(tokens: list[Token], at: int, start: int) -> tuple[str, int]:
    """The function that token ``at`` is passed to and at which index; empty and -1 where it is no argument."""
    depth = index = 0
    for before in range(at - 1, start, -1):
        text = tokens[before][0]
        if text in (")", "]"):
            depth += 1
        elif text in ("(", "["):
            if depth:
                depth -= 1
                continue
            name = tokens[before - 1][0]
            if text == "(" and is_identifier(name) and name not in _NO_RECEIVERS:
                return name, index
            index = 0
        elif text in (";", "{", "}"):
            break
        elif text == "," and not depth:
            index += 1
    return "", -1


def members(tokens: list[Token], start: int, end: int) -> Iterator[tuple[str, str]]:
    """What an initialiser gives to members by name: (member, the last identifier of its value)."""
    depth = 0
    member = value = ""
    for at in range(start, end):
        text = tokens[at][0]
        if depth == 1 and text in (",", "}"):
            if member and value:
                yield member, value
            member = value = ""
        elif depth == 1 and text == "=" and tokens[at - 2][0] == ".":
            member = tokens[at - 1][0]
        elif member and is_identifier(text):
            value = text
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))


def _after_brackets(tokens: list[Token], at: int, end: int) -> int:
    """Index after the bracketed run that opens at ``at``; ``at`` itself where none opens there."""
    depth = 0
    for index in range(at, end):
        text = tokens[index][0]
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return index + 1 if index > at else at
        if text == ";":
            return at
    return at


def _asm_calls(tokens: list[Token], at: int, end: int) -> list[str]:
    """Names that an assembler statement calls."""
    depth = 0
    found: list[str] = []
    for index in range(at + 1, end):
        text = tokens[index][0]
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
            if depth <= 0:
                break
        elif text == ";":
            break
        elif text[0] == '"':
            found += _ASM_CALL.findall(text)
    return found


def arguments(tokens: list[Token], opening: int, end: int) -> list[tuple[int, int]]:
    """Token ranges of the arguments of the call whose ``(`` is at ``opening``; an unclosed call ends at ``;``."""
    depth = 0
    found: list[tuple[int, int]] = []
    start = opening + 1
    for at in range(opening, end):
        text = tokens[at][0]
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                if at > start or found:
                    found.append((start, at))
                return found
        elif text == "," and depth == 1:
            found.append((start, at))
            start = at + 1
        elif text == ";" and depth == 1:
            break
    if at > start:
        found.append((start, at))
    return found
