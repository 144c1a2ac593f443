"""Rule shadowed-flavor."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.edits import caution, extern_statement, insertion, is_editable, is_free
from kfunc_lsp.rules.externs import Consequence, Extern, extern_named, place, unresolved
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Edit, Fix, Rule, Severity, Violation
from kfunc_lsp.rules.rename import can_declare
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, UseKind

PAGE = """
## What it does
Finds externs that spell a kernel function's whole name where libbpf cuts it off at the last `___`.

## Why is this bad?
libbpf takes what follows the last `___` of an extern's name for a flavor, and looks up what stands before it. A kernel
function that itself is called `x___v2` can so not be reached by its name: libbpf looks for `x`, which is another
function or none. bpftool's vmlinux.h declares such functions all the same.

## Example
```c
extern bool scx_bpf_dsq_insert___v2(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
scx_bpf_dsq_insert___v2(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);   /* bound to scx_bpf_dsq_insert */
```

## Use instead
A flavor of your own behind the name, for libbpf to cut off:
```c
extern bool scx_bpf_dsq_insert___v2___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
scx_bpf_dsq_insert___v2___compat(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
```

## What libbpf or the kernel says
Where the other function does not fit, libbpf:
`extern (func ksym) 'scx_bpf_dsq_insert___v2': func_proto [..] incompatible with vmlinux [..]`, or nothing if the extern
is weak. Where it fits, nothing at all: the program calls the other function, and this is a warning.

## Fix safety
Every use is given a second flavor. Safe where the program does not load as it is; elsewhere another function is called
than before, and so the fix is offered and not applied by itself.

## References
`bpf_core_essential_name_len` and `bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""

_FLAVOR = "___compat"


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    target = load.loader.target(name)
    hidden = load.function(name) if target != name else None
    if extern is None or hidden is None or not hidden.callable:
        return
    found = _consequence(load, extern, target)
    if found is None:
        return
    at = place(load, extern)
    yield Violation(
        found.severity,
        at.span,
        f"`{name}` is looked up as `{target}`",
        f"the kernel has a function of the whole name, which cannot be reached by it; {found.words}",
        found.stage,
        found.foreseen,
        advice=f"declare: {prototype(name + _FLAVOR, hidden.prototype)}",
        related=at.related,
        subject=name,
        is_fallback=found.is_fallback,
    )


def _consequence(load: Load, extern: Extern, target: str) -> Consequence | None:
    if extern.outcome not in (Outcome.RESOLVED, Outcome.UNKNOWN):
        return unresolved(load, extern)
    if any(use.kind is not UseKind.REFERENCE and load.meets(use) is not Truth.FALSE for use in extern.uses):
        return Consequence(Severity.WARNING, None, "", f"calls go to `{target}`")
    return None


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Give every use of the extern a flavor that may be cut off, and declare it so."""
    name = violation.subject
    new = name + _FLAVOR
    functions = [f for f, _ in fleet.functions(name) if f and f.callable]
    uses = unit.uses_by_name.get(name, ())
    if not functions or not is_free(unit, new) or name in unit.macros or not can_declare(unit, functions[0]):
        return None
    if any(use.macro or not is_editable(use.span, unit) or use.kind is UseKind.ASM for use in uses):
        return None
    edits = _declared(unit, name, new, functions[0])
    if edits is None:
        return None
    edits += [Edit(use.span, new) for use in uses]
    unique = {(e.span.start, e.span.end): e for e in edits}
    return Fix(f"call it `{new}`", tuple(unique.values()), caution(unit, violation, True))


def _declared(unit: Unit, name: str, new: str, function: KernelFunction) -> list[Edit] | None:
    """Edits that declare ``new``: instead of ``name`` in the main file, else before its first use there."""
    if unit.declarations.get(new):
        return []
    weak = unit.is_weak(name)
    here = [d for d in unit.declarations.get(name, ()) if is_editable(d.span, unit)]
    if len(here) > 1 or any(not d.is_alone for d in here):
        return None
    if here:
        return [Edit(here[0].span, extern_statement(unit, new, function, weak))]
    edit = insertion(unit, extern_statement(unit, new, function, weak))
    return None if edit is None else [edit]


RULE = Rule("shadowed-flavor", PAGE, check, fix)
