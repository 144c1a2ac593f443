"""Rule implicit-argument-passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfunc_lsp.btf.cdecl import parameter, prototype
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.loader import Loader
from kfunc_lsp.kernel.model import FunctionClass, KernelFunction
from kfunc_lsp.rules.edits import caution, is_editable, shorten_declaration, shortened
from kfunc_lsp.rules.externs import Extern, place, unresolved
from kfunc_lsp.rules.fleet import Fleet, listed
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Edit, Fix, Label, Rule, Severity, Stage, Violation, named
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Declaration, Span, Unit, Use, UseKind

PAGE = """
## What it does
Finds declarations and calls that give a kfunc the arguments which the verifier supplies by itself.

## Why is this bad?
Since Linux 7.0 a kfunc flagged `KF_IMPLICIT_ARGS` is seen by BPF programs without its last arguments
(`struct bpf_prog_aux *`, `struct btf_struct_meta *` and whatever follows). A declaration that still has them does not
fit: libbpf refuses the whole object if the extern is strong, and silently leaves it unresolved if it is weak, so that
every `bpf_ksym_exists()` guard on it is false.

## Example
```c
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                               struct bpf_prog_aux *aux) __ksym;
bpf_wq_set_callback(&e->work, cb, 0, NULL);
```

## Use instead
```c
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __ksym;
bpf_wq_set_callback(&e->work, cb, 0);
```

## What libbpf or the kernel says
A strong extern, from libbpf, before the load:
`extern (func ksym) 'bpf_wq_set_callback': func_proto [..] incompatible with vmlinux [..]`.
A weak one that is called without a guard, from the verifier:
`kfunc 'bpf_wq_set_callback' is referenced but wasn't resolved`.
A weak one behind a guard loads, and the guarded code is dead: that is a warning.

