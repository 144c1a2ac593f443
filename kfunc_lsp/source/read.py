"""C text to a ``Unit``: the only way into this package for others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial

from kfunc_lsp.btf.types import FuncProto, Ptr
from kfunc_lsp.dataclass import replace
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.environment import Locations, Offset
from kfunc_lsp.source.expand import NOTHING_HIDDEN, Expander, OutOfBudget, Token
from kfunc_lsp.source.expression import Scope
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.flow import Flow
from kfunc_lsp.source.headers import Header, Statement
from kfunc_lsp.source.macros import Macro
from kfunc_lsp.source.names import UnitNames
from kfunc_lsp.source.preprocess import Preprocessor
from kfunc_lsp.source.segment import Body, Code, Declared, Segment, Variable, parameters, read_declared
from kfunc_lsp.source.sites import Site, members
from kfunc_lsp.source.text import is_identifier, lex
from kfunc_lsp.source.values import Values
from kfunc_lsp.unit.guard import Condition
from kfunc_lsp.unit.model import Body as FunctionBody
from kfunc_lsp.unit.model import Declaration, Function, Mention, SourceFile, Span, Unit, Use, UseKind
from kfunc_lsp.unit.value import Value

Place = Locations | Offset
_LICENSE = re.compile(r'"license"\s*\)[^;{}=]*=([^;]*);')


def read_unit(file: SourceFile, cache: HeaderCache, flags: Flags, known: frozenset[str]) -> Unit:
    """The unit that ``file`` is the main file of.

    ``known`` are the kfunc names of the kernels in question, found even where a header with their declaration is
    missing. Broken text gives a partial unit; nothing is raised. What ``cache`` keeps makes a second reading cheap and
    never different.
    """
    preprocessor = Preprocessor(cache, flags, known)
    preprocessor.run(Header(file, is_main=True))
    return _Builder(file, cache, preprocessor).build()


class _Declarations(Mapping[str, Sequence[Declaration]]):
    """Declarations by name, each made when it is asked for: headers declare many that a program never names."""

    def __init__(
        self,
        written: Mapping[str, Sequence[tuple[list[Token], Place, Declared]]],
        make: Callable[[list[Token], Place, Declared], Declaration],
    ) -> None:
        self._written = written
        self._make = make
        self._made: dict[str, Sequence[Declaration]] = {}

    def __getitem__(self, name: str) -> Sequence[Declaration]:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = [self._make(*written) for written in self._written[name]]
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


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
        self.code: dict[tuple[int, int], Code] = {}
        self.values: dict[tuple[int, int], Values] = {}
        for segment, place in self.segments:
            self.sections.update(segment.sections)
            for body in segment.bodies:
                self.bodies[body.name] = (segment, place, body)

    def build(self) -> Unit:
        written: dict[str, list[tuple[list[Token], Place, Declared]]] = {}
        self.declared = set(self.environment.large)
        for segment, place in self.segments:
            for declared in segment.declared:
                written.setdefault(declared.declarator.name, []).append((segment.tokens, place, declared))
            self.declared |= segment.ksyms
        uses = [
            self._use(segment, place, site)
            for segment, place in self.segments
            for site in segment.sites
            if self._counts(site)
        ]
        for name in sorted(({use.name for use in uses} | written.keys()) & self.environment.large.keys()):
            header, statement = self.environment.large[name]
            large = self._large(header, statement)
            if large is not None:
                written.setdefault(name, []).append(large)
        functions = {
            name: Function(
                name,
                body.is_static,
                body.section or self.sections.get(name, ""),
                self._span(segment.tokens[body.name_index], place),
                partial(self._mentions_of, name),
                partial(self._members_of, name),
                partial(self._body, segment, place, body),
            )
            for name, (segment, place, body) in self.bodies.items()
        }
        environment = self.environment
        return Unit(
            self.file,
            _Declarations(written, self._declaration),
            uses,
            functions,
            environment.missing,
            environment.problems,
            environment.table.keys(),
            frozenset(environment.weak),
            self._license(),
            files=frozenset(environment.headers),
            seen=self.names.seen,
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
        strings = [token[0][1:-1] for token in self._expanded(found[0]) if token[0][0] == '"']
        return "".join(strings) if strings else None

    def _expanded(self, tokens: list[Token]) -> list[Token]:
        """``tokens`` with the macros of no interest expanded too, where they mean the same in all of the unit."""
        try:
            return Expander(self._steady_macros, None).expand(tokens)
        except OutOfBudget:
            return tokens

    @cached_property
    def _steady_macros(self) -> Mapping[str, Macro]:
        table, unsteady = self.environment.table, self.environment.unsteady
        return {name: macro for name, macro in table.items() if name not in unsteady} if unsteady else table

    def _counts(self, site: Site) -> bool:
        """Whether a site is a use of a ksym, or the call of a kfunc that nothing here declares."""
        if site.name in self.declared:
            return True
        return site.kind is not UseKind.REFERENCE and not site.after_word and site.name not in self.bodies

    def _span(self, token: Token, place: Place) -> Span:
        """Where a token is to be shown: as written, or the outermost macro use that made it."""
        text, origin, _, use = token
        if origin >= 0:
            return place.span(origin, origin + len(text))
        if use is None:
            return Span(self.file, 0, 0)
        return place.span(use.location, use.location + len(use.macro.name))

    def _range(self, tokens: list[Token], place: Place, start: int, end: int) -> Span | None:
        first, last = self._span(tokens[start], place), self._span(tokens[end - 1], place)
        if first.file is not last.file or last.end < first.start:
            return None
        return Span(first.file, first.start, last.end)

    def _argument(self, tokens: list[Token], place: Place, start: int, end: int) -> Span | None:
        """Where an argument is written: what stands between the brackets or commas; ``None`` if a macro wrote these."""
        before = tokens[start - 1]
        after = tokens[end] if end < len(tokens) else tokens[end - 1]
        if start >= end or before[1] < 0 or after[1] < 0:
            return None
        first, last = self._span(before, place), self._span(after, place)
        if first.file is not last.file or last.start < first.end:
            return None
        text = first.file.text[first.end : last.start]
        lead = len(text) - len(text.lstrip())
        return Span(first.file, first.end + lead, first.end + max(len(text.rstrip()), lead))

    def _declaration(self, tokens: list[Token], place: Place, declared: Declared) -> Declaration:
        declarator = declared.declarator
        return Declaration(
            declarator.name,
            declared.is_ksym,
            declarator.attributes.weak,
            self._span(tokens[declared.start + declarator.name_index], place),
            declarator.is_alone,
            partial(self._extent, tokens, place, declared),
            partial(self.names.resolved, declarator.type),
        )

    def _extent(self, tokens: list[Token], place: Place, declared: Declared) -> tuple[Span, tuple[Span | None, ...]]:
        """Where a whole declaration is written, and each of its parameters."""
        declarator, start = declared.declarator, declared.start
        params = [
            self._range(tokens, place, start + a, start + b)
            if all(token[1] >= 0 for token in tokens[start + a : start + b])
            else None
            for a, b in declarator.params
        ]
        name = self._span(tokens[start + declarator.name_index], place)
        return self._range(tokens, place, start, declared.end) or name, tuple(params)

    def _large(self, header: Header, statement: Statement) -> tuple[list[Token], Place, Declared] | None:
        """A declaration of a header that is not lexed: only its attributes are written by macros, without arguments."""

        table = self.environment.table
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
        return (tokens, Offset(header.file, 0), declared[0]) if declared else None

    def _use(self, segment: Segment, place: Place, site: Site) -> Use:
        tokens = segment.tokens
        token = tokens[site.at]
        span = self._span(token, place)
        written_by = token[3]
        macro = definition = None
        expansion = span
        if written_by is not None:
            expansion = place.span(written_by.location, written_by.location + len(written_by.macro.name))
            if token[1] < 0:
                macro = written_by.macro
                definition = self.definitions.get(macro.key) or macro.span
        return Use(
            kind=site.kind,
            name=site.name,
            span=span,
            expansion=expansion,
            function=segment.bodies[site.body].name if site.body >= 0 else "",
            argument_count=len(site.arguments),
            macro=macro.name if macro else "",
            definition=definition,
            is_guard=site.is_guard,
            load_arguments=lambda: tuple(self._argument(tokens, place, a, b) for a, b in site.arguments),
            load_values=partial(self._values, segment, site),
            load_guards=partial(self._conditions, segment, site.body, site.at),
        )

    def _body(self, segment: Segment, place: Place, body: Body) -> FunctionBody | None:
        """What a function does, read with all macros expanded."""
        key = (body.start, self.environment.id)
        if key not in segment.graphs:
            from kfunc_lsp.source.steps import graph_of  # which few programs need

            tokens = self._expanded(segment.tokens[body.start + 1 : body.end - 1])
            graph = graph_of([token[0] for token in tokens], parameters(segment.texts, body))
            segment.graphs[key] = (tokens, graph) if graph else None
        known = segment.graphs[key]
        if known is None:
            return None
        tokens, graph = known
        return FunctionBody(graph, lambda at: self._span(tokens[min(at, len(tokens) - 1)], place))

    def _mentions_of(self, name: str) -> tuple[Mention, ...]:
        return self._mentions.get(name, ())

    def _members_of(self, name: str) -> tuple[tuple[str, str], ...]:
        return self._members.get(name, ())

    @cached_property
    def _mentions(self) -> Mapping[str, tuple[Mention, ...]]:
        """Who mentions each function; worked out once, when a rule asks for the first time."""
        found: dict[str, list[Mention]] = {}
        functions = frozenset(self.bodies)
        for segment, _ in self.segments:
            for at, body, is_call, callee, argument in segment.references(functions):
                caller = segment.bodies[body].name if body >= 0 else ""
                guards = partial(self._conditions, segment, body, at)
                found.setdefault(segment.texts[at], []).append(Mention(caller, is_call, callee, argument, guards))
        return {name: tuple(mentions) for name, mentions in found.items()}

    @cached_property
    def _members(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """The struct_ops members that each function implements."""
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for segment, _ in self.segments:
            for structure, start, end in segment.operations:
                for member, function in members(segment.texts, start, end):
                    found[function] = (*found.get(function, ()), (structure, member))
        return found

    def _values(self, segment: Segment, site: Site) -> tuple[Value | None, ...]:
        """What the arguments of a call are."""
        if site.body < 0 or not site.arguments:
            return ()
        code = self._code(segment, site.body)
        found = code.values.get(site.at)
        if found is None:
            key = (id(segment), site.body)
            values = self.values.get(key)
            if values is None:
                values = Values(code.flow, self._variables, self._steady_macros, self._expanded)
                self.values[key] = values
            found = code.values[site.at] = tuple(values.of(start, end) for start, end in site.arguments)
        return found

    def _conditions(self, segment: Segment, body_index: int, at: int) -> tuple[Condition, ...]:
        return self._code(segment, body_index).flow.over(at) if body_index >= 0 else ()

    def _code(self, segment: Segment, body_index: int) -> Code:
        """What is known of a body; a segment that is read again keeps it while the names in it mean the same."""
        key = (id(segment), body_index)
        code = self.code.get(key)
        if code is None:
            body = segment.bodies[body_index]
            head = segment.tokens[body.name_index + 1 : body.start]
            section = body.section or self.sections.get(body.name, "")
            scope = replace(
                self._scope,
                parameters=frozenset(t[0] for t in head if is_identifier(t[0])),
                is_program=bool(section) or body.name.startswith("____"),
            )
            code = segment.code.get(body_index)
            if code is None or code.flow.scope != scope:
                code = Code(Flow(segment.tokens, body.start, body.end, scope), self._variables, {})
            elif code.variables != self._variables:
                code = Code(code.flow, self._variables, {})
            self.code[key] = segment.code[body_index] = code
        return code

    @cached_property
    def _scope(self) -> Scope:
        """What names mean at file level."""
        return Scope(
            ksyms=frozenset(self.declared),
            constants=self._constants,
            globals=frozenset(self._variables) - self._constants.keys(),
            parameters=frozenset(),
            is_program=False,
            functions=frozenset(self.bodies),
            macros=self.environment.table,
            macros_id=self.environment.id,
            pointers=self._pointers,
        )

    @cached_property
    def _pointers(self) -> frozenset[str]:
        """Declared kfuncs that return a pointer."""
        prototypes = ((d.declarator.name, d.declarator.type) for segment, _ in self.segments for d in segment.declared)
        return frozenset(n for n, t in prototypes if isinstance(t, FuncProto) and isinstance(t.returns, Ptr))

    @cached_property
    def _variables(self) -> Mapping[str, Variable]:
        """File-level variables."""
        return {name: variable for segment, _ in self.segments for name, variable in segment.variables.items()}

    @cached_property
    def _constants(self) -> Mapping[str, bool]:
        """File-level names that are constants to the compiler (True) or only to the verifier (False).

        A static variable that nobody writes is one to the compiler; Kconfig externs are rodata that libbpf fills.
        """
        return {
            name: "volatile" not in words and "extern" not in words
            for name, (words, _, _) in self._variables.items()
            if "const" in words or "extern" in words or ("static" in words and "volatile" not in words)
        }
