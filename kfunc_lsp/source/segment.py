"""A run of tokens and what stands in it: function bodies, declarations, uses of names in question (`sites.py`).

Works on structure, not on grammar, so that half-typed code loses no more than the function it is in: a ``}`` in the
first column ends a function whatever was left open inside. A segment is read without knowing the rest of the unit, so
it can be kept while other text changes; ``read`` puts segments together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from kfunc_lsp.btf.types import Array, FuncProto, Type, skip_modifiers
from kfunc_lsp.dataclass import NamedTuple, dataclass, field
from kfunc_lsp.source.declare import DeclarationError, Declarator, parse_declaration
from kfunc_lsp.source.expand import Token
from kfunc_lsp.source.expression import TYPE_WORDS
from kfunc_lsp.source.head import NOT_DECLARATORS, Head
from kfunc_lsp.source.sites import Reference, Site, arguments, references, sites
from kfunc_lsp.source.text import is_identifier

if TYPE_CHECKING:
    from kfunc_lsp.source.code import Code
    from kfunc_lsp.unit.graph import Graph

_RODATA = frozenset(("const", "volatile"))


Indent = Callable[[int], int]
"""How a token's origin stands on its line: its column if only white space stands before it, else -1 less the column in
which its line begins."""


class Variable(NamedTuple):
    """A variable at file level; ``words`` are the storage classes and qualifiers of its declaration."""

    words: frozenset[str]
    type: Type
    section: str

    @property
    def is_array(self) -> bool:
        """Whether its name is an address."""
        return isinstance(skip_modifiers(self.type), Array)


class Body(NamedTuple):
    """A function's definition: its head is ``[head, start)``, its body ``[start, end)``; ``name_index`` is a token."""

    name: str
    name_index: int
    head: int
    start: int
    end: int
    is_static: bool
    section: str


def parameters(texts: list[str], body: Body) -> list[str]:
    """The names of a function's parameters, of its segment's ``texts``; those without one are left out."""
    found = []
    for start, end in arguments(texts, body.name_index + 1, body.start):
        words = texts[start:end]
        if "(" in words:
            words = words[words.index("(") : words.index(")")] if ")" in words else []
        names = [word for word in words[: words.index("[") if "[" in words else None] if is_identifier(word)]
        found += names[-1:]
    return found


class Declared(NamedTuple):
    """A declaration of a ksym or of a name in question, in tokens ``[start, end)``; its types are not yet resolved."""

    declarator: Declarator
    start: int
    end: int

    @property
    def is_ksym(self) -> bool:
        """Whether it stands in section ``.ksyms``."""
        return self.declarator.attributes.section == ".ksyms"


@dataclass
class Segment:
    """Tokens and what was found in them.

    ``sections`` are those of prototypes, ``plain`` the declarations of what is no function, with their sections.
    ``license`` are the tokens of the initialiser in section ``license``; ``operations`` are struct_ops maps: the
    structure's name and the tokens of the initialiser. ``identity`` tells it from any other. ``code`` keeps what is
    worked out of a body, by its index; ``graphs`` has those of bodies that a rule has asked for, by the body's first
    token: the number of the macros' history, the tokens with all of these expanded, and what they do.
    """

    tokens: list[Token]
    bodies: list[Body] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    plain: list[tuple[int, int, str]] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    outside: list[tuple[int, int]] = field(default_factory=list)
    license: tuple[int, int] | None = None
    operations: list[tuple[str, int, int]] = field(default_factory=list)
    graphs: dict[int, tuple[int, list[Token], Graph | None]] = field(default_factory=dict)
    code: dict[int, Code] = field(default_factory=dict)
    identity: object = field(default_factory=object)
    _references: tuple[frozenset[str], Sequence[Reference]] | None = None

    @cached_property
    def texts(self) -> list[str]:
        """The tokens without their places."""
        return [token[0] for token in self.tokens]

    @cached_property
    def words(self) -> frozenset[str]:
        """The different ones of these."""
        return frozenset(self.texts)

    @property
    def ranges(self) -> list[tuple[int, int, int]]:
        """Where code and initialisers stand: start, end, and index of the body, -1 for an initialiser."""
        ranges = [(body.start, body.end, index) for index, body in enumerate(self.bodies)]
        return ranges + [(start, end, -1) for start, end in self.outside]

    def references(self, functions: frozenset[str]) -> Sequence[Reference]:
        """Where ``functions`` are called or their addresses taken; kept while they are the same."""
        known = self._references
        if known is None or known[0] != functions:
            known = self._references = functions, tuple(references(self.texts, self.ranges, functions))
        return known[1]

    @cached_property
    def ksyms(self) -> frozenset[str]:
        """Names that are declared as ksyms here, with or without the macro ``__ksym``."""
        return frozenset(d.declarator.name for d in self.declared if d.is_ksym)

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """The variables that are declared here; read when asked for, as most uses need none."""
        found: dict[str, Variable] = {}
        for start, end, section in self.plain:
            words = _RODATA if section.startswith(".rodata") else frozenset()
            with suppress(DeclarationError):
                for declarator in parse_declaration(self.texts[start:end]):
                    # half-typed, `s void` declares no variable
                    if not isinstance(declarator.type, FuncProto) and declarator.name not in TYPE_WORDS:
                        found[declarator.name] = Variable(declarator.words | words, declarator.type, section)
        return found


