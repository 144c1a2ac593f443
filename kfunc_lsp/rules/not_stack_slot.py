"""Rule not-stack-slot."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds iterators, saved IRQ flags and dynptrs that are not on the stack.

## Why is this bad?
The verifier follows the state of iterators, of `__irq_flag` arguments and of dynptrs by the slots of the stack that
they are in. So they must be local variables: not global, not in a map's value, not behind a pointer from elsewhere.

## Example
```c
unsigned long flags; /* at file level */

bpf_local_irq_save(&flags);
```

## Use instead
```c
unsigned long flags; /* in the function */

bpf_local_irq_save(&flags);
```

## What libbpf or the kernel says
The verifier: `arg#0 doesn't point to an irq flag on stack`, `arg#0 expected pointer to an iterator on stack`,
`arg#0 expected pointer to stack or const struct bpf_dynptr`; since 7.2 with `R1` for `arg#0`.

## Fix safety
No fix: where the variable goes is for a person to say.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.STACK_SLOT):
        headline = f"`{refusal.call.use.name}` needs a variable on the stack as {refusal.ordinal}"
        yield refusal.violation(headline, f"the verifier follows its state there, and {refusal.words}")


RULE = Rule("not-stack-slot", PAGE, check)
