"""Rule legacy-impl."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.rules.externs import extern_named, place
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Fix, Rule, Severity, Violation
from kfunc_lsp.rules.rename import called_otherwise
from kfunc_lsp.unit.model import Unit

PAGE = """
## What it does
Finds uses of the eight `_impl` kfuncs that stay callable, where every selected kernel has the newer form too.

## Why is this bad?
It is not: `bpf_obj_new_impl` and its like load on every kernel, and before 7.1 they are the only form. Since 7.1 there
are `bpf_obj_new`, `bpf_obj_drop`, `bpf_percpu_obj_new`, `bpf_percpu_obj_drop`, `bpf_refcount_acquire`,
`bpf_list_push_front`, `bpf_list_push_back` and `bpf_rbtree_add`, to which the verifier supplies the last arguments.

## Example
```c
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __ksym;
bpf_obj_drop_impl(n, NULL);
```

## Use instead
If no kernel before 7.1 matters:
```c
extern void bpf_obj_drop(void *p__alloc) __ksym;
bpf_obj_drop(n);
```

## What libbpf or the kernel says
Nothing: it loads.

## Fix safety
Safe where every dropped argument is a plain value (`NULL`, `0`, a name).

## References
`bpf_obj_new_impl` and its neighbours in `kernel/bpf/helpers.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel; they count where every kernel has the newer form."""
    extern = extern_named(load, name)
    if extern is None or extern.klass is not FunctionClass.LEGACY_IMPL or extern.outcome is not Outcome.RESOLVED:
        return
    function = extern.resolution.function
    newer = load.function(function.base or "") if function is not None else None
    if newer is not None and newer.callable:
        at = place(load, extern)
        yield Violation(
            Severity.HINT,
            at.span,
            f"`{name}` is the older form of `{newer.name}`",
            "it works; kernels before 7.1 have no other, and new programs need not spell out its last arguments",
            advice=f"call: {prototype(newer.name, newer.prototype)}",
            related=at.related,
            subject=name,
            shared_by=1,
        )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Call the newer form."""
    old = violation.subject
    base = fleet.loader.target(old).removesuffix("_impl")
    return called_otherwise(unit, violation, old, base + fleet.loader.flavor(old), fleet)


RULE = Rule("legacy-impl", PAGE, check, fix)
