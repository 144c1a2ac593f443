"""Rule constant-string-required."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds arguments that must be constant strings and are not.

## Why is this bad?
Where the kernel's name of a parameter ends in `__str`, the verifier reads the string at load time. So it must be in
memory that libbpf has frozen: a string literal, or a `const` variable that is `static` or at file level. An array in
the function is on the stack, even a `const` one, and a variable that is not `const` may be written to.

## Example
```c
const char name[] = "user.tag";

bpf_get_file_xattr(file, name, &value);
```

## Use instead
```c
static const char name[] = "user.tag";

bpf_get_file_xattr(file, name, &value);
```

## What libbpf or the kernel says
The verifier: `arg#1 doesn't point to a const string`, since 7.2 `R2 doesn't …`; of a variable that is not `const`:
`R2 does not point to a readonly map'`.

## Fix safety
No fix: a variable that is written to needs another one beside it.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.STRING):
        headline = f"`{refusal.call.use.name}` needs a constant string as {refusal.ordinal}"
        yield refusal.violation(headline, f"the kernel calls it `{refusal.param.name}`, and {refusal.words}")


RULE = Rule("constant-string-required", PAGE, check)
