"""The fix that declares a kfunc as the kernel has it."""

from __future__ import annotations

from kfunc_lsp.kernel.libbpf import Outcome, resolve
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.compatible import is_passed_alike
from kfunc_lsp.rules.edits import caution, extern_statement, is_editable
from kfunc_lsp.rules.fleet import Fleet, listed
from kfunc_lsp.rules.load import Load, Loads
from kfunc_lsp.rules.model import Edit, Fix, Violation
from kfunc_lsp.rules.rename import OTHERS_PASSED, can_declare
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, UseKind


def as_the_kernel_has_it(unit: Unit, violation: Violation, fleet: Fleet) -> Fix | None:
    """Replace the one declaration of the violation's extern; ``None`` where its calls or types would not fit then."""
    name = violation.subject
    declarations = [d for d in unit.declarations.get(name, ()) if d.ksym]
    answers = fleet.functions(fleet.loader.target(name))
    functions = [f for f, _ in answers if f and f.callable]
    if len(declarations) != 1 or not functions or name in unit.macros:
        return None
    declaration, function = declarations[0], functions[0]
    if not is_editable(declaration.span, unit) or not declaration.is_alone or None in declaration.params:
        return None
    calls = [use for use in unit.uses_by_name.get(name, ()) if use.kind is UseKind.CALL]
    if any(use.argument_count != function.prototype.vlen for use in calls) or not can_declare(unit, function):
        return None
    misfits = [ks for f, ks in answers if f and not (f.callable and _fits(f, function))]
    silent = _silent(unit, name, function, fleet)
    others = [kernel for kernels in misfits for kernel in kernels if kernel not in silent]
    why_not = caution(unit, violation, True)
    if not is_passed_alike(declaration.type, function.prototype):
        why_not = OTHERS_PASSED
    if others:
        why_not = f"{listed(others)}: the function is another one there"
    statement = extern_statement(unit, name, function, unit.is_weak(name))
    whose = "those kernels have it that can call it" if misfits and not others else "the kernel has it"
    return Fix(f"declare it as {whose}", (Edit(declaration.span, statement),), why_not)


def _fits(function: KernelFunction, declared: KernelFunction) -> bool:
    return resolve(function, declared.prototype).outcome is Outcome.RESOLVED


def _silent(unit: Unit, name: str, function: KernelFunction, fleet: Fleet) -> set[str]:
    """Kernels on which a weak extern ``name``, declared as ``function`` is, would not resolve, and no call be reached:
    the fallback of a pair whose newer one is there.
    """

    def is_silent(load: Load) -> bool:
        bound = load.bound(name)
        if bound is None or _fits(bound, function) or not (unit.is_weak(name) and load.loader.passes_over_misfits):
            return False

        def resolves(other: str) -> bool | None:
            return False if other == name else load.resolves(other)

        calls = (use for use in unit.uses_by_name.get(name, ()) if use.kind is not UseKind.REFERENCE)
        return all(unit.reach(use, resolves) is Truth.FALSE for use in calls)

    loads = Loads(unit, fleet)
    return {kernel for some, holds in loads.each(fleet.everyone, is_silent) if holds for kernel in fleet.names(some)}
