"""Rule unflagged-impl-called."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.model import FunctionClass, KernelFunction
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.messages import NO_ADDRESS, NO_ADDRESS_OF_GUARD
from kfunc_lsp.rules.model import Fix, Label, Rule, Severity, Stage, Violation
from kfunc_lsp.rules.redeclare import as_the_kernel_has_it
from kfunc_lsp.rules.rename import called_otherwise
from kfunc_lsp.unit.guard import Truth, mentions
from kfunc_lsp.unit.model import Unit, Use, UseKind

PAGE = """
## What it does
Finds calls to, and guards on, a `bpf_foo_impl` that exists in BTF only.

## Why is this bad?
Since Linux 7.0 every kfunc with implicit arguments leaves a second function `bpf_foo_impl` in BTF, with all its
arguments. It is a description, not a function: it has no address and no flags, and the kernel refuses a program that
holds a call to it, even in dead code and behind `bpf_ksym_exists()`, since libbpf does find the name in BTF. Eight
older `_impl` kfuncs (`bpf_obj_new_impl` and its like) are functions of their own and stay callable; they are not
reported.

## Example
```c
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    struct bpf_prog_aux *aux) __ksym;
bpf_wq_set_callback_impl(&e->work, cb, 0, NULL);
```

## Use instead
```c
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __ksym;
bpf_wq_set_callback(&e->work, cb, 0);
```
For kernels before 7.0 too, prefer the new form and keep the old one weak and declared the old way, with `void *`:
```c
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    void *aux__prog) __weak __ksym;
if (bpf_ksym_exists(bpf_wq_set_callback))
        bpf_wq_set_callback(&e->work, cb, 0);
else
        bpf_wq_set_callback_impl(&e->work, cb, 0, NULL);
```

## What libbpf or the kernel says
Where the declaration fits BTF, from the kernel, before it looks at the code:
`cannot find address for kernel function bpf_wq_set_callback_impl`; for a guard alone, since 7.3:
`ldimm64 failed to find the address for kernel symbol 'bpf_wq_set_callback_impl'.`
Where it does not fit (`void *aux`) and is strong, from libbpf:
`extern (func ksym) 'bpf_wq_set_callback_impl': func_proto [..] incompatible with vmlinux [..]`.
Where it does not fit and is weak, nothing is said: it stays unresolved, a guard on it is never true (a warning), and a
call without a guard fails with `kfunc 'bpf_wq_set_callback_impl' is referenced but wasn't resolved`.

## Fix safety
The plain name is called, or either name where a selected kernel has only the `_impl`. Where both are called already,
and the `_impl` only as the fallback, it is declared the old way. Safe where every selected kernel then has what is
called and every dropped argument is a plain value. Where a guard that was never true would become true, or the type of
a callback would have to change, the fix is offered and not applied by itself.

## References
`add_kfunc_call` and `fetch_kfunc_meta` in `kernel/bpf/verifier.c`; `process_kfunc_with_implicit_args` in
`tools/bpf/resolve_btfids/main.c`.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    function = load.bound(name) if load.class_of(name) is FunctionClass.BTF_ONLY_IMPL else None
    if function is None:
        return
    seen: set[tuple[str, int]] = set()
    for use in load.unit.uses_by_name[name]:
        place = (use.span.file.path, use.span.start)
        violation = _violation(load, name, use, function)
        if violation is not None and place not in seen:
            seen.add(place)
            yield violation


def _violation(load: Load, name: str, use: Use, function: KernelFunction) -> Violation | None:
    unit = load.unit
    emitted = unit.emission(use)
    weak = unit.is_weak(name)
    if emitted is Truth.FALSE or (use.is_guard and not weak):
        return None
    outcome = load.resolution(name).outcome
    target = load.loader.target(name)
    is_certain = emitted is Truth.TRUE and unit.declaration(name) is not None
    if use.kind is UseKind.REFERENCE and not use.is_guard:
        is_certain = False
    severity = Severity.ERROR if is_certain else Severity.WARNING
    if outcome is Outcome.INCOMPATIBLE and not load.passes_over(name):
        reason = load.resolution(name).reason
        why = f"it exists in BTF only and may not be called; nor does the declaration fit: {reason}"
        return _make(load, use, function, severity, why, Stage.RESOLVE, load.loader.refusal(name, function))
    if outcome is Outcome.RESOLVED or not weak:
        if unit.presence(use) is not Truth.TRUE:
            severity = Severity.WARNING
        on_address = use.kind is UseKind.REFERENCE and load.is_since(7, 3) is True
        foreseen = (NO_ADDRESS_OF_GUARD if on_address else NO_ADDRESS).format(name=target)
        why = "it exists in BTF only: the kernel refuses the program before it looks at the code"
        if use.is_guard or any(name in mentions(guard) for guard in use.guards):
            why += f"; the guard does not help, as {load.loader.name} does find the name in BTF"
        elif use.guards and load.reach(use) is not Truth.TRUE:
            why += ", even if the call is never reached"
        return _make(load, use, function, severity, why, Stage.VERIFIER, foreseen)
    return _weak(load, use, function, severity, outcome)


