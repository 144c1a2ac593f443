"""Rule broken-kernel."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.rules.externs import Consequence, Extern, extern_named, place, unresolved
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.messages import NO_IMPL
from kfunc_lsp.rules.model import Rule, Severity, Stage, Violation
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import UseKind

PAGE = """
## What it does
Finds uses of kfuncs that the kernel's build has broken: the program is right, the kernel is not.

## Why is this bad?
Some builds of 7.0 to 7.2 flag a kfunc `KF_IMPLICIT_ARGS` and yet leave the implicit argument in its prototype and make
no `_impl` of it, since pahole (1.30 and older) has lost the kfunc's tag. Without the argument the declaration does not
fit the BTF; with it, the kernel looks for the `_impl` that is not there. No form of the call loads.

## Example
On Debian's 7.2.12+deb13:
```c
extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
scx_bpf_kick_cpu(0, 0);
```

## Use instead
The same program, on a sound kernel: a build made with pahole 1.31 or later, or Linux 7.3 and later, which do not need
the tag. `kfunc-lsp kernel health K` lists what is broken in a kernel. To load on a broken kernel too, make the extern
weak and guard its calls.

## What libbpf or the kernel says
Without the argument, libbpf: `extern (func ksym) 'scx_bpf_kick_cpu': func_proto [..] incompatible with vmlinux [..]`.
With it, the kernel, before it looks at the code: `cannot find function scx_bpf_kick_cpu_impl in BTF`.

## Fix safety
No fix: no change to the program helps.

## References
`collect_kfuncs` in `tools/bpf/resolve_btfids/main.c`; `functions_cmp` in pahole's `btf_encoder.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    if extern is None or extern.klass is not FunctionClass.BROKEN:
        return
    is_bound = extern.outcome is Outcome.RESOLVED
    found = _refused(load, extern, load.loader.target(name)) if is_bound else unresolved(load, extern)
    if found is not None:
        at = place(load, extern)
        yield Violation(
            found.severity if extern.outcome is not Outcome.UNKNOWN else Severity.WARNING,
            at.span,
            f"`{name}` is broken: it can be called in no form",
            f"the kernel's build has lost the kfunc's tag and left it untransformed; {found.words}",
            found.stage,
            found.foreseen,
            advice="use a build of the kernel made with pahole 1.31 or later; no change to the program helps",
            related=at.related,
            subject=name,
            is_fallback=found.is_fallback,
        )


def _refused(load: Load, extern: Extern, name: str) -> Consequence | None:
    """What follows where the declaration fits the untransformed prototype: the kernel refuses each call."""
    calls = {load.unit.presence(use) for use in extern.uses if use.kind is not UseKind.REFERENCE}
    if not calls - {Truth.FALSE}:
        return None
    severity = Severity.ERROR if Truth.TRUE in calls else Severity.WARNING
    words = "the kernel refuses a program that holds a call, dead code included"
    return Consequence(severity, Stage.SCAN, NO_IMPL.format(name=name), words)


RULE = Rule("broken-kernel", PAGE, check)
