"""Everything that decides how the next text of a unit is read, and what a piece of text did to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from itertools import count

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.source.headers import Header, Statement
from kfunc_lsp.source.macros import Interest, Macro, Names
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
    """What a piece or an include did to the environment.

    ``unsteady`` are macros that it gave another meaning; ``sought`` tells of paths where headers were looked for
    whether one was there.
    """

    macros: dict[str, Macro] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    unsteady: set[str] = field(default_factory=set)
    ksyms: set[str] = field(default_factory=set)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    sought: dict[str, bool] = field(default_factory=dict)
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
class Meaning:
    """What decides how the next text is read: macros, names, and the headers that are read ``once``."""

    table: dict[str, Macro]
    names: Names
    once: set[str] = field(default_factory=set)

    @cached_property
    def interest(self) -> Interest:
        """Which macros matter for the names."""
        return Interest(self.names, self.table)

    def copy(self) -> Meaning:
        """One that can be changed alone."""
        return Meaning(dict(self.table), self.names.copy(), set(self.once))

    def take(self, change: Change) -> None:
        """Do what ``change`` says."""
        self.table.update(change.macros)
        for name in change.removed:
            self.table.pop(name, None)
        for name in change.ksyms - self.names.known:
            self.names.add(name)
        self.once |= change.once
        self.interest.forget()


class Environment:
    """What is known in front of the next text: ``id`` stands for what decides how it is read, the rest was learnt.

    ``unsteady`` are macros that have meant something else. What decides is put together when asked for, as text that
    was read in an environment of this ``id`` is not read again; ``kept`` are meanings by id, from an earlier reading.
    """

    def __init__(self, number: int, start: Callable[[], Meaning], kept: Mapping[int, Meaning]) -> None:
        self.id = number
        self.weak: set[str] = set()
        self.unsteady: set[str] = set()
        self.includes = 0
        self.tokens = 0
        self.headers: dict[str, Header] = {}
        self.large: dict[str, tuple[Header, Statement]] = {}
        self.missing: list[str] = []
        self.problems: list[str] = []
        self._start = start
        self._kept = kept
        self._meaning: Meaning | None = None
        self._is_shared = False
        self._pending: list[Change] = []

    @property
    def meaning(self) -> Meaning:
        """What decides now, not to be changed."""
        if self._meaning is None or self._pending:
            kept = self._kept.get(self.id)
            if kept is None:
                kept = self._meaning or self._start()
                if self._is_shared:
                    kept = kept.copy()
                for change in self._pending:
                    kept.take(change)
                self._is_shared = False
            else:
                self._is_shared = True
            self._meaning = kept
            self._pending.clear()
        return self._meaning

    @cached_property
    def steady(self) -> Mapping[str, Macro]:
        """The macros that mean the same in all of the unit; asked when it has been read."""
        table = self.meaning.table
        return {name: macro for name, macro in table.items() if name not in self.unsteady} if self.unsteady else table

    def share(self) -> Meaning:
        """What decides now, never to be changed by anybody."""
        meaning = self.meaning
        self._is_shared = True
        return meaning

    def own(self) -> Meaning:
        """What decides now, to be changed by a walk."""
        meaning = self.meaning
        if self._is_shared:
            self._meaning = meaning = meaning.copy()
            self._is_shared = False
        return meaning

    def apply(self, change: Change, number: int) -> None:
        """Do what ``change`` says; ``number`` tells it from others, and is 0 where the meaning stays as it is."""
        self.includes += change.includes
        self.tokens += change.tokens
        if number:
            self._pending.append(change)
            self.id = history_number((self.id, number))
        if change.is_nothing:
            return
        self.large.update(change.large)
        self.headers.update(change.headers)
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
