"""Typedefs and tags of a unit: looked up in its text when a prototype needs them, as headers are never parsed whole.

What is not found stays ``Unknown``, and is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
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
    Unknown,
    Void,
    Volatile,
)
from kfunc_lsp.dataclass import replace
from kfunc_lsp.source.declare import DeclarationError, parse_declaration
from kfunc_lsp.source.headers import Header
from kfunc_lsp.source.text import blank, lex

_DEEPEST = 16
_BEFORE_TAG = r"[^;{}()]{0,200}?"
"""What may stand between ``struct`` and the tag that is declared."""
TYPES = re.compile(rf"\btypedef\b|\b(?:struct|union|enum)\b{_BEFORE_TAG}\w\s*\{{")
"""What text has that declares a type which is looked up here."""
_INTEGERS = {
    name: size
    for size, group in {
        1: "u8 s8 __u8 __s8 uint8_t int8_t bool",
        2: "u16 s16 __u16 __s16 uint16_t int16_t __be16 __le16 __sum16",
        4: "u32 s32 __u32 __s32 uint32_t int32_t __be32 __le32 __wsum pid_t gfp_t uid_t gid_t",
        8: "u64 s64 __u64 __s64 uint64_t int64_t __be64 __le64 size_t ssize_t uintptr_t intptr_t loff_t",
    }.items()
    for name in group.split()
}


class UnitNames:
    """Names of one unit: its main file and every header that it includes."""

    def __init__(self, headers: Mapping[str, Header], something_missing: bool) -> None:
        self._headers = headers
        self._missing = something_missing
        self._typedefs: dict[str, Type] = {}
        self._depth = 0

    def resolved(self, t: Type) -> Type:
        """``t`` with every name in it looked up."""
        match t:
            case Unknown(name):
                keyword, _, tag = name.partition(" ")
                return self._tag(keyword, tag) if tag else self.typedef(name)
            case Ptr(target) | Const(target) | Volatile(target) | Restrict(target) | TypeTag(_, target):
                return replace(t, target=self.resolved(target))
            case Array(element):
                return replace(t, element=self.resolved(element))
            case FuncProto(returns, params, variadic):
                resolved = tuple(Param(p.name, self.resolved(p.type)) for p in params)
                return FuncProto(self.resolved(returns), resolved, variadic)
            case _:
                return t

    def seen(self, t: Type) -> Type:
        """What the C declaration of a kernel's type comes to in this unit, whose own typedefs and tags then count."""
        match t:
            case Typedef(name):
                return self.typedef(name)
            case Struct(name) | Fwd(name, False):
                return self._tag("struct", name)
            case Union(name) | Fwd(name, True):
                return self._tag("union", name)
            case Enum(name):
                return t if self.is_complete("enum", name) else Unknown(f"enum {name}")
            case Ptr(target) | Const(target) | Volatile(target) | Restrict(target) | TypeTag(_, target):
                return replace(t, target=self.seen(target))
            case Array(element):
                return replace(t, element=self.seen(element))
            case FuncProto(returns, params, variadic):
                return FuncProto(self.seen(returns), tuple(Param(p.name, self.seen(p.type)) for p in params), variadic)
            case _:
                return t

    def _tag(self, keyword: str, tag: str) -> Type:
        complete = self.is_complete(keyword, tag)
        if complete is None:
            return Unknown(f"{keyword} {tag}")
        if not complete:
            return Fwd(tag, keyword == "union")
        return Struct(tag) if keyword == "struct" else Union(tag)

    def typedef(self, name: str) -> Type:
        """The typedef of this name, found in the text; integers that every kernel has are known without."""
        known = self._typedefs.get(name)
        if known is None:
            size = _INTEGERS.get(name)
            known = Typedef(name, Int(name, size)) if size else self._search(name)
            self._typedefs[name] = known
        return known

    def _search(self, name: str) -> Type:
        if name == "__builtin_va_list":
            return Typedef(name, Ptr(Void()))
        if self._depth >= _DEEPEST:
            return Unknown(name)
        self._depth += 1
        try:
            for header in self._headers.values():
                if header.large or name in header.identifiers:
                    found = self._in_header(header, name)
                    if found is not None:
                        return Typedef(name, found)
        finally:
            self._depth -= 1
        return Unknown(name)

    def _in_header(self, header: Header, name: str) -> Type | None:
        text = header.blanked
        for ending in (f" {name};", f"*{name};", f"*{name})(", f"}} {name};", f" {name}[", f" {name}("):
            at = text.find(ending)
            while at >= 0:
                end = text.find(";", at)
                start = text.rfind("typedef", max(0, at - 4000), at)
                if start >= 0 and end >= 0 and self._is_one_statement(text[start:at]):
                    texts = [t for t, _ in lex(blank(text[start : end + 1]))]
                    try:
                        declarator = parse_declaration(texts)[0]
                    except DeclarationError:
                        return None
                    return self.resolved(declarator.type) if declarator.name == name else None
                at = text.find(ending, at + 1)
        return None

    @staticmethod
    def _is_one_statement(head: str) -> bool:
        depth = 0
        for character in head:
            if character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
            elif character == ";" and depth == 0:
                return False
        return True

    def is_complete(self, keyword: str, tag: str) -> bool | None:
        """Whether a body ``keyword tag {`` stands anywhere in the unit; ``None`` where a header is missing."""
        plain = f"{keyword} {tag} {{"
        if any(header.has(plain) for header in self._headers.values()):
            return True
        pattern = re.compile(rf"\b{keyword}\b{_BEFORE_TAG}\b{re.escape(tag)}\s*\{{")
        for header in self._headers.values():
            if not header.large and tag in header.identifiers and pattern.search(header.blanked):
                return True
        return None if self._missing else False
