"""Rule unpaired-lock."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import register, spots
from kfunc_lsp.rules.trouble import Fault, Section, Trouble

PAGE = """
## What it does
Finds `bpf_rcu_read_lock()`, `bpf_preempt_disable()` and `bpf_local_irq_save()` without their end on every path of a
program, their ends without a beginning, interrupts that are saved twice in one place or restored in another order, and
RCU sections within one another where the kernel has none.

## Why is this bad?
A program must leave every section that it enters, and no other. The verifier refuses it otherwise.

Only programs are looked at, not functions that they call; where a function of the program enters or leaves a section,
nothing is said.

## Example
```c
bpf_rcu_read_lock();
if (!task->real_parent)
        return 0;
bpf_rcu_read_unlock();
```

## Use instead
```c
bpf_rcu_read_lock();
if (!task->real_parent)
        goto out;
out:
bpf_rcu_read_unlock();
```

## What libbpf or the kernel says
`BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region` (6.12:
`bpf_rcu_read_unlock is missing`), `unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)`,
`unmatched attempt to enable preemption (kernel function bpf_preempt_enable)`, `expected an initialized irq flag as R1`,
`cannot restore irq state out of order`; before 7.0 `nested rcu read lock (kernel function bpf_rcu_read_lock)`.

## Fix safety
No fix: where a section ends is for a person to say.

## References
`check_kfunc_call` and `check_resource_leak` in `kernel/bpf/verifier.c`.
"""

_ENDS = {
    Section.RCU: "bpf_rcu_read_unlock",
    Section.PREEMPT: "bpf_preempt_enable",
    Section.IRQ: "bpf_local_irq_restore",
}
_LEFT = "BPF_EXIT instruction in main prog cannot be used inside {begin}-ed region"
_UNBEGUN = {
    Section.RCU: "unmatched rcu read unlock (kernel function {name})",
    Section.PREEMPT: "unmatched attempt to enable preemption (kernel function {name})",
    Section.IRQ: "expected an initialized irq flag as {argument}",
}
_NESTED = "nested rcu read lock (kernel function {name})"
_OUT_OF_ORDER = "cannot restore irq state out of order"
_SAVED_TWICE = "expected uninitialized irq flag as {argument}"


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(
        load, function, Fault.SECTION_LEFT, Fault.SECTION_UNBEGUN, Fault.SECTION_NESTED, Fault.SECTION_ORDER
    ):
        trouble = spot.trouble
        section = trouble.section or Section.RCU
        name = spot.kernel_function.name
        argument = "R1" if register(load, 0) == "R1" else "arg#0"
        if trouble.fault is Fault.SECTION_LEFT:
            yield spot.violation(
                f"`{name}` is without `{_ENDS[section]}` on some path",
                "the program ends inside the section",
                _left(load, section, trouble),
                advice=f"call {_ENDS[section]}() on every path",
            )
        elif trouble.fault is Fault.SECTION_UNBEGUN:
            yield spot.violation(
                f"`{name}` ends what was not begun",
                f"no `{section.value}` comes before it",
                _UNBEGUN[section].format(name=name, argument=argument),
            )
        elif trouble.fault is Fault.SECTION_ORDER:
            yield spot.violation(
                f"`{name}` restores interrupts in another order than they were saved in",
                "what was saved last must be restored first",
                _OUT_OF_ORDER,
                "saved here last",
            )
        elif section is Section.IRQ:
            yield spot.violation(
                f"`{name}` saves interrupts where they are saved already",
                "what was saved there has not been restored",
                _SAVED_TWICE.format(argument=argument),
                "saved here before",
            )
        elif section is Section.RCU and load.is_since(6, 19) is False:
            yield spot.violation(
                f"`{name}` begins an RCU section within another",
                "the kernel has none within one another before 7.0",
                _NESTED.format(name=name),
                "the outer one begins here",
            )


def _left(load: Load, section: Section, trouble: Trouble) -> str:
    if section is Section.IRQ or load.is_since(6, 13) is not False:
        return _LEFT.format(begin=section.value)
    if section is Section.RCU:
        return "bpf_rcu_read_unlock is missing"
    return f"{trouble.count} bpf_preempt_enable{'(s) are' if trouble.count > 1 else ' is'} missing"


RULE = Rule("unpaired-lock", PAGE, check, each=using)
