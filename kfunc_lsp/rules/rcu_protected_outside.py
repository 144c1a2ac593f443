"""Rule rcu-protected-outside."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.flags import KF_ITER_NEW
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import Spot, spots
from kfunc_lsp.rules.trouble import Fault

PAGE = """
## What it does
Finds calls of kfuncs that are flagged `KF_RCU_PROTECTED` outside an RCU section, in programs that may sleep.

## Why is this bad?
What such a kfunc gives lives as long as the RCU read-side section around the call. A program that may not sleep is such
a section as a whole; one that may sleep must make its own.

## Example
```c
SEC("syscall")
int prog(void *ctx)
{
        bpf_for_each(task, task, NULL, BPF_TASK_ITER_ALL_PROCS)
                count++;
        return 0;
}
```

## Use instead
```c
SEC("syscall")
int prog(void *ctx)
{
        bpf_rcu_read_lock();
        bpf_for_each(task, task, NULL, BPF_TASK_ITER_ALL_PROCS)
                count++;
        bpf_rcu_read_unlock();
        return 0;
}
```

## What libbpf or the kernel says
`kernel func bpf_iter_task_new requires RCU critical section protection`; of an iterator 6.12 says
`expected an RCU CS when using bpf_iter_task_next`.

## Fix safety
No fix: how much belongs into the section is for a person to say.

## References
`check_kfunc_call` in `kernel/bpf/verifier.c`, "KF_RCU_PROTECTED" in `Documentation/bpf/kfuncs.rst`.
"""

_OUTSIDE = "kernel func {name} requires RCU critical section protection"
_OUTSIDE_6_12 = "expected an RCU CS when using {name}"


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.OUTSIDE_RCU):
        if all(program.is_sleepable for program in spot.programs):
            yield spot.violation(
                f"`{spot.trouble.name}` is called outside an RCU section",
                "it is flagged KF_RCU_PROTECTED, and the program may sleep",
                _foreseen(load, spot),
                advice="put bpf_rcu_read_lock() and bpf_rcu_read_unlock() around it",
            )


def _foreseen(load: Load, spot: Spot) -> str:
    function = spot.kernel_function
    if load.is_since(6, 13) is False and function.flags is not None and function.flags & KF_ITER_NEW:
        return _OUTSIDE_6_12.format(name=f"{function.name.removesuffix('new')}next")
    return _OUTSIDE.format(name=function.name)


RULE = Rule("rcu-protected-outside", PAGE, check, each=using)
