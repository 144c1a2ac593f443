"""A translation unit to segments of tokens: includes walked, conditionals decided, macros expanded where it matters.

The main file is cut into pieces, after each ``}`` line in the first column and around each ``#include``. What a piece
or an include does depends on the macros, names and open conditionals before it; these are told apart by one number
(``Environment.id``, equal for equal histories). So a piece whose text and environment are known is not read again: an
edit costs the piece that it is in. Where the number is another, what it stands for may still be the same as far as the
piece or include is concerned: ``reuse`` tells.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Iterable
from typing import cast

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.environment import (
    Change,
    Environment,
    Locations,
    Offset,
    history_number,
    indent_of,
    new_number,
)
from kfunc_lsp.source.expand import TOKEN_BUDGET
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import Directive, Header
from kfunc_lsp.source.macros import Interest, Names
from kfunc_lsp.source.reuse import Before, Dependence
from kfunc_lsp.source.segment import Segment, scan
from kfunc_lsp.source.text import IDENTIFIER
from kfunc_lsp.source.walk import INCLUDES, MOST_INCLUDES, Walk
from kfunc_lsp.unit.model import SourceFile, Span

_PREPARED_AT_ONCE = 4
"""Pieces whose dependence is worked out in one run, so that no keystroke pays for all of them."""
_VARIANTS = 6
"""Results of one ``#include`` that are kept for different environments."""
_PIECE_END = re.compile(r"\n\}[^\n]*")

Conditionals = tuple[tuple[bool, bool], ...]
"""Open conditionals, outermost first: whether the branch is active, and whether none of the others may be."""


@dataclass
class IncludeResult:
    """What an ``#include`` did, and the tokens that it gave; valid while ``change.headers`` are what is on disk.

    ``id`` is new for every result that changes the environment, else 0.
    """

    change: Change
    segment: Segment
    locations: Locations
    dependence: Dependence
    id: int


@dataclass
class Piece:
    """What a piece of the main file was read as.

    ``definitions`` are its macros and where their names stand in it, ``pasted`` what ``##`` made. ``dependence`` is
    worked out when the piece is used again for the first time. ``id`` is 0 where nothing in the environment changed.
    """

    change: Change
    segment: Segment
    conditionals: Conditionals
    definitions: dict[Hashable, tuple[int, int]]
    pasted: frozenset[str]
    id: int
    dependence: Dependence | None = None


