"""Rule conflicting-declaration."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.compatible import differ
from kfunc_lsp.rules.edits import is_editable, whole_line
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.messages import CONFLICT
from kfunc_lsp.rules.model import Edit, Fix, Label, Rule, Severity, Stage, Violation, named
from kfunc_lsp.unit.model import Declaration, Unit

PAGE = """
## What it does
Finds two declarations of a kfunc that contradict each other, such as one of your own and the one of vmlinux.h.

## Why is this bad?
clang refuses the file. And the vmlinux.h of one kernel may declare what that of another does not, or declares
otherwise, so that the same file compiles with one and not with the other.

## Example
```c
#include "vmlinux.h"    /* struct task_struct *bpf_task_acquire(struct task_struct *p) __weak __ksym; */
extern void *bpf_task_acquire(struct task_struct *p) __ksym;
```

## Use instead
The declaration of vmlinux.h, or only your own ones: define `BPF_NO_KFUNC_PROTOTYPES` before vmlinux.h is included.
```c
#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
```

## What libbpf or the kernel says
clang: `conflicting types for 'bpf_task_acquire'`.
Where one of the two can be switched off by `BPF_NO_KFUNC_PROTOTYPES` this is a warning, as the real build may define
it. Integers of one size are not told apart.

## Fix safety
Your own declaration is removed. Offered, and not applied by itself: the calls may rest on it.

## References
`bpftool btf dump file … format c`.
"""

_SWITCH = "BPF_NO_KFUNC_PROTOTYPES"


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations of one name, the same on every kernel."""
    unit = load.unit
    declarations = unit.declarations.get(name, ())
    if len(declarations) < 2 or not any(is_editable(d.name_span, unit) for d in declarations):
        return
    pair = _conflict([d for d in declarations if d.prototype is not None])
    if pair is None or not any(is_editable(d.name_span, unit) for d in pair):
        return
    mine, other = pair[::-1] if is_editable(pair[1].name_span, unit) else pair
    is_switched = any(_SWITCH in d.name_span.file.text for d in pair)
    yield Violation(
        Severity.WARNING if is_switched or unit.missing_headers else Severity.ERROR,
        mine.name_span,
        f"`{name}` is declared in two ways",
        "clang refuses a second declaration with other types",
        Stage.COMPILE,
        CONFLICT.format(name=name),
        advice=f"keep one of them; {_SWITCH} switches those of vmlinux.h off" if is_switched else "keep one of them",
        related=(Label(other.name_span, "declared otherwise here"),),
        subject=name,
    )


def _conflict(declarations: list[Declaration]) -> tuple[Declaration, Declaration] | None:
    return next(((declarations[0], d) for d in declarations[1:] if differ(declarations[0].type, d.type)), None)


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Remove the declaration in the main file, where the other one is in a header."""
    declarations = unit.declarations.get(violation.subject, ())
    here = [d for d in declarations if is_editable(d.name_span, unit)]
    if len(here) != 1 or len(here) == len(declarations) or not here[0].is_alone:
        return None
    edit = Edit(whole_line(here[0].span), "")
    return Fix("keep the header's declaration", (edit,), "calls may rest on this one")


RULE = Rule("conflicting-declaration", PAGE, check, fix, named)
