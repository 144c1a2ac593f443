"""Rule unchecked-null-return."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.types import Ptr, Struct, skip_modifiers_and_typedefs
from kfunc_lsp.kernel.flags import KF_ITER_NEXT
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import register, spots
from kfunc_lsp.rules.trouble import Fault

PAGE = """
## What it does
Finds results of kfuncs that may be NULL (`KF_RET_NULL`) and are read, or passed to a kfunc that wants a pointer,
without a test on the way.

## Why is this bad?
The verifier does not let a program read through a pointer that may be NULL, nor pass it to a kfunc, whose pointers must
be valid unless their parameter is `__nullable`.

Only paths that the verifier certainly follows count, within one function. A result that is stored, passed on to a
function of the program, or tested in a way that is not understood is followed no further.

## Example
```c
p = bpf_task_from_pid(1);
pid = p->tgid;
bpf_task_release(p);
```

## Use instead
```c
p = bpf_task_from_pid(1);
if (!p)
        return 0;
pid = p->tgid;
bpf_task_release(p);
```

## What libbpf or the kernel says
For a read `R0 invalid mem access 'trusted_ptr_or_null_'` (before 7.0 `'ptr_or_null_'`), with the register that the
compiler chose and the sort of pointer; for an argument `Possibly NULL pointer passed to trusted R1` (before 7.2
`trusted arg0`).

## Fix safety
No fix: what to do without the object is for a person to say.

## References
`check_mem_access` and `check_kfunc_args` in `kernel/bpf/verifier.c`.
"""

_PASSED = "Possibly NULL pointer passed to trusted {argument}"
_READ = "invalid mem access '{sort}'"
_SORTS = {"bpf_dynptr_slice": "rdonly_mem_or_null", "bpf_dynptr_slice_rdwr": "mem_or_null"}
"""What the verifier calls memory that is no object."""
_OWN = ("bpf_obj_new", "bpf_percpu_obj_new")
"""Kfuncs that give objects of a type of the program's own."""


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.READ_UNCHECKED, Fault.PASSED_UNCHECKED):
        trouble = spot.trouble
        why = "it is flagged KF_RET_NULL, and no test stands between the call and here"
        if trouble.fault is Fault.READ_UNCHECKED:
            headline = f"what `{trouble.name}` gives may be NULL, and is read without a test"
            sort = _sort(load, spot.kernel_function)
            # an array that is passed is not read: the verifier then speaks of arithmetic on the pointer
            foreseen = sort if trouble.argument >= 0 else _READ.format(sort=sort)
        else:
            headline = f"`{trouble.name}` is passed what may be NULL"
            why = "the kfunc that gives it is flagged KF_RET_NULL, and no test stands between the call and here"
            foreseen = _PASSED.format(argument=register(load, trouble.argument))
        yield spot.violation(
            headline, why, foreseen, "may be NULL from here on", "test it for NULL first, and leave where it is"
        )


def _sort(load: Load, giver: KernelFunction) -> str:
    """How the verifier calls the pointer that is read."""
    if giver.flags is not None and giver.flags & KF_ITER_NEXT:
        return "scalar"
    if giver.name in _SORTS:
        return _SORTS[giver.name]
    returned = skip_modifiers_and_typedefs(giver.prototype.returns)
    target = skip_modifiers_and_typedefs(returned.target) if isinstance(returned, Ptr) else None
    is_trusted = load.is_since(7, 0) is not False
    is_own = giver.name.startswith(_OWN) or not isinstance(target, Struct) or target.name in _NODES
    return "trusted_ptr_or_null_" if is_trusted and not is_own else "ptr_or_null_"


_NODES = ("bpf_list_node", "bpf_rb_node")

RULE = Rule("unchecked-null-return", PAGE, check, each=using)
