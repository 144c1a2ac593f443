"""A walk over text: directives carried out, includes followed, what is active expanded."""

from __future__ import annotations

import posixpath
from collections.abc import Hashable, Iterable, Iterator
from itertools import repeat

from kfunc_lsp.source import condition
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.environment import Change, Environment, Locations, Meaning
from kfunc_lsp.source.expand import NOTHING_HIDDEN, TOKEN_BUDGET, Expander, OutOfBudget, Token
from kfunc_lsp.source.features import has_feature
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.headers import CONDITIONALS, Directive, Header
from kfunc_lsp.source.macros import Macro
from kfunc_lsp.source.text import lex

INCLUDES = frozenset(("include", "include_next", "import"))

_DEEPEST_INCLUDE = 150
MOST_INCLUDES = 20_000
_EVERYTHING_BUDGET = 5_000_000
_TOO_DEEP = "includes are nested too deeply; the rest was left out"
_TOO_MANY_TOKENS = f"macros expand to more than {TOKEN_BUDGET:,} tokens; the rest was read without them"
_LONGEST_LINE = 1 << 20
_TOO_LONG_A_LINE = f"a line is longer than {_LONGEST_LINE >> 20} MiB; it was left out"
_NOT_HIDDEN = repeat(NOTHING_HIDDEN)
_BY_NO_MACRO = repeat(None)
_ENDLESS_IF = "an #if expression expands without end; it was taken as false"


class Walk:
    """One walk over a piece or an include: changes ``meaning`` as it goes, and notes every change."""

    def __init__(
        self, environment: Environment, meaning: Meaning, cache: HeaderCache, flags: Flags, everything: bool
    ) -> None:
        self.tokens: list[Token] = []
        self.change = Change()
        self.locations = Locations()
        self.history: list[Hashable] = []
        self._environment = environment
        self.meaning = meaning
        self._cache = cache
        self._flags = flags
        budget = _EVERYTHING_BUDGET if everything else TOKEN_BUDGET - environment.tokens
        self._expander = Expander(meaning.table, None if everything else meaning.interest, budget)
        self._pending: list[Token] = []

    @property
    def pasted(self) -> set[str]:
        """What ``##`` made during the walk."""
        return self._expander.pasted

    def declare(self, ksyms: Iterable[str]) -> None:
        """Learn names that the text to come declares as ksyms."""
        for name in ksyms:
            self.change.ksyms.add(name)
            if self.meaning.names.add(name):
                self.history.append(name)
                self.meaning.interest.forget()

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
        wanted = depth == 0 or self.meaning.interest.leads(header.identifiers)
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
                if not wanted and name in INCLUDES:
                    wanted = self.meaning.interest.leads(header.identifiers)
        if wanted and (not stack or stack[-1][0]):
            self._text(header, position, end, base)

    def _act(self, directive: Directive, header: Header, depth: int) -> bool:
        """Carry out a directive other than a conditional; False where the rest of the file is to be skipped."""
        name = directive.name
        if name == "define":
            macro = header.macro(directive)
            if macro is not None:
                self._define(macro.name, macro)
        elif name == "undef":
            self._define(directive.rest.strip(), None)
        elif name in INCLUDES:
            self.include(directive.rest.strip(), header, depth, name == "include_next")
        elif name == "pragma":
            return self._pragma(directive.rest.split(), header, depth)
        return True

    def _pragma(self, words: list[str], header: Header, depth: int) -> bool:
        if words == ["once"] and depth:
            path = header.file.path
            if path in self.meaning.once or path in self.change.once:
                return False
            self.change.once.add(path)
        elif words[:1] == ["weak"] and len(words) > 1:
            self.change.weak.add(words[1])
        return True

    def _define(self, name: str, macro: Macro | None) -> None:
        table = self.meaning.table
        old = table.get(name)
        if old is macro:
            return
        if self._pending:
            self.flush()
        if old is not None and (macro is None or macro.key != old.key):
            self.change.unsteady.add(name)
        if macro is None:
            table.pop(name, None)
            self.change.macros.pop(name, None)
            self.change.removed.add(name)
        else:
            table[name] = self.change.macros[name] = macro
            self.change.removed.discard(name)
        self.history.append((name, macro.key if macro else None))
        self.meaning.interest.forget()

    def _holds(self, directive: Directive, header: Header) -> bool:
        table = self.meaning.table
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
            return condition.evaluate(rest, table, has, self._expander.pasted)
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
        paths, sought = self._flags.include_paths, self.change.sought
        return self._cache.find(operand[1:-1], quoted, header.file.path, paths, sought, after)

    def include(self, operand: str, header: Header, depth: int, next_: bool) -> None:
        """Walk the header that ``#include`` of ``operand`` in ``header`` means."""
        self.flush()
        table = self.meaning.table
        if operand and operand[0] not in '"<':
            tokens: list[Token] = [(text, -1, NOTHING_HIDDEN, None) for text, _ in lex(operand)]
            try:
                operand = "".join(t[0] for t in Expander(table, None).expand(tokens))
            except OutOfBudget:
                return
        self.change.includes += 1
        if depth >= _DEEPEST_INCLUDE or self._environment.includes + self.change.includes > MOST_INCLUDES:
            self._problem(_TOO_DEEP)
            return
        found = self._find(operand, header, next_)
        if found is None:
            name = operand.strip('"<>')
            if name not in self.change.missing:
                self.change.missing.append(name)
                self._fill(name, False)
            return
        self.change.headers[found.file.path] = found
        self.declare(found.ksyms)
        base = self.locations.base(found.file)
        self.read(found, 0, len(found.blanked), found.directives, [], depth + 1, base)
        self._fill(found.file.path, True)

    def _fill(self, header: str, is_found: bool) -> None:
        for macro in self._flags.fallback(header, is_found):
            if macro.name not in self.meaning.table:
                self._define(macro.name, macro)

    def _text(self, header: Header, start: int, end: int, base: int) -> None:
        if header.large:
            for statement in header.ksym_statements:
                if start <= statement.start < end:
                    self.change.large[statement.name] = (header, statement)
            return
        for first, last in self._readable(header.blanked, start, end):
            texts, offsets = header.lexed(first, last)
            self._pending += zip(texts, map(base.__add__, offsets), _NOT_HIDDEN, _BY_NO_MACRO, strict=False)

    def _readable(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """``[start, end)`` without the lines that nobody wrote."""
        at = start
        while end - at > _LONGEST_LINE:
            stop = text.rfind("\n", at, at + _LONGEST_LINE) + 1
            if stop > at:
                yield at, stop
            else:
                self._problem(_TOO_LONG_A_LINE)
                stop = text.find("\n", at + _LONGEST_LINE, end) + 1 or end
            at = stop
        yield at, end

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
        self.tokens += expanded

    def _problem(self, words: str) -> None:
        if words not in self.change.problems:
            self.change.problems.append(words)