def scan(tokens: list[Token], known: Set[str], indent: Indent) -> Segment:
    """What stands in ``tokens``; ``known`` are the names in question, ``indent`` judges a token's origin."""
    segment = Segment(tokens)
    if "_Pragma" in segment.texts:
        segment = Segment(_without_pragmas(tokens))
    _Scanner(segment, known, indent).run()
    names = known | segment.ksyms if not segment.ksyms <= known else known
    segment.sites += sites(segment.texts, segment.ranges, names)
    return segment


def _without_pragmas(tokens: list[Token]) -> list[Token]:
    """``tokens`` without ``_Pragma("…")``, which looks like a call and is none."""
    kept: list[Token] = []
    behind = 0
    for at in [index for index, token in enumerate(tokens) if token[0] == "_Pragma"]:
        kept += tokens[behind:at]
        behind = at + _PRAGMA_TOKENS
    return kept + tokens[behind:]


_PRAGMA_TOKENS = 4
_MARKS = frozenset(";{}()=")


class _Scanner:
    """Finds the external declarations of a segment."""

    def __init__(self, segment: Segment, known: Set[str], indent: Indent) -> None:
        self.segment = segment
        self.tokens = segment.tokens
        self.texts = segment.texts
        self.marks = [at for at, text in enumerate(self.texts) if text in _MARKS]
        self.known = known
        self.indent = indent

    def run(self) -> None:
        texts, marks = self.texts, self.marks
        start = which = 0
        head = Head()
        while which < len(marks):
            at = marks[which]
            text = texts[at]
            which += 1
            if text == ";":
                self._declaration(start, at + 1)
                start = at + 1
                head = Head()
            elif text == "{" and head.name_index >= 0:
                which, end = self._close(which - 1)
                self._function(start, head.name_index, at, end)
                start = end
                head = Head()
            elif text == "{" and which - 1 in self.pairs:
                which = self.pairs[which - 1] + 1
            elif text == "{":
                end = self._next_flush(at + 1)
                self._declaration(start, end)
                which, start = bisect_left(marks, end), end
                head = Head()
            elif text == "}":
                start = at + 1
                head = Head()
            else:
                head.take(text, at, texts[at - 1] if at > start else "")
        self._declaration(start, len(texts))

    @cached_property
    def pairs(self) -> dict[int, int]:
        """The mark of the ``}`` that closes the ``{`` of a mark, and the other way round; none for an odd one."""
        pairs: dict[int, int] = {}
        opened: list[int] = []
        for mark, at in enumerate(self.marks):
            if self.texts[at] == "{":
                opened.append(mark)
            elif self.texts[at] == "}" and opened:
                pairs[mark] = opened.pop()
                pairs[pairs[mark]] = mark
        return pairs

    def _next_flush(self, at: int) -> int:
        """The first token from ``at`` on that stands in column 0: what was never closed goes on to there at most."""
        for index in range(at, len(self.tokens)):
            origin = self.tokens[index][1]
            if origin >= 0 and self.indent(origin) == 0:
                return index
        return len(self.tokens)

    def _close(self, which: int) -> tuple[int, int]:
        """The mark and the token behind the ``}`` that ends the function whose ``{`` is a mark.

        A ``}`` in column 0 does, unless another function's head and ``{`` are seen to belong to it. An indented ``}``
        does not end a function that opens on a line without indent if indented code follows: there is one too many.
        """
        tokens, texts, marks = self.tokens, self.texts, self.marks
        depth = 0
        opened = tokens[marks[which]][1]
        is_flush = opened >= 0 and self.indent(opened) in (0, -1)
        for mark in range(which, len(marks)):
            at = marks[mark]
            text = texts[at]
            if text == "{":
                depth += 1
            elif text == "}":
                depth -= 1
                origin = tokens[at][1]
                if origin >= 0 and self.indent(origin) == 0:
                    return (depth > 0 and self._next_function(which, mark)) or (mark + 1, at + 1)
                if depth <= 0:
                    if not (is_flush and origin >= 0 and self._goes_on(at + 1)):
                        return mark + 1, at + 1
                    depth = 1
        return len(marks), len(tokens)

    def _next_function(self, which: int, mark: int) -> tuple[int, int] | None:
        """Where the head of a function begins that opens behind mark ``which`` and ends at ``mark``: mark and token."""
        opening = self.pairs.get(mark, which)
        if opening <= which:
            return None
        origin = self.tokens[self.marks[opening]][1]
        if origin < 0 or self.indent(origin) not in (0, -1):
            return None
        first = opening
        while self.texts[self.marks[first - 1]] not in (";", "{", "}"):
            first -= 1
        head = Head()
        start = self.marks[first - 1] + 1
        for at in self.marks[first:opening]:
            head.take(self.texts[at], at, self.texts[at - 1] if at > start else "")
        return (first, start) if head.name_index >= 0 else None

    def _goes_on(self, at: int) -> bool:
        """Whether token ``at`` is on an indented line, and a ``}`` in column 0 follows in the segment."""
        tokens = self.tokens
        if at >= len(tokens):
            return False
        _, origin, _, use = tokens[at]
        if self.indent(origin if origin >= 0 or use is None else use.location) in (0, -1):
            return False
        return at <= self.last_flush

    @cached_property
    def last_flush(self) -> int:
        """Index of the last ``}`` in column 0, -1 without one."""
        for at in range(len(self.tokens) - 1, -1, -1):
            text, origin = self.tokens[at][:2]
            if text == "}" and origin >= 0 and self.indent(origin) == 0:
                return at
        return -1

    def _function(self, start: int, name_index: int, brace: int, end: int) -> None:
        name = self.tokens[name_index][0]
        head = self.texts[start:brace]
        section = _section(head) or self.segment.sections.get(name, "")
        is_local = "static" in head or "inline" in head or "__inline" in head
        kept = "used" in head or "__used__" in head
        self.segment.bodies.append(Body(name, name_index, start, brace, end, is_local and not kept, section))

    def _declaration(self, start: int, end: int) -> None:
        if end - start < 3:
            return
        texts = self.texts[start:end]
        if "typedef" in texts[:2]:
            return
        section = _section(texts)
        assign = _initialiser(texts)
        if assign < len(texts):
            self.segment.outside.append((start + assign, end))
            if section == "license":
                self.segment.license = (start + assign, end)
            elif section.lstrip("?").startswith(".struct_ops") and "struct" in texts[:assign]:
                structure = texts[texts.index("struct") + 1]
                self.segment.operations.append((structure, start + assign, end))
        if section == ".ksyms" or not self.known.isdisjoint(texts[:assign]):
            self.segment.declared += [
                declared._replace(start=start, end=end) for declared in read_declared(texts, self.known)
            ]
            return
        name = _first_called(texts)
        if name and section:
            self.segment.sections[name] = section
        if not name or section:
            self.segment.plain.append((start, end, section))


