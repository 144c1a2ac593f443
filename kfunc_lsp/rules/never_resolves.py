"""Rule never-resolves."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import explained_elsewhere, extern_named, unresolved
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.incompatible_prototype import violation
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Fix, Rule, Severity, Violation
from kfunc_lsp.rules.redeclare import as_the_kernel_has_it
from kfunc_lsp.unit.model import Unit

PAGE = """
## What it does
Finds weak externs whose declaration does not fit the kernel's function: they never resolve.

## Why is this bad?
A weak extern that does not fit is treated as if the kernel did not have the function, and nobody is told. Every
`bpf_ksym_exists()` on it is false and the guarded code is dead; without a guard the program does not load. Where
another extern of the same function, with another flavor (`x___old`), does fit, this is most likely meant, and a hint.

## Example
```c
extern struct task_struct *bpf_task_acquire(void *p) __weak __ksym;
if (bpf_ksym_exists(bpf_task_acquire))
        t = bpf_task_acquire(p);        /* never reached */
```

## Use instead
```c
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;
```

## What libbpf or the kernel says
Nothing, if every call is guarded. A call without a guard:
`kfunc 'bpf_task_acquire' is referenced but wasn't resolved`.

## Fix safety
The kernel's declaration replaces the one that does not fit. Safe where the program does not load as it is; elsewhere
code that is dead now may run, and so the fix is offered and not applied by itself.

## References
`bpf_core_types_are_compat` and `bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    if extern is None or extern.outcome is not Outcome.INCOMPATIBLE:
        return
    if not extern.is_tolerated or explained_elsewhere(extern):
        return
    found = unresolved(load, extern)
    if found is None:
        return
    if found.is_fallback and any(load.outcome(other) is Outcome.RESOLVED for other in _siblings(load, name)):
        found = replace(found, severity=Severity.HINT)
    yield violation(load, extern, found, f"`{name}` never resolves")


def _siblings(load: Load, name: str) -> Iterator[str]:
    """The other used externs that are looked up under the same name."""
    target = load.loader.target(name)
    for other in load.unit.uses_by_name:
        if other != name and load.loader.target(other) == target and extern_named(load, other) is not None:
            yield other


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Declare the function as the kernel has it."""
    return as_the_kernel_has_it(unit, violation, fleet) if violation.severity is not Severity.HINT else None


RULE = Rule("never-resolves", PAGE, check, fix)
