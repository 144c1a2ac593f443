"""Rule undeclared-kfunc."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.rules.edits import extern_statement, insertion
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.messages import UNDECLARED
from kfunc_lsp.rules.model import Fix, Label, Rule, Severity, Stage, Violation
from kfunc_lsp.rules.rename import can_declare
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, UseKind

PAGE = """
## What it does
Finds calls of kfuncs that nothing declares.

## Why is this bad?
clang refuses them. A vmlinux.h of another kernel, or one that was made without kfunc prototypes (by an older bpftool,
or with `BPF_NO_KFUNC_PROTOTYPES`), does not declare the kfuncs of the kernels that you ship to.

## Example
```c
#include "vmlinux.h"
bpf_task_release(p);
```

## Use instead
```c
#include "vmlinux.h"
extern void bpf_task_release(struct task_struct *p) __ksym;
bpf_task_release(p);
```
Or include what `kfunc-lsp kernel header K` writes: weak declarations of all kfuncs of a kernel.

## What libbpf or the kernel says
clang: `call to undeclared function 'bpf_task_release'`.
Where headers were not found the declaration may be in one of them, and this is a warning.

## Fix safety
The declaration is inserted behind the includes. Safe where every selected kernel has the kfunc with the same prototype;
where some have not, the extern is weak, and its call needs a guard.

## References
`bpftool btf dump file … format c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; a kernel without the kfunc does not make the call any better."""
    unit = load.unit
    if unit.is_compiled or unit.declarations.get(name) or name in unit.functions:
        return
    use = next((use for use in unit.uses_by_name[name] if use.kind is UseKind.CALL), None)
    function = load.function(name)
    if use is None or (function is not None and not function.callable):
        return
    others = [u for u in unit.uses_by_name[name][1:5] if u.kind is UseKind.CALL]
    is_sure = not unit.missing_headers and not unit.problems and unit.presence(use) is not Truth.FALSE
    yield Violation(
        Severity.ERROR if is_sure else Severity.WARNING,
        use.span,
        f"`{name}` is not declared",
        "no header that was found declares it" if is_sure else "no header that was found does; some were not found",
        Stage.COMPILE,
        UNDECLARED.format(name=name),
        advice=f"declare: {prototype(name, function.prototype)}" if function else "",
        related=tuple(Label(other.span, "called here too") for other in others),
        subject=name,
    )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Insert the kernel's declaration."""
    name = violation.subject
    answers = fleet.functions(name)
    found = [f for f, _ in answers if f and f.callable]
    if not found or not can_declare(unit, found[0]):
        return None
    is_everywhere = len(answers) == len(found)
    edit = insertion(unit, extern_statement(unit, name, found[0], weak=not is_everywhere))
    if edit is None:
        return None
    why_not = "" if is_everywhere else "some selected kernels lack it, and the call is not guarded"
    if len({prototype(name, f.prototype) for f in found}) > 1:
        why_not = "its prototype differs between the selected kernels"
    if violation.severity is not Severity.ERROR:
        why_not = why_not or "some headers were not found"
    return Fix("declare it as the kernel has it", (edit,), why_not)


RULE = Rule("undeclared-kfunc", PAGE, check, fix)