class Preprocessor:
    """Preprocesses one translation unit.

    ``known`` are kfunc names to look for besides those that the unit declares. With ``everything`` all text of the
    main file is expanded, as ``clang -E`` does. Afterwards ``segments`` holds the unit's text in order, each with its
    place, and ``environment`` what else was learnt.
    """

    def __init__(self, cache: HeaderCache, flags: Flags, known: frozenset[str], everything: bool = False) -> None:
        self.environment = Environment(flags.predefined(), Names(known), history_number((flags, known, everything)))
        self.segments: list[tuple[Segment, Locations | Offset]] = []
        self.definitions: dict[Hashable, Span] = {}
        self._cache = cache
        self._fixed = history_number((known, everything))
        self._flags = flags
        self._everything = everything
        self._checked: dict[str, SourceFile | None] = {}
        self._interest = Interest(self.environment.names, self.environment.table)

    def run(self, main: Header) -> None:
        """Preprocess ``main``; never raises, what was given up is in ``environment.problems``."""
        environment = self.environment
        environment.headers[main.file.path] = main
        for name in self._flags.forced_includes:
            self._include(f'"{name}"', main)
        kept = cast("dict[Hashable, Piece]", self._cache.programs.get(main.file.path) or {})
        used: dict[Hashable, Piece] = {}
        prepared = 0
        conditionals: Conditionals = ()
        for start, end, inside, include in _pieces(main):
            if start < end:
                text = main.blanked[start:end]
                shape = (text, conditionals, tuple(d.start - start for d in inside if d.is_open), self._fixed)
                key = (shape, environment.id)
                piece = kept.get(key)
                if piece is None:
                    piece = kept.get(shape)
                    if piece is None or piece.dependence is None or not self._serves(piece.dependence, piece.change):
                        piece = self._piece(main, start, end, inside, conditionals)
                elif piece.dependence is None and prepared < _PREPARED_AT_ONCE:
                    prepared += 1
                    found = {*IDENTIFIER.findall(text), *piece.pasted}
                    piece.dependence = Dependence.of(found, (), Before.now(environment))
                used[key] = used[shape] = piece
                self._take(piece.change, piece.id)
                conditionals = piece.conditionals
                self.segments.append((piece.segment, Offset(main.file, start)))
                for macro_key, (name_start, name_end) in piece.definitions.items():
                    self.definitions[macro_key] = Span(main.file, start + name_start, start + name_end)
            if include is not None and (not conditionals or conditionals[-1][0]):
                self._include(include.rest.strip(), main, next_=include.name == "include_next")
        self._cache.programs.put(main.file.path, used)

    def _take(self, change: Change, number: int) -> None:
        environment = self.environment
        environment.apply(change)
        if number:
            environment.id = history_number((environment.id, number))
            self._interest.forget()

    def _serves(self, dependence: Dependence, change: Change) -> bool:
        """Whether a result that was read in another environment is what reading would give in this one."""
        environment = self.environment
        fits = environment.tokens + change.tokens <= TOKEN_BUDGET and not change.problems
        return fits and environment.includes + change.includes <= MOST_INCLUDES and dependence.holds(environment)

    def _piece(self, main: Header, start: int, end: int, inside: list[Directive], conditionals: Conditionals) -> Piece:
        walk = Walk(self.environment, self._interest, self._cache, self._flags, self._everything)
        walk.declare(s.name for s in main.ksym_statements if start <= s.start < end)
        stack = list(conditionals)
        walk.read(main, start, end, inside, stack, 0, -start)
        walk.flush()
        segment = scan(walk.tokens, self.environment.names.known, lambda at: indent_of(main.file.text, start + at))
        walk.declare(sorted(segment.ksyms))
        definitions: dict[Hashable, tuple[int, int]] = {}
        for directive in inside:
            if directive.macro is not None and directive.macro.span is not None:
                span = directive.macro.span
                definitions[directive.macro.key] = (span.start - start, span.end - start)
        number = walk.id if walk.id != self.environment.id else 0
        return Piece(walk.change, segment, tuple(stack), definitions, frozenset(walk.pasted), number)

    def _include(self, operand: str, main: Header, next_: bool = False) -> None:
        environment, kept = self.environment, self._cache.includes
        shape = (operand, posixpath.dirname(main.file.path), next_, self._flags.include_paths, self._fixed)
        key = (environment.id, shape)
        result = cast("IncludeResult | None", kept.get(key))
        if result is None or not self._is_current(result):
            others = cast("list[IncludeResult]", kept.get(shape) or [])
            result = next((r for r in others if self._serves(r.dependence, r.change) and self._is_current(r)), None)
            if result is None:
                result = self._walk(operand, main, next_)
                kept.put(shape, [result, *others[: _VARIANTS - 1]])
            kept.put(key, result)
        self._take(result.change, result.id)
        self.segments.append((result.segment, result.locations))

    def _walk(self, operand: str, main: Header, next_: bool) -> IncludeResult:
        before = Before.of(self.environment)
        walk = Walk(self.environment, self._interest, self._cache, self._flags, False)
        walk.include(operand, main, 0, next_)
        walk.flush()
        segment = scan(walk.tokens, self.environment.names.known, walk.locations.indent)
        walk.declare(sorted(segment.ksyms))
        change = walk.change
        found = {*IDENTIFIER.findall(operand), *walk.pasted}
        for header in change.headers.values():
            found |= header.identifiers
            if header.large:
                found.update(name for d in header.directives for name in IDENTIFIER.findall(d.rest))
        fallback = self._flags.fallback
        found.update(macro.name for name in change.missing for macro in fallback(name, False))
        found.update(macro.name for name in change.headers for macro in fallback(name, True))
        dependence = Dependence.of(found, change.headers, before)
        return IncludeResult(change, segment, walk.locations, dependence, new_number() if change else 0)

    def _is_current(self, result: IncludeResult) -> bool:
        read = self._cache.files.read
        checked = self._checked
        for path, header in result.change.headers.items():
            if path not in checked:
                checked[path] = read(path)
            if checked[path] is not header.file:
                return False
        return True


def _pieces(main: Header) -> Iterable[tuple[int, int, list[Directive], Directive | None]]:
    """The main file in pieces: (start, end, directives inside, the include that follows)."""
    ends = [min(m.end() + 1, len(main.blanked)) for m in _PIECE_END.finditer(main.blanked)]
    includes = [d for d in main.directives if d.name in INCLUDES]
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
