"""C declarations to types: those that bpftool prints, and so the counterpart of ``cdecl``.

Reads the ``extern``s and ``typedef``s of a vmlinux.h. It is no C parser: the form is that of one printer. C that a
person wrote is another part's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Void,
    Volatile,
)
from kfunc_lsp.errors import BtfError

_TOKEN = re.compile(r"\s*(__attribute__\(\((?:[^()]|\([^()]*\))*\)\)|[A-Za-z_]\w*|\d+|\.\.\.|[*()\[\],{};])")
_BASE_WORDS = frozenset("void char short int long signed unsigned _Bool float double __int128".split())
_QUALIFIERS: dict[str, Callable[[Type], Type]] = {
    "const": Const,
    "volatile": Volatile,
    "restrict": Restrict,
    "__restrict": Restrict,
}
_MAX_DEPTH = 64
_MAX_TOKENS = 4096

Typedefs = Callable[[str], Type]
"""The type that a typedef's name stands for; ``BtfError`` where there is none."""

Tags = Callable[[str, str], bool]
"""Whether ``struct`` or ``union`` (the first word) of a name has a body."""


def parse_declaration(text: str, typedefs: Typedefs, tags: Tags) -> tuple[str, Type]:
    """The name and the type of the one declaration in ``text``, without storage class and semicolon.

    Raises ``BtfError`` where it has another form than bpftool's.
    """
    tokens: list[str] = []
    at = 0
    while match := _TOKEN.match(text, at):
        tokens.append(match[1])
        at = match.end()
    if text[at:].strip() or len(tokens) > _MAX_TOKENS:
        raise _unread(text)
    parser = _Parser(tokens, typedefs, tags, text)
    found = parser.declaration(0)
    if parser.peek():
        raise _unread(text)
    return found


def _unread(text: str) -> BtfError:
    return BtfError(f"the declaration `{' '.join(text.split())[:80]}` is not one that bpftool prints")


class _Parser:
    def __init__(self, tokens: list[str], typedefs: Typedefs, tags: Tags, text: str) -> None:
        self._tokens = tokens
        self._at = 0
        self._typedefs = typedefs
        self._tags = tags
        self._text = text

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def declaration(self, depth: int) -> tuple[str, Type]:
        if depth > _MAX_DEPTH:
            raise _unread(self._text)
        specifier = self._specifier()
        return self._declarator(depth)(specifier)

    def _take(self) -> str:
        token = self.peek()
        if not token:
            raise _unread(self._text)
        self._at += 1
        return token

    def _specifier(self) -> Type:
        qualifiers: list[Callable[[Type], Type]] = []
        words: list[str] = []
        attributes: list[str] = []
        found: Type | None = None
        while token := self.peek():
            if token in _QUALIFIERS:
                qualifiers.append(_QUALIFIERS[token])
            elif token in ("struct", "union", "enum"):
                self._at += 1
                found = self._tagged(token, self.peek())
            elif token in _BASE_WORDS:
                words.append(token)
            elif token.startswith("__attribute__"):
                attributes.append(token)
            elif found is None and not words and (token[0].isalpha() or token[0] == "_"):
                found = Typedef(token, self._typedefs(token))
            else:
                break
            self._at += 1
        if found is None:
            if not words:
                raise _unread(self._text)
            found = _base(words)
        for qualifier in qualifiers:
            found = qualifier(found)
        for attribute in attributes:
            found = _with_attribute(found, attribute)
        return found

    def _tagged(self, keyword: str, name: str) -> Type:
        if keyword == "enum":
            return Enum(name)
        if not self._tags(keyword, name):
            return Fwd(name, keyword == "union")
        return Union(name) if keyword == "union" else Struct(name)

    def _declarator(self, depth: int) -> Callable[[Type], tuple[str, Type]]:
        """What the declarator makes of the type that stands before it."""
        if depth > _MAX_DEPTH:
            raise _unread(self._text)
        pointers: list[Callable[[Type], Type]] = []
        while self.peek() == "*" or self.peek() in _QUALIFIERS or self.peek().startswith("__attribute__"):
            token = self._take()
            if token == "*":
                pointers.append(Ptr)
            elif token in _QUALIFIERS:
                pointers.append(_QUALIFIERS[token])
        inner: Callable[[Type], tuple[str, Type]] = lambda t: ("", t)  # noqa: E731
        if self.peek() == "(" and self.peek(1) in ("*", "("):
            self._at += 1
            inner = self._declarator(depth + 1)
            self._expect(")")
        elif re.fullmatch(r"[A-Za-z_]\w*", self.peek()):
            name = self._take()
            inner = lambda t: (name, t)  # noqa: E731
        suffixes: list[Callable[[Type], Type]] = []
        while self.peek() in ("(", "["):
            suffixes.append(self._suffix(depth))

        def build(base: Type) -> tuple[str, Type]:
            for pointer in pointers:
                base = pointer(base)
            for suffix in reversed(suffixes):
                base = suffix(base)
            return inner(base)

        return build

    def _suffix(self, depth: int) -> Callable[[Type], Type]:
        if self._take() == "[":
            count = 0 if self.peek() == "]" else int(self._number())
            self._expect("]")
            return lambda element: Array(element, count)
        params: list[Param] = []
        variadic = False
        while self.peek() != ")":
            if self.peek() == "...":
                variadic = True
                self._at += 1
            else:
                params.append(Param(*self.declaration(depth + 1)))
            if self.peek() == ",":
                self._at += 1
        self._expect(")")
        if len(params) == 1 and params[0] == Param("", Void()):
            params = []
        return lambda returns: FuncProto(returns, tuple(params), variadic)

    def _number(self) -> str:
        token = self._take()
        if not token.isdecimal():
            raise _unread(self._text)
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise _unread(self._text)


def _base(words: list[str]) -> Type:
    if words == ["void"]:
        return Void()
    if words[-1] in ("float", "double"):
        return Float(" ".join(words))
    return Int(" ".join(words))


def _with_attribute(found: Type, token: str) -> Type:
    """Type tags are kept, as the arena's are; of other attributes a prototype says nothing."""
    if "btf_type_tag" in token:
        tag = token.partition('"')[2].partition('"')[0]
        return TypeTag(tag, found, is_attribute=False)
    body = token.removeprefix("__attribute__((").removesuffix("))")
    return TypeTag(body, found, is_attribute=True) if body.startswith("address_space") else found
