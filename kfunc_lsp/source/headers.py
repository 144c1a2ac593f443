"""A source text made ready for the preprocessor: directives, ksym statements, identifiers, each found once.

A header of more than ``LARGE`` bytes is a vmlinux.h: it is never lexed, its directives and ``__ksym`` statements are
found by search alone. The files themselves come from a ``Files``, so this package does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from kfunc_lsp.dataclass import NamedTuple, dataclass, field
from kfunc_lsp.source.macros import Macro, parse_define
from kfunc_lsp.source.text import blank, blank_parts, directives, identifiers, lexed
from kfunc_lsp.unit.model import SourceFile

LARGE = 1 << 20
CONDITIONALS = frozenset(("if", "ifdef", "ifndef"))
_CALLED = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
_NOT_A_NAME = frozenset(("__attribute__", "typeof", "__typeof__", "asm", "__asm__", "SEC"))
_WORD = re.compile(r"[A-Za-z_]\w*")


class Files(Protocol):
    """Read access to files; an implementation caches and decides what may be read."""

    def read(self, path: str) -> SourceFile | None:
        """The file, or ``None`` where there is none, it may not be read, or it is no regular file."""


class Directive(NamedTuple):
    """One preprocessor directive; ``rest_start`` is the offset of ``rest``.

    ``is_open`` marks an ``#if`` that no ``#endif`` closes.
    """

    start: int
    end: int
    name: str
    rest: str
    rest_start: int
    is_open: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement that declares ksym ``name`` and stands between two offsets of its file; a header makes each once."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Header:
    """A source text made ready for the preprocessor.

    ``before`` are the ``parts`` of an earlier state of a main file.
    """

    file: SourceFile
    is_main: bool = False
    before: Mapping[str, str] = field(default_factory=dict)

    @property
    def large(self) -> bool:
        """Whether the text is that of a header too large to be lexed."""
        return len(self.file.text) > LARGE and not self.is_main

    @cached_property
    def blanked(self) -> str:
        """The text without comments and line splices (of a large header: as it is)."""
        if self.is_main:
            return self._blanked_by_parts[0]
        return self.file.text if self.large else blank(self.file.text)

    @property
    def parts(self) -> Mapping[str, str]:
        """What ``blank_parts`` made of the parts of a main file."""
        return self._blanked_by_parts[1]

    @cached_property
    def _blanked_by_parts(self) -> tuple[str, dict[str, str]]:
        return blank_parts(self.file.text, self.before)

    @cached_property
    def directives(self) -> list[Directive]:
        """All directives in order."""
        if self.large:
            return self._large_directives()
        found = [Directive(*directive) for directive in directives(self.blanked)]
        opened: list[int] = []
        for index, directive in enumerate(found):
            if directive.name in CONDITIONALS:
                opened.append(index)
            elif directive.name == "endif" and opened:
                opened.pop()
        for index in opened:
            found[index] = found[index]._replace(is_open=True)
        return found

    def macro(self, define: Directive) -> Macro | None:
        """What a ``#define`` makes, which is the same macro whenever it is asked for; few of a header's are."""
        known = self._macros.get(define.start)
        if known is None:
            known = self._macros[define.start] = parse_define(define.rest, self.file, define.rest_start)
        return known

    @cached_property
    def _macros(self) -> dict[int, Macro | None]:
        return {}

    def _large_directives(self) -> list[Directive]:
        text = self.file.text
        found: list[Directive] = []
        at = text.find("#")
        while at >= 0:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            if at == 0 or text[at - 1] == "\n":
                for start, _, name, rest, rest_start in directives(blank(text[at:end])):
                    found.append(Directive(at + start, end, name, rest, at + rest_start))
            at = text.find("#", end)
        return found

    def lexed(self, start: int, end: int) -> tuple[list[str], list[int]]:
        """Texts and offsets of the tokens in a range; kept for a header, which is read again wherever macros differ."""
        if self.is_main:
            return lexed(self.blanked, start, end)
        known = self._lexed.get((start, end))
        if known is None:
            known = self._lexed[start, end] = lexed(self.blanked, start, end)
        return known

    @cached_property
    def _lexed(self) -> dict[tuple[int, int], tuple[list[str], list[int]]]:
        return {}

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every identifier of the text; of a large header only the ksyms that it declares."""
        return self.ksyms if self.large else identifiers(self.blanked)

    @cached_property
    def ksym_statements(self) -> list[Statement]:
        """Statements that end in ``__ksym``, outside directives."""
        text = self.blanked
        words = list(_words(text, "__ksym"))
        if not words:
            return []
        found = []
        spans = [(d.start, d.end) for d in self.directives]
        which = 0
        for at in words:
            while which < len(spans) and spans[which][1] < at:
                which += 1
            if which < len(spans) and spans[which][0] <= at:
                continue
            floor = spans[which - 1][1] if which else 0
            start = max(text.rfind(";", floor, at), floor - 1)
            start = max(text.rfind("}", start + 1, at), text.rfind("{", start + 1, at), start)
            end = text.find(";", at)
            end = len(text) if end < 0 else end + 1
            head = text[start + 1 : at]
            name = _declared_name(head)
            if name:
                found.append(Statement(name, at - len(head.lstrip()), end))
        return found

    @cached_property
    def ksyms(self) -> frozenset[str]:
        """Names of the ksyms that the text declares."""
        return frozenset(s.name for s in self.ksym_statements)

    def has(self, pattern: str) -> bool:
        """Whether the text contains ``pattern``; remembered, as the same types are asked for again and again."""
        known = self._found.get(pattern)
        if known is None:
            known = self._found[pattern] = pattern in self.blanked
        return known

    @cached_property
    def _found(self) -> dict[str, bool]:
        return {}


def _words(text: str, word: str) -> Iterator[int]:
    """Offsets at which ``word`` stands alone; by search, as a pattern is far slower on a vmlinux.h."""
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
            yield at
        at = text.find(word, at + 1)


def _declared_name(head: str) -> str:
    if "__attribute__" in head:
        head = _ATTRIBUTE.sub(" ", head)
    for match in _CALLED.finditer(head):
        if match.group(1) not in _NOT_A_NAME:
            return match.group(1)
    words: list[str] = _WORD.findall(head.split("[")[0])
    return words[-1] if words else ""


@dataclass(frozen=True)
class IncludePaths:
    """Where ``#include`` looks, in the compiler's order; ``quote`` only for ``"…"``."""

    quote: Sequence[str] = ()
    angle: Sequence[str] = ()
    after: Sequence[str] = ()

    @property
    def folders(self) -> list[str]:
        """Folders for ``<…>``: ``-I``, ``-isystem``, then ``-idirafter``."""
        return [*self.angle, *self.after]
