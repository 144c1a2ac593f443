"""A C header of a kernel's kfuncs: the prototypes that a program declares, and no more of the kernel than they need.

Every extern is weak and a ksym, so that libbpf resolves it where the kernel has it. Types are defined, without
members, and never only declared: libbpf takes a forward declaration for another kind than the kernel's struct,
and leaves such an extern unresolved.
"""

from __future__ import annotations

from collections.abc import Iterable

from kfunc_lsp.btf.cdecl import declare, prototype
from kfunc_lsp.btf.types import (
    Array,
    Enum,
    FuncProto,
    Fwd,
    Ptr,
    Struct,
    Type,
    Typedef,
    Union,
    skip_modifiers,
)
from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.model import Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON

_FLAVOR = "___kernel"
"""Added to a name that has ``___`` in it, since libbpf cuts a name at its last one before it looks it up."""

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
        *_Definitions(f.prototype for f in functions).lines,
        "#endif",
        "",
    ]
    for function in functions:
        lines += [*_documentation(function), _extern(function), ""]
    return "\n".join([*lines, "#endif", ""])


def _extern(function: KernelFunction) -> str:
    name = function.name + _FLAVOR if "___" in function.name else function.name
    return f"extern {prototype(name, function.prototype).removesuffix(';')} __weak __ksym;"


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


class _Definitions:
    """Definitions of all that some prototypes name, each before its first use."""

    def __init__(self, protos: Iterable[FuncProto]) -> None:
        self.lines: list[str] = []
        self._seen: set[tuple[type[Type], str]] = set()
        for proto in protos:
            self._visit(proto)

    def _visit(self, part: Type) -> None:
        part = skip_modifiers(part)
        match part:
            case Ptr(target):
                self._visit(target)
            case Array(element, _):
                self._visit(element)
            case FuncProto(returns):
                self._visit(returns)
                for param in part.params:
                    self._visit(param.type)
            case Typedef(name, target):
                if self._is_new(part, name):
                    self._visit(target)
                    self.lines.append(f"typedef {declare(name, target)};")
            case Struct(name) if name and self._is_new(part, name):
                self.lines.append(f"struct {name} {{}};")
            case Union(name) if name and self._is_new(part, name):
                self.lines.append(f"union {name} {{}};")
            case Fwd(name, is_union) if self._is_new(part, name):
                self.lines.append(f"{'union' if is_union else 'struct'} {name};")
            case Enum(name) if name and self._is_new(part, name):
                self.lines.append(f"enum {name} {{ __{name}_is_not_listed_here }};")
            case _:
                pass

    def _is_new(self, part: Type, name: str) -> bool:
        key = (type(part), name)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
