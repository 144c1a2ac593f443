"""Rule sleepable-in-critical-section."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import spots
from kfunc_lsp.rules.trouble import Fault, Section

PAGE = """
## What it does
Finds calls of kfuncs that may sleep (`KF_SLEEPABLE`) between `bpf_rcu_read_lock()`, `bpf_preempt_disable()` or
`bpf_local_irq_save()` and their ends.

## Why is this bad?
Nothing may sleep in such a section, not even in a program that may.

## Example
```c
bpf_preempt_disable();
bpf_copy_from_user_str(text, sizeof(text), pointer, 0);
bpf_preempt_enable();
```

## Use instead
```c
bpf_copy_from_user_str(text, sizeof(text), pointer, 0);
bpf_preempt_disable();
bpf_preempt_enable();
```

## What libbpf or the kernel says
`kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region`, `… within non-preemptible region`, or
`… within IRQ-disabled region`.

## Fix safety
No fix: what belongs into the section is for a person to say.

## References
`check_kfunc_call` in `kernel/bpf/verifier.c`.
"""

_SLEEPS = "kernel func {name} is sleepable within {region} region"
_REGIONS = {Section.RCU: "rcu_read_lock", Section.PREEMPT: "non-preemptible", Section.IRQ: "IRQ-disabled"}


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.SLEEPS):
        section = spot.trouble.section or Section.RCU
        yield spot.violation(
            f"`{spot.trouble.name}` may sleep, which nothing may after `{section.value}`",
            "it is flagged KF_SLEEPABLE, and is called before the section ends",
            _SLEEPS.format(name=spot.kernel_function.name, region=_REGIONS[section]),
            "the section begins here",
        )


RULE = Rule("sleepable-in-critical-section", PAGE, check, each=using)
