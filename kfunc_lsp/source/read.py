"""C text to a ``Unit``: the only way into this package for others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from kfunc_lsp.dataclass import NamedTuple, replace
from kfunc_lsp.source.bodies import Bodies
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.code import Code, FileNames
from kfunc_lsp.source.environment import Offset
from kfunc_lsp.source.expand import NOTHING_HIDDEN, Expander, OutOfBudget, Token, expanded
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.flow import Flow
from kfunc_lsp.source.headers import Header, Statement
from kfunc_lsp.source.names import UnitNames
from kfunc_lsp.source.places import Place, argument_span, range_of, span_of
from kfunc_lsp.source.preprocess import Preprocessor
from kfunc_lsp.source.reading import SourceReading
from kfunc_lsp.source.segment import Body, Declared, Segment, read_declared
from kfunc_lsp.source.sites import Site, members
from kfunc_lsp.source.text import is_identifier, lex
from kfunc_lsp.source.values import Values
from kfunc_lsp.source.variables import Asked
from kfunc_lsp.unit.guard import Condition
from kfunc_lsp.unit.model import Declaration, Function, Mention, SourceFile, Span, Unit, Use, UseKind, UsePlaces
from kfunc_lsp.unit.value import Value

if TYPE_CHECKING:
    from kfunc_lsp.unit.graph import Graph

_V = TypeVar("_V")
_LICENSE = re.compile(r'"license"\s*\)[^;{}=]*=([^;]*);')


def read_unit(file: SourceFile, cache: HeaderCache, flags: Flags, known: frozenset[str]) -> Unit:
    """The unit that ``file`` is the main file of.

    ``known`` are the kfunc names of the kernels in question, found even where a header with their declaration is
    missing. Broken text gives a partial unit; nothing is raised. What ``cache`` keeps makes a second reading cheap and
    never different.
    """
    preprocessor = Preprocessor(cache, flags, known)
    preprocessor.run(file)
    return _Builder(file, cache, preprocessor).build()


class _ByName(Mapping[str, _V]):
    """Values by name, each made when it is asked for: a program has many that no rule looks at."""

    def __init__(self, names: Set[str], make: Callable[[str], _V]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, _V] = {}

    def __getitem__(self, name: str) -> _V:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Details(NamedTuple):
    """A use that is asked about."""

    builder: _Builder
    segment: Segment
    place: Place
    site: Site

    def places(self) -> UsePlaces:
        token = self.segment.tokens[self.site.at]
        span, written_by = span_of(token, self.place), token[3]
        if written_by is None:
            return UsePlaces(span, span)
        location, macro = written_by
        expansion = self.place.span(location, location + len(macro.name))
        definition = (self.builder.definitions.get(macro.key) or macro.span) if token[1] < 0 else None
        return UsePlaces(span, expansion, definition)

    def arguments(self) -> tuple[Span | None, ...]:
        tokens = self.segment.tokens
        return tuple(argument_span(tokens, self.place, start, end) for start, end in self.site.arguments)

    def value(self, index: int) -> Value | None:
        return self.builder.value_of(self.segment, self.site, index)

    def guards(self) -> tuple[Condition, ...]:
        return self.builder.conditions(self.segment, self.site.body, self.site.at)

    def alone(self) -> Graph | None:
        return self.builder.graphs.alone(self.segment, self.site)


class _Builder:
    """Puts segments together: places, declarations, uses, and who calls whom."""

    def __init__(self, file: SourceFile, cache: HeaderCache, preprocessor: Preprocessor) -> None:
        self.file = file
        self.cache = cache
        self.environment = preprocessor.environment
        self.segments = preprocessor.segments
        self.definitions = preprocessor.definitions
        self.names = UnitNames(self.environment.headers, bool(self.environment.missing))
        self.bodies: dict[str, tuple[Segment, Place, Body]] = {}
        self.sections: dict[str, str] = {}
        self.declared = set(self.environment.large)
        self.written: dict[str, list[tuple[list[Token], Place, Declared]]] = {}
        self.graphs = Bodies(self.environment)
        self.code: dict[tuple[int, int], Code] = {}
        self.values: dict[tuple[int, int], Values] = {}
        self._is_new = True
        for segment, place in self.segments:
            if segment.sections:
                self.sections.update(segment.sections)
            for body in segment.bodies:
                self.bodies[body.name] = (segment, place, body)
            for declared in segment.declared:
                self.written.setdefault(declared.declarator.name, []).append((segment.tokens, place, declared))
            if segment.declared:
                self.declared |= segment.ksyms

    def build(self) -> Unit:
        uses = [
            self._use(segment, place, site)
            for segment, place in self.segments
            for site in segment.sites
            if self._counts(site)
        ]
        environment = self.environment
        declared = dict.fromkeys(self.written)
        declared.update(dict.fromkeys(use.name for use in uses if use.name in environment.large))
        return Unit(
            self.file,
            _ByName(declared.keys(), self._declarations),
            uses,
            _ByName(self.bodies.keys(), self._function),
            environment.missing,
            environment.problems,
            environment.meaning.table.keys(),
            frozenset(environment.weak),
            self._license(),
            files=frozenset(environment.headers),
            seen=self.names.seen,
            reading=self._reading(),
        )

    def _reading(self) -> SourceReading:
        environment = self.environment
        about = environment.missing, environment.problems, environment.weak, environment.unsteady
        main = environment.headers[self.file.path]
        return SourceReading(main.blanked, self.segments, lambda: self.file_names, lambda: environment.steady, about)

    def _declarations(self, name: str) -> Sequence[Declaration]:
        written = self.written.get(name, [])
        if name in self.environment.large:
            written = [*written, *self._large(*self.environment.large[name])]
        return [self._declaration(*one) for one in written]

    def _function(self, name: str) -> Function:
        segment, place, body = self.bodies[name]
        return Function(
            name,
            body.is_static,
            body.section or self.sections.get(name, ""),
            span_of(segment.tokens[body.name_index], place),
            partial(self._mentions_of, name),
            partial(self._members_of, name),
            partial(self.graphs.of, segment, place, body),
            (segment.identity, body.start, self.environment.id),
        )

    def _license(self) -> str | None:
        """The string in section ``license``; ``None`` where there is none, or it is not written as strings."""
        found = [segment.tokens[slice(*segment.license)] for segment, _ in self.segments if segment.license]
        if not found:
            # A header that names no kfunc has not been lexed.
            for header in self.environment.headers.values():
                if not header.large and header.has('"license"'):
                    found += [
                        [(text, -1, NOTHING_HIDDEN, None) for text, _ in lex(match.group(1))]
                        for match in _LICENSE.finditer(header.blanked)
                    ]
        if len(found) != 1:
            return None
        strings = [token[0][1:-1] for token in expanded(found[0], self.environment.steady) if token[0][0] == '"']
        return "".join(strings) if strings else None

    def _counts(self, site: Site) -> bool:
        """Whether a site is a use of a ksym, or the call of a kfunc that nothing here declares."""
        if site.name in self.declared:
            return True
        return site.kind is not UseKind.REFERENCE and not site.after_word and site.name not in self.bodies

    def _declaration(self, tokens: list[Token], place: Place, declared: Declared) -> Declaration:
        declarator = declared.declarator
        return Declaration(
            declarator.name,
            declared.is_ksym,
            declarator.attributes.weak,
            span_of(tokens[declared.start + declarator.name_index], place),
            declarator.is_alone,
            partial(_extent, tokens, place, declared),
            partial(self.names.resolved, declarator.type),
        )

    def _large(self, header: Header, statement: Statement) -> list[tuple[list[Token], Place, Declared]]:
        """A declaration of a header that is not lexed: only its attributes are written by macros, without arguments."""
        table = self.environment.meaning.table
        found = self.cache.statement((header, statement), lambda: lex(header.blanked, statement.start, statement.end))
        plain = {text: table[text] for text, _ in found if text in table and table[text].params is None}

        def read() -> tuple[list[Token], list[Declared]]:
            tokens: list[Token] = [(text, at, NOTHING_HIDDEN, None) for text, at in found]
            try:
                tokens = Expander(plain, None).expand(tokens)
            except OutOfBudget:
                return tokens, []
            return tokens, read_declared([token[0] for token in tokens], frozenset((statement.name,)))

        key = (header, statement, *(macro.key for macro in plain.values()))
        tokens, declared = self.cache.statement(key, read)
        return [(tokens, Offset(header.file, 0), one) for one in declared[:1]]

    def _use(self, segment: Segment, place: Place, site: Site) -> Use:
        _, origin, _, written_by = segment.tokens[site.at]
        return Use(
            site.kind,
            site.name,
            segment.bodies[site.body].name if site.body >= 0 else "",
            len(site.arguments),
            written_by.macro.name if written_by and origin < 0 else "",
            site.is_guard,
            _Details(self, segment, place, site),
        )

    def _mentions_of(self, name: str) -> tuple[Mention, ...]:
        return tuple(Mention(*told, partial(self.conditions, *place)) for told, place in self._mentions.get(name, ()))

    def _members_of(self, name: str) -> tuple[tuple[str, str], ...]:
        return self._members.get(name, ())

    @cached_property
    def _mentions(self) -> Mapping[str, Sequence[tuple[tuple[str, bool, str, int], tuple[Segment, int, int]]]]:
        """Who mentions each function, and where; worked out once, when a rule asks for the first time."""
        found: dict[str, list[tuple[tuple[str, bool, str, int], tuple[Segment, int, int]]]] = {}
        functions = frozenset(self.bodies)
        for segment, _ in self.segments:
            for at, body, is_call, callee, argument in segment.references(functions):
                caller = segment.bodies[body].name if body >= 0 else ""
                told = (caller, is_call, callee, argument)
                found.setdefault(segment.texts[at], []).append((told, (segment, body, at)))
        return found

    @cached_property
    def _members(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """The struct_ops members that each function implements."""
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for segment, _ in self.segments:
            for structure, start, end in segment.operations:
                for member, function in members(segment.texts, start, end):
                    found[function] = (*found.get(function, ()), (structure, member))
        return found

    def value_of(self, segment: Segment, site: Site, index: int) -> Value | None:
        """What an argument of a call is."""
        if site.body < 0 or index >= len(site.arguments):
            return None
        code = self._code(segment, site.body)
        start, end = site.arguments[index]
        if start not in code.values:
            key = (id(segment), site.body)
            values = self.values.get(key)
            if values is None:
                variables = Asked(code.names.variables, code.asked)
                values = self.values[key] = Values(code.flow, code.names.scope, variables, self.environment.steady)
            code.values[start] = values.of(start, end)
        return code.values[start]

    def conditions(self, segment: Segment, body_index: int, at: int) -> tuple[Condition, ...]:
        return self._code(segment, body_index).flow.over(at) if body_index >= 0 else ()

    def _code(self, segment: Segment, body_index: int) -> Code:
        """What is known of a body; the segment keeps it for other states of the unit that it is in."""
        key = (id(segment), body_index)
        code = self.code.get(key)
        if code is None:
            code = self.code[key] = segment.code[body_index] = self._current(segment, body_index)
        return code

    def _current(self, segment: Segment, body_index: int) -> Code:
        """What the segment has kept of a body, as far as the names in it mean the same."""
        known = segment.code.get(body_index)
        if known is not None and known.names is self.file_names:
            return known
        if known is not None and known.names == self.file_names:
            if self._is_new:  # most segments have kept the same object, and are told by it from here on
                self.file_names, self._is_new = known.names, False
            return known._replace(names=self.file_names)
        body = segment.bodies[body_index]
        head = segment.tokens[body.name_index + 1 : body.start]
        section = body.section or self.sections.get(body.name, "")
        names = self.file_names
        scope = replace(
            names.scope,
            ksyms=names.scope.ksyms & segment.words,
            constants={name: is_one for name, is_one in names.scope.constants.items() if name in segment.words},
            globals=names.scope.globals & segment.words,
            functions=names.scope.functions & segment.words,
            pointers=names.scope.pointers & segment.words,
            parameters=frozenset(t[0] for t in head if is_identifier(t[0])),
            is_program=bool(section) or body.name.startswith("____"),
        )
        if known is None or known.flow.scope != scope:
            return Code(names, Flow(segment.tokens, body.start, body.end, scope), {}, {})
        return known._replace(names=names) if known.has_values(names) else Code(names, known.flow, {}, {})

    @cached_property
    def file_names(self) -> FileNames:
        """What names mean at file level."""
        environment = self.environment
        segments = [segment for segment, _ in self.segments]
        functions = frozenset(self.bodies)
        return FileNames.of(
            segments, frozenset(self.declared), functions, self.sections, environment.meaning.table, environment.id
        )


def _extent(tokens: list[Token], place: Place, declared: Declared) -> tuple[Span, tuple[Span | None, ...]]:
    """Where a whole declaration is written, and each of its parameters."""
    declarator, start = declared.declarator, declared.start
    params = [
        range_of(tokens, place, start + a, start + b)
        if all(token[1] >= 0 for token in tokens[start + a : start + b])
        else None
        for a, b in declarator.params
    ]
    name = span_of(tokens[start + declarator.name_index], place)
    return range_of(tokens, place, start, declared.end) or name, tuple(params)