def _weak(load: Load, use: Use, function: KernelFunction, severity: Severity, outcome: Outcome) -> Violation | None:
    """A weak extern that does not fit, or may not: silently unresolved."""
    name = use.name
    silent = f"weak and incompatible is silent: {load.loader.name} leaves it unresolved"
    reach = load.reach(use)
    foreseen = load.loader.unresolved.format(name=name)
    if load.unit.presence(use) is not Truth.TRUE:
        severity = Severity.WARNING
    if outcome is Outcome.UNKNOWN:
        why = "it exists in BTF only and may not be called (its declaration was not found or rests on missing headers)"
        if reach is not Truth.TRUE or use.kind is UseKind.REFERENCE:
            return _make(load, use, function, Severity.WARNING, why, None, "")
        return _make(load, use, function, severity, why, Stage.VERIFIER, foreseen)
    if use.kind is UseKind.REFERENCE:
        if reach is Truth.FALSE:
            return None
        if not use.is_guard:
            why = f"{silent} ({load.resolution(name).reason}), so this is NULL"
            return _make(load, use, function, Severity.WARNING, why, None, "")
        why = f"{silent} ({load.resolution(name).reason}), and the guarded code is dead"
        return _make(load, use, function, Severity.WARNING, why, None, "", "this guard is never true")
    if reach is Truth.FALSE:
        return None
    why = f"{silent} ({load.resolution(name).reason}), and the call is reached without a guard"
    if reach is Truth.UNKNOWN:
        severity = Severity.WARNING
        why = f"{silent} ({load.resolution(name).reason}), and it is not known whether the call is guarded"
    return _make(load, use, function, severity, why, Stage.VERIFIER, foreseen)


def _make(
    load: Load,
    use: Use,
    function: KernelFunction,
    severity: Severity,
    why: str,
    stage: Stage | None,
    foreseen: str,
    label: str = "",
) -> Violation:
    base = load.function(function.base or "")
    keep = len(base.prototype.params) if base else use.argument_count
    headline = f"`{use.name}` cannot be called"
    if label:
        headline = f"`{use.name}` is never there: this guard is never true"
    elif use.kind is UseKind.REFERENCE:
        headline = f"`{use.name}` cannot be referred to"
    marks = [a for a in use.arguments[keep:] if a is not None and a.file is use.span.file]
    related = [Label(use.definition, f"written by macro `{use.macro}`")] if use.definition else []
    declaration = load.unit.declaration(use.name)
    if declaration is not None:
        related.append(Label(declaration.name_span, "declared here"))
    new_name = (function.base or "") + load.loader.flavor(use.name)
    return Violation(
        severity=severity,
        span=use.span,
        headline=headline,
        why=why,
        stage=stage,
        foreseen=foreseen,
        label=label,
        advice=f"call: {prototype(new_name, base.prototype)}" if base else "",
        marks=tuple(Label(span, "supplied by the verifier") for span in marks),
        related=tuple(related),
        subject=use.name,
        is_fallback=bool(label),
    )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Call the plain name, without the arguments that the verifier supplies, or either name where kernels differ; where
    both are called already, declare the older as it is on kernels that have no other.
    """
    old = violation.subject
    base = fleet.loader.target(old).removesuffix("_impl")
    found = called_otherwise(unit, violation, old, base + fleet.loader.flavor(old), fleet)
    if found is not None and found.is_safe:
        return found
    redeclared = as_the_kernel_has_it(unit, violation, fleet)
    return redeclared if redeclared is not None and redeclared.is_safe else found


RULE = Rule("unflagged-impl-called", PAGE, check, fix)
