"""Rule map-required."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.arguments import Demand, refusals
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation

PAGE = """
## What it does
Finds arguments that must be maps and are not.

## Why is this bad?
Where the kernel's name of a parameter ends in `__map` or `__const_map`, the argument must be a map of the program. A
map's value, another variable or a number is none.

## Example
```c
bpf_wq_init(&value->work, value, 0);
```

## Use instead
```c
bpf_wq_init(&value->work, &map, 0);
```

## What libbpf or the kernel says
The verifier: `pointer in R2 isn't map pointer`. Of a variable that is no map: `R1 must be referenced or trusted` up to
7.2, or `arg#1 is map_value expected map_value or socket` up to 6.19. Of what is passed for a `__map` on 7.3:
`R1 is fp expected STRUCT bpf_map or map_ptr`.

## Fix safety
No fix: which map is meant is for a person to say.

## References
`check_kfunc_args` and `get_kfunc_ptr_arg_type` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for refusal in refusals(load, name, Demand.MAP):
        headline = f"`{refusal.call.use.name}` needs a map as {refusal.ordinal}"
        yield refusal.violation(headline, f"the kernel calls it `{refusal.param.name}`, and {refusal.words}")


RULE = Rule("map-required", PAGE, check)
