"""The token stream of a unit to functions, declarations and uses of ksyms.

Works on structure, not on grammar, so that half-typed code loses no more than the function it is in: a ``}`` in the
first column ends a function whatever was left open inside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kfunc_lsp.source.declare import DeclarationError, Declarator, parse_declaration
from kfunc_lsp.source.expand import Token
from kfunc_lsp.source.names import UnitNames
from kfunc_lsp.source.preprocess import TokenStream
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.model import Declaration, Span, UseKind

_ASM_CALL = re.compile(r"\bcall\s+(?:%\[)?([A-Za-z_]\w*)")
_NOT_DECLARATORS = frozenset("__attribute__ typeof __typeof__ asm __asm__ _Alignas __declspec _Static_assert".split())
_KEYWORDS = frozenset("if for while switch return sizeof do else case goto".split())
_UNEVALUATED = frozenset(
    [
        "_Static_assert",
        "sizeof",
        "typeof",
        "__typeof__",
        "__builtin_constant_p",
        "__builtin_types_compatible_p",
        "_Alignof",
    ]
)
_CONDITION_BEFORE = frozenset(("!", "&&", "||"))
_CONDITION_HOLDERS = frozenset("if while ( ! && || __builtin_expect likely unlikely".split())
_CONDITION_AFTER = frozenset([")", "&&", "||", "?", "==", "!=", ";"])


@dataclass(frozen=True)
class Body:
    """A function's definition in the token stream: its head is ``[head, start)``, its body ``[start, end)``."""

    name: str
    name_index: int
    head: int
    start: int
    end: int
    is_static: bool
    section: str


@dataclass(frozen=True, slots=True)
class Site:
    """A use of a ksym in the token stream: ``at`` is its token, ``arguments`` the token ranges of a call."""

    name: str
    at: int
    kind: UseKind
    arguments: tuple[tuple[int, int], ...] = ()
    is_guard: bool = False


