"""C declarations to types: what clang would put into BTF for them.

Reads expanded tokens, without looking at the rest of the unit: a typedef or tag becomes ``Unknown`` under its own
words ("u32", "struct task_struct"), which ``names`` resolves when someone asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Int,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    TypeTag,
    Union,
    Unknown,
    Void,
    Volatile,
)
from kfunc_lsp.dataclass import dataclass, field, replace
from kfunc_lsp.source.text import is_identifier

_STORAGE = frozenset(
    """
    extern static inline __inline __inline__ register _Noreturn __extension__ auto _Thread_local typedef
    """.split()
)
Qualifier = type[Const] | type[Volatile] | type[Restrict]

_QUALIFIERS: dict[str, Qualifier] = {
    "const": Const, "__const": Const, "volatile": Volatile, "__volatile__": Volatile,
    "restrict": Restrict, "__restrict": Restrict, "__restrict__": Restrict,
}  # fmt: skip
_BASE = frozenset("void char short int long signed unsigned float double _Bool bool __int128 __signed__".split())
_SIZES = {"char": 1, "short": 2, "int": 4, "_Bool": 1, "bool": 1, "__int128": 16}
_ATTRIBUTES = frozenset(("__attribute__", "__attribute", "_Alignas", "__declspec"))
_DEEPEST = 30
_MOST_QUALIFIERS = 8


class DeclarationError(ValueError):
    """The tokens are no declaration that is understood; the caller leaves them alone."""


@dataclass
class Attributes:
    """What the attributes of a declaration say."""

    weak: bool = False
    section: str = ""


@dataclass
class Declarator:
    """One declared name: its type, where the name stands in the tokens, and the token ranges of its parameters.

    ``words`` are storage classes and qualifiers of the declaration; ``is_alone`` is false where it declares more names.
    """

    name: str
    name_index: int
    type: Type
    attributes: Attributes
    is_typedef: bool
    params: list[tuple[int, int]] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    is_alone: bool = True


_LONGEST_KEPT = 100
"""Tokens of a declaration that is not read again when it is met again, as those of headers are."""


def parse_declaration(texts: Sequence[str]) -> Sequence[Declarator]:
    """The declarators of a declaration statement, at least one. Raises ``DeclarationError``."""
    return _parsed(tuple(texts)) if len(texts) <= _LONGEST_KEPT else _Parser(texts).declaration()


@lru_cache(maxsize=2048)
def _parsed(texts: tuple[str, ...]) -> Sequence[Declarator]:
    return _Parser(texts).declaration()


class _Parser:
    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = [*texts, "", "", ""]
        self.at = 0
        self.depth = 0
        self.attributes = Attributes()
        self.params: list[tuple[int, int]] = []
        self.type_attributes: list[tuple[str, bool]] = []
        self.words: set[str] = set()

    def peek(self, ahead: int = 0) -> str:
        """The token here, or up to two further on; empty behind the last."""
        return self.texts[self.at + ahead]

    def expect(self, text: str) -> None:
        if self.peek() != text:
            raise DeclarationError(f"expected `{text}`, found `{self.peek()}`")
        self.at += 1

    def declaration(self) -> list[Declarator]:
        base, is_typedef = self.specifiers()
        words = frozenset(self.words)
        shared = self.attributes
        found: list[Declarator] = []
        while True:
            self.attributes = replace(shared)
            self.params = []
            build, name, index = self.declarator()
            self.skip_attributes()
            if not name:
                raise DeclarationError("no name is declared")
            found.append(Declarator(name, index, build(base), self.attributes, is_typedef, self.params, words))
            if self.peek() == "=":
                self.skip_initialiser()
            if self.peek() != ",":
                break
            self.at += 1
        for declarator in found:
            declarator.is_alone = len(found) == 1
        return found

    def skip_initialiser(self) -> None:
        depth = 0
        while self.peek() and (depth or self.peek() not in (",", ";")):
            depth += (self.peek() in ("(", "[", "{")) - (self.peek() in (")", "]", "}"))
            self.at += 1

    def specifiers(self) -> tuple[Type, bool]:
        """The base type of a declaration, and whether it is a typedef."""
        words: list[str] = []
        qualifiers: list[Qualifier] = []
        found: Type | None = None
        is_typedef = False
        self.type_attributes = []
        while True:
            text = self.peek()
            if text in _STORAGE:
                is_typedef = is_typedef or text == "typedef"
                self.words.add(text)
                self.at += 1
            elif text in _QUALIFIERS:
                if len(qualifiers) < _MOST_QUALIFIERS:
                    qualifiers.append(_QUALIFIERS[text])
                self.words.add(text.strip("_"))
                self.at += 1
            elif text in _ATTRIBUTES:
                self.attribute()
            elif text == "[" and self.peek(1) == "[":
                self.standard_attribute()
            elif text in _BASE and found is None:
                words.append(text)
                self.at += 1
            elif text in ("struct", "union", "enum") and found is None and not words:
                found = self.tag(text)
            elif text in ("typeof", "__typeof__", "__auto_type", "_Atomic") and found is None and not words:
                self.at += 1
                if self.peek() == "(":
                    self.parenthesised()
                found = Unknown(text)
            elif found is None and not words and text and is_identifier(text):
                found = Unknown(text)
                self.at += 1
            else:
                break
        if found is None:
            if not words:
                raise DeclarationError("no type is given")
            found = _base(words)
        for name, is_attribute in self.type_attributes:
            found = TypeTag(name, found, is_attribute)
        self.type_attributes = []
        for qualifier in qualifiers:
            found = qualifier(found)
        return found, is_typedef

    def tag(self, keyword: str) -> Type:
        self.at += 1
        self.skip_attributes()
        name = ""
        if self.peek() and is_identifier(self.peek()):
            name = self.peek()
            self.at += 1
        if self.peek() == "{":
            self.parenthesised("{", "}")
            return Enum(name) if keyword == "enum" else Struct(name) if keyword == "struct" else Union(name)
        if not name:
            raise DeclarationError(f"`{keyword}` without a name")
        return Enum(name) if keyword == "enum" else Unknown(f"{keyword} {name}")

    def parenthesised(self, opening: str = "(", closing: str = ")") -> list[str]:
        """Step over a bracketed run, which is returned without its brackets."""
        self.expect(opening)
        depth, inner = 1, []
        while depth:
            text = self.peek()
            if not text:
                raise DeclarationError(f"`{opening}` without `{closing}`")
            depth += (text == opening) - (text == closing)
            inner.append(text)
            self.at += 1
        return inner[:-1]

    def standard_attribute(self) -> None:
        self.read_attributes(self.parenthesised("[", "]"))

    def attribute(self) -> None:
        self.at += 1
        self.read_attributes(self.parenthesised())

    def read_attributes(self, inner: list[str]) -> None:
        for at, text in enumerate(inner):
            argument = inner[at + 2] if at + 2 < len(inner) and inner[at + 1] == "(" else ""
            word = text.strip("_")
            if word in ("weak", "weak_import"):
                self.attributes.weak = True
            elif word == "section" and argument:
                self.attributes.section = argument.strip('"')
            elif word == "btf_type_tag" and argument:
                self.type_attributes.append((argument.strip('"'), False))
            elif word == "address_space" and argument:
                self.type_attributes.append((f"address_space({argument})", True))

    def skip_attributes(self) -> None:
        while True:
            if self.peek() in _ATTRIBUTES or self.peek() in ("asm", "__asm__"):
                self.attribute()
            elif self.peek() == "[" and self.peek(1) == "[":
                self.standard_attribute()
            else:
                return

    def declarator(self) -> tuple[_Build, str, int]:
        """A declarator: how it makes a type of the base, the name (empty if abstract), and the name's index."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise DeclarationError("the declarator is nested too deeply")
        pointers: list[list[Qualifier]] = []
        self.skip_attributes()
        while self.peek() == "*":
            self.at += 1
            pointers.append([])
            while True:
                if self.peek() in _QUALIFIERS:
                    pointers[-1].append(_QUALIFIERS[self.peek()])
                    self.at += 1
                elif self.peek() in _ATTRIBUTES:
                    self.attribute()
                else:
                    break
            if len(pointers) > _DEEPEST:
                raise DeclarationError("too many pointers")
        inner: _Build | None = None
        name, index = "", -1
        if self.peek() == "(" and self._nested():
            self.at += 1
            inner, name, index = self.declarator()
            self.expect(")")
        elif self.peek() and is_identifier(self.peek()):
            name, index = self.peek(), self.at
            self.at += 1
        suffixes: list[tuple[tuple[Param, ...], bool] | int] = []
        while True:
            if self.peek() == "(":
                ranges: list[tuple[int, int]] = []
                suffixes.append(self.parameters(ranges))
                if len(suffixes) == 1 and self.depth == 1:
                    self.params = ranges
            elif self.peek() == "[":
                count = self.parenthesised("[", "]")
                plain = len(count) == 1 and len(count[0]) < 10 and count[0].isascii() and count[0].isdigit()
                suffixes.append(int(count[0]) if plain else 0)
            else:
                break
            if len(suffixes) > _DEEPEST:
                raise DeclarationError("too many brackets")
            self.skip_attributes()
        self.depth -= 1

        def build(base: Type) -> Type:
            for qualifiers in pointers:
                base = Ptr(base)
                for qualifier in qualifiers:
                    base = qualifier(base)
            for suffix in reversed(suffixes):
                base = Array(base, suffix) if isinstance(suffix, int) else FuncProto(base, suffix[0], suffix[1])
            return inner(base) if inner else base

        return build, name, index

    def _nested(self) -> bool:
        """Whether ``(`` opens a nested declarator rather than the parameters of an abstract function."""
        following = self.peek(1)
        return following in ("*", "(", "^", "__attribute__") or (
            is_identifier(following or "0")
            and following not in _BASE
            and following not in _QUALIFIERS
            and following not in ("struct", "union", "enum")
            and self.peek(2) in (")", "(", "[")
        )

    def parameters(self, ranges: list[tuple[int, int]]) -> tuple[tuple[Param, ...], bool]:
        """A parameter list, and whether it is variadic (a list without a prototype is, to BTF)."""
        self.expect("(")
        params: list[Param] = []
        if self.peek() == ")":
            self.at += 1
            return (), True
        while True:
            start = self.at
            if self.peek() == "...":
                self.at += 1
                ranges.append((start, self.at))
                self.expect(")")
                return tuple(params), True
            saved = self.attributes
            self.attributes = Attributes()
            base, _ = self.specifiers()
            outer, self.depth = self.depth, self.depth + 1
            build, name, _ = self.declarator()
            self.depth = outer
            self.skip_attributes()
            self.attributes = saved
            ranges.append((start, self.at))
            params.append(Param(name, _decayed(build(base))))
            if self.peek() != ",":
                break
            self.at += 1
        self.expect(")")
        if len(params) == 1 and params[0] == Param("", Void()):
            ranges.clear()
            return (), False
        return tuple(params), False


class _Build(Protocol):
    def __call__(self, base: Type, /) -> Type: ...


def _decayed(t: Type) -> Type:
    if isinstance(t, Array):
        return Ptr(t.element)
    return Ptr(t) if isinstance(t, FuncProto) else t


def _base(words: list[str]) -> Type:
    if "void" in words:
        return Void()
    if "float" in words or "double" in words:
        return Float(" ".join(words))
    size = next((_SIZES[w] for w in ("char", "short", "_Bool", "bool", "__int128") if w in words), 0)
    return Int(" ".join(words), size or (8 if "long" in words else 4))
