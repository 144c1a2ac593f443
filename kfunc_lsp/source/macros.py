"""Macro definitions, and the question which of them can matter.

``Interest`` decides which macros are worth expanding: those that may lead to a kfunc's name, and those that shape
the code around one (attributes, control flow). A use of any other macro is left as it stands, which is what makes a
scan of a whole program cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kfunc_lsp.source.text import IDENTIFIER, is_identifier, lex
from kfunc_lsp.unit.model import SourceFile, Span

_SHAPING = frozenset(
    """
    __attribute__ asm __asm__ if else for while do switch case default return goto break continue extern
    typedef struct union enum static _Static_assert typeof __typeof__
    """.split()
)


@dataclass(frozen=True)
class Macro:
    """A ``#define``. ``params`` is ``None`` for an object-like macro; the last one takes the rest if ``variadic``.

    ``body`` is the replacement text, lexed when first asked for. ``span`` is the name in its file.
    """

    name: str
    params: tuple[str, ...] | None
    variadic: bool
    body: str
    span: Span | None = None

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The replacement list."""
        return tuple(text for text, _ in lex(self.body))

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """The identifiers of the replacement list that are no parameters."""
        params = self.params or ()
        return tuple(t for t in self.tokens if is_identifier(t) and t not in params)

    @cached_property
    def pastes(self) -> bool:
        """Whether ``##`` joins tokens (and does not only swallow a comma before variable arguments)."""
        tokens = self.tokens
        return any(t == "##" and i and tokens[i - 1] != "," for i, t in enumerate(tokens))


def parse_define(rest: str, file: SourceFile | None, offset: int) -> Macro | None:
    """The macro that the text after ``#define`` makes; ``None`` where it makes none. ``offset`` is that of ``rest``."""
    match = IDENTIFIER.search(rest)
    if match is None or rest[: match.start()].strip():
        return None
    name = match.group()
    span = Span(file, offset + match.start(), offset + match.end()) if file else None
    after = rest[match.end() :]
    if not after.startswith("("):
        return Macro(name, None, False, after.strip(), span)
    close = after.find(")")
    if close < 0:
        return None
    names = [p.strip() for p in after[1:close].split(",")]
    if names == [""]:
        names = []
    variadic = bool(names) and names[-1].endswith("...")
    if variadic:
        names[-1] = names[-1][:-3].strip() or "__VA_ARGS__"
    return Macro(name, tuple(names), variadic, after[close + 1 :].strip(), span)


class Interest:
    """Which macros can matter, given the names of all kfuncs in question and a macro table that may change.

    ``known`` are the names to find. ``forget`` must be called when the table changes under a name that was asked about.
    """

    def __init__(self, known: Iterable[str], table: Mapping[str, Macro]) -> None:
        self.known = set(known)
        self._table = table
        self._hot: dict[str, bool] = {}
        self._pasting: dict[str, bool] = {}
        self._prefixes: set[str] | None = None

    def forget(self) -> None:
        """Drop what was concluded from the macro table."""
        self._hot.clear()
        self._pasting.clear()

    def add(self, name: str) -> None:
        """Learn one more name to find."""
        if name not in self.known:
            self.known.add(name)
            if self._prefixes is not None:
                self._prefixes.update(_beginnings(name))
            self._hot.clear()

    @property
    def prefixes(self) -> set[str]:
        """Beginnings of known names: what ``##`` could make one from."""
        if self._prefixes is None:
            self._prefixes = {beginning for name in self.known for beginning in _beginnings(name)}
        return self._prefixes

    def hot(self, name: str) -> bool:
        """Whether any use of macro ``name`` has to be expanded: what it reaches names a kfunc or shapes code."""
        cached = self._hot.get(name)
        if cached is not None:
            return cached
        if name not in self._table:
            return False
        seen: set[str] = {name}
        pending = [name]
        beginnings = False
        pastes = False
        while pending:
            macro = self._table[pending.pop()]
            pastes = pastes or macro.pastes
            for token in macro.identifiers:
                if token in self.known or token in _SHAPING or self._hot.get(token):
                    self._hot[name] = True
                    return True
                beginnings = beginnings or token in self.prefixes
                if token in self._table and token not in seen:
                    seen.add(token)
                    pending.append(token)
        if pastes and beginnings:
            self._hot[name] = True
            return True
        self._hot[name] = False
        return False

    def pasting(self, name: str) -> bool:
        """Whether macro ``name`` pastes tokens, itself or through the macros that it uses."""
        cached = self._pasting.get(name)
        if cached is not None:
            return cached
        macro = self._table.get(name)
        if macro is None:
            return False
        self._pasting[name] = False
        answer = macro.pastes or any(t != name and self.pasting(t) for t in macro.tokens if t in self._table)
        self._pasting[name] = answer
        return answer

    def in_arguments(self, macro: Macro, tokens: Iterable[str]) -> bool:
        """Whether a use of ``macro`` has to be expanded for these argument tokens, whatever its body."""
        pasting = self.pasting(macro.name)
        return any(t in self.known or (pasting and t in self.prefixes) or self.hot(t) for t in tokens)


def _beginnings(name: str) -> Iterable[str]:
    return (name[:end] for end in range(1, len(name)))