@dataclass
class Scan:
    """What ``scan`` found."""

    bodies: list[Body] = field(default_factory=list)
    declarations: dict[str, list[Declaration]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """File-level variables: name to the words of their declaration before the name."""
    outside: list[tuple[int, int]] = field(default_factory=list)
    """Token ranges at file level that may take addresses: initialisers."""


class Scanner:
    """Finds the external declarations of a token stream."""

    def __init__(self, stream: TokenStream, names: UnitNames, known: frozenset[str]) -> None:
        self.stream = stream
        self.tokens = stream.tokens
        self.names = names
        self.known = known
        self.result = Scan()
        self._sections: dict[str, str] = {}

    def run(self) -> Scan:
        """Scan the whole stream."""
        tokens = self.tokens
        n = len(tokens)
        start = at = 0
        while at < n:
            text = tokens[at][0]
            if text == ";":
                self._declaration(start, at + 1)
                start = at = at + 1
            elif text == "{":
                name_index = self._function_name(start, at)
                end = self._close(at, name_index >= 0)
                if name_index >= 0:
                    self._function(start, name_index, at, end)
                    start = end
                at = end
            elif text == "}":
                start = at = at + 1
            else:
                at += 1
        self._declaration(start, n)
        return self.result

    def _close(self, at: int, is_function: bool) -> int:
        """Index after the ``}`` that closes the ``{`` at ``at``, or after one in column 0 that ends a function."""
        tokens, locations = self.tokens, self.stream.locations
        depth = 0
        for index in range(at, len(tokens)):
            text, origin = tokens[index][0], tokens[index][1]
            if text == "{":
                depth += 1
            elif text == "}":
                depth -= 1
                if depth == 0 or (is_function and origin >= 0 and locations.at_line_start(origin)):
                    return index + 1
        return len(tokens)

    def _function_name(self, start: int, brace: int) -> int:
        """Index of the name of the function whose body opens at ``brace``; -1 if something else opens there."""
        tokens = self.tokens
        depth = 0
        found = -1
        for index in range(start, brace):
            text = tokens[index][0]
            if text == "(":
                before = tokens[index - 1][0] if index > start else ""
                if depth == 0 and found < 0 and before and is_identifier(before) and before not in _NOT_DECLARATORS:
                    found = index - 1
                depth += 1
            elif text == ")":
                depth -= 1
            elif text == "=" and depth <= 0:
                return -1
        return found

    def _function(self, start: int, name_index: int, brace: int, end: int) -> None:
        name = self.tokens[name_index][0]
        head = [t[0] for t in self.tokens[start:brace]]
        section = _section(head) or self._sections.get(name, "")
        body = Body(name, name_index, start, brace, end, "static" in head, section)
        self.result.bodies.append(body)

    def _declaration(self, start: int, end: int) -> None:
        tokens = self.tokens[start:end]
        if len(tokens) < 3:
            return
        texts = [t[0] for t in tokens]
        if "typedef" in texts[:2]:
            return
        section = _section(texts)
        assign = _initialiser(texts)
        if assign < len(texts):
            self.result.outside.append((start + assign, end))
        if section == ".ksyms" or not self.known.isdisjoint(texts[:assign]):
            self.add(tokens)
            return
        name = _first_called(texts)
        if name and section:
            self._sections[name] = section
        if not name:
            words = [t for t in texts[:assign] if is_identifier(t) or t == "["]
            if "[" in words:
                words = words[: words.index("[")]
            if len(words) > 1 and "struct" not in words[-2:-1]:
                self.result.variables[words[-1]] = " ".join(words[:-1])

    def add(self, tokens: list[Token]) -> None:
        """Record the declaration that ``tokens`` make, if it is one of a ksym or of a known name."""
        try:
            declarator = parse_declaration(tokens, self.names)
        except DeclarationError:
            return
        ksym = declarator.attributes.section == ".ksyms"
        if declarator.is_typedef or (not ksym and declarator.name not in self.known):
            return
        name_token = tokens[declarator.name_index]
        declaration = Declaration(
            declarator.name,
            declarator.type,
            ksym,
            declarator.attributes.weak,
            self.span(name_token),
            self._range(tokens, 0, len(tokens)) or self.span(name_token),
            self._parameter_spans(tokens, declarator),
        )
        self.result.declarations.setdefault(declarator.name, []).append(declaration)

    def _parameter_spans(self, tokens: list[Token], declarator: Declarator) -> tuple[Span, ...]:
        spans = [self._range(tokens, a, b) or self.span(tokens[a]) for a, b in declarator.params]
        return tuple(spans)

    def span(self, token: Token) -> Span:
        """Where a token is to be shown: as written, or the outermost macro use that made it."""
        text, origin, _, use = token
        if origin >= 0:
            return self.stream.locations.span(origin, origin + len(text))
        assert use is not None
        return self.stream.locations.span(use.location, use.location + len(use.macro.name))

    def _range(self, tokens: list[Token], start: int, end: int) -> Span | None:
        if start >= end:
            return None
        first, last = self.span(tokens[start]), self.span(tokens[end - 1])
        if first.file is not last.file or last.end < first.start:
            return None
        return Span(first.file, first.start, last.end)

    def argument_span(self, start: int, end: int) -> Span | None:
        """Where the argument in tokens ``[start, end)`` is written: what stands between the brackets or commas.

        ``None`` where a macro wrote one of these.
        """
        before = self.tokens[start - 1]
        after = self.tokens[end] if end < len(self.tokens) else self.tokens[end - 1]
        if start >= end or before[1] < 0 or after[1] < 0:
            return None
        first = self.span(before)
        last = self.span(after)
        if first.file is not last.file or last.start < first.end:
            return None
        text = first.file.text[first.end : last.start]
        lead = len(text) - len(text.lstrip())
        return Span(first.file, first.end + lead, first.end + max(len(text.rstrip()), lead))


def sites(tokens: list[Token], start: int, end: int, declared: frozenset[str], callable_: frozenset[str]) -> list[Site]:
    """Uses in ``[start, end)``: of names that are ``declared`` as ksyms, and calls of names in ``callable_``."""
    found: list[Site] = []
    at = start - 1
    while (at := at + 1) < end:
        text = tokens[at][0]
        if text in _UNEVALUATED:
            at = _after_brackets(tokens, at + 1, end) - 1
        elif text in declared or text in callable_:
            before = tokens[at - 1][0] if at > start else ""
            if before in (".", "->", "struct", "union", "enum", "goto"):
                continue
            following = tokens[at + 1][0] if at + 1 < end else ""
            if before == "(" and at >= start + 2 and tokens[at - 2][0].strip("_") == "cleanup":
                found.append(Site(text, at, UseKind.CLEANUP))
            elif following == "(":
                if text in declared or not is_identifier(before or "0") or before in _KEYWORDS:
                    found.append(Site(text, at, UseKind.CALL, tuple(arguments(tokens, at + 1, end))))
            elif text in declared:
                holder = tokens[at - 2][0] if at >= start + 2 else ""
                asks = before in _CONDITION_BEFORE or (before == "(" and holder in _CONDITION_HOLDERS)
                found.append(Site(text, at, UseKind.REFERENCE, (), asks and following in _CONDITION_AFTER))
        elif text in ("asm", "__asm__"):
            found += _asm_sites(tokens, at, end, declared | callable_)
    return found


def _after_brackets(tokens: list[Token], at: int, end: int) -> int:
    """Index after the bracketed run that opens at ``at``; ``at`` itself where none opens there."""
    depth = 0
    for index in range(at, end):
        text = tokens[index][0]
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return index + 1 if index > at else at
        if text == ";":
            return at
    return at


def _asm_sites(tokens: list[Token], at: int, end: int, names: frozenset[str]) -> list[Site]:
    depth = 0
    found = []
    for index in range(at + 1, end):
        text = tokens[index][0]
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
            if depth <= 0:
                break
        elif text == ";":
            break
        elif text[0] == '"':
            found += [Site(name, at, UseKind.ASM) for name in _ASM_CALL.findall(text) if name in names]
    return found


def arguments(tokens: list[Token], opening: int, end: int) -> list[tuple[int, int]]:
    """Token ranges of the arguments of the call whose ``(`` is at ``opening``; an unclosed call ends at ``;``."""
    depth = 0
    found: list[tuple[int, int]] = []
    start = opening + 1
    for at in range(opening, end):
        text = tokens[at][0]
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                if at > start or found:
                    found.append((start, at))
                return found
        elif text == "," and depth == 1:
            found.append((start, at))
            start = at + 1
        elif text == ";" and depth == 1:
            break
    if at > start:
        found.append((start, at))
    return found


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
            if is_identifier(before) and before not in _NOT_DECLARATORS and before not in ("section", "cleanup"):
                return before
        if text == "=":
            return ""
    return ""
