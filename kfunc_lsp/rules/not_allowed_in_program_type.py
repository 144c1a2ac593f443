"""Rule not-allowed-in-program-type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfunc_lsp.kernel.filters import SOURCE, operations_of
from kfunc_lsp.kernel.hooks import Access, Answer
from kfunc_lsp.kernel.model import Fact, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Severity, Stage, Violation
from kfunc_lsp.rules.programs import Call, Program, access, calls
from kfunc_lsp.unit.guard import Truth

PAGE = """
## What it does
Finds calls of kfuncs that the type of the program may not call.

## Why is this bad?
A kfunc is registered for some program types only (or for all of them), and a filter may stand before it that looks at
more: since Linux 7.1 one lets each `sched_ext` kfunc through only in the operations that it is made for. The verifier
refuses a program in which it meets a call that is not for it. The type is that of the program's `SEC`, also for code in
functions that the program calls and in its callbacks; code of which no program is known is left alone.

## Example
```c
SEC("tc")
int prog(struct __sk_buff *ctx)
{
        struct bpf_dynptr ptr;

        return bpf_dynptr_from_xdp((struct xdp_md *)ctx, 0, &ptr);
}
```

## Use instead
```c
SEC("tc")
int prog(struct __sk_buff *ctx)
{
        struct bpf_dynptr ptr;

        return bpf_dynptr_from_skb(ctx, 0, &ptr);
}
```

## What libbpf or the kernel says
`calling kernel function bpf_dynptr_from_xdp is not allowed`

## Fix safety
There is no fix: the call has to move to a program of another type, or another function has to be called.

## References
`btf_kfunc_id_set_contains` in `kernel/bpf/btf.c`; `scx_kfunc_context_filter` in `kernel/sched/ext/ext.c`.
"""

_HOOKS: Mapping[str, str] = {
    "XDP": "xdp",
    "TC": "tc",
    "STRUCT_OPS": "struct_ops",
    "TRACING": "tracing, lsm, iter, tracepoint, perf_event",
    "SYSCALL": "syscall",
    "CGROUP": "cgroup",
    "SCHED_ACT": "action",
    "SK_SKB": "sk_skb",
    "SOCKET_FILTER": "socket",
    "LWT": "lwt",
    "NETFILTER": "netfilter",
    "KPROBE": "kprobe, uprobe",
}
"""Hooks by the sections of the programs that they serve."""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for call in calls(load, name, lambda answer: answer.is_denied):
        yield _violation(call, access(load, call.function, call.programs[0]))


def _violation(call: Call, answer: Answer) -> Violation:
    lead = call.programs[0]
    is_sure = call.is_bound and lead.reach is Truth.TRUE and answer.is_sure
    return Violation(
        severity=Severity.ERROR if is_sure else Severity.WARNING,
        span=call.use.span,
        headline=f"`{call.use.name}` is not allowed in {lead.kind} programs",
        why=_why(call.function, lead, answer),
        stage=Stage.VERIFIER,
        foreseen=f"calling kernel function {call.function.name} is not allowed",
        related=call.related(call.programs),
        subject=call.use.name,
        fact=Fact.HOOKS,
    )


def _why(function: KernelFunction, program: Program, answer: Answer) -> str:
    if answer.access is Access.FILTERED and answer.filter is not None:
        only = operations_of(function.name, program.section.program_type)
        meaning = f"in {only[0]} by {', '.join(only[1]) or 'nobody'}" if only else answer.filter.meaning
        return f"it may be called {meaning} ({answer.filter.name}, as {SOURCE} has it)"
    hooks = [_HOOKS.get(hook.name, hook.name) for hook in function.hooks or () if hook.name != COMMON]
    return f"it is for {', '.join(hooks) or 'no'} programs"


RULE = Rule("not-allowed-in-program-type", PAGE, check)
