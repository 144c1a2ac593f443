"""Rule constant-required."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds arguments that the verifier must know as constants and that only the running program knows.

## Why is this bad?
A parameter whose name in the kernel ends in `__k` or `__szk` (a type id, the size of a buffer to be copied to), or is
`rdonly_buf_size` or `rdwr_buf_size`, decides what the verifier makes of the call. It takes a number that it knows, and
a check against a bound does not make it know one. A constant of the program is known, so are `const` variables,
`sizeof` and `bpf_core_type_id_local`.

## Example
```c
u32 len = ctx->len;

if (len > sizeof(buffer))
        return 0;
data = bpf_dynptr_slice(&ptr, 0, buffer, len);
```

## Use instead
```c
data = bpf_dynptr_slice(&ptr, 0, buffer, sizeof(buffer));
```

## What libbpf or the kernel says
The verifier: `R4 must be a known constant`. Of the size of a returned buffer: `R2 is not a const`. What may be a
constant by a test, or by the compiler's work, is not reported.

## Fix safety
No fix: which constant is meant is for a person to say.

## References
`check_kfunc_args` in `kernel/bpf/verifier.c`; `Documentation/bpf/kfuncs.rst`, "__k Annotation".
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.CONSTANT):
        headline = f"`{refusal.call.use.name}` needs a known constant as {refusal.ordinal}"
        why = f"the verifier must know the number of `{refusal.param.name}`, and only the running program does"
        yield refusal.violation(headline, why)


RULE = Rule("constant-required", PAGE, check)
