"""BTF types as values: what a prototype is made of, whoever wrote it.

A kernel's prototype (decoded from ``.BTF``) and a program's declaration (read from C, as clang would emit it)
are the same kind of value, so that libbpf's compatibility walk compares like with like. Bodies of structs,
unions and enums are left out on purpose: neither libbpf's ksym rules nor any rule of this project look into
them.

Names and kinds are those of ``include/uapi/linux/btf.h``.
"""

from __future__ import annotations

from enum import IntEnum

from kfunc_lsp.dataclass import dataclass


class Kind(IntEnum):
    """``BTF_KIND_*`` numbers."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


@dataclass(frozen=True, slots=True)
class Void:
    """``void``: type id 0."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer type; ``bool`` and ``char`` are integers too. ``size`` in bytes, 0 where not known."""

    name: str
    size: int = 0
    bit_offset: int = 0


@dataclass(frozen=True, slots=True)
class Float:
    """A floating-point type; ``size`` in bytes."""

    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Ptr:
    """A pointer to ``target``."""

    target: Type


@dataclass(frozen=True, slots=True)
class Array:
    """An array of ``count`` elements (0: unknown or flexible)."""

    element: Type
    count: int


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct with a body; ``name`` is empty where anonymous."""

    name: str


@dataclass(frozen=True, slots=True)
class Union:
    """A union with a body; ``name`` is empty where anonymous."""

    name: str


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumeration; ``wide`` for ``BTF_KIND_ENUM64``."""

    name: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Fwd:
    """A struct (or, with ``is_union``, a union) that is declared and never defined."""

    name: str
    is_union: bool = False


@dataclass(frozen=True, slots=True)
class Typedef:
    """A typedef ``name`` of ``target``."""

    name: str
    target: Type


@dataclass(frozen=True, slots=True)
class Const:
    """``const`` target."""

    target: Type


@dataclass(frozen=True, slots=True)
class Volatile:
    """``volatile`` target."""

    target: Type


@dataclass(frozen=True, slots=True)
class Restrict:
    """``restrict`` target."""

    target: Type


@dataclass(frozen=True, slots=True)
class TypeTag:
    """A type tag; with ``is_attribute`` (kflag) ``name`` is a whole attribute, as in ``address_space(1)``."""

    name: str
    target: Type
    is_attribute: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that the reader could not resolve, as a typedef from a header that was not found.

    In a kernel: a BTF kind that this version does not know.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a FUNC_PROTO; ``name`` is empty where the prototype gives none."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class FuncProto:
    """A function type. libbpf counts ``...`` as one more parameter: see ``vlen``."""

    returns: Type
    params: tuple[Param, ...]
    variadic: bool = False

    @property
    def vlen(self) -> int:
        """Number of parameters as BTF counts them."""
        return len(self.params) + self.variadic


Type = (
    Void
    | Int
    | Float
    | Ptr
    | Array
    | Struct
    | Union
    | Enum
    | Fwd
    | Typedef
    | Const
    | Volatile
    | Restrict
    | TypeTag
    | FuncProto
    | Unknown
)

Modifier = Const | Volatile | Restrict | TypeTag


def skip_modifiers(t: Type) -> Type:
    """``t`` without const, volatile, restrict and type tags (libbpf ``btf_is_mod``); typedefs stay."""
    while isinstance(t, Const | Volatile | Restrict | TypeTag):
        t = t.target
    return t


def skip_modifiers_and_typedefs(t: Type) -> Type:
    """``t`` without modifiers and typedefs (libbpf ``skip_mods_and_typedefs``)."""
    while isinstance(t, Const | Volatile | Restrict | TypeTag | Typedef):
        t = t.target
    return t
