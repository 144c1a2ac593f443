"""Uses of names in code: calls with their arguments, references, guards, and who is passed to whom."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set

from kfunc_lsp.dataclass import NamedTuple
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
_ASM = frozenset(("asm", "__asm__"))
_ASKED_FOR = _UNEVALUATED | _ASM
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


def sites(texts: Sequence[str], ranges: Iterable[tuple[int, int, int]], known: Set[str]) -> list[Site]:
    """The uses of ``known`` names among tokens with these ``texts``.

    ``ranges`` are where code stands: tokens ``[start, end)`` and the index of the function that they are in.
    """
    present = set(texts)
    names = present & known
    watched = names | (present & _ASKED_FOR)
    found: list[Site] = []
    if not names and present.isdisjoint(_ASM):
        return found
    places = [at for at, text in enumerate(texts) if text in watched]
    for start, end, body in ranges:
        behind = start
        for at in places[bisect_left(places, start) : bisect_left(places, end)]:
            if at >= behind:
                behind = _site(texts, at, start, end, known, body, found)
    return found


def _site(texts: Sequence[str], at: int, start: int, end: int, known: Set[str], body: int, found: list[Site]) -> int:
    """Append to ``found`` what token ``at`` uses; gives the token to go on with."""
    text = texts[at]
    if text in known:
        before = texts[at - 1] if at > start else ""
        if before in _NOT_A_USE_AFTER:
            return at
        following = texts[at + 1] if at + 1 < end else ""
        if before == "(" and at >= start + 2 and texts[at - 2].strip("_") == "cleanup":
            found.append(Site(text, at, UseKind.CLEANUP, (), False, body, False))
        elif following == "(":
            after_word = is_identifier(before or "0") and before not in KEYWORDS
            ranges = tuple(arguments(texts, at + 1, end))
            found.append(Site(text, at, UseKind.CALL, ranges, False, body, after_word))
        elif following == ")" and (opening := _called_in_brackets(texts, at, start, end)):
            found.append(Site(text, at, UseKind.CALL, tuple(arguments(texts, opening, end)), False, body, False))
        else:
            holder = texts[at - 2] if at >= start + 2 else ""
            asks = before in _CONDITION_BEFORE or (before == "(" and holder in _CONDITION_HOLDERS)
            guards = (asks and following in _CONDITION_AFTER) or following == "?"
            found.append(Site(text, at, UseKind.REFERENCE, (), guards, body, False))
    elif text in _UNEVALUATED:
        return _behind_unevaluated(texts, at, end)
    else:
        names = _asm_calls(texts, at, end)
        found += [Site(name, at, UseKind.ASM, (), False, body, False) for name in names if name in known]
    return at + 1


def _called_in_brackets(texts: Sequence[str], at: int, start: int, end: int) -> int:
    """The ``(`` of the arguments of ``(name)(…)``, ``(*name)(…)`` or ``(&name)(…)``, ``at`` being the name; else 0."""
    opening = at + 2
    if opening >= end or texts[opening] != "(":
        return 0
    bracket = at - 1 - (texts[at - 1] in ("*", "&"))
    if bracket < start or texts[bracket] != "(":
        return 0
    before = texts[bracket - 1] if bracket > start else ";"
    is_passed = before in (")", "]") or (is_identifier(before) and before not in KEYWORDS)
    return 0 if is_passed else opening


class Reference(NamedTuple):
    """Token ``at``, in body ``body`` (-1 outside), calls a function of the unit (``is_call``) or takes its address.

    Where the address is an argument, ``callee`` is the function that takes it and ``argument`` its index, else -1.
    """

    at: int
    body: int
    is_call: bool
    callee: str
    argument: int


def references(texts: Sequence[str], ranges: Iterable[tuple[int, int, int]], names: Set[str]) -> Iterator[Reference]:
    """References to ``names`` in token ranges: start, end, and index of the body."""
    for start, end, body in ranges:
        for at in _mentioned(texts, start, end, names):
            is_call = at + 1 < end and texts[at + 1] == "("
            callee, argument = ("", -1) if is_call else _receiver(texts, at, start)
            yield Reference(at, body, is_call, callee, argument)


def _mentioned(texts: Sequence[str], start: int, end: int, names: Set[str]) -> Iterator[int]:
    """Tokens in ``[start, end)`` that call one of ``names`` or take its address, in code that is evaluated."""
    at = start - 1
    while (at := at + 1) < end:
        text = texts[at]
        if text in _UNEVALUATED:
            at = _behind_unevaluated(texts, at, end) - 1
        elif text in names:
            before = texts[at - 1] if at > start else ""
            following = texts[at + 1] if at + 1 < end else ""
            is_local = is_identifier(before or "0") and before not in KEYWORDS
            if before not in _NOT_A_USE_AFTER and not is_local and not (before == ")" and following == ";"):
                yield at


def _receiver(texts: Sequence[str], at: int, start: int) -> tuple[str, int]:
    """The function that token ``at`` is passed to and at which index; empty and -1 where it is no argument."""
    depth = index = 0
    for before in range(at - 1, start, -1):
        text = texts[before]
        if text in (")", "]"):
            depth += 1
        elif text in ("(", "["):
            if depth:
                depth -= 1
                continue
            name = texts[before - 1]
            if text == "(" and is_identifier(name) and name not in _NO_RECEIVERS:
                return name, index
            index = 0
        elif text in (";", "{", "}"):
            break
        elif text == "," and not depth:
            index += 1
    return "", -1


def members(texts: Sequence[str], start: int, end: int) -> Iterator[tuple[str, str]]:
    """What an initialiser gives to members by name: (member, the last identifier of its value)."""
    depth = 0
    member = value = ""
    for at in range(start, end):
        text = texts[at]
        if depth == 1 and text in (",", "}"):
            if member and value:
                yield member, value
            member = value = ""
        elif depth == 1 and text == "=" and texts[at - 2] == ".":
            member = texts[at - 1]
        elif member and is_identifier(text):
            value = text
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))


def _behind_unevaluated(texts: Sequence[str], at: int, end: int) -> int:
    """Index after the operand of the operator at ``at``; ``sizeof x`` has one without brackets."""
    behind = _after_brackets(texts, at + 1, end)
    return behind + 1 if behind == at + 1 and texts[at] == "sizeof" else behind


def _after_brackets(texts: Sequence[str], at: int, end: int) -> int:
    """Index after the bracketed run that opens at ``at``; ``at`` itself where none opens there."""
    depth = 0
    for index in range(at, end):
        text = texts[index]
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return index + 1 if index > at else at
        if text == ";":
            return at
    return at


def _asm_calls(texts: Sequence[str], at: int, end: int) -> list[str]:
    """Names that an assembler statement calls."""
    depth = 0
    found: list[str] = []
    for index in range(at + 1, end):
        text = texts[index]
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


def arguments(texts: Sequence[str], opening: int, end: int) -> list[tuple[int, int]]:
    """Token ranges of the arguments of the call whose ``(`` is at ``opening``; an unclosed call ends at ``;``."""
    depth = 0
    found: list[tuple[int, int]] = []
    start = opening + 1
    for at in range(opening, end):
        text = texts[at]
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
