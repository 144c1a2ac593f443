"""C text to a ``Unit``: the only way into this package for others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from kfunc_lsp.source.expand import MacroUse, Token
from kfunc_lsp.source.expression import Scope
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.flow import Flow
from kfunc_lsp.source.headers import Header, HeaderCache
from kfunc_lsp.source.names import UnitNames
from kfunc_lsp.source.preprocess import Preprocessor
from kfunc_lsp.source.scan import Body, Scan, Scanner, Site, sites
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.guard import Condition
from kfunc_lsp.unit.model import Function, Mention, SourceFile, Unit, Use


def read_unit(file: SourceFile, cache: HeaderCache, flags: Flags, known: Iterable[str]) -> Unit:
    """The unit that ``file`` is the main file of.

    ``known`` are the kfunc names of the kernels in question, found even where a header with their declaration is
    missing. Broken text gives a partial unit; nothing is raised.
    """
    names = frozenset(known)
    preprocessor = Preprocessor(cache, flags, names)
    stream = preprocessor.run(Header(file))
    unit_names = UnitNames(stream.headers, bool(stream.missing))
    known_here = names | stream.ksyms
    scanner = Scanner(stream, unit_names, known_here)
    scan = scanner.run()
    return _Builder(file, preprocessor, scanner, scan, known_here).build()


class _Builder:
    """Turns what the scanner found into the model."""

    def __init__(
        self,
        file: SourceFile,
        preprocessor: Preprocessor,
        scanner: Scanner,
        scan: Scan,
        known: frozenset[str],
    ) -> None:
        self.file = file
        self.preprocessor = preprocessor
        self.stream = preprocessor.stream
        self.scanner = scanner
        self.scan = scan
        self.bodies = {body.name: body for body in scan.bodies}
        declared = frozenset(n for n, ds in scan.declarations.items() if any(d.ksym for d in ds))
        self.declared = declared | frozenset(self.stream.large)
        self.callable = known - self.declared - frozenset(self.bodies)
        self.flows: dict[int, Flow] = {}
        constants = {n: "volatile" not in w.split() for n, w in scan.variables.items() if "const" in w.split()}
        statics = {n: True for n, w in scan.variables.items() if "static" in w.split()}
        self.constants = {**statics, **constants, **_kconfig(scan)}
        self.globals = frozenset(scan.variables) - frozenset(self.constants)

    def build(self) -> Unit:
        uses: list[Use] = []
        mentions: dict[str, list[Mention]] = {name: [] for name in self.bodies}
        ranges: list[tuple[int, int, Body | None]] = [(b.head, b.end, b) for b in self.scan.bodies]
        ranges += [(start, end, None) for start, end in self.scan.outside]
        for start, end, body in ranges:
            begin = body.start if body else start
            uses += [
                self._use(site, body) for site in sites(self.stream.tokens, begin, end, self.declared, self.callable)
            ]
            self._mentions(begin, end, body, mentions)
        self._declare_large(uses)
        functions = {
            name: Function(
                name,
                body.is_static,
                body.section,
                self.scanner.span(self.stream.tokens[body.name_index]),
                mentions[name],
            )
            for name, body in self.bodies.items()
        }
        return Unit(self.file, self.scan.declarations, uses, functions, self.stream.missing, self.stream.problems)

    def _mentions(self, start: int, end: int, body: Body | None, mentions: dict[str, list[Mention]]) -> None:
        tokens = self.stream.tokens
        for at in range(start, end):
            name = tokens[at][0]
            if name in mentions and (at == start or tokens[at - 1][0] not in (".", "->", "struct")):
                mentions[name].append(Mention(body.name if body else "", self._guards(at, body)))

    def _declare_large(self, uses: Iterable[Use]) -> None:
        """Declarations of vmlinux.h are read only for names that are used or declared elsewhere too."""
        wanted = {use.name for use in uses} | set(self.scan.declarations)
        for name in wanted & self.stream.large.keys():
            header, statement = self.stream.large[name]
            self.scanner.add(self.preprocessor.expand_statement(header, statement))

    def _guards(self, at: int, body: Body | None) -> Callable[[], tuple[Condition, ...]]:
        return partial(self._conditions, at, body) if body else tuple

    def _conditions(self, at: int, body: Body) -> tuple[Condition, ...]:
        flow = self.flows.get(body.start)
        if flow is None:
            tokens = self.stream.tokens
            head = tokens[body.name_index + 1 : body.start]
            parameters = frozenset(t[0] for t in head if is_identifier(t[0]))
            scope = Scope(
                self.declared,
                self.constants,
                self.globals,
                parameters,
                bool(body.section) or body.name.startswith("____"),
                frozenset(self.bodies),
            )
            flow = self.flows[body.start] = Flow(tokens, body.start, body.end, scope)
        return flow.over(at)

    def _use(self, site: Site, body: Body | None) -> Use:
        token: Token = self.stream.tokens[site.at]
        written_by: MacroUse | None = token[3] if token[1] < 0 else None
        return Use(
            kind=site.kind,
            name=site.name,
            span=self.scanner.span(token),
            function=body.name if body else "",
            argument_count=len(site.arguments),
            arguments=tuple(self.scanner.argument_span(a, b) for a, b in site.arguments),
            macro=written_by.macro.name if written_by else "",
            definition=written_by.macro.span if written_by else None,
            is_guard=site.is_guard,
            load_guards=self._guards(site.at, body),
        )


def _kconfig(scan: Scan) -> dict[str, bool]:
    """Kconfig externs are rodata that libbpf fills: constants to the verifier, not to the compiler."""
    return {n: False for n, words in scan.variables.items() if "extern" in words.split() and "const" in words.split()}
