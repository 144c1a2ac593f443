"""Rule non-gpl-program."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Stage, Violation, whole
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind

PAGE = """
## What it does
Finds calls of kfuncs in a program whose license is not compatible with the GPL.

## Why is this bad?
Kfuncs are for GPL-compatible programs only. The kernel compares the string in section `license` with the few that it
knows: `GPL`, `GPL v2`, `GPL and additional rights`, `Dual BSD/GPL`, `Dual MIT/GPL` and `Dual MPL/GPL`. It refuses a
program with another license that holds a call of a kfunc, even in dead code. Where no license is seen at all, another
file may have it, and nothing is said.

## Example
```c
char LICENSE[] SEC("license") = "MIT";
```

## Use instead
```c
char LICENSE[] SEC("license") = "Dual MIT/GPL";
```

## What libbpf or the kernel says
`cannot call kernel function from non-GPL compatible program`

## Fix safety
There is no fix: a license is the author's to choose.

## References
`license_is_gpl_compatible` in `include/linux/license.h`; `add_kfunc_call` in `kernel/bpf/verifier.c`.
"""

_COMPATIBLE = frozenset(("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"))


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel: one, at the first call, as it is one string that is wrong."""
    unit = load.unit
    if unit.license is None or unit.license in _COMPATIBLE:
        return
    doubtful = None
    for use in unit.uses:
        holds = _holds(load, use)
        if holds is Truth.TRUE:
            yield _violation(unit, use, Severity.ERROR)
            return
        if holds is Truth.UNKNOWN and doubtful is None:
            doubtful = use
    if doubtful is not None:
        yield _violation(unit, doubtful, Severity.WARNING)


def _violation(unit: Unit, use: Use, severity: Severity) -> Violation:
    return Violation(
        severity=severity,
        span=use.span,
        headline=f'`{use.name}` cannot be called under license "{unit.license}"',
        why="kfuncs are for programs under a GPL-compatible license",
        stage=Stage.SCAN,
        foreseen="cannot call kernel function from non-GPL compatible program",
        advice='write: char LICENSE[] SEC("license") = "GPL"; or "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"',
        related=(Label(use.definition, f"written by macro `{use.macro}`"),) if use.definition else (),
        subject=use.name,
    )


def _holds(load: Load, use: Use) -> Truth:
    """Whether a program holds the call of a kfunc, be it dead code or not."""
    if use.kind is UseKind.REFERENCE:
        return Truth.FALSE
    outcome = load.outcome(use.name)
    if outcome is Outcome.UNKNOWN:
        return Truth.UNKNOWN
    return load.unit.presence(use) if outcome is Outcome.RESOLVED else Truth.FALSE


RULE = Rule("non-gpl-program", PAGE, check, each=whole)