def read_declared(texts: Sequence[str], known: Set[str]) -> list[Declared]:
    """The declarations that tokens with these ``texts`` make of ksyms or of known names."""
    try:
        declarators = parse_declaration(texts)
    except DeclarationError:
        return []
    found = [Declared(declarator, 0, len(texts)) for declarator in declarators if not declarator.is_typedef]
    return [d for d in found if d.is_ksym or d.declarator.name in known]


def _section(texts: list[str]) -> str:
    for at, text in enumerate(texts):
        if text in ("section", "__section__") and at + 2 < len(texts) and texts[at + 1] == "(":
            parts = []
            for piece in texts[at + 2 :]:
                if piece[0] != '"':
                    break
                parts.append(piece.strip('"'))
            return "".join(parts)
    return ""


def _initialiser(texts: list[str]) -> int:
    """Index of the ``=`` outside brackets, or the length without one."""
    depth = 0
    for at, text in enumerate(texts):
        if text == "=" and depth == 0:
            return at
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
    return len(texts)


def _first_called(texts: list[str]) -> str:
    for at, text in enumerate(texts):
        if text == "(" and at:
            before = texts[at - 1]
            if is_identifier(before) and before not in NOT_DECLARATORS and before not in ("section", "cleanup"):
                return before
        if text == "=":
            return ""
    return ""
