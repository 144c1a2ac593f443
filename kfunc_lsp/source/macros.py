"""Macro definitions, and the question which of them can matter.

``Interest`` decides which macros are worth expanding: those that may lead to a kfunc's name, those that shape the code
around one (attributes, control flow), and strings, which may name a section. A use of any other macro is left as it
stands, which is what makes a scan of a whole program cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum
from functools import cached_property, lru_cache

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.text import IDENTIFIER, is_identifier, lex
from kfunc_lsp.unit.model import SourceFile, Span

_SHAPING = frozenset(
    "__attribute__ asm __asm__ if else for while do switch case default return goto break continue".split()
)
_SHAPING_ALONE = frozenset("extern static typedef struct union enum typeof __typeof__".split())
"""Words that shape a declaration when an object-like macro stands for them."""
_MEANINGFUL = frozenset("section weak cleanup address_space btf_type_tag".split())
"""Attributes that this project reads; a macro for any other attribute is only a decoration."""
_DEFINED = re.compile(rf"\s*({IDENTIFIER.pattern})(?:\(([^)]*)\))?")
_KSYM = "__ksym"
"""The macro that declares a ksym: text that reaches it may declare a name that is not known yet."""
_SHORTEST_BEGINNING = 3
"""Nobody pastes a kfunc's name from less than this; single letters would make every pasting macro of interest."""


class Make(Enum):
    """What a part of a replacement list becomes: see ``Macro.parts``."""

    AS_WRITTEN = "as written"
    ARGUMENT = "argument, expanded"
    OPERAND = "argument as it is, the left operand of ##"
    STRING = "argument as a string"
    JOINED = "joined with what is before"


@dataclass(frozen=True, eq=False)
class Macro:
    """A ``#define``. ``params`` is ``None`` for an object-like macro; the last one takes the rest if ``variadic``.

    ``body`` is the replacement text, lexed when first asked for. ``span`` is the name in its file.
    """

    name: str
    params: tuple[str, ...] | None
    variadic: bool
    body: str
    span: Span | None = None

    @property
    def key(self) -> tuple[str, tuple[str, ...] | None, bool, str]:
        """What the definition says, wherever it stands."""
        return self.name, self.params, self.variadic, self.body

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The replacement list."""
        return tuple(text for text, _ in lex(self.body))

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Index of each parameter."""
        return {name: index for index, name in enumerate(self.params or ())}

    @cached_property
    def has_operators(self) -> bool:
        """Whether the replacement list holds ``#`` or ``##``."""
        return "#" in self.tokens or "##" in self.tokens

    @cached_property
    def parts(self) -> Sequence[tuple[Make, tuple[str, ...]]]:
        """The replacement list in parts: what each becomes, and of what.

        That is tokens to be taken as written, the parameter that an argument is given for, or for ``JOINED`` the
        token before ``##`` and the one behind.
        """
        body, position = self.tokens, self.positions
        parts: list[tuple[Make, tuple[str, ...]]] = []
        plain: list[str] = []
        at = 0
        while at < len(body):
            text, following = body[at], body[at + 1] if at + 1 < len(body) else ""
            part: tuple[Make, tuple[str, ...]] | None = None
            if text == "#" and self.params is not None and following in position:
                part = Make.STRING, (following,)
            elif text == "##" and at and following:
                part = Make.JOINED, (body[at - 1], following)
            elif text in position:
                part = Make.OPERAND if following == "##" else Make.ARGUMENT, (text,)
            else:
                plain.append(text)
            if plain and (part or at + 1 == len(body)):
                parts.append((Make.AS_WRITTEN, tuple(plain)))
                plain.clear()
            if part:
                parts.append(part)
            at += 2 if part and part[0] in (Make.STRING, Make.JOINED) else 1
        return parts

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """The identifiers of the replacement list that are no parameters."""
        params = self.params or ()
        return tuple(t for t in self.tokens if is_identifier(t) and t not in params)

    @property
    def is_value(self) -> bool:
        """Whether the replacement is nothing, or literals that a person would not take for syntax."""
        return all(t[0].isdigit() or t[0] in "\"'()-" for t in self.tokens)

    @cached_property
    def pastes(self) -> bool:
        """Whether ``##`` joins tokens (and does not only swallow a comma before variable arguments)."""
        tokens = self.tokens
        return any(t == "##" and i and tokens[i - 1] != "," for i, t in enumerate(tokens))


def reached(words: Iterable[str], macros: Mapping[str, Macro]) -> set[str]:
    """The identifiers in the bodies of those of ``words`` that are macros, and of the macros that these use."""
    found: set[str] = set()
    pending = [word for word in words if word in macros]
    done = set(pending)
    while pending:
        for name in macros[pending.pop()].identifiers:
            found.add(name)
            if name in macros and name not in done:
                done.add(name)
                pending.append(name)
    return found


def parse_define(rest: str, file: SourceFile | None, offset: int) -> Macro | None:
    """The macro that the text after ``#define`` makes; ``None`` where it makes none. ``offset`` is that of ``rest``."""
    match = _DEFINED.match(rest)
    if match is None:
        return None
    start, end = match.span(1)
    name, params = match.groups()
    span = Span(file, offset + start, offset + end) if file else None
    body = rest[match.end() :]
    if params is None:
        return None if body.startswith("(") else Macro(name, None, False, body.strip(), span)
    names = [p.strip() for p in params.split(",")]
    if names == [""]:
        names = []
    variadic = bool(names) and names[-1].endswith("...")
    if variadic:
        names[-1] = names[-1][:-3].strip() or "__VA_ARGS__"
    return Macro(name, tuple(names), variadic, body.strip(), span)


