"""A translation unit to segments of tokens: includes walked, conditionals decided, macros expanded where it matters.

The main file is cut into pieces, after each ``}`` line in the first column and around each ``#include``. What a piece
or an include does depends on the macros, names and open conditionals before it; these are told apart by one number
(``Environment.id``, equal for equal histories). So a piece whose text and environment are known is not read again: an
edit costs the piece that it is in.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

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
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import Directive, Header
from kfunc_lsp.source.macros import Interest, Names
from kfunc_lsp.source.segment import Segment, scan
from kfunc_lsp.source.walk import INCLUDES, Walk
from kfunc_lsp.unit.model import Span

_PIECE_END = re.compile(r"^\}[^\n]*(?:\n|\Z)", re.M)

Conditionals = tuple[tuple[bool, bool], ...]
"""Open conditionals, outermost first: whether the branch is active, and whether none of the others may be."""


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
        return Piece(walk.change, segment, tuple(stack), definitions, walk.id)

    def _include(self, operand: str, main: Header, next_: bool = False) -> None:
        key = (self.environment.id, operand, posixpath.dirname(main.file.path), next_)
        result = self._cache.includes.get(key)
        if not isinstance(result, IncludeResult) or not self._is_current(result):
            walk = Walk(self.environment, self._interest, self._cache, self._flags, False)
            walk.include(operand, main, 0, next_)
            walk.flush()
            segment = scan(walk.tokens, self.environment.names.known, walk.locations.indent)
            walk.declare(sorted(segment.ksyms))
            result = IncludeResult(walk.change, segment, walk.locations, new_number())
            self._cache.includes.put(key, result)
        self._take(result.change, result.id)
        self.segments.append((result.segment, result.locations))

    def _is_current(self, result: IncludeResult) -> bool:
        read = self._cache.files.read
        return all(read(path) is header.file for path, header in result.change.headers.items())


def _pieces(main: Header) -> Iterable[tuple[int, int, list[Directive], Directive | None]]:
    """The main file in pieces: (start, end, directives inside, the include that follows)."""
    ends = sorted({m.end() for m in _PIECE_END.finditer(main.blanked)} if not main.large else set())
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
