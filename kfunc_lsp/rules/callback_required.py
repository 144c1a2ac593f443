"""Rule callback-required."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds arguments that must be functions of the program and are not.

## Why is this bad?
The verifier follows a callback when it meets the call, so it must see which function it is. A number, a variable or a
function's address that comes out of memory is none.

## Example
```c
bpf_wq_set_callback(&value->work, (void *)callbacks[0], 0);
```

## Use instead
```c
bpf_wq_set_callback(&value->work, callback, 0);
```

## What libbpf or the kernel says
The verifier: `arg1 expected pointer to func`, since 7.2 `R2 expected pointer to func`.

## Fix safety
No fix: which function is meant is for a person to say.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.CALLBACK):
        headline = f"`{refusal.call.use.name}` needs a function as {refusal.ordinal}"
        yield refusal.violation(headline, f"the verifier follows the function there, and {refusal.words}")


RULE = Rule("callback-required", PAGE, check)
