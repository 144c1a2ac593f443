"""Rule extern-without-btf."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Stage, Violation

PAGE = """
## What it does
Finds kfuncs that an object uses and that its BTF does not have.

## Why is this bad?
libbpf takes the type of every extern from the object's own BTF. Without one it does not open the object, and none of
its programs loads. Most often the object was compiled without `-g`, or its BTF was stripped.

## Example
```sh
clang -target bpf -O2 -c prog.bpf.c -o prog.bpf.o
```

## Use instead
```sh
clang -target bpf -O2 -g -c prog.bpf.c -o prog.bpf.o
llvm-strip -g prog.bpf.o      # takes away DWARF and leaves BTF
```

## What libbpf or the kernel says
libbpf: `failed to find BTF for extern 'bpf_task_acquire': -3`.

## Fix safety
There is no fix: the object has to be built again. Only objects are concerned, as a source does not tell its flags.

## References
`find_extern_btf_id` and `bpf_object__collect_externs` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; all kernels are the same to it."""
    unit = load.unit
    if not unit.is_compiled or unit.declarations.get(name):
        return
    uses = unit.uses_by_name[name]
    yield Violation(
        Severity.ERROR,
        uses[0].span,
        f"`{name}` has no BTF in the object",
        f"{load.loader.name} takes the type of an extern from there, and does not open the object",
        Stage.OPEN,
        load.loader.without_btf.format(name=name),
        advice="compile with -g, and strip no more than DWARF (llvm-strip -g)",
        related=tuple(Label(use.span, "used here too") for use in uses[1:4]),
        subject=name,
    )


RULE = Rule("extern-without-btf", PAGE, check)
"""The rule."""
