"""Rule unowned-release."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.types import Ptr, Struct, skip_modifiers_and_typedefs
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import Spot, spots
from kfunc_lsp.rules.trouble import Fault

PAGE = """
## What it does
Finds releases of what is not held (a reference that was released before, an argument of the program), and reads of
what was released.

## Why is this bad?
A kfunc that is flagged `KF_RELEASE` takes a reference that the program holds. What the kernel passes to a program is
the kernel's; what has been released is no pointer any more.

## Example
```c
SEC("tp_btf/task_newtask")
int BPF_PROG(prog, struct task_struct *task, u64 flags)
{
        bpf_task_release(task);
        return 0;
}
```

## Use instead
```c
SEC("tp_btf/task_newtask")
int BPF_PROG(prog, struct task_struct *task, u64 flags)
{
        struct task_struct *p = bpf_task_acquire(task);

        if (p)
                bpf_task_release(p);
        return 0;
}
```

## What libbpf or the kernel says
`release kfunc bpf_task_release expects referenced PTR_TO_BTF_ID passed to R1`; before 7.2
`release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID`, and for a second release
`arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar`. For a read behind the release
`R6 invalid mem access 'scalar'`, with the register that the compiler chose.

## Fix safety
No fix: whether the release or the missing acquisition is wrong is for a person to say.

## References
`check_kfunc_args` in `kernel/bpf/verifier.c`.
"""

_SINCE_7_2 = "release kfunc {name} expects referenced PTR_TO_BTF_ID passed to R1"
_NEVER_HELD = "release kernel function {name} expects refcounted PTR_TO_BTF_ID"
_NOT_ALLOCATED = "arg#0 expected pointer to allocated object"
_OF_STRUCT = "arg#0 pointer type STRUCT {struct} must point to scalar, or struct with scalar"
_OF_SCALARS = "R1 type=scalar expected=fp"
_READ = "invalid mem access 'scalar'"
_OF_ANYTHING = "R1 must be referenced or trusted"
_ONLY_SCALARS = ("bpf_cpumask",)
"""Structs that hold nothing but numbers, which the verifier takes for memory."""


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.RELEASED_TWICE, Fault.NEVER_HELD, Fault.READ_RELEASED):
        trouble = spot.trouble
        if trouble.fault is Fault.READ_RELEASED:
            headline = f"what `{trouble.name}` gives is read after it was released"
            why = "what has been released is no pointer to the verifier"
        elif trouble.fault is Fault.RELEASED_TWICE:
            headline = f"`{trouble.name}` releases what was released before"
            why = "a reference can be released once"
        else:
            headline = f"`{trouble.name}` releases an argument of the program"
            why = "the kernel passes it, and the program has not acquired a reference to it"
        yield spot.violation(headline, why, _foreseen(load, spot), "the reference was given here")


def _foreseen(load: Load, spot: Spot) -> str:
    name = spot.kernel_function.name
    if spot.trouble.fault is Fault.READ_RELEASED:
        return _READ
    if load.is_since(7, 2) is not False:
        return _SINCE_7_2.format(name=name)
    param = spot.kernel_function.prototype.params[0]
    if spot.trouble.fault is Fault.NEVER_HELD:
        return _NOT_ALLOCATED if param.name.endswith("__alloc") else _NEVER_HELD.format(name=name)
    pointer = skip_modifiers_and_typedefs(param.type)
    target = skip_modifiers_and_typedefs(pointer.target) if isinstance(pointer, Ptr) else None
    if not isinstance(target, Struct):
        return _OF_ANYTHING
    return _OF_SCALARS if target.name in _ONLY_SCALARS else _OF_STRUCT.format(struct=target.name)


RULE = Rule("unowned-release", PAGE, check, each=using)