class Names:
    """The names to find: kfuncs of the kernels in question, and ksyms that a unit declares.

    ``known`` are all of them, ``beginnings`` what ``##`` could make those from that the unit declares.
    """

    def __init__(self, known: frozenset[str]) -> None:
        self.known = set(known)
        self.beginnings: set[str] = set()
        self._fixed = _beginnings_of(known)

    def copy(self) -> Names:
        """Names that can be added to alone."""
        copied = Names(frozenset())
        copied.known, copied.beginnings, copied._fixed = set(self.known), set(self.beginnings), self._fixed
        return copied

    def add(self, name: str) -> bool:
        """Learn one more name; false where it was known."""
        if name in self.known:
            return False
        self.known.add(name)
        self.beginnings.update(_beginnings(name))
        return True

    def begins(self, text: str) -> bool:
        """Whether ``##`` could make a name from ``text``."""
        return text in self._fixed or text in self.beginnings


@lru_cache(maxsize=8)
def _beginnings_of(known: frozenset[str]) -> frozenset[str]:
    """Beginnings of known names: what ``##`` could make one from."""
    return frozenset({name[:end] for name in known for end in range(_SHORTEST_BEGINNING, len(name))})


@lru_cache(maxsize=4096)
def _beginnings(name: str) -> Sequence[str]:
    return [name[:end] for end in range(_SHORTEST_BEGINNING, len(name))]


class Interest:
    """Which macros can matter for finding ``names``, given a macro table that may change.

    ``forget`` must be called when the table or the names change.
    """

    def __init__(self, names: Names, table: Mapping[str, Macro]) -> None:
        self._names = names
        self._table = table
        self._hot: dict[str, bool] = {}
        self._pasting: dict[str, bool] = {}
        self._decorations: dict[str, bool] = {}

    def forget(self) -> None:
        """Drop what was concluded from the macro table."""
        self._hot.clear()
        self._pasting.clear()
        self._decorations.clear()

    def hot(self, name: str) -> bool:
        """Whether any use of macro ``name`` has to be expanded: what it reaches names a kfunc or shapes code."""
        cached = self._hot.get(name)
        if cached is not None:
            return cached
        if name not in self._table:
            return False
        if name in self._names.known or not self._table[name].identifiers:
            # A macro that takes a kfunc's name hides it; one of punctuation alone (`&&`) shapes what is around it; a
            # string may name a section.
            macro = self._table[name]
            self._hot[name] = name in self._names.known or not macro.is_value or macro.body.lstrip().startswith('"')
            return self._hot[name]
        seen: set[str] = {name}
        pending = [name]
        beginnings = False
        pastes = False
        while pending:
            macro = self._table[pending.pop()]
            pastes = pastes or macro.pastes
            shaping = _SHAPING if macro.params is not None else _SHAPING | _SHAPING_ALONE
            for token in macro.identifiers:
                if token in self._names.known or token in shaping:
                    self._hot[name] = True
                    return True
                beginnings = beginnings or self._names.begins(token)
                if token in self._table and token not in seen:
                    seen.add(token)
                    pending.append(token)
        if pastes and beginnings:
            self._hot[name] = True
            return True
        self._hot[name] = False
        return False

    def leads(self, identifiers: Set[str]) -> bool:
        """Whether text with these identifiers may name or declare a kfunc, itself or through macros that it uses."""
        if not self._names.known.isdisjoint(identifiers):
            return True
        seen = set(identifiers & self._table.keys())
        pending = list(seen)
        while pending:
            macro = self._table[pending.pop()]
            for token in macro.identifiers:
                if token in self._names.known or token == _KSYM:
                    return True
                if token in self._table and token not in seen:
                    seen.add(token)
                    pending.append(token)
        return False

    def decorates(self, name: str) -> bool:
        """Whether macro ``name`` stands for attributes that mean nothing here, such as ``btf_decl_tag``."""
        cached = self._decorations.get(name)
        if cached is None:
            self._decorations[name] = False
            macro = self._table.get(name)
            cached = self._decorations[name] = macro is not None and self._is_decoration(macro)
        return cached

    def _is_decoration(self, macro: Macro) -> bool:
        tokens = macro.tokens
        if len(tokens) < 2 or tokens[1] != "(" or _closing(tokens, 1) != len(tokens) - 1:
            return False
        if tokens[0] != "__attribute__":
            return self.decorates(tokens[0])
        return not any(token.strip("_") in _MEANINGFUL or self.hot(token) for token in macro.identifiers[1:])

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

    def wanted(self, texts: Set[str]) -> set[str]:
        """The macros whose uses in text with these tokens may have to be expanded."""
        table, known = self._table, self._names.known
        macros = {name for name in texts if name in table}
        found = {name for name in macros if self.hot(name) or self.decorates(name)}
        rest = {name for name in macros - found if table[name].params is not None}
        if not rest or found or not known.isdisjoint(texts):
            return found | rest
        if not any(map(self._names.begins, texts)):
            return found
        return found | {name for name in rest if self.pasting(name)}

    def in_arguments(self, macro: Macro, tokens: Iterable[str]) -> bool:
        """Whether a use of ``macro`` has to be expanded for these argument tokens, whatever its body."""
        pasting = self.pasting(macro.name)
        return any(t in self._names.known or (pasting and self._names.begins(t)) or self.hot(t) for t in tokens)


def _closing(tokens: tuple[str, ...], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if depth == 0:
            return at
    return -1
