"""The kfunc prototypes of a vmlinux.h, as BTF: FUNCs with the decl tag, and the types that they name.

bpftool writes an ``extern … __ksym;`` for every kfunc. Nothing else of the header is needed, so it is searched,
and not read. What is lost is what C does not have: flags, sets, and the ``_impl`` of functions that are in BTF only.
"""

from __future__ import annotations

import re
from functools import cache

from kfunc_lsp.btf.cparse import parse_declaration
from kfunc_lsp.btf.encoder import Encoder
from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Kind,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Volatile,
)
from kfunc_lsp.errors import BtfError

SIGN = "__VMLINUX_H__"
"""What a vmlinux.h guards itself with."""

_EXTERN = re.compile(r"^extern ([^;{}]*?)((?:\s+__\w+)*\s+__ksym(?:\s+__\w+)*);", re.MULTILINE)
_FASTCALL = re.compile(r"\b__bpf_fastcall\b")
_REFERENCES: dict[type[Type], Kind] = {
    Const: Kind.CONST,
    Volatile: Kind.VOLATILE,
    Restrict: Kind.RESTRICT,
    Ptr: Kind.PTR,
}
_MAX_KFUNCS = 1 << 14
_INT_BITS = 32
_MAX_TYPEDEFS = 64


def btf_of_header(text: str) -> bytes:
    """The BTF section of the kfuncs that ``text`` declares, each tagged as one.

    Raises ``BtfError`` where there is none (made by bpftool before 7.5, or from a BTF without tags), or one that
    bpftool would not have printed.
    """
    writer = _Writer(text)
    count = 0
    for match in _EXTERN.finditer(text):
        count += 1
        if count > _MAX_KFUNCS:
            raise BtfError("vmlinux.h: declares more kfuncs than any kernel has")
        name, found = parse_declaration(_FASTCALL.sub("", match[1]), writer.typedef, writer.has_body)
        if not isinstance(found, FuncProto):
            continue
        writer.add_kfunc(name, found)
    if not count:
        raise BtfError(
            "vmlinux.h: it has no kfunc prototypes (extern … __ksym); make it with a bpftool that prints them, "
            "or give the kernel's BTF"
        )
    return writer.build()


class _Writer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._encoder = Encoder()
        self._ids: dict[Type, int] = {}
        self._bodies = set(re.findall(r"^(struct \w+|union \w+) \{", text, re.MULTILINE))
        self._open: set[str] = set()
        self.typedef = cache(self._typedef)

    def has_body(self, keyword: str, name: str) -> bool:
        return f"{keyword} {name}" in self._bodies

    def add_kfunc(self, name: str, proto: FuncProto) -> None:
        func = self._encoder.add(Kind.FUNC, name, self._id(proto), vlen=1)
        self._encoder.add(Kind.DECL_TAG, "bpf_kfunc", func, extra=(0xFFFFFFFF,))

    def build(self) -> bytes:
        return self._encoder.build()

    def _typedef(self, name: str) -> Type:
        """What the header's typedef ``name`` stands for."""
        if name in self._open or len(self._open) > _MAX_TYPEDEFS:
            raise BtfError(f"vmlinux.h: the typedef {name} leads to itself; the file is damaged")
        statement = re.search(
            rf"^typedef ([^;{{}}]*\b{name}\b[^;{{}}]*);|^\}} (?:__attribute__\S+ )?{name};", self._text, re.MULTILINE
        )
        if statement is None:
            raise BtfError(f"vmlinux.h: the type {name} of a kfunc's prototype is not in it; the file is not whole")
        if statement[1] is None:
            return Struct("")
        self._open.add(name)
        declared, target = parse_declaration(statement[1], self.typedef, self.has_body)
        self._open.discard(name)
        if declared != name:
            raise BtfError(f"vmlinux.h: the typedef {name} has a form that bpftool does not print")
        return target

    def _id(self, part: Type) -> int:
        found = self._ids.get(part)
        if found is None:
            found = self._ids[part] = self._add(part)
        return found

    def _add(self, part: Type) -> int:
        add = self._encoder.add
        match part:
            case Ptr(target) | Const(target) | Volatile(target) | Restrict(target):
                return add(_REFERENCES[type(part)], "", self._id(target))
            case Typedef(name, target):
                return add(Kind.TYPEDEF, name, self._id(target))
            case TypeTag(name, target, is_attribute):
                return add(Kind.TYPE_TAG, name, self._id(target), kflag=is_attribute)
            case Array(element, count):
                return add(Kind.ARRAY, extra=(self._id(element), self._id(Int("int")), count))
            case FuncProto(returns):
                returns_id = self._id(returns)
                words = []
                for param in part.params:
                    param_id = self._id(param.type)
                    words += [self._encoder.string(param.name), param_id]
                words += [0, 0] * part.variadic
                return add(Kind.FUNC_PROTO, "", returns_id, vlen=len(words) // 2, extra=words)
            case Struct(name):
                return add(Kind.STRUCT, name)
            case Union(name):
                return add(Kind.UNION, name)
            case Fwd(name, is_union):
                return add(Kind.FWD, name, kflag=is_union)
            case Enum(name):
                return add(Kind.ENUM, name)
            case Int(name):
                return add(Kind.INT, name, _INT_BITS // 8, extra=(_INT_BITS,))
            case Float(name):
                return add(Kind.FLOAT, name, 8)
            case _:
                return 0
