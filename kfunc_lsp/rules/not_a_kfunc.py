"""Rule not-a-kfunc."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.rules.load import Call, Load
from kfunc_lsp.rules.messages import NOT_ALLOWED
from kfunc_lsp.rules.model import Label, Rule, Severity, Stage, Violation

PAGE = """
## What it does
Finds calls of kernel functions that are no kfuncs.

## Why is this bad?
libbpf finds every function of the kernel's BTF, kfunc or not, so the extern resolves and a guard on it is true. But
only functions that are registered as kfuncs may be called. (Functions that fmod_ret programs attach to carry a kfunc's
tag and may not be called either.)

## Example
```c
extern long schedule_timeout(long timeout) __ksym;
schedule_timeout(1);
```

## Use instead
A kfunc or a helper: `kfunc-lsp kernel show K` lists the kfuncs of a kernel.

## What libbpf or the kernel says
The verifier, where it reaches the call: `calling kernel function schedule_timeout is not allowed`. A call in dead code
does no harm.
This takes a kernel image: a pack has kfuncs alone, and the function is then reported as missing-kfunc. Raw BTF alone
may have lost a kfunc's tag, and so the finding is a warning there.

## Fix safety
No fix.

## References
`check_kfunc_call` and `fetch_kfunc_meta` in `kernel/bpf/verifier.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    if load.class_of(name) in (FunctionClass.FUNCTION, FunctionClass.NOT_CALLABLE) and load.kfuncs_known:
        for use in load.unit.uses_by_name[name]:
            call = load.call(use)
            if call is not None:
                yield _violation(load, call)


def _violation(load: Load, call: Call) -> Violation:
    use, function = call.use, call.function
    is_certain = call.is_certain and (load.flags_known or function.klass is FunctionClass.NOT_CALLABLE)
    why = f"{load.loader.name} finds it, but it is not registered as a kfunc, so no BPF program may call it"
    if function.klass is FunctionClass.NOT_CALLABLE:
        why = "it is there for fmod_ret programs to attach to, and no BPF program may call it"
    elif not load.flags_known:
        why += "; or this kernel's BTF has lost its tag: give its vmlinuz to be sure"
    related = [Label(use.definition, f"written by macro `{use.macro}`")] if use.definition else []
    return Violation(
        Severity.ERROR if is_certain else Severity.WARNING,
        use.span,
        f"`{use.name}` is no kfunc",
        why,
        Stage.VERIFIER,
        NOT_ALLOWED.format(name=function.name),
        related=tuple(related),
        subject=use.name,
    )


RULE = Rule("not-a-kfunc", PAGE, check)
