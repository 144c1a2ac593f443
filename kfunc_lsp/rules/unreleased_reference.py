"""Rule unreleased-reference."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import spots
from kfunc_lsp.rules.trouble import Fault

PAGE = """
## What it does
Finds references that a kfunc gives (`KF_ACQUIRE`) and that are still held where the function ends, on some path.

## Why is this bad?
The verifier counts references: each must be released by a kfunc that is flagged `KF_RELEASE`, moved into a map by
`bpf_kptr_xchg()`, or put into a list or tree. Where one is left when the program ends, it does not load. A reference
that was NULL is none.

Only paths that the verifier certainly follows count, within one function. A reference that is returned, stored, or
passed on to a function of the program is followed no further.

## Example
```c
p = bpf_task_from_pid(1);
if (!p)
        return 0;
if (flags & 1)
        return 0;
bpf_task_release(p);
```

## Use instead
```c
p = bpf_task_from_pid(1);
if (!p)
        return 0;
if (flags & 1) {
        bpf_task_release(p);
        return 0;
}
bpf_task_release(p);
```

## What libbpf or the kernel says
`Unreleased reference id=2 alloc_insn=1`; from 6.18 on with a further line,
`BPF_EXIT instruction in main prog would lead to reference leak`.

## Fix safety
No fix: where to release is for a person to say.

## References
`check_reference_leak` in `kernel/bpf/verifier.c`.
"""

_LEAK = "Unreleased reference"


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.NOT_RELEASED):
        yield spot.violation(
            f"the reference that `{spot.trouble.name}` gives is not released on every path",
            "it is flagged KF_ACQUIRE, and the function ends while the reference is held",
            _LEAK,
        )


RULE = Rule("unreleased-reference", PAGE, check, each=using)
