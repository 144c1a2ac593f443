"""Kernels as JSON values, for ``--format json``: the same facts as the text, and nothing rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kfunc_lsp.btf.cdecl import parameter, prototype
from kfunc_lsp.cli.kernel_text import find
from kfunc_lsp.kernel.diff import Change, uncompared
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.health import Condition
from kfunc_lsp.kernel.health import summary as health_summary
from kfunc_lsp.kernel.model import Kernel, KernelFunction
from kfunc_lsp.selection import Target


def summary(of: Kernel) -> dict[str, Any]:
    """A kernel without its functions."""
    return {
        "name": of.name,
        "release": of.release,
        "source": {"kind": of.provenance.kind, "path": of.provenance.path, "detail": of.provenance.detail},
        "kfuncs": sum(1 for _ in of.kfuncs()),
        "flags_known": of.flags_known,
        "program_types_of": of.hooks_of or (of.release if of.hooks_known else None),
        "health": health_summary(of),
    }


def listing(kernels: Sequence[Kernel], targets: Sequence[Target], file: str) -> dict[str, Any]:
    """The bundled kernels, and the targets of the configuration in ``file``."""
    return {
        "bundled": [summary(kernel) for kernel in kernels],
        "configuration": file or None,
        "targets": [
            {"name": target.name, "kernels": list(target.specs), "problem": target.problem or None}
            for target in targets
        ],
    }


def kernel(of: Kernel, name: str | None = None) -> dict[str, Any]:
    """A kernel with all functions of its index, or with one."""
    functions = [of.functions[n] for n in sorted(of.functions)] if name is None else [find(of, name)]
    return {**summary(of), "functions": [_function(function) for function in functions]}


def health(of: Kernel, conditions: Sequence[Condition]) -> dict[str, Any]:
    """What there is to say about a kernel's health."""
    return {
        **summary(of),
        "conditions": [
            {
                "severity": c.severity,
                "key": c.key,
                "title": c.title,
                "cause": c.cause,
                "advice": c.advice,
                "functions": list(c.functions),
            }
            for c in conditions
        ],
    }


def diff(old: Kernel, new: Kernel, changes: Sequence[Change]) -> dict[str, Any]:
    """What changed from one kernel to another."""
    return {
        "old": summary(old),
        "new": summary(new),
        "changes": [{"name": c.name, "what": c.what, "before": c.before, "after": c.after} for c in changes],
        "not_compared": [{"what": what, "why": why} for what, why in uncompared(old, new)],
    }


def header(of: Kernel, text: str) -> dict[str, Any]:
    """A kernel's C header."""
    return {**summary(of), "header": text}


def export(of: Kernel, file: str, size: int) -> dict[str, Any]:
    """The kernel as the pack ``file`` of ``size`` bytes tells it."""
    return {**summary(of), "file": file, "bytes": size}


def _function(function: KernelFunction) -> dict[str, Any]:
    flags, hooks = function.flags, function.hooks
    return {
        "name": function.name,
        "class": function.klass.value,
        "meaning": function.klass.words,
        "callable": function.callable,
        "module": function.module,
        "prototype": prototype(function.name, function.prototype),
        "implicit": [parameter(param) for param in function.implicit],
        "flags": None if flags is None else [flag.name for flag in decode(flags)],
        "flag_bits": flags,
        "tagged": function.tagged,
        "hooks": None
        if hooks is None
        else [
            {
                "name": hook.name,
                "flag_bits": hook.flags,
                "filtered": hook.filtered,
                "filtered_by_another_set": hook.crossed,
                "program_types": list(hook.program_types),
            }
            for hook in hooks
        ],
    }
