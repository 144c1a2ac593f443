"""The kfunc prototypes of a vmlinux.h, as BTF: FUNCs with the decl tag, and the types that they name.

bpftool writes an ``extern … __ksym;`` for every kfunc. Nothing else of the header is needed, so it is searched,
and not read. What is lost is what C does not have: flags, sets, and the ``_impl`` of functions that are in BTF only.
"""

from __future__ import annotations

import re
from functools import cache

from kfunc_lsp.btf.cparse import parse_declaration
from kfunc_lsp.btf.decoder import MAX_NODES
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

# bpftool writes each of these on one line
_EXTERN = re.compile(r"^extern ([^;{}\n]*);", re.MULTILINE)
_TYPEDEF = re.compile(r"^typedef ([^;{}\n]*);", re.MULTILINE)
_TYPEDEF_OF_BODY = re.compile(r"^\} (?:__attribute__\S+ )?(\w+);", re.MULTILINE)
_BODY = re.compile(r"^(struct \w+|union \w+) \{", re.MULTILINE)
_ATTRIBUTE = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")
_KSYM = "__ksym"
_FASTCALL = re.compile(r"\b__bpf_fastcall\b")
_REFERENCES: dict[type[Type], Kind] = {
    Const: Kind.CONST,
    Volatile: Kind.VOLATILE,
    Restrict: Kind.RESTRICT,
    Ptr: Kind.PTR,
}
_MAX_SIZE = 1 << 25
_MAX_STATEMENT = 1 << 12
_MAX_KFUNCS = 1 << 14
_INT_BITS = 32
_MAX_TYPEDEFS = 64


def btf_of_header(text: str) -> bytes:
    """The BTF section of the kfuncs that ``text`` declares, each tagged as one.

    Raises ``BtfError`` where there is none (made by bpftool before 7.5, or from a BTF without tags), or one that
    bpftool would not have printed.
    """
    if len(text) > _MAX_SIZE:
        raise BtfError(f"is larger than {_MAX_SIZE >> 20} MiB; no kernel's is")
    writer = _Writer(text)
    declarations = [declaration for match in _EXTERN.finditer(text) if (declaration := _ksym(match[1])) is not None]
    if len(declarations) > _MAX_KFUNCS:
        raise BtfError("declares more kfuncs than any kernel has")
    for declaration in declarations:
        name, found = parse_declaration(declaration, writer.typedef, writer.has_body)
        if isinstance(found, FuncProto):
            writer.add_kfunc(name, found)
    if not declarations:
        raise BtfError(
            "has no kfunc prototypes (extern … __ksym); make it with a bpftool that prints them, "
            "or give the kernel's BTF"
        )
    return writer.build()


def _ksym(text: str) -> str | None:
    """The declaration in an ``extern`` of a ksym, without the words around it; ``None`` where it is no ksym."""
    if len(text) > _MAX_STATEMENT:
        return None
    kept, is_ksym = text.rstrip(), False
    while (word := kept.rpartition(" ")[2]).startswith("__") and word.isidentifier():
        is_ksym = is_ksym or word == _KSYM
        kept = kept[: -len(word)].rstrip()
    return _FASTCALL.sub("", kept) if is_ksym else None


def _declared(text: str) -> str:
    """The name that a typedef declares: in the parentheses of a pointer to a function, or else before them."""
    before, _, inside = _ATTRIBUTE.sub("", text).partition("(")
    if inside.startswith("*"):
        return inside.lstrip("* ").partition(")")[0].partition("[")[0]
    return before.partition("[")[0].rstrip().rpartition(" ")[2].lstrip("*")


class _Writer:
    def __init__(self, text: str) -> None:
        self._encoder = Encoder()
        self._ids: dict[Type, int] = {}
        self._bodies = set(_BODY.findall(text))
        self._typedefs: dict[str, str | None] = dict.fromkeys(_TYPEDEF_OF_BODY.findall(text))
        statements = (match[1] for match in _TYPEDEF.finditer(text))
        self._typedefs |= {_declared(found): found for found in statements if len(found) <= _MAX_STATEMENT}
        self._sizes: dict[str, int] = {}
        self._open: set[str] = set()
        self.typedef = cache(self._typedef)

    def has_body(self, keyword: str, name: str) -> bool:
        return f"{keyword} {name}" in self._bodies

    def add_kfunc(self, name: str, proto: FuncProto) -> None:
        self._size(proto)
        func = self._encoder.add(Kind.FUNC, name, self._id(proto), vlen=1)
        self._encoder.add(Kind.DECL_TAG, "bpf_kfunc", func, extra=(0xFFFFFFFF,))

    def build(self) -> bytes:
        return self._encoder.build()

    def _typedef(self, name: str) -> Type:
        """What the header's typedef ``name`` stands for."""
        if name in self._open or len(self._open) > _MAX_TYPEDEFS:
            raise BtfError(f"the typedef {name} leads to itself; the file is damaged")
        if name not in self._typedefs:
            raise BtfError(f"the type {name} of a kfunc's prototype is not in it; the file is not whole")
        statement = self._typedefs[name]
        if statement is None:
            return Struct("")
        self._open.add(name)
        declared, target = parse_declaration(statement, self.typedef, self.has_body)
        self._open.discard(name)
        if declared != name:
            raise BtfError(f"the typedef {name} has a form that bpftool does not print")
        self._sizes[name] = self._size(target)
        return target

    def _size(self, part: Type) -> int:
        """How many parts a type has when written out: a few typedefs could stand for more than memory holds."""
        match part:
            case Typedef(name, _):
                size = 1 + self._sizes.get(name, 0)
            case (
                Ptr(target)
                | Const(target)
                | Volatile(target)
                | Restrict(target)
                | TypeTag(_, target)
                | Array(target, _)
            ):
                size = 1 + self._size(target)
            case FuncProto(returns):
                size = 1 + self._size(returns) + sum(self._size(param.type) for param in part.params)
            case _:
                size = 1
        if size > MAX_NODES:
            raise BtfError(f"a type has more than {MAX_NODES} parts; the file is damaged")
        return size

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
