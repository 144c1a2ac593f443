"""The fix that declares a kfunc as the kernel has it."""

from __future__ import annotations

from kfunc_lsp.btf.types import Enum, FuncProto, Int, Ptr, Type, Void, skip_modifiers_and_typedefs
from kfunc_lsp.kernel.libbpf import Outcome, describe, resolve
from kfunc_lsp.rules.edits import caution, extern_statement, is_editable
from kfunc_lsp.rules.fleet import Fleet, listed
from kfunc_lsp.rules.model import Edit, Fix, Violation
from kfunc_lsp.rules.rename import can_declare
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
    others = [
        kernel
        for f, kernels in answers
        if f and resolve(f, function.prototype).outcome is not Outcome.RESOLVED
        for kernel in kernels
    ]
    why_not = caution(unit, violation, True)
    if not _is_passed_alike(declaration.type, function.prototype):
        why_not = "what the calls pass or take may have to change too"
    if others:
        why_not = f"{listed(others)}: the function is another one there"
    statement = extern_statement(unit, name, function, unit.is_weak(name))
    return Fix("declare it as the kernel has it", (Edit(declaration.span, statement),), why_not)


def _is_passed_alike(one: Type, other: FuncProto) -> bool:
    """Whether clang takes the same arguments and uses of the result: pointers are pointers, but not those to functions.

    What a function that was declared ``void`` returns is not used.
    """
    old = skip_modifiers_and_typedefs(one)
    if not isinstance(old, FuncProto) or old.vlen != other.vlen:
        return False
    pairs = [(p.type, q.type) for p, q in zip(old.params, other.params, strict=True)]
    if not isinstance(skip_modifiers_and_typedefs(old.returns), Void):
        pairs.append((old.returns, other.returns))
    return all(_shape(a) == _shape(b) or a == b for a, b in pairs)


def _shape(t: Type) -> str:
    bare = skip_modifiers_and_typedefs(t)
    if not isinstance(bare, Ptr):
        return describe(bare) if not isinstance(bare, Int | Enum) else "number"
    target = skip_modifiers_and_typedefs(bare.target)
    return f"pointer to {target}" if isinstance(target, FuncProto) else "pointer"
