"""Rule guard-never-true."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import guards
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Violation

PAGE = """
## What it does
Finds guards on kfuncs that none of the selected kernels has, where several are selected or the name looks misspelled.

## Why is this bad?
The guarded code runs on none of them. That is as it should be in a program that is also for other kernels; where these
are all, the code can go, or the name is misspelled.

## Example
```c
extern void scx_bpf_consume___old(u64 dsq_id) __weak __ksym;
if (bpf_ksym_exists(scx_bpf_consume___old))     /* since 6.17 no kernel has it */
        scx_bpf_consume___old(dsq_id);
```

## Use instead
The code without the guard's branch, if no other kernel matters.

## What libbpf or the kernel says
Nothing: the guard is false, and the verifier does not look at the guarded code.

## Fix safety
No fix: it is not known for which other kernels the program is.

## References
`bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; they count where every kernel has them."""
    if load.outcome(name) is not Outcome.ABSENT:
        return
    for extern, use in guards(load, name):
        similar = _misspelled(load, load.loader.target(name))
        yield Violation(
            Severity.HINT,
            use.span,
            f"this guard on `{name}` is never true",
            "the kernel does not have it: what the guard protects is dead code",
            advice=f"did you mean `{similar}`?" if similar else "",
            related=(Label(extern.declaration.name_span, "declared here"),),
            subject=name,
            shared_by=1 if similar else 2,
        )


def _misspelled(load: Load, name: str) -> str:
    """The kfunc that was probably meant; another form of the same is not."""
    similar = load.similar(name)
    return "" if similar.startswith(name) or name.startswith(similar) else similar


RULE = Rule("guard-never-true", PAGE, check)
