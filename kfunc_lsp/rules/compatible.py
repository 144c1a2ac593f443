"""Whether types are the same to C, as far as that is certain: what clang refuses, which libbpf may not."""

from __future__ import annotations

from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    FuncProto,
    Fwd,
    Int,
    Ptr,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Void,
    skip_modifiers,
    skip_modifiers_and_typedefs,
)
from kfunc_lsp.kernel.libbpf import describe


def differ(one: Type, other: Type) -> bool:
    """Whether two types certainly differ in C; what is not known, or compatible by the compiler's choice, does not."""
    a, b = skip_modifiers_and_typedefs(one), skip_modifiers_and_typedefs(other)
    if isinstance(a, FuncProto) and isinstance(b, FuncProto):
        if _is_old_style(a) or _is_old_style(b):
            return False
        if a.vlen != b.vlen or a.variadic != b.variadic:
            return True
        pairs = zip(a.params, b.params, strict=True)
        return differ(a.returns, b.returns) or any(differ(p.type, q.type) for p, q in pairs)
    if isinstance(a, Ptr) and isinstance(b, Ptr):
        return not _has_tags(a, b) and (differ(a.target, b.target) or {_is_const(a), _is_const(b)} == {True, False})
    if isinstance(a, Int) and isinstance(b, Int):
        return bool(a.size and b.size) and a.size != b.size
    if isinstance(a, Struct | Union | Fwd) and isinstance(b, Struct | Union | Fwd):
        return bool(a.name and b.name) and a.name != b.name
    plain = (Void, Int, Ptr, Struct, Union, Fwd)
    return isinstance(a, plain) and isinstance(b, plain) and type(a) is not type(b)


def _is_old_style(prototype: FuncProto) -> bool:
    return prototype.variadic and not prototype.params


def _has_tags(*pointers: Ptr) -> bool:
    """Whether an attribute stands behind one of the pointers: an address space that a macro may leave out."""
    for pointer in pointers:
        target = pointer.target
        while target is not skip_modifiers(target):
            if isinstance(target, TypeTag):
                return True
            target = target.target  # type: ignore[union-attr]
    return any(isinstance(skip_modifiers(pointer.target), Array) for pointer in pointers)


def _is_const(pointer: Ptr) -> bool | None:
    """Whether ``const`` stands behind the pointer; ``None`` where a typedef may hide one."""
    return None if isinstance(pointer.target, Typedef) else isinstance(pointer.target, Const)


def is_passed_alike(declared: Type, function: FuncProto) -> bool:
    """Whether ``function`` can be called as calls are written for ``declared``, and its result be used so.

    Pointers are pointers, but those to functions must be the same. Parameters that one of the two lacks are passed
    over, and nothing is done with what a function returns that was declared ``void``.
    """
    old = skip_modifiers_and_typedefs(declared)
    if not isinstance(old, FuncProto):
        return False
    pairs = [(p.type, q.type) for p, q in zip(old.params, function.params, strict=False)]
    if not isinstance(skip_modifiers_and_typedefs(old.returns), Void):
        pairs.append((old.returns, function.returns))
    return all(_shape(a) == _shape(b) and not (_is_callback(a) and differ(a, b)) for a, b in pairs)


def _is_callback(t: Type) -> bool:
    bare = skip_modifiers_and_typedefs(t)
    return isinstance(bare, Ptr) and isinstance(skip_modifiers_and_typedefs(bare.target), FuncProto)


def _shape(t: Type) -> str:
    if _is_callback(t):
        return "callback"
    bare = skip_modifiers_and_typedefs(t)
    if isinstance(bare, Int | Enum):
        return "number"
    return "pointer" if isinstance(bare, Ptr) else describe(bare)
