"""Everything that decides how the next text of a unit is read, and what a piece of text did to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from functools import cached_property
from itertools import count

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.source.headers import Header, Statement
from kfunc_lsp.source.macros import Macro, Names
from kfunc_lsp.unit.model import SourceFile, Span


class Locations:
    """Integer locations of an include's files: each file has a base, a location is base + byte offset."""

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._files: list[SourceFile] = []
        self._base_of: dict[str, int] = {}

    def base(self, file: SourceFile) -> int:
        """The location of the file's first byte; given out on first use."""
        known = self._base_of.get(file.path)
        if known is None:
            known = self._bases[-1] + len(self._files[-1].text) + 1 if self._bases else 0
            self._bases.append(known)
            self._files.append(file)
            self._base_of[file.path] = known
        return known

    def span(self, start: int, end: int) -> Span:
        """The span between two locations of one file."""
        index = bisect_right(self._bases, start) - 1
        base = self._bases[index]
        return Span(self._files[index], start - base, end - base)

    def indent(self, location: int) -> int:
        """How a location stands on its line: see ``indent_of``."""
        span = self.span(location, location)
        return indent_of(span.file.text, span.start)


@dataclass(frozen=True, slots=True)
class Offset:
    """Locations of a piece of the main file: a location is a byte offset from ``start``."""

    file: SourceFile
    start: int

    def span(self, start: int, end: int) -> Span:
        """The span between two locations."""
        return Span(self.file, self.start + start, self.start + end)


@dataclass
class Change:
    """What a piece or an include did to the environment; ``unsteady`` are macros that it gave another meaning."""

    macros: dict[str, Macro] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    unsteady: set[str] = field(default_factory=set)
    ksyms: set[str] = field(default_factory=set)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    includes: int = 0
    tokens: int = 0

    @cached_property
    def is_nothing(self) -> bool:
        """Whether an environment stays as it is, but for what is counted; asked when all is known."""
        learnt = self.large or self.headers or self.weak or self.unsteady or self.missing or self.problems
        return not (self or learnt)

    def __bool__(self) -> bool:
        """Whether text that follows may be read in another way."""
        return bool(self.macros or self.removed or self.ksyms or self.once)


@dataclass
class Environment:
    """Everything that decides how the next text is read; ``unsteady`` are macros that have meant something else."""

    table: dict[str, Macro]
    names: Names
    id: int
    once: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    unsteady: set[str] = field(default_factory=set)
    includes: int = 0
    tokens: int = 0
    headers: dict[str, Header] = field(default_factory=dict)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def apply(self, change: Change) -> None:
        """Do what ``change`` says."""
        self.includes += change.includes
        self.tokens += change.tokens
        if change.is_nothing:
            return
        self.table.update(change.macros)
        for name in change.removed:
            self.table.pop(name, None)
        for name in change.ksyms - self.names.known:
            self.names.add(name)
        self.large.update(change.large)
        self.headers.update(change.headers)
        self.once |= change.once
        self.weak |= change.weak
        self.unsteady |= change.unsteady
        self.missing += [name for name in change.missing if name not in self.missing]
        self.problems += [words for words in change.problems if words not in self.problems]


_WIDEST = 2000

_ids: dict[Hashable, int] = {}
_numbers = count(1)


def history_number(history: Hashable) -> int:
    """One number for each history of an environment."""
    if len(_ids) > 500_000:
        _ids.clear()
    known = _ids.get(history)
    if known is None:
        known = _ids[history] = next(_numbers)
    return known


def new_number() -> int:
    """A number that no history has had."""
    return next(_numbers)


def indent_of(text: str, offset: int) -> int:
    """The column of an offset if only white space stands before it on its line, else -1 less the line's indent.

    What stands so far in a line that nobody wrote it is in a line with some indent.
    """
    nearest = max(0, offset - _WIDEST)
    start = text.rfind("\n", nearest, offset) + 1
    if not start and nearest:
        return -2
    before = text[start:offset]
    code = before.lstrip()
    return len(code) - len(before) - 1 if code else offset - start