## Fix safety
Safe where every extra argument is a plain value (`NULL`, `0`, a name) and stands in the file that is checked. Where an
extra argument does something (a call, an assignment), where a guard that was never true would become true, or where a
selected kernel has a kfunc of this name that does take the argument (6.17's `bpf_stream_vprintk`), the fix is offered
and not applied by itself.

## References
`process_kfunc_with_implicit_args` in `tools/bpf/resolve_btfids/main.c`; `bpf_core_types_are_compat` in libbpf.
"""


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations on one kernel."""
    unit = load.unit
    function = _implicit(load.bound(name)) if load.class_of(name) is FunctionClass.IMPLICIT else None
    if function is None:
        return
    uses = unit.uses_by_name.get(name)
    if uses is None:
        yield from _unused(unit, name, function)
        return
    declaration = unit.declaration(name)
    if declaration is None or _excess(declaration, function) <= 0:
        yield from _calls(unit, name, uses, function, declaration)
    elif declaration.prototype and not declaration.prototype.variadic:
        violation = _declared(load, Extern(load, name, declaration), function)
        if violation:
            yield violation


def _unused(unit: Unit, name: str, function: KernelFunction) -> Iterator[Violation]:
    for declaration in unit.declarations[name]:
        if is_editable(declaration.span, unit) and declaration.ksym and _excess(declaration, function) > 0:
            why = f"harmless as long as no program uses it; the verifier supplies {_supplied(function)}"
            yield _violation(Severity.HINT, declaration.name_span, declaration, function, why)


def _implicit(function: KernelFunction | None) -> KernelFunction | None:
    return function if function is not None and function.klass is FunctionClass.IMPLICIT else None


def _excess(declaration: Declaration, function: KernelFunction) -> int:
    """How many implicit arguments the declaration spells out; 0 where its length has another reason."""
    prototype_ = declaration.prototype
    extra = len(prototype_.params) - len(function.prototype.params) if prototype_ else 0
    return extra if 0 < extra <= len(function.implicit) else 0


def _supplied(function: KernelFunction) -> str:
    return ", ".join(f"`{parameter(p)}`" for p in function.implicit)


def _declared(load: Load, extern: Extern, function: KernelFunction) -> Violation | None:
    """A declaration with too many parameters: an error where it stops the load, a warning where it is silent."""
    found = unresolved(load, extern) if extern.outcome is not Outcome.RESOLVED else None
    if found is None:
        return None
    at = place(load, extern)
    why = found.words
    if not extern.is_tolerated:
        why = f"the verifier supplies {_supplied(function)}; a program must not declare it"
    return _violation(
        found.severity,
        at.span,
        extern.declaration,
        function,
        why,
        found.stage,
        found.foreseen,
        at.related,
        found.is_fallback,
    )


def _violation(
    severity: Severity,
    place: Span,
    declaration: Declaration,
    function: KernelFunction,
    why: str,
    stage: Stage | None = None,
    foreseen: str = "",
    related: tuple[Label, ...] = (),
    is_fallback: bool = False,
) -> Violation:
    extra = declaration.params[len(function.prototype.params) :]
    spelled = _arguments(_excess(declaration, function))
    return Violation(
        severity=severity,
        span=place,
        headline=f"`{declaration.name}` is declared with {spelled} that the verifier supplies",
        why=why,
        stage=stage,
        foreseen=foreseen,
        advice=f"declare: {prototype(declaration.name, function.prototype)}",
        marks=tuple(Label(span, "supplied by the verifier") for span in extra if span and span.file is place.file),
        related=related,
        subject=declaration.name,
        is_fallback=is_fallback,
    )


def _calls(
    unit: Unit, name: str, uses: Sequence[Use], function: KernelFunction, declaration: Declaration | None
) -> Iterator[Violation]:
    """Calls with too many arguments though the declaration is right, or with no declaration in sight."""
    visible = len(function.prototype.params)
    for use in uses:
        extra = use.argument_count - visible
        if use.kind is not UseKind.CALL or not 0 < extra <= len(function.implicit):
            continue
        if declaration is not None:
            if declaration.prototype is None or declaration.prototype.vlen != visible:
                continue
            severity, stage = Severity.ERROR, Stage.COMPILE
            foreseen = f"too many arguments to function call, expected {visible}, have {use.argument_count}"
        else:
            severity, stage, foreseen = Severity.WARNING, None, ""
        where = unit.emission(use)
        if where is Truth.FALSE and stage is not Stage.COMPILE:
            continue
        yield Violation(
            severity=severity,
            span=use.span,
            headline=f"`{name}` is called with {_arguments(extra)} that the verifier supplies",
            why=f"the verifier supplies {_supplied(function)}"
            + ("" if declaration else "; no declaration of it was found among the headers at hand"),
            stage=stage,
            foreseen=foreseen,
            advice=f"call: {prototype(name, function.prototype)}",
            marks=tuple(Label(a, "supplied by the verifier") for a in use.arguments[visible:] if a is not None),
            related=(Label(use.definition, f"written by macro `{use.macro}`"),) if use.definition else (),
            subject=name,
        )


def _arguments(count: int) -> str:
    return "an argument" if count == 1 else f"{count} arguments"


def fix(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Drop the extra parameters of the declaration and the extra arguments of every call, all in the main file."""
    name = violation.subject
    answers = fleet.functions(fleet.loader.target(name))
    functions = [f for f in (_implicit(function) for function, _ in answers) if f is not None]
    visible = {len(f.prototype.params) for f in functions}
    declarations = [d for d in unit.declarations.get(name, ()) if d.ksym]
    if len(visible) != 1 or name in unit.macros:
        return None
    keep = visible.pop()
    edits: list[Edit] = []
    spelled = keep
    for declaration in declarations:
        count = len(declaration.prototype.params) if declaration.prototype else keep
        if count > keep:
            edit = shorten_declaration(declaration, keep)
            if edit is None or not is_editable(declaration.span, unit) or not declaration.is_alone:
                return None
            edits.append(edit)
            spelled = count
    uses = unit.uses_by_name.get(name, ())
    if spelled == keep:
        spelled = max((use.argument_count for use in uses), default=keep)
        if spelled == keep or not declarations or any(use.argument_count != spelled for use in uses):
            return None
    found = shortened(unit, name, keep, spelled)
    if found is None:
        return None
    why_not = caution(unit, violation, found[1])
    others = [
        kernel for f, kernels in answers if f and not _is_same(f, functions[0], fleet.loader) for kernel in kernels
    ]
    if others and not why_not:
        why_not = f"{listed(others)}: `{name}` is another function there"
    title = f"let the verifier supply the last {_arguments_title(functions[0])}"
    return Fix(title, (*edits, *found[0]), why_not)


def _is_same(function: KernelFunction, implicit: KernelFunction, loader: Loader) -> bool:
    """Whether ``function`` is called as ``implicit`` is, be it that it takes no more arguments at all."""
    return function.callable and loader.resolve(function, implicit.prototype).outcome is Outcome.RESOLVED


def _arguments_title(function: KernelFunction) -> str:
    count = len(function.implicit)
    return "argument" if count == 1 else f"{count} arguments"


RULE = Rule("implicit-argument-passed", PAGE, check, fix, named)
