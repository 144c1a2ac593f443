"""Rule scalar-for-pointer."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds numbers where a kfunc takes a pointer.

## Why is this bad?
A cast makes a pointer of a number for the compiler, but not for the verifier, which tells pointers from numbers by
where they come from. `bpf_get_current_task()` returns a number too: `bpf_get_current_task_btf()` gives the pointer.

## Example
```c
task = bpf_task_acquire((void *)bpf_get_current_task());
```

## Use instead
```c
task = bpf_task_acquire(bpf_get_current_task_btf());
```

## What libbpf or the kernel says
The verifier, of a kernel's structure:
`arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar`, on 7.2 `R1 pointer type …`, since
7.3 `R1 is scalar expected STRUCT task_struct`. Of memory: `R1 type=scalar expected=fp`. Of what is released, since
7.2: `release kfunc bpf_task_release expects referenced PTR_TO_BTF_ID passed to R1`.

## Fix safety
No fix: which pointer is meant is for a person to say.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.POINTER):
        headline = f"`{refusal.call.use.name}` is given a number as {refusal.ordinal}, which is a pointer"
        yield refusal.violation(headline, "whatever it is cast to, to the verifier it is a number")


RULE = Rule("scalar-for-pointer", PAGE, check)
