"""A C header of a kernel's kfuncs: the prototypes that a program declares, and no more of the kernel than they need.

Every extern is weak and a ksym, so that libbpf resolves it where the kernel has it. Types are defined, without
members, and never only declared: libbpf takes a forward declaration for another kind than the kernel's struct,
and leaves such an extern unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfunc_lsp.btf.cdecl import declare
from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    FuncProto,
    Fwd,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Volatile,
    skip_modifiers,
)
from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.model import Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON

_FLAVOR = "___kernel"
"""Added to a name that has ``___`` in it, since libbpf cuts a name at its last one before it looks it up."""

_SECOND = "___second"
_ENUMERATOR = "{{ __{}_is_not_listed_here }}"
_BUILT_IN = "__builtin_va_list"
"""A typedef that compilers have themselves."""

_MACROS = """\
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
"""

_HOOK_WORDS = {COMMON: "any program type"}


def kernel_header(kernel: Kernel) -> str:
    """The header, as a file's text. Functions that no program can call are left out."""
    functions = [f for f in kernel.kfuncs() if f.callable]
    definitions = _Definitions(f.prototype for f in functions)
    lines = [
        f"/* The kfuncs of {kernel.release or kernel.name}: {_comment(kernel.provenance.detail)}.",
        " *",
        " * Include it after vmlinux.h, if you use one, and compile with -DBPF_NO_KFUNC_PROTOTYPES where that has",
        " * prototypes of its own. Call `NAME` where `bpf_ksym_exists(NAME)`, if other kernels may lack it.",
        " */",
        "#ifndef __KFUNCS_H__",
        "#define __KFUNCS_H__",
        "",
        _MACROS,
        "#ifndef __VMLINUX_H__",
        *definitions.lines,
        "#endif",
        *definitions.further,
        "",
    ]
    for function in functions:
        lines += [*_documentation(function), _extern(function, definitions), ""]
    return "\n".join([*lines, "#endif", ""])


def _extern(function: KernelFunction, definitions: _Definitions) -> str:
    name = function.name + _FLAVOR if "___" in function.name else function.name
    return f"extern {declare(name, definitions.written(function.prototype))} __weak __ksym;"


def _documentation(function: KernelFunction) -> list[str]:
    """The comment over an extern: what is asked of the caller, in the words of flags, hooks and parameter names."""
    lines = []
    if "___" in function.name:
        lines.append(f"{function.name} in the kernel; libbpf drops `{_FLAVOR}`.")
    if function.module is not None:
        lines.append(f"In module {function.module}, which must be loaded first.")
    if function.hooks:
        hooks = [
            _HOOK_WORDS.get(h.name, h.name) + (" (behind a filter)" if h.filtered or h.crossed else "")
            for h in function.hooks
            if h.program_types
        ]
        if hooks:
            lines.append(f"From: {', '.join(hooks)}.")
    lines += [f"{flag.name}: {flag.meaning}." for flag in decode(function.flags or 0)]
    for param in function.prototype.params:
        words = annotation(param.name)
        if words:
            lines.append(f"{param.name}: {words}.")
    if not lines:
        return []
    texts = [_comment(line) for line in lines]
    if len(texts) == 1:
        return [f"/* {texts[0]} */"]
    return ["/*", *(f" * {text}" for text in texts), " */"]


def _comment(text: str) -> str:
    """``text`` fit to stand in a comment: a name out of a BTF may hold anything."""
    return text.replace("*/", "* /").replace("\n", " ")


def _parts(part: Type) -> Iterator[Type]:
    """The types with a name that a type is made of, each before what needs it."""
    part = skip_modifiers(part)
    match part:
        case Ptr(target) | Array(target, _):
            yield from _parts(target)
        case FuncProto(returns):
            yield from _parts(returns)
            for param in part.params:
                yield from _parts(param.type)
        case Typedef(name, target) if name != _BUILT_IN:
            yield from _parts(target)
            yield part
        case Struct(name) | Union(name) | Enum(name) | Fwd(name) if name:
            yield part
        case _:
            pass


class _Definitions:
    """Definitions of all that some prototypes name.

    BTF can have several types of one name, and C cannot: the second gets another name, which libbpf does not compare.
    What is only declared counts as second, since a vmlinux.h may define the first. ``further`` are the definitions of
    these, which no vmlinux.h has.
    """

    def __init__(self, protos: Iterable[FuncProto]) -> None:
        parts = dict.fromkeys(part for proto in protos for part in _parts(proto))
        self._names: dict[Type, str] = {}
        taken: set[tuple[bool, str]] = set()
        for part in sorted(parts, key=lambda part: isinstance(part, Fwd)):
            is_typedef, name = isinstance(part, Typedef), _name(part)
            while (is_typedef, name) in taken:
                name += _SECOND
            taken.add((is_typedef, name))
            self._names[part] = name
        lines = {part: self._line(part, name) for part, name in self._names.items()}
        self.lines = [lines[part] for part in parts if self._names[part] == _name(part)]
        self.further = [lines[part] for part in parts if self._names[part] != _name(part)]

    def written(self, part: Type) -> Type:
        """``part`` with the names that it has here."""
        match part:
            case Ptr(target) | Const(target) | Volatile(target) | Restrict(target):
                return type(part)(self.written(target))
            case TypeTag(_, target):
                return replace(part, target=self.written(target))
            case Array(element, _):
                return replace(part, element=self.written(element))
            case FuncProto(returns):
                params = tuple(replace(param, type=self.written(param.type)) for param in part.params)
                return replace(part, returns=self.written(returns), params=params)
            case Typedef() | Struct() | Union() | Enum() | Fwd():
                return replace(part, name=self._names.get(part, part.name))
            case _:
                return part

    def _line(self, part: Type, name: str) -> str:
        match part:
            case Typedef(_, Enum("")):
                return f"typedef enum {_ENUMERATOR.format(name)} {name};"
            case Typedef(_, target):
                return f"typedef {declare(name, self.written(target))};"
            case Fwd(_, is_union):
                return f"{'union' if is_union else 'struct'} {name};"
            case Enum():
                return f"enum {name} {_ENUMERATOR.format(name)};"
            case _:
                return f"{'union' if isinstance(part, Union) else 'struct'} {name} {{}};"


def _name(part: Type) -> str:
    return part.name if isinstance(part, Typedef | Struct | Union | Enum | Fwd) else ""
