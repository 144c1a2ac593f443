"""Rule unpaired-iterator."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation, using
from kfunc_lsp.rules.paths import spots
from kfunc_lsp.rules.trouble import Fault

PAGE = """
## What it does
Finds iterators that are created and not destroyed on every path, created twice, or advanced or destroyed without having
been created.

## Why is this bad?
An iterator on the stack is a reference: `bpf_iter_X_new()` makes it, whatever it returns, and `bpf_iter_X_destroy()`
must follow on every path. `bpf_for_each()` does both.

## Example
```c
bpf_iter_num_new(&it, 0, 10);
while ((v = bpf_iter_num_next(&it)))
        if (*v == 3)
                return 0;
bpf_iter_num_destroy(&it);
```

## Use instead
```c
bpf_for_each(num, v, 0, 10)
        if (*v == 3)
                return 0;
```

## What libbpf or the kernel says
`Unreleased reference id=1 alloc_insn=7`, `expected an initialized iter_num as R1`, or
`expected uninitialized iter_num as R1` (before 7.2 `as arg #0`).

## Fix safety
No fix: where to destroy the iterator is for a person to say.

## References
`process_iter_arg` and `check_reference_leak` in `kernel/bpf/verifier.c`.
"""

_LEAK = "Unreleased reference"
_UNBEGUN = "expected an initialized iter_{kind} as {argument}"
_TWICE = "expected uninitialized iter_{kind} as {argument}"


def check(load: Load, function: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    for spot in spots(load, function, Fault.ITERATOR_LEFT, Fault.ITERATOR_UNBEGUN, Fault.ITERATOR_TWICE):
        trouble = spot.trouble
        kind = trouble.name.removeprefix("bpf_iter_").rpartition("_")[0]
        if trouble.fault is Fault.ITERATOR_LEFT:
            headline = f"the iterator that `{trouble.name}` creates is not destroyed on every path"
            why, foreseen = "the function ends while it is there", _LEAK
        elif trouble.fault is Fault.ITERATOR_TWICE:
            headline = f"`{trouble.name}` creates an iterator where one is"
            why, foreseen = "it was not destroyed before", _TWICE.format(kind=kind, argument=_argument(load))
        else:
            headline = f"`{trouble.name}` is passed no iterator"
            why = "none was created in this variable, or it was destroyed before"
            foreseen = _UNBEGUN.format(kind=kind, argument=_argument(load))
        yield spot.violation(headline, why, foreseen, "created here", f"call bpf_iter_{kind}_destroy() on every path")


def _argument(load: Load) -> str:
    return "R1" if load.is_since(7, 2) is not False else "arg #0"


RULE = Rule("unpaired-iterator", PAGE, check, each=using)
