"""Rule unused-ignore."""

from __future__ import annotations

from kfunc_lsp.rules.model import Rule

PAGE = """
## What it does
Finds `kfunc-lsp: ignore[…]` comments that hide nothing.

## Why is this bad?
What they were for has been mended, or was never found. Left in place, one hides the next finding of its rule there. A
comment that names no rule, or a rule that does not exist, hides nothing at all, and is a warning.

## Example
```c
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym; // kfunc-lsp: ignore[missing-kfunc]
```

## Use instead
No comment; or, where the kernels that are checked differ from one run to another, one that says so:
```c
p = bpf_task_from_vpid(1); // kfunc-lsp: ignore[missing-kfunc, unused-ignore]
```

## What libbpf or the kernel says
Nothing: to them it is a comment.

## Fix safety
The name is taken out of the comment, or the comment out of the file. Always safe.

## References
[README](../../README.md), "Ignore a finding".
"""

RULE = Rule("unused-ignore", PAGE, lambda load, name: (), each=lambda unit: ())
"""Found where comments are applied (``ignores``), once all other rules have spoken."""
