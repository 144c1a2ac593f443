"""Rule guard-always-true."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import guards
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Violation

PAGE = """
## What it does
Finds guards on kfuncs that every selected kernel has, where several are selected.

## Why is this bad?
It is not: the guard costs nothing. But if these are all the kernels that the program is for, the guard and its fallback
can go.

## Example
```c
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym;
if (bpf_ksym_exists(bpf_task_acquire))          /* every kernel since 6.2 has it */
        t = bpf_task_acquire(p);
```

## Use instead
```c
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
t = bpf_task_acquire(p);
```

## What libbpf or the kernel says
Nothing: the guard is true.

## Fix safety
No fix: it is not known for which other kernels the program is.

## References
`bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; they count where every kernel has them."""
    if load.is_alone:
        return
    for extern, use in guards(load, name):
        if extern.outcome is Outcome.RESOLVED and extern.klass is not None and extern.klass.callable:
            yield Violation(
                Severity.HINT,
                use.span,
                f"this guard on `{name}` is always true",
                "the kernel has it, and the declaration fits",
                related=(Label(extern.declaration.name_span, "declared here"),),
                subject=name,
                shared_by=2,
            )


RULE = Rule("guard-always-true", PAGE, check)
