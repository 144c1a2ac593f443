"""How libbpf resolves a ksym against a kernel: rules L3 to L6 of the specification.

Mirrors ``bpf_core_essential_name_len``, ``bpf_object__resolve_ksym_func_btf_id`` and ``bpf_core_types_are_compat``
(``tools/lib/bpf``). Answers are three-valued: what rests on a type that was not found is unknown.
"""

from __future__ import annotations

from enum import Enum

from kfunc_lsp.btf.types import (
    Array,
    Const,
    FuncProto,
    Fwd,
    Int,
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
    skip_modifiers_and_typedefs,
)
from kfunc_lsp.btf.types import (
    Enum as EnumType,
)
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.model import KernelFunction

_LEVELS = 32


def essential_name(name: str) -> str:
    """``name`` without its flavor: cut at the last ``___`` that has something other than ``_`` on both sides."""
    if "___" not in name:
        return name
    for at in range(len(name) - 5, -1, -1):
        if name[at] != "_" and name[at + 1 : at + 4] == "___" and name[at + 4] != "_":
            return name[: at + 1]
    return name


class Outcome(Enum):
    """What libbpf makes of an extern."""

    RESOLVED = "resolved"
    INCOMPATIBLE = "incompatible"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Resolution:
    """libbpf's answer for one extern: the ``function`` it found, and where the prototypes part (``reason``)."""

    outcome: Outcome
    function: KernelFunction | None = None
    reason: str = ""


class _Mismatch(Exception):
    """The types are not compatible; the text says where."""


class _NotKnown(Exception):
    """A type that decides was not found in the program's headers."""


def resolve(function: KernelFunction | None, local: Type | None) -> Resolution:
    """What libbpf makes of an extern with type ``local`` (``None``: no declaration was found).

    ``function`` is what the kernel has under the extern's essential name.
    """
    if function is None:
        return Resolution(Outcome.ABSENT)
    if local is None:
        return Resolution(Outcome.UNKNOWN, function)
    try:
        _walk(local, function.prototype, _LEVELS, "")
    except _Mismatch as mismatch:
        return Resolution(Outcome.INCOMPATIBLE, function, str(mismatch))
    except _NotKnown:
        return Resolution(Outcome.UNKNOWN, function)
    return Resolution(Outcome.RESOLVED, function)


def _walk(local: Type, kernel: Type, level: int, place: str) -> None:
    """Raise ``_Mismatch`` or ``_NotKnown`` unless the types are compatible (``__bpf_core_types_are_compat``)."""
    for _ in range(_LEVELS):
        local, kernel = skip_modifiers_and_typedefs(local), skip_modifiers_and_typedefs(kernel)
        if isinstance(local, Unknown):
            raise _NotKnown
        if isinstance(local, EnumType) and isinstance(kernel, EnumType):
            return
        if type(local) is not type(kernel):
            raise _Mismatch(f"{place or 'type'}: `{describe(local)}`, the kernel has `{describe(kernel)}`")
        if isinstance(local, Void | Struct | Union | Fwd):
            return
        if isinstance(local, Int) and isinstance(kernel, Int):
            if local.bit_offset or kernel.bit_offset:
                raise _Mismatch(f"{place}: an integer that does not start at bit 0")
            return
        if isinstance(local, Ptr) and isinstance(kernel, Ptr):
            place = place if place.endswith("behind the pointer") else f"{place}, behind the pointer".lstrip(", ")
            local, kernel = local.target, kernel.target
        elif isinstance(local, Array) and isinstance(kernel, Array):
            local, kernel = local.element, kernel.element
        elif isinstance(local, FuncProto) and isinstance(kernel, FuncProto):
            _walk_prototype(local, kernel, level, place)
            return
        else:
            raise _Mismatch(f"{place}: `{describe(local)}` is compatible with nothing")
    raise _Mismatch(f"{place}: nested too deeply")


def _walk_prototype(local: FuncProto, kernel: FuncProto, level: int, place: str) -> None:
    if level <= 1:
        raise _Mismatch(f"{place}: nested too deeply")
    if local.vlen != kernel.vlen:
        raise _Mismatch(f"{place + ': ' if place else ''}{_count(local)}, the kernel has {_count(kernel)}")
    unknown = False
    pairs = [(p.type, q.type) for p, q in zip(local.params, kernel.params, strict=False)]
    places = [f"parameter {i + 1}" for i in range(len(pairs))]
    for (a, b), where in zip([*pairs, (local.returns, kernel.returns)], [*places, "return value"], strict=True):
        try:
            _walk(a, b, level - 1, f"{place}, {where}" if place else where)
        except _NotKnown:
            unknown = True
    if unknown:
        raise _NotKnown


def _count(prototype: FuncProto) -> str:
    return f"{prototype.vlen} parameter{'' if prototype.vlen == 1 else 's'}"


def describe(t: Type) -> str:
    """A short name of a type for messages: its kind and, where it has one, its name."""
    match t:
        case Void():
            return "void"
        case Ptr(target):
            return f"{describe(target)} *"
        case Struct(name) | Fwd(name, False):
            forward = " (only declared, never defined)" if isinstance(t, Fwd) else ""
            return f"struct {name}{forward}"
        case Union(name) | Fwd(name, True):
            return f"union {name}"
        case EnumType(name):
            return f"enum {name}"
        case Const(target) | Volatile(target) | Restrict(target) | TypeTag(_, target):
            return describe(target)
        case Array(element):
            return f"{describe(element)}[]"
        case FuncProto():
            return "function"
        case Typedef(name) | Int(name) | Unknown(name):
            return name
        case _:
            return t.name
