"""A translation unit to segments of tokens: includes walked, conditionals decided, macros expanded where it matters.

The main file is cut into pieces: after each ``}`` line in the first column, around each ``#include``, and at empty
lines where no bracket is open. What a piece or include does depends on the macros, names and open conditionals before
it; these are told apart by one number (``Environment.id``, equal for equal histories). So a piece whose text and
environment are known is not read again: an edit costs the piece that it is in. Where the number is another, what it
stands for may still be the same as far as the piece or include is concerned: ``reuse`` tells.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import cast

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.environment import (
    Change,
    Environment,
    Locations,
    Meaning,
    Offset,
    history_number,
    indent_of,
    new_number,
)
from kfunc_lsp.source.expand import TOKEN_BUDGET
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import Directive, Header
from kfunc_lsp.source.macros import Names
from kfunc_lsp.source.reuse import Dependence
from kfunc_lsp.source.segment import Segment, scan
from kfunc_lsp.source.text import IDENTIFIER
from kfunc_lsp.source.walk import INCLUDES, MOST_INCLUDES, Walk
from kfunc_lsp.unit.model import SourceFile, Span

_VARIANTS = 6
"""Results of one ``#include`` that are kept for different environments."""
_CHANGING = INCLUDES | {"define", "undef"}
_WIDEST = 200
"""Most white space at the end of a line behind which a piece may end."""
_PIECE_END = re.compile(r"\n(?:(\}[^\n]*\n?)|\s*\n(?=[A-Za-z_]))")
"""A line with ``}`` in the first column, or empty lines before one that is not indented."""

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
    worked out when the piece is asked for in another environment for the first time. ``id`` is 0 where the meaning of
    nothing changed.
    """

    text: str
    change: Change
    segment: Segment
    conditionals: Conditionals
    definitions: dict[Hashable, tuple[int, int]]
    pasted: frozenset[str]
    id: int
    dependence: Dependence | None = None


@dataclass(frozen=True)
class Program:
    """The last reading of a main file: its pieces, some meanings by id, and how the first id came to be the last.

    ``parts`` are those of its ``Header``. ``history`` are changes with their numbers; those of pieces come
    with the piece.
    """

    start: int
    parts: Mapping[str, str]
    pieces: Mapping[Hashable, Piece]
    meanings: Mapping[int, Meaning]
    history: Sequence[tuple[Change, int, Piece | None]]


def _first_meaning(flags: Flags, known: frozenset[str]) -> Meaning:
    """What decides at the start of a unit."""
    return Meaning(flags.predefined(), Names(known))


class Preprocessor:
    """Preprocesses one translation unit.

    ``known`` are kfunc names to look for besides those that the unit declares. With ``everything`` all text of the
    main file is expanded, as ``clang -E`` does. Afterwards ``segments`` holds the unit's text in order, each with its
    place, and ``environment`` what else was learnt.
    """

    def __init__(self, cache: HeaderCache, flags: Flags, known: frozenset[str], everything: bool = False) -> None:
        number = history_number((flags, known, everything))
        self.segments: list[tuple[Segment, Locations | Offset]] = []
        self.definitions: dict[Hashable, Span] = {}
        self._cache = cache
        self._fixed = history_number((known, everything))
        self._flags = flags
        self._everything = everything
        self._checked: dict[str, SourceFile | None] = {}
        self._history: list[tuple[Change, int, Piece | None]] = []
        self._meanings: dict[int, Meaning] = {}
        # Not a method of ours: what is kept by the environment would keep us, and the environment with us.
        self._start = partial(_first_meaning, flags, known)
        self._last = Program(number, {}, {}, {}, ())
        self.environment = Environment(number, self._start, {})

    def run(self, file: SourceFile) -> None:
        """Preprocess main file ``file``; never raises, what was given up is in ``environment.problems``."""
        start = self.environment.id
        last = self._cache.programs.get(file.path)
        if isinstance(last, Program) and last.start == start:
            self._last = last
            self.environment = Environment(start, self._start, last.meanings)
        main = Header(file, True, self._last.parts)
        self.environment.headers[file.path] = main
        for name in self._flags.forced_includes:
            self._include(f'"{name}"', main)
        used: dict[Hashable, Piece] = {}
        conditionals: Conditionals = ()
        for at, end, inside, include in _pieces(main):
            if at < end:
                text = main.blanked[at:end]
                shape = (text, conditionals, tuple(d.start - at for d in inside if d.is_open))
                key = (shape, self.environment.id)
                piece = self._last.pieces.get(key) or self._other(self._last.pieces.get(shape))
                if piece is None or not self._is_current(piece.change):
                    piece = self._piece(main, at, end, inside, conditionals)
                used[key] = used[shape] = piece
                self._take(piece.change, piece.id, piece)
                conditionals = piece.conditionals
                self.segments.append((piece.segment, Offset(file, at)))
                for macro_key, (name_start, name_end) in piece.definitions.items():
                    self.definitions[macro_key] = Span(file, at + name_start, at + name_end)
            if include is not None and (not conditionals or conditionals[-1][0]):
                self._include(include.rest.strip(), main, next_=include.name == "include_next")
        if self._last.pieces:
            self._meanings[self.environment.id] = self.environment.share()
        self._cache.programs.put(file.path, Program(start, main.parts, used, self._meanings, self._history))

    def _take(self, change: Change, number: int, piece: Piece | None = None) -> None:
        self.environment.apply(change, number)
        self._history.append((change, number, piece))

    def _other(self, piece: Piece | None) -> Piece | None:
        """``piece``, which was read in another environment, if it serves in this one too."""
        if piece is None:
            return None
        if piece.dependence is None:
            self._work_out_dependences()
        return piece if piece.dependence and self._serves(piece.dependence, piece.change) else None

    def _work_out_dependences(self) -> None:
        """Those of all pieces of the last reading: what decided there is put together once more."""
        meaning = self._start()
        for change, number, piece in self._last.history:
            if piece is not None and piece.dependence is None:
                piece.dependence = Dependence.of({*IDENTIFIER.findall(piece.text), *piece.pasted}, (), meaning)
            if number:
                meaning.take(change)

    def _serves(self, dependence: Dependence, change: Change) -> bool:
        """Whether a result that was read in another environment is what reading would give in this one."""
        environment = self.environment
        fits = environment.tokens + change.tokens <= TOKEN_BUDGET and not change.problems
        return (
            fits and environment.includes + change.includes <= MOST_INCLUDES and dependence.holds(environment.meaning)
        )

    def _piece(self, main: Header, start: int, end: int, inside: list[Directive], conditionals: Conditionals) -> Piece:
        environment = self.environment
        if self._last.pieces and not self._meanings:
            # Where the first difference is, the next one will be too.
            self._meanings[environment.id] = environment.share()
        ksyms = [s.name for s in main.ksym_statements if start <= s.start < end]
        changes = ksyms or any(d.name in _CHANGING for d in inside)
        meaning = environment.own() if changes else environment.meaning
        walk = Walk(environment, meaning, self._cache, self._flags, self._everything)
        walk.declare(ksyms)
        stack = list(conditionals)
        walk.read(main, start, end, inside, stack, 0, -start)
        walk.flush()
        segment = scan(walk.tokens, meaning.names.known, lambda at: indent_of(main.file.text, start + at))
        if not segment.ksyms <= meaning.names.known:
            walk.meaning = environment.own()
            walk.declare(sorted(segment.ksyms))
        definitions: dict[Hashable, tuple[int, int]] = {}
        for directive in inside:
            macro = main.macro(directive) if directive.name == "define" else None
            if macro is not None and macro.span is not None:
                definitions[macro.key] = (macro.span.start - start, macro.span.end - start)
        number = history_number((environment.id, *walk.history)) if walk.history else 0
        text, pasted = main.blanked[start:end], frozenset(walk.pasted)
        return Piece(text, walk.change, segment, tuple(stack), definitions, pasted, number)

    def _include(self, operand: str, main: Header, next_: bool = False) -> None:
        environment, kept = self.environment, self._cache.includes
        shape = (operand, posixpath.dirname(main.file.path), next_, self._flags.include_paths, self._fixed)
        key = (environment.id, shape)
        result = cast("IncludeResult | None", kept.get(key))
        if result is None or not self._is_current(result.change):
            others = cast("list[IncludeResult]", kept.get(shape) or [])
            result = next(
                (r for r in others if self._serves(r.dependence, r.change) and self._is_current(r.change)), None
            )
            if result is None:
                result = self._walk(operand, main, next_)
                kept.put(shape, [result, *others[: _VARIANTS - 1]])
            kept.put(key, result)
        self._take(result.change, result.id)
        self.segments.append((result.segment, result.locations))

    def _walk(self, operand: str, main: Header, next_: bool) -> IncludeResult:
        before = self.environment.share()
        meaning = self.environment.own()
        walk = Walk(self.environment, meaning, self._cache, self._flags, False)
        walk.include(operand, main, 0, next_)
        walk.flush()
        segment = scan(walk.tokens, meaning.names.known, walk.locations.indent)
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

    def _is_current(self, change: Change) -> bool:
        """Whether the headers that were read are what they were, and those that were looked for where they were."""
        return all(self._header(path) is header.file for path, header in change.headers.items()) and all(
            (self._header(path) is not None) is found for path, found in change.sought.items()
        )

    def _header(self, path: str) -> SourceFile | None:
        if path not in self._checked:
            self._checked[path] = self._cache.files.read(path)
        return self._checked[path]


def _pieces(main: Header) -> Iterable[tuple[int, int, list[Directive], Directive | None]]:
    """The main file in pieces: (start, end, directives inside, the include that follows)."""
    includes = [d for d in main.directives if d.name in INCLUDES]
    cuts: list[tuple[int, int, Directive | None]] = [(end, end, None) for end in _ends(main.blanked)]
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


def _ends(blanked: str) -> Iterator[int]:
    """Where pieces end that no ``#include`` ends."""
    counted = depth = 0
    for match in _PIECE_END.finditer(blanked):
        start, end = match.span()
        if match[1]:
            counted, depth = end, 0
            yield end
        elif blanked[max(counted, start - _WIDEST) : start].rstrip()[-1:] in (";", "}"):
            part = blanked[counted:end]
            depth += part.count("{") + part.count("(") - part.count("}") - part.count(")")
            counted = end
            if depth == 0:
                yield end
