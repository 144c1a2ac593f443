"""Rule missing-kfunc."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.externs import Consequence, Extern, extern_named, place, unresolved
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Fix, Rule, Severity, Stage, Violation
from kfunc_lsp.rules.rename import called_otherwise
from kfunc_lsp.rules.renames import module_of, other_names
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, UseKind

PAGE = """
## What it does
Finds strong externs of kfuncs that the kernel does not have.

## Why is this bad?
libbpf looks every strong extern up before anything is loaded, and refuses the whole object for one that is missing:
also programs that never call it, also where the call is dead code. An extern that no code uses is not in the object and
does no harm. A kfunc of a module that is not loaded is missing too.

## Example
```c
extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
```

## Use instead
The name that the kernel has. For kernels with and without it, a weak extern and a guard:
```c
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __weak __ksym;
extern void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __weak __ksym;
if (bpf_ksym_exists(scx_bpf_dsq_insert))
        scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
else
        scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
```

## What libbpf or the kernel says
libbpf, before the load: `extern (func ksym) 'scx_bpf_dispatch': not found in kernel or module BTFs`.
Where a module brings the kfunc this is a warning, since the module may be loaded; so it is where a kernel pack does not
have the name and the call may be dead code, since the kernel may have a function of this name that is no kfunc.

## Fix safety
Where the kfunc is known under another name with the same parameters on every selected kernel, its calls and
declaration are renamed; where some kernels have the one and some the other, each call becomes a choice between the two.
Both are safe if every selected kernel then has what is called.

## References
`bpf_object__resolve_ksym_func_btf_id` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    extern = extern_named(load, name)
    if extern is None or extern.is_weak:
        return
    if extern.outcome is Outcome.ABSENT:
        found = unresolved(load, extern)
        if found is not None:
            yield _missing(load, extern, found)
    elif (module := load.shared(("module", name), lambda load: _module(load, name))) and not load.modules_loaded:
        yield _in_module(load, extern, module)


def _module(load: Load, name: str) -> str:
    """The module that brings the kfunc; empty where the kernel itself does."""
    function = load.bound(name)
    return function.module or "" if function is not None and function.callable else ""


def _missing(load: Load, extern: Extern, found: Consequence) -> Violation:
    target = load.loader.target(extern.name)
    module = module_of(target)
    severity, why = found.severity, found.words
    if module is not None:
        severity = Severity.WARNING
        why = f"it comes with module {module}, which must be loaded; the kernel itself does not have it"
    elif not load.is_whole and not _is_met(load, extern):
        severity = Severity.WARNING
        why = f"no kfunc of this kernel; {why} unless it is another function there, which this source does not tell"
    elif not load.is_whole and not load.flags_known:
        severity = Severity.WARNING
        why = "this source does not name it, and may not have every kfunc of the kernel"
    at = place(load, extern)
    return Violation(
        severity,
        at.span,
        f"`{extern.name}` is missing",
        why,
        found.stage,
        found.foreseen,
        advice=_advice(load, target) if module is None else _LOAD,
        related=at.related,
        subject=extern.name,
    )


def _is_met(load: Load, extern: Extern) -> bool:
    return any(use.kind is not UseKind.REFERENCE and load.meets(use) is Truth.TRUE for use in extern.uses)


def _advice(load: Load, target: str) -> str:
    for other in other_names(target):
        function = load.function(other)
        if function is not None and function.callable:
            return f"it is called `{other}` there: {prototype(other, function.prototype)}"
    for family, member, option in _FAMILIES:
        if target.startswith(family) and load.function(member) is None:
            return f"the kernel has no {family}* at all: it is older, or built without {option}"
    similar = load.similar(target)
    return f"did you mean `{similar}`?" if similar else ""


_LOAD = "load the module first, or declare the kfunc __weak and guard its calls"
_FAMILIES = (
    ("scx_bpf_", "scx_bpf_create_dsq", "CONFIG_SCHED_CLASS_EXT"),
    ("hid_bpf_", "hid_bpf_get_data", "CONFIG_HID_BPF"),
)
"""Prefixes of kfuncs that come together: one that every release with them has, and the option that brings them."""


def _in_module(load: Load, extern: Extern, module: str) -> Violation:
    at = place(load, extern)
    return Violation(
        Severity.HINT,
        at.span,
        f"`{extern.name}` needs module {module}",
        "the module must be loaded before the program; without it the whole object is refused",
        Stage.RESOLVE,
        "",
        related=at.related,
        subject=extern.name,
    )


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Call the kfunc by the name that it has, or by either name where kernels differ."""
    name = violation.subject
    for other in other_names(fleet.loader.target(name)):
        found = called_otherwise(unit, violation, name, other + fleet.loader.flavor(name), fleet)
        if found is not None:
            return found
    return None


RULE = Rule("missing-kfunc", PAGE, check, fix)
