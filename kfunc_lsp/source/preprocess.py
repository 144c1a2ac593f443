"""A translation unit to segments of tokens: includes walked, conditionals decided, macros expanded where it matters.

The main file is cut into pieces, after each ``}`` line in the first column and around each ``#include``. What a piece
or an include does depends on the macros, names and open conditionals before it; these are told apart by one number
(``Environment.id``, equal for equal histories). So a piece whose text and environment are known is not read again: an
edit costs the piece that it is in.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import count

from kfunc_lsp.source import condition
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.expand import NOTHING_HIDDEN, TOKEN_BUDGET, Expander, OutOfBudget, Token
from kfunc_lsp.source.features import has_feature
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import CONDITIONALS, Directive, Header, Statement
from kfunc_lsp.source.macros import Interest, Macro, Names
from kfunc_lsp.source.segment import Segment, scan
from kfunc_lsp.source.text import lex
from kfunc_lsp.unit.model import SourceFile, Span

_DEEPEST_INCLUDE = 150
_MOST_INCLUDES = 20_000
_INCLUDES = frozenset(("include", "include_next", "import"))
_PIECE_END = re.compile(r"^\}[^\n]*(?:\n|\Z)", re.M)
_EVERYTHING_BUDGET = 5_000_000
_TOO_DEEP = "includes are nested too deeply; the rest was left out"
_TOO_MANY_TOKENS = f"macros expand to more than {TOKEN_BUDGET:,} tokens; the rest was read without them"
_ENDLESS_IF = "an #if expression expands without end; it was taken as false"

Conditionals = tuple[tuple[bool, bool], ...]
"""Open conditionals, outermost first: whether the branch is active, and whether none of the others may be."""


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
        """The column of a location, -1 if something other than white space stands before it on its line."""
        span = self.span(location, location)
        return _indent(span.file.text, span.start)


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
    """What a piece or an include did to the environment."""

    macros: dict[str, Macro] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    ksyms: set[str] = field(default_factory=set)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    includes: int = 0
    tokens: int = 0


@dataclass
class IncludeResult:
    """What an ``#include`` did, and the tokens that it gave; valid while ``change.headers`` are what is on disk."""

    change: Change
    segment: Segment
    locations: Locations
    id: int


@dataclass
class Piece:
    """What a piece of the main file was read as. ``definitions`` are its macros and where their names stand in it."""

    change: Change
    segment: Segment
    conditionals: Conditionals
    definitions: dict[Hashable, tuple[int, int]]
    id: int


@dataclass
class Environment:
    """Everything that decides how the next text is read."""

    table: dict[str, Macro]
    names: Names
    id: int
    once: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    includes: int = 0
    tokens: int = 0
    headers: dict[str, Header] = field(default_factory=dict)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def apply(self, change: Change) -> None:
        """Do what ``change`` says."""
        self.table.update(change.macros)
        for name in change.removed:
            self.table.pop(name, None)
        for name in change.ksyms - self.names.known:
            self.names.add(name)
        self.large.update(change.large)
        self.headers.update(change.headers)
        self.once |= change.once
        self.weak |= change.weak
        self.missing += [name for name in change.missing if name not in self.missing]
        self.problems += [words for words in change.problems if words not in self.problems]
        self.includes += change.includes
        self.tokens += change.tokens


_ids: dict[Hashable, int] = {}
_numbers = count()


def _id(history: Hashable) -> int:
    """One number for each history of an environment."""
    if len(_ids) > 500_000:
        _ids.clear()
    known = _ids.get(history)
    if known is None:
        known = _ids[history] = next(_numbers)
    return known


