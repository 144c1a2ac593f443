"""Rule unguarded-weak-call."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import Extern, extern_named
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Stage, Violation
from kfunc_lsp.rules.renames import module_of, other_names
from kfunc_lsp.unit.guard import Truth, mentions
from kfunc_lsp.unit.model import Use, UseKind

PAGE = """
## What it does
Finds calls of weak externs that the kernel does not have and that no guard keeps from being reached.

## Why is this bad?
libbpf leaves a weak extern that the kernel does not have unresolved, and puts an invalid instruction where it is
called. The verifier refuses the program if it gets there. A guard keeps it away: `bpf_ksym_exists(f)`, `if (f)`, an
early return, also in the caller. An inverted guard does not, nor does `condition || bpf_ksym_exists(f)`, nor a guard on
another function.

## Example
```c
extern struct task_struct *bpf_task_from_vpid(s32 vpid) __weak __ksym;
p = bpf_task_from_vpid(1);
```

## Use instead
```c
if (bpf_ksym_exists(bpf_task_from_vpid))
        p = bpf_task_from_vpid(1);
```

## What libbpf or the kernel says
The verifier's log, as libbpf passes it on: `kfunc 'bpf_task_from_vpid' is referenced but wasn't resolved`.
Where a condition stands over the call whose value is not known (a flag, a kernel version), this is a warning.

## Fix safety
No fix by itself: what to do without the kfunc is for a person to say. An editor offers to put a guard around the call.

## References
`bpf_object__relocate_data` and `fixup_log_missing_kfunc_call` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    if extern is not None and extern.is_weak and extern.outcome is Outcome.ABSENT:
        for use in extern.uses:
            if use.kind is not UseKind.REFERENCE:
                yield from _call(load, extern, use)


def _call(load: Load, extern: Extern, use: Use) -> Iterator[Violation]:
    meets = load.meets(use)
    if meets is Truth.FALSE:
        return
    name, target = extern.name, load.loader.target(extern.name)
    is_certain = meets is Truth.TRUE and (load.is_whole or load.flags_known) and module_of(target) is None
    why = "weak and absent is silent until the call is reached"
    if any(name in mentions(guard) for guard in use.guards):
        why += "; the guard on it does not keep the call from being reached"
    elif meets is Truth.UNKNOWN:
        why += ", and it is not known whether it is"
    elif (module := module_of(target)) is not None:
        why += f"; it comes with module {module}, which must be loaded"
    other = next((o for o in other_names(target) if (f := load.function(o)) and f.callable), "")
    related = [Label(use.definition, f"written by macro `{use.macro}`")] if use.definition else []
    yield Violation(
        Severity.ERROR if is_certain else Severity.WARNING,
        use.span,
        f"`{name}` is called without a guard, and is missing",
        why,
        Stage.VERIFIER,
        load.loader.unresolved.format(name=name),
        advice=f"it is called `{other}` there" if other else f"guard the call: if (bpf_ksym_exists({name}))",
        related=(*related, Label(extern.declaration.name_span, "declared here")),
        subject=name,
    )


RULE = Rule("unguarded-weak-call", PAGE, check)
