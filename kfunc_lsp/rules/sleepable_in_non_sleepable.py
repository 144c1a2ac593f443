"""Rule sleepable-in-non-sleepable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfunc_lsp.kernel.model import Fact
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Severity, Stage, Violation
from kfunc_lsp.rules.programs import Call, Program, access, calls
from kfunc_lsp.unit.guard import Truth

PAGE = """
## What it does
Finds calls of kfuncs that may sleep (`KF_SLEEPABLE`) where the program may not.

## Why is this bad?
Most programs run where nothing may sleep, and the verifier refuses a call of a sleepable kfunc there. Programs that may
sleep have a section that says so: `SEC("lsm.s/…")`, `SEC("fentry.s/…")`, `SEC("struct_ops.s/…")`, and `SEC("syscall")`
always. Callbacks of work queues and of task work may sleep in any program; those of timers may not, whatever the
program.

## Example
```c
SEC("lsm/file_open")
int BPF_PROG(prog, struct file *file)
{
        return bpf_get_file_xattr(file, "user.tag", &value);
}
```

## Use instead
```c
SEC("lsm.s/file_open")
int BPF_PROG(prog, struct file *file)
{
        return bpf_get_file_xattr(file, "user.tag", &value);
}
```

## What libbpf or the kernel says
`program must be sleepable to call sleepable kfunc bpf_get_file_xattr`. Where the call stands in a function that is not
static: `global functions that may sleep are not allowed in non-sleepable context,` (from 6.15), and
`sleepable global function helper() called in non-sleepable prog` (7.3).

## Fix safety
There is no fix: whether a program can be sleepable depends on what it is attached to.

## References
`check_kfunc_call` in `kernel/bpf/verifier.c`.
"""

_MUST_SLEEP = "program must be sleepable to call sleepable kfunc {name}"
_GLOBAL = "global functions that may sleep are not allowed in non-sleepable context,"
_GLOBAL_NAMED = "sleepable global function {function}() called in non-sleepable prog"


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for call in calls(load, name, lambda answer: answer.needs_sleepable):
        awake = [program for program in call.programs if program.is_sleepable is False]
        if awake:
            yield _violation(load, call, awake, access(load, call.function, awake[0]).is_sure)


def _violation(load: Load, call: Call, awake: Sequence[Program], is_sure: bool) -> Violation:
    lead = awake[0]
    is_sure = is_sure and call.is_bound and lead.reach is Truth.TRUE
    where = "a callback of a timer" if lead.is_later else f"{lead.kind} programs"
    sleepable = lead.section.sleepable or lead.is_later
    return Violation(
        severity=Severity.ERROR if is_sure else Severity.WARNING,
        span=call.use.span,
        headline=f"`{call.use.name}` may sleep, which {where} may not",
        why="it is flagged KF_SLEEPABLE, and the verifier wants the code that calls it to be sleepable",
        stage=Stage.VERIFIER,
        foreseen=_foreseen(load, call, lead),
        advice="" if sleepable else "make the program sleepable (`.s` in its section), or call it from a work queue",
        related=call.related(awake),
        subject=call.use.name,
        fact=Fact.HOOKS,
    )


def _foreseen(load: Load, call: Call, program: Program) -> str:
    """The kernel's words; those for a global function have changed twice (since 6.15, since 7.3)."""
    if not program.global_ or not load.is_since(6, 15):
        return _MUST_SLEEP.format(name=call.function.name)
    return _GLOBAL_NAMED.format(function=program.global_) if load.is_since(7, 3) else _GLOBAL


RULE = Rule("sleepable-in-non-sleepable", PAGE, check)
