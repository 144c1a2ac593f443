"""A translation unit to one list of tokens: includes walked, conditionals decided, macros expanded where it matters.

Locations: every file of the unit gets a base, so that base + byte offset is one integer for the whole unit
(``Locations``); the main file's base is 0. The text of a header is looked at only if it holds a name of interest;
of all other headers only the directives are walked.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from kfunc_lsp.source import condition
from kfunc_lsp.source.expand import NOTHING_HIDDEN, Expander, OutOfBudget, Token
from kfunc_lsp.source.features import has_feature
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import Directive, Header, HeaderCache, Statement
from kfunc_lsp.source.macros import Interest, Macro
from kfunc_lsp.source.text import lex
from kfunc_lsp.unit.model import SourceFile, Span

_DEEPEST_INCLUDE = 150
_MOST_INCLUDES = 20_000


class Locations:
    """Integer locations of a unit and the files they stand for."""

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

    def at_line_start(self, location: int) -> bool:
        """Whether a location is the first column of a line."""
        index = bisect_right(self._bases, location) - 1
        offset = location - self._bases[index]
        return offset == 0 or self._files[index].text[offset - 1] == "\n"


@dataclass
class TokenStream:
    """What the preprocessor made of a unit.

    ``large`` are ksym statements of headers that are never lexed (vmlinux.h), by name, with their header;
    ``headers`` every header of the unit, for questions about types.
    """

    tokens: list[Token] = field(default_factory=list)
    locations: Locations = field(default_factory=Locations)
    headers: dict[str, Header] = field(default_factory=dict)
    large: dict[str, tuple[Header, Statement]] = field(default_factory=dict)
    ksyms: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)


class Preprocessor:
    """Preprocesses one translation unit.

    ``known`` are kfunc names to look for besides those that the unit declares. With ``everything`` all text of the
    main file is expanded, as ``clang -E`` does.
    """

    def __init__(self, cache: HeaderCache, flags: Flags, known: Iterable[str], everything: bool = False) -> None:
        self.stream = TokenStream()
        self._cache = cache
        self._flags = flags
        self._table = self.stream.macros
        self._table.update(flags.predefined())
        self._interest = Interest(known, self._table)
        self._expander = Expander(self._table, None if everything else self._interest)
        self._pending: list[Token] = []
        self._main = ""
        self._includes = 0
        self._exhausted = False
        self._once: set[str] = set()

    def run(self, main: Header) -> TokenStream:
        """Preprocess ``main``; never raises, what was given up is in ``problems``."""
        self._main = main.file.path
        self.stream.locations.base(main.file)
        for name in self._flags.forced_includes:
            self._include(f'"{name}"', main, 0, next_=False)
        self._walk(main, 0)
        self._flush()
        return self.stream

    def _walk(self, header: Header, depth: int) -> None:
        self.stream.headers[header.file.path] = header
        for name in header.ksyms:
            self._interest.add(name)
            self.stream.ksyms.add(name)
        wanted = header.file.path == self._main or not self._interest.known.isdisjoint(header.identifiers)
        taken: list[bool] = []
        active: list[bool] = [True]
        position = 0
        for directive in header.directives:
            if wanted and active[-1] and directive.start > position:
                self._text(header, position, directive.start)
            position = directive.end
            name = directive.name
            if name in ("if", "ifdef", "ifndef"):
                holds = active[-1] and self._holds(directive, header)
                taken.append(holds or not active[-1])
                active.append(holds)
            elif name in ("elif", "elifdef", "elifndef"):
                if taken:
                    active[-1] = not taken[-1] and self._holds(directive, header)
                    taken[-1] = taken[-1] or active[-1]
            elif name == "else":
                if taken:
                    active[-1] = not taken[-1]
                    taken[-1] = True
            elif name == "endif":
                if taken:
                    taken.pop()
                    active.pop()
            elif active[-1] and not self._act(directive, header, depth):
                return
        if wanted and active[-1]:
            self._text(header, position, len(header.blanked))

    def _act(self, directive: Directive, header: Header, depth: int) -> bool:
        """Carry out a directive other than a conditional; False where the rest of the file is to be skipped."""
        name = directive.name
        if name == "define":
            macro = directive.macro
            if macro is not None:
                self._change(macro.name, macro)
        elif name == "undef":
            self._change(directive.rest.strip(), None)
        elif name in ("include", "include_next", "import"):
            self._flush()
            self._include(directive.rest.strip(), header, depth, next_=name == "include_next")
        elif name == "pragma" and directive.rest.split() == ["once"]:
            if header.file.path in self._once:
                return False
            self._once.add(header.file.path)
        return True

    def _change(self, name: str, macro: Macro | None) -> None:
        old = self._table.get(name)
        if old is macro:
            return
        if self._pending:
            self._flush()
        if macro is None:
            self._table.pop(name, None)
        else:
            self._table[name] = macro
        self._interest.forget()

    def _holds(self, directive: Directive, header: Header) -> bool:
        rest = directive.rest
        if directive.name in ("ifdef", "elifdef"):
            return rest.strip() in self._table
        if directive.name in ("ifndef", "elifndef"):
            return rest.strip() not in self._table
        stripped = rest.strip()
        if stripped in ("0", "1"):
            return stripped == "1"

        def has(operator: str, operand: str) -> bool:
            if operator.startswith("__has_include"):
                return self._find(operand, header, operator.endswith("_next")) is not None
            return has_feature(operator, operand)

        try:
            return condition.evaluate(rest, self._table, has)
        except condition.ConditionError:
            return False
        except OutOfBudget:
            self._problem("an #if expression expands without end; it was taken as false")
            return False

    def _find(self, operand: str, header: Header, next_: bool) -> Header | None:
        if len(operand) < 3 or (operand[0], operand[-1]) not in (('"', '"'), ("<", ">")):
            return None
        after = posixpath.dirname(header.file.path) if next_ else ""
        quoted = operand[0] == '"'
        return self._cache.find(operand[1:-1], quoted, header.file.path, self._flags.include_paths, after)

    def _include(self, operand: str, header: Header, depth: int, next_: bool) -> None:
        if operand and operand[0] not in '"<':
            tokens = [(text, -1, NOTHING_HIDDEN, None) for text, _ in lex(operand)]
            try:
                operand = "".join(t[0] for t in Expander(self._table, None).expand(tokens))
            except OutOfBudget:
                return
        self._includes += 1
        if depth >= _DEEPEST_INCLUDE or self._includes > _MOST_INCLUDES:
            self._problem("includes are nested too deeply; the rest was left out")
            return
        found = self._find(operand, header, next_)
        if found is None:
            name = operand.strip('"<>')
            if name not in self.stream.missing:
                self.stream.missing.append(name)
                self._change_all(self._flags.fallback(name))
            return
        self._walk(found, depth + 1)

    def _change_all(self, macros: Iterable[Macro]) -> None:
        for macro in macros:
            if macro.name not in self._table:
                self._change(macro.name, macro)

    def _text(self, header: Header, start: int, end: int) -> None:
        base = self.stream.locations.base(header.file)
        if header.large:
            for statement in header.ksym_statements:
                if start <= statement.start < end:
                    self.stream.large[statement.name] = (header, statement)
            return
        self._pending += [(t, base + at, NOTHING_HIDDEN, None) for t, at in lex(header.blanked, start, end)]

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if not pending:
            return
        if not self._exhausted:
            try:
                self.stream.tokens += _without_pragmas(self._expander.expand(pending))
                return
            except OutOfBudget:
                self._exhausted = True
                self._problem("macros expand to more than 200,000 tokens; the rest was read without them")
        self.stream.tokens += pending

    def expand_statement(self, header: Header, statement: Statement) -> list[Token]:
        """Tokens of a ksym statement of a large header, with the macros as they stand at the end of the unit."""
        base = self.stream.locations.base(header.file)
        tokens: list[Token] = [
            (t, base + at, NOTHING_HIDDEN, None) for t, at in lex(header.blanked, statement.start, statement.end)
        ]
        try:
            return self._expander.expand(tokens)
        except OutOfBudget:
            return tokens

    def _problem(self, words: str) -> None:
        if words not in self.stream.problems:
            self.stream.problems.append(words)


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