class Preprocessor:
    """Preprocesses one translation unit.

    ``known`` are kfunc names to look for besides those that the unit declares. With ``everything`` all text of the
    main file is expanded, as ``clang -E`` does. Afterwards ``segments`` holds the unit's text in order, each with its
    place, and ``environment`` what else was learnt.
    """

    def __init__(self, cache: HeaderCache, flags: Flags, known: frozenset[str], everything: bool = False) -> None:
        self.environment = Environment(flags.predefined(), Names(known), _id((flags, known, everything)))
        self.segments: list[tuple[Segment, Locations | Offset]] = []
        self.definitions: dict[Hashable, Span] = {}
        self._cache = cache
        self._flags = flags
        self._everything = everything
        self._interest = Interest(self.environment.names, self.environment.table)

    def run(self, main: Header) -> None:
        """Preprocess ``main``; never raises, what was given up is in ``environment.problems``."""
        environment = self.environment
        environment.headers[main.file.path] = main
        for name in self._flags.forced_includes:
            self._include(f'"{name}"', main)
        kept = self._cache.programs.get(main.file.path) or {}
        used: dict[Hashable, object] = {}
        conditionals: Conditionals = ()
        for start, end, inside, include in _pieces(main):
            if start < end:
                text = main.blanked[start:end]
                key = (text, environment.id, conditionals, tuple(d.start - start for d in inside if d.is_open))
                piece = kept.get(key)
                if not isinstance(piece, Piece):
                    piece = self._piece(main, start, end, inside, conditionals)
                used[key] = piece
                self._take(piece.change, piece.id)
                conditionals = piece.conditionals
                self.segments.append((piece.segment, Offset(main.file, start)))
                for macro_key, (name_start, name_end) in piece.definitions.items():
                    self.definitions[macro_key] = Span(main.file, start + name_start, start + name_end)
            if include is not None and (not conditionals or conditionals[-1][0]):
                self._include(include.rest.strip(), main, next_=include.name == "include_next")
        self._cache.programs.put(main.file.path, used)

    def _take(self, change: Change, new_id: int) -> None:
        self.environment.apply(change)
        if new_id != self.environment.id:
            self.environment.id = new_id
            self._interest.forget()

    def _piece(self, main: Header, start: int, end: int, inside: list[Directive], conditionals: Conditionals) -> Piece:
        walk = _Walk(self.environment, self._interest, self._cache, self._flags, self._everything)
        walk.declare(s.name for s in main.ksym_statements if start <= s.start < end)
        stack = list(conditionals)
        walk.read(main, start, end, inside, stack, 0, -start)
        walk.flush()
        segment = scan(walk.tokens, self.environment.names.known, lambda at: _indent(main.file.text, start + at))
        walk.declare(sorted(segment.ksyms))
        definitions: dict[Hashable, tuple[int, int]] = {}
        for directive in inside:
            if directive.macro is not None and directive.macro.span is not None:
                span = directive.macro.span
                definitions[directive.macro.key] = (span.start - start, span.end - start)
        return Piece(walk.change, segment, tuple(stack), definitions, walk.id)

    def _include(self, operand: str, main: Header, next_: bool = False) -> None:
        key = (self.environment.id, operand, posixpath.dirname(main.file.path), next_)
        result = self._cache.includes.get(key)
        if not isinstance(result, IncludeResult) or not self._is_current(result):
            walk = _Walk(self.environment, self._interest, self._cache, self._flags, False)
            walk.include(operand, main, 0, next_)
            walk.flush()
            segment = scan(walk.tokens, self.environment.names.known, walk.locations.indent)
            walk.declare(sorted(segment.ksyms))
            result = IncludeResult(walk.change, segment, walk.locations, next(_numbers))
            self._cache.includes.put(key, result)
        self._take(result.change, result.id)
        self.segments.append((result.segment, result.locations))

    def _is_current(self, result: IncludeResult) -> bool:
        read = self._cache.files.read
        return all(read(path) is header.file for path, header in result.change.headers.items())


