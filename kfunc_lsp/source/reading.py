"""In what two states of a program differ, from the segments that they do not share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import takewhile

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.code import FileNames
from kfunc_lsp.source.environment import Offset
from kfunc_lsp.source.macros import Macro, reached
from kfunc_lsp.source.names import TYPES
from kfunc_lsp.source.places import Place
from kfunc_lsp.source.segment import Segment
from kfunc_lsp.source.sites import members
from kfunc_lsp.unit.reading import Reading


@dataclass(frozen=True, eq=False)
class SourceReading:
    """A main file's ``blanked`` text and its segments, each with its place.

    ``load_names`` tells what names mean at file level, ``load_macros`` which macros may be left in the segments, and
    ``about`` is what else was learnt of the whole unit.
    """

    blanked: str
    segments: Sequence[tuple[Segment, Place]]
    load_names: Callable[[], FileNames]
    load_macros: Callable[[], Mapping[str, Macro]]
    about: object

    @cached_property
    def names(self) -> FileNames:
        """What names mean at file level."""
        return self.load_names()

    def since(self, earlier: Reading) -> Set[str] | None:
        """See ``unit.reading``."""
        if not isinstance(earlier, SourceReading) or self.about != earlier.about:
            return None
        others = self.names.differing(earlier.names)
        pairs = list(zip(self.segments, earlier.segments, strict=False))
        start = sum(1 for _ in takewhile(_is_shared, pairs))
        backwards = zip(reversed(self.segments[start:]), reversed(earlier.segments[start:]), strict=False)
        end = sum(1 for _ in takewhile(_is_shared, backwards))
        parts = self._part(start, end), earlier._part(start, end)
        if others is None or None in parts:
            return None
        names = {name for part in parts if part is not None for name in part}
        return names.union(others, self._naming(others), earlier._naming(others)) if others else names

    def _naming(self, names: Set[str]) -> set[str]:
        """The names in segments that have any of ``names`` in them, or may have it through a macro."""
        functions, macros = self.names.scope.functions, self.load_macros()
        found: set[str] = set()
        for segment, _ in self.segments:
            words = segment.words | reached(segment.words, macros)
            if not names.isdisjoint(words) or _may_paste(words, names, macros):
                found.update(_names(segment, functions))
        return found

    def _part(self, start: int, end: int) -> set[str] | None:
        """The names in the segments from ``start`` on without the last ``end``.

        ``None`` where these may declare types, or where a header was read anew, which may declare any.
        """
        segments = self.segments[start : len(self.segments) - end]
        if not all(isinstance(place, Offset) for _, place in segments):
            return None
        offsets = [place.start if isinstance(place, Offset) else -1 for _, place in self.segments]
        first = next((at for at in offsets[start:] if at >= 0), len(self.blanked))
        last = next((at for at in offsets[len(offsets) - end :] if at >= 0), len(self.blanked))
        before = next((at for at in reversed(offsets[:start]) if at >= 0), 0)
        opening = self.blanked[before:first]
        if TYPES.search(self.blanked, first, last) or ("typedef" in opening and opening.rstrip()[-1:] != ";"):
            return None
        functions = self.names.scope.functions
        return {name for segment, _ in segments for name in _names(segment, functions)}


def _is_shared(pair: tuple[tuple[Segment, Place], tuple[Segment, Place]]) -> bool:
    return pair[0][0] is pair[1][0]


def _may_paste(words: Set[str], names: Set[str], macros: Mapping[str, Macro]) -> bool:
    """Whether macros among ``words`` may make one of ``names``, which then begins with one of them."""
    if not any(word in macros and macros[word].pastes for word in words):
        return False
    return any(name[:length] in words for name in names for length in range(1, len(name)))


def _names(segment: Segment, functions: frozenset[str]) -> Iterator[str]:
    """The externs and functions that a segment tells anything of."""
    for site in segment.sites:
        yield site.name
        if site.body < 0:
            yield ""  # the function of what stands in none
    for declared in segment.declared:
        yield declared.declarator.name
    for body in segment.bodies:
        yield body.name
    for reference in segment.references(functions):
        yield segment.texts[reference.at]
    for _, start, end in segment.operations:
        for _, function in members(segment.texts, start, end):
            yield function
