"""Rule missing-ksym."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.edits import is_editable
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Edit, Fix, Label, Rule, Severity, Stage, Violation
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Declaration, Span, Unit

PAGE = """
## What it does
Finds declarations of kfuncs without `__ksym`.

## Why is this bad?
`__ksym` puts an extern into section `.ksyms`, which is how libbpf knows that it is to be looked up in the kernel.
Without it the extern is one of another object file, and libbpf does not even open the object.

## Example
```c
extern void bpf_task_release(struct task_struct *p);
bpf_task_release(p);
```

## Use instead
```c
extern void bpf_task_release(struct task_struct *p) __ksym;
bpf_task_release(p);
```

## What libbpf or the kernel says
libbpf, when it opens the object: `failed to find BTF for extern 'bpf_task_release' [..] section: -2`.
An object that is linked with another one (`bpftool gen object`) that defines a function of this name is fine; where a
kfunc of the name exists, that is not what one expects.

## Fix safety
`__ksym` is added to the declaration. Safe.

## References
`bpf_object__collect_externs` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; a kernel without the kfunc does not make the declaration any better."""
    unit = load.unit
    uses, declarations = unit.uses_by_name[name], unit.declarations.get(name, ())
    if not declarations or any(d.ksym for d in declarations) or name in unit.functions:
        return
    function = load.bound(name)
    if declarations[0].prototype is None or (function is not None and not function.callable):
        return
    emitted = {unit.emission(use) for use in uses}
    if not emitted - {Truth.FALSE}:
        return
    at = declarations[0].name_span
    if not is_editable(at, unit):
        at = uses[0].span
    yield Violation(
        Severity.ERROR if Truth.TRUE in emitted else Severity.WARNING,
        at,
        f"`{name}` is declared without `__ksym`",
        f"{load.loader.name} takes it for a function of another object file, and does not open the object",
        Stage.OPEN,
        load.loader.without_section.format(name=name),
        advice="add __ksym behind the parameters",
        related=tuple(Label(use.span, "used here") for use in uses[:4]),
        subject=name,
    )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Add ``__ksym`` to the declarations."""
    edits = [_edit(d, unit) for d in unit.declarations.get(violation.subject, ())]
    if "__ksym" not in unit.macros or not edits or None in edits:
        return None
    return Fix("add `__ksym`", tuple(edit for edit in edits if edit is not None))


def _edit(declaration: Declaration, unit: Unit) -> Edit | None:
    span = declaration.span
    if not is_editable(span, unit) or not declaration.is_alone or not span.text.endswith(";"):
        return None
    return Edit(Span(span.file, span.end - 1, span.end - 1), " __ksym")


RULE = Rule("missing-ksym", PAGE, check, fix)