def _pieces(main: Header) -> Iterable[tuple[int, int, list[Directive], Directive | None]]:
    """The main file in pieces: (start, end, directives inside, the include that follows)."""
    ends = sorted({m.end() for m in _PIECE_END.finditer(main.blanked)} if not main.large else set())
    includes = [d for d in main.directives if d.name in _INCLUDES]
    cuts: list[tuple[int, int, Directive | None]] = [(end, end, None) for end in ends]
    cuts += [(d.start, d.end, d) for d in includes]
    cuts.sort(key=lambda cut: cut[0])
    start = which = 0
    directives = main.directives
    for cut, following, include in [*cuts, (len(main.blanked), len(main.blanked), None)]:
        inside = []
        while which < len(directives) and directives[which].start < cut:
            inside.append(directives[which])
            which += 1
        if include is not None:
            which += 1
        yield start, cut, inside, include
        start = following


def _indent(text: str, offset: int) -> int:
    start = text.rfind("\n", 0, offset) + 1
    return -1 if text[start:offset].strip() else offset - start


class _Walk:
    """One walk over a piece or an include: changes the environment as it goes, and notes every change."""

    def __init__(
        self, environment: Environment, interest: Interest, cache: HeaderCache, flags: Flags, everything: bool
    ) -> None:
        self.tokens: list[Token] = []
        self.change = Change()
        self.locations = Locations()
        self.id = environment.id
        self._environment = environment
        self._interest = interest
        self._cache = cache
        self._flags = flags
        budget = _EVERYTHING_BUDGET if everything else TOKEN_BUDGET - environment.tokens
        self._expander = Expander(environment.table, None if everything else interest, budget)
        self._pending: list[Token] = []

    def declare(self, ksyms: Iterable[str]) -> None:
        """Learn names that the text to come declares as ksyms."""
        for name in ksyms:
            self.change.ksyms.add(name)
            if self._environment.names.add(name):
                self.id = _id((self.id, name))
                self._interest.forget()

    def read(
        self,
        header: Header,
        start: int,
        end: int,
        inside: Iterable[Directive],
        stack: list[tuple[bool, bool]],
        depth: int,
        base: int,
    ) -> None:
        """Walk ``header`` between two offsets; ``inside`` are its directives there, ``stack`` the open conditionals.

        ``base`` makes a location of an offset.
        """
        wanted = depth == 0 or self._interest.leads(header.identifiers)
        position = start
        for directive in inside:
            active = not stack or stack[-1][0]
            if wanted and active and directive.start > position:
                self._text(header, position, directive.start, base)
            position = directive.end
            name = directive.name
            if name in CONDITIONALS:
                if directive.is_open:
                    # Someone is typing it: what follows stays what it was until the #endif is there.
                    continue
                holds = active and self._holds(directive, header)
                stack.append((holds, holds or not active))
            elif name in ("elif", "elifdef", "elifndef", "else"):
                if stack:
                    taken = stack.pop()[1]
                    holds = not taken and (name == "else" or self._holds(directive, header))
                    stack.append((holds, taken or holds))
            elif name == "endif":
                if stack:
                    stack.pop()
            elif active:
                if not self._act(directive, header, depth):
                    return
                if not wanted and name in _INCLUDES:
                    wanted = self._interest.leads(header.identifiers)
        if wanted and (not stack or stack[-1][0]):
            self._text(header, position, end, base)

    def _act(self, directive: Directive, header: Header, depth: int) -> bool:
        """Carry out a directive other than a conditional; False where the rest of the file is to be skipped."""
        name = directive.name
        if name == "define":
            if directive.macro is not None:
                self._define(directive.macro.name, directive.macro)
        elif name == "undef":
            self._define(directive.rest.strip(), None)
        elif name in _INCLUDES:
            self.include(directive.rest.strip(), header, depth, name == "include_next")
        elif name == "pragma":
            return self._pragma(directive.rest.split(), header, depth)
        return True

    def _pragma(self, words: list[str], header: Header, depth: int) -> bool:
        if words == ["once"] and depth:
            path = header.file.path
            if path in self._environment.once or path in self.change.once:
                return False
            self.change.once.add(path)
        elif words[:1] == ["weak"] and len(words) > 1:
            self.change.weak.add(words[1])
        return True

    def _define(self, name: str, macro: Macro | None) -> None:
        table = self._environment.table
        old = table.get(name)
        if old is macro:
            return
        if self._pending:
            self.flush()
        if macro is None:
            table.pop(name, None)
            self.change.macros.pop(name, None)
            self.change.removed.add(name)
        else:
            table[name] = self.change.macros[name] = macro
            self.change.removed.discard(name)
        self.id = _id((self.id, name, macro.key if macro else None))
        self._interest.forget()

    def _holds(self, directive: Directive, header: Header) -> bool:
        table = self._environment.table
        rest = directive.rest.strip()
        if directive.name in ("ifdef", "elifdef"):
            return rest in table
        if directive.name in ("ifndef", "elifndef"):
            return rest not in table
        if rest in ("0", "1"):
            return rest == "1"

        def has(operator: str, operand: str) -> bool:
            if operator.startswith("__has_include"):
                return self._find(operand, header, operator.endswith("_next")) is not None
            return has_feature(operator, operand)

        try:
            return condition.evaluate(rest, table, has)
        except condition.ConditionError:
            return False
        except OutOfBudget:
            self._problem(_ENDLESS_IF)
            return False

    def _find(self, operand: str, header: Header, next_: bool) -> Header | None:
        if len(operand) < 3 or (operand[0], operand[-1]) not in (('"', '"'), ("<", ">")):
            return None
        after = posixpath.dirname(header.file.path) if next_ else ""
        quoted = operand[0] == '"'
        return self._cache.find(operand[1:-1], quoted, header.file.path, self._flags.include_paths, after)

    def include(self, operand: str, header: Header, depth: int, next_: bool) -> None:
        """Walk the header that ``#include`` of ``operand`` in ``header`` means."""
        self.flush()
        table = self._environment.table
        if operand and operand[0] not in '"<':
            tokens = [(text, -1, NOTHING_HIDDEN, None) for text, _ in lex(operand)]
            try:
                operand = "".join(t[0] for t in Expander(table, None).expand(tokens))
            except OutOfBudget:
                return
        self.change.includes += 1
        if depth >= _DEEPEST_INCLUDE or self._environment.includes + self.change.includes > _MOST_INCLUDES:
            self._problem(_TOO_DEEP)
            return
        found = self._find(operand, header, next_)
        if found is None:
            name = operand.strip('"<>')
            if name not in self.change.missing:
                self.change.missing.append(name)
                for macro in self._flags.fallback(name):
                    if macro.name not in table:
                        self._define(macro.name, macro)
            return
        self.change.headers[found.file.path] = found
        self.declare(found.ksyms)
        base = self.locations.base(found.file)
        self.read(found, 0, len(found.blanked), found.directives, [], depth + 1, base)

    def _text(self, header: Header, start: int, end: int, base: int) -> None:
        if header.large:
            for statement in header.ksym_statements:
                if start <= statement.start < end:
                    self.change.large[statement.name] = (header, statement)
            return
        self._pending += [(t, base + at, NOTHING_HIDDEN, None) for t, at in lex(header.blanked, start, end)]

    def flush(self) -> None:
        """Expand the text collected so far, with the macros as they stand."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        try:
            expanded = self._expander.expand(pending)
        except OutOfBudget:
            self._problem(_TOO_MANY_TOKENS)
            expanded = pending
        self.change.tokens = self._expander.spent
        self.tokens += _without_pragmas(expanded)

    def _problem(self, words: str) -> None:
        if words not in self.change.problems:
            self.change.problems.append(words)


def _without_pragmas(tokens: list[Token]) -> list[Token]:
    """``tokens`` without ``_Pragma("…")``, which looks like a call and is none."""
    if not any(token[0] == "_Pragma" for token in tokens):
        return tokens
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at][0] == "_Pragma":
            at += 4
        else:
            kept.append(tokens[at])
            at += 1
    return kept
