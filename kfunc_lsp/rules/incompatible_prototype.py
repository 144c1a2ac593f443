"""Rule incompatible-prototype."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import Consequence, Extern, explained_elsewhere, extern_named, place, unresolved
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Fix, Rule, Violation
from kfunc_lsp.rules.redeclare import as_the_kernel_has_it
from kfunc_lsp.unit.model import Unit

PAGE = """
## What it does
Finds strong externs whose declaration does not fit the kernel's function, and says where the two part.

## Why is this bad?
libbpf compares the declaration with the kernel's BTF and refuses the whole object where they do not fit. It compares
kinds, not names: any `struct` pointer fits any other, and any integer any other; but `void *` does not fit a `struct`
pointer, an `enum` no integer, and a `struct` that is only declared (`struct task_struct;`) no struct. Parameters are
counted, `...` as one.

## Example
```c
struct task_struct;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void *bpf_task_from_pid(s32 pid) __ksym;
```

## Use instead
Types from vmlinux.h, or any struct with a body (`struct task_struct {};` will do), and the kernel's own prototype:
```c
#include "vmlinux.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
```

## What libbpf or the kernel says
libbpf, before the load:
`extern (func ksym) 'bpf_task_acquire': func_proto [..] incompatible with vmlinux [..]`.

## Fix safety
The kernel's declaration replaces the one that does not fit, where it stands in the file that is checked, the types that
it names are at hand, and every call has the number of arguments that it takes. It is safe if it fits every selected
kernel.

## References
`bpf_core_types_are_compat` and `bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    if extern is None or extern.outcome is not Outcome.INCOMPATIBLE:
        return
    if not extern.is_tolerated and not explained_elsewhere(extern):
        found = unresolved(load, extern)
        if found is not None:
            yield violation(load, extern, found, f"the declaration of `{name}` does not fit")


def violation(load: Load, extern: Extern, found: Consequence, headline: str) -> Violation:
    """The violation for a declaration that does not fit."""
    at = place(load, extern)
    function = extern.resolution.function
    assert function is not None
    advice = f"the kernel has: {prototype(function.name, function.prototype)}"
    if "(only declared" in extern.resolution.reason:
        advice = "define the struct: include vmlinux.h, or give it a body, which may be empty"
    return Violation(
        found.severity,
        at.span,
        headline,
        f"{extern.resolution.reason}; {found.words}",
        found.stage,
        found.foreseen,
        advice=advice,
        related=at.related,
        subject=extern.name,
        is_fallback=found.is_fallback,
    )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Declare the function as the kernel has it."""
    return as_the_kernel_has_it(unit, violation, fleet)


RULE = Rule("incompatible-prototype", PAGE, check, fix)
