"""Fixes that call a kfunc by another name: everywhere, or by the name that each kernel has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfunc_lsp.btf.types import (
    FuncProto,
    Int,
    Param,
    Ptr,
    Type,
    skip_modifiers_and_typedefs,
)
from kfunc_lsp.kernel.libbpf import Outcome, describe, resolve
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.compatible import is_passed_alike
from kfunc_lsp.rules.edits import (
    call_span,
    caution,
    extern_statement,
    is_editable,
    is_free,
    shortened,
    whole_line,
)
from kfunc_lsp.rules.fleet import Fleet, listed
from kfunc_lsp.rules.model import Edit, Fix, Violation
from kfunc_lsp.rules.renames import is_newer
from kfunc_lsp.unit.model import Declaration, Unit, UseKind

_IMPL = "_impl"

OTHERS_PASSED = "what the calls pass or take may have to change too"
"""Why a fix is not safe that declares another type for what calls pass."""


def called_otherwise(unit: Unit, violation: Violation, old: str, new: str, fleet: Fleet) -> Fix | None:
    """Make every call of extern ``old`` one of ``new``, or of whichever of the two a kernel has; ``None`` where not
    everything about the calls is understood.

    Two names that differ by ``_impl`` differ by the arguments that the verifier supplies; others must take the same.
    """
    declarations = [d for d in unit.declarations.get(old, ()) if d.ksym]
    here = [d for d in declarations if is_editable(d.span, unit)]
    is_understood = declarations and all(d.is_alone and None not in d.params for d in here)
    if not is_understood or old in unit.macros or not is_free(unit, new):
        return None
    answers = fleet.functions(fleet.loader.target(new))
    lacking = [kernel for f, kernels in answers if not (f and f.callable) for kernel in kernels]
    if lacking and len(here) == len(declarations) == 1:
        choice = _either(unit, violation, old, new, fleet, here[0])
        if choice is not None:
            return choice
    functions = [f for f, _ in answers if f and f.callable]
    declared = {len(d.prototype.params): d.prototype for d in declarations if d.prototype}
    if len({len(f.prototype.params) for f in functions}) != 1 or len(declared) != 1:
        return None
    spelled, prototype = declared.popitem()
    target = fleet.loader.target(old)
    if not _is_same_call(prototype, functions[0].prototype, target, fleet.loader.target(new)):
        return None
    calls = _renamed(unit, old, new, spelled, functions[0].prototype)
    edits = _redeclared(unit, here, new, functions[0]) if len(here) == len(declarations) else None
    if unit.declarations.get(new):
        edits = [Edit(whole_line(d.span), "") for d in here]
    if calls is None or edits is None:
        return None
    why_not = caution(unit, violation, calls[1])
    if not is_passed_alike(prototype, functions[0].prototype):
        why_not = OTHERS_PASSED
    if lacking:
        why_not = f"{listed(lacking)} {'has' if len(lacking) == 1 else 'have'} no `{fleet.loader.target(new)}` to call"
    unique = {(e.span.start, e.span.end): e for e in [*edits, *calls[0]]}
    without = ", without the arguments that the verifier supplies" if new + _IMPL == old else ""
    return Fix(f"call `{new}`{without}", tuple(unique.values()), why_not)


def _renamed(unit: Unit, old: str, new: str, spelled: int, prototype: FuncProto) -> tuple[list[Edit], bool] | None:
    """Edits that make every use of ``old`` one of ``new``, and whether all that they drop is without effect."""
    keep = len(prototype.params)
    if keep > spelled:
        fill = [_nothing(param, unit) for param in prototype.params[spelled:]]
        longer = _rewritten(unit, old, spelled, lambda args: f"{new}({', '.join([*args, *fill])})")
        return None if longer is None else (longer, True)
    found = shortened(unit, old, keep, spelled)
    if found is None:
        return None
    return [*(Edit(use.span, new) for use in unit.uses_by_name.get(old, ())), *found[0]], found[1]


def _redeclared(
    unit: Unit, declarations: Sequence[Declaration], new: str, function: KernelFunction
) -> list[Edit] | None:
    """Edits that turn declarations into one of ``new``; ``None`` where its types are not at hand."""
    if not can_declare(unit, function):
        return None
    statement = extern_statement(unit, new, function, unit.is_weak(declarations[0].name))
    return [Edit(declarations[0].span, statement), *(Edit(whole_line(d.span), "") for d in declarations[1:])]


def _either(
    unit: Unit, violation: Violation, name: str, other: str, fleet: Fleet, declaration: Declaration
) -> Fix | None:
    """Calls of the newer of two externs where the kernel has it, else of the older; both weak."""
    loader = fleet.loader
    target, other_target = loader.target(name), loader.target(other)
    is_new = is_newer(target, other_target)
    newer, older = (name, other) if is_new else (other, name)
    answers = fleet.answers(*((target, other_target) if is_new else (other_target, target)))
    new = next((f for (f, _), _ in answers if f and f.callable), None)
    old = next((g for (f, g), _ in answers if g and g.callable and not (f and f.callable)), None)
    if new is None or old is None or unit.declarations.get(other):
        return None
    if not (can_declare(unit, new) and can_declare(unit, old)) or not _is_same_call(
        old.prototype, new.prototype, loader.target(older), loader.target(newer)
    ):
        return None
    uncovered: list[str] = []
    for (f, g), kernels in answers:
        found = [(h, loader.resolve(h, wanted.prototype).outcome) for h, wanted in ((f, new), (g, old))]
        fits = [h for h, outcome in found if outcome is Outcome.RESOLVED]
        is_refused = not loader.passes_over_misfits and any(outcome is Outcome.INCOMPATIBLE for _, outcome in found)
        if is_refused or any(h is not None and not h.callable for h in fits):
            return None
        if not fits:
            uncovered += kernels
    exists = f"bpf_ksym_exists({newer})" if "bpf_ksym_exists" in unit.macros else newer
    keep = len(new.prototype.params)
    fill = [_nothing(param, unit) for param in old.prototype.params[keep:]]

    def choice(args: list[str]) -> str:
        full = [*args, *fill] if is_new else args
        return f"({exists} ? {newer}({', '.join(args[:keep])}) : {older}({', '.join(full)}))"

    calls = _rewritten(unit, name, keep if is_new else keep + len(fill), choice)
    if calls is None:
        return None
    statements = [extern_statement(unit, extern, f, weak=True) for extern, f in ((newer, new), (older, old))]
    why_not = caution(unit, violation, True)
    if not all(is_passed_alike(declaration.type, f.prototype) for f in (new, old)):
        why_not = OTHERS_PASSED
    if uncovered:
        why_not = f"{listed(uncovered)}: neither is there in this form"
    edits = [Edit(declaration.span, "\n".join(statements)), *calls]
    return Fix(f"call `{newer}` where the kernel has it, else `{older}`", tuple(edits), why_not)


def _rewritten(unit: Unit, name: str, count: int, write: Callable[[list[str]], str]) -> list[Edit] | None:
    """Each call of ``name`` as ``write`` has it, given ``count`` arguments; ``None`` where one is not plain text."""
    edits: list[Edit] = []
    reached = 0
    for use in sorted(unit.uses_by_name.get(name, ()), key=lambda use: use.span.start):
        span = call_span(use) if use.kind is UseKind.CALL and not use.macro and is_editable(use.span, unit) else None
        if span is None or span.start < reached or use.argument_count != count:
            return None
        reached = span.end
        edits.append(Edit(span, write([argument.text for argument in use.arguments if argument])))
    return edits


def _nothing(param: Param, unit: Unit) -> str:
    """What a program writes for an argument that the verifier replaces or passes over."""
    is_pointer = isinstance(skip_modifiers_and_typedefs(param.type), Ptr)
    return "NULL" if is_pointer and "NULL" in unit.macros else "0"


def can_declare(unit: Unit, function: KernelFunction) -> bool:
    """Whether the kernel's declaration of ``function`` fits in this unit, or may fit where headers were not found."""
    outcome = resolve(function, unit.seen(function.prototype)).outcome
    return outcome is Outcome.RESOLVED or (outcome is Outcome.UNKNOWN and bool(unit.missing_headers))


def _is_same_call(one: FuncProto, other: FuncProto, name: str, other_name: str) -> bool:
    """Whether calls of the two differ by nothing but what the verifier supplies."""
    if name == other_name + _IMPL:
        longer, shorter = one.params, other.params
    elif other_name == name + _IMPL:
        longer, shorter = other.params, one.params
    elif len(one.params) == len(other.params):
        longer, shorter = one.params, other.params
    else:
        return False
    if len(longer) < len(shorter):
        return False
    pairs = zip(longer, shorter, strict=False)
    return all(_plain(a.type) == _plain(b.type) for a, b in pairs) and _plain(one.returns) == _plain(other.returns)


def _plain(t: Type) -> str:
    """A type without what a caller need not care about: names of typedefs, width and sign of integers."""
    bare = skip_modifiers_and_typedefs(t)
    if isinstance(bare, Ptr):
        return f"{_plain(bare.target)} *"
    return "int" if isinstance(bare, Int) else describe(bare)
