"""Rule null-not-allowed."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds `NULL` where the kernel takes none.

## Why is this bad?
Since Linux 7.0 every kfunc refuses `NULL` for a pointer, unless the parameter's name in the kernel ends in
`__nullable` (or `__ign`, which is not looked at). Before, only kfuncs flagged `KF_TRUSTED_ARGS`, `KF_RCU` or
`KF_RELEASE` did, and those that want a particular object; a buffer of size 0 could be `NULL`. So code that loads up to
6.19 may not on 7.0.

## Example
```c
bpf_copy_from_user_str(NULL, 0, user, 0);
```

## Use instead
```c
bpf_copy_from_user_str(buffer, sizeof(buffer), user, 0);
```

## What libbpf or the kernel says
The verifier: `Possibly NULL pointer passed to trusted arg0`, since 7.2 `… trusted R1`. Where an older kernel refuses
`NULL` as it would any number, what it says of that: `arg1 expected pointer to func`.

## Fix safety
No fix: what to pass instead is for a person to say.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.NOT_NULL):
        headline = f"`{refusal.call.use.name}` does not take NULL as {refusal.ordinal}"
        yield refusal.violation(headline, f"the parameter `{refusal.param.name}` is not nullable there")


RULE = Rule("null-not-allowed", PAGE, check)
