"""Edits that several rules make: dropping trailing arguments and parameters, rewriting a declaration."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import essential_name
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.model import Edit, Severity, Violation
from kfunc_lsp.unit.model import Declaration, Span, Unit, UseKind

DEAD_CODE_WAKES = "code that is dead now may run"
"""Why a fix is not safe where it is not certain that the program fails without it."""

_PLAIN_VALUE = re.compile(
    r"\(*\s*(?:\(\s*(?:const\s+)?(?:struct\s+\w+|void|\w+)\s*\*\s*\)\s*)?[\w.]+(?:->\w+)*\s*\)*\Z"
)


def has_no_effect(argument: Span) -> bool:
    """Whether dropping an argument drops no action: a name, a member, a literal, with or without a cast."""
    return bool(_PLAIN_VALUE.match(argument.text.strip()))


def _trailing(items: Sequence[Span | None], keep: int, opening: Span) -> Span | None:
    """The span from behind item ``keep`` - 1 (or behind ``(`` after ``opening``) to the end of the last item.

    ``None`` where a macro wrote one of the items, or a comment stands among them: the text cannot be edited safely.
    """
    if not items or any(span is None for span in items[max(keep - 1, 0) :]):
        return None
    last = items[-1]
    before = items[keep - 1] if keep else None
    if last is None:
        return None
    if before is not None:
        cut = Span(last.file, before.end, last.end)
        seen = Span(last.file, before.start, last.end)
    else:
        bracket = last.file.text.find("(", opening.end)
        if not 0 <= bracket < last.start:
            return None
        cut = seen = Span(last.file, bracket + 1, last.end)
    return None if "//" in seen.text or "/*" in seen.text else cut


def shortened(unit: Unit, name: str, keep: int, spelled: int) -> tuple[list[Edit], bool] | None:
    """Edits that leave the first ``keep`` of ``spelled`` arguments in every call of extern ``name``.

    Also whether all that is dropped is without effect. ``None`` where something is not understood well enough: a macro
    writes a call, a header holds one, the address is taken other than in a guard, or a call has another length.
    """
    edits: list[Edit] = []
    harmless = True
    for use in unit.uses_by_name.get(name, ()):
        if use.macro or not is_editable(use.span, unit) or use.kind in (UseKind.ASM, UseKind.CLEANUP):
            return None
        if use.kind is UseKind.REFERENCE:
            if not use.is_guard:
                return None
            continue
        cut = _trailing(use.arguments, keep, use.span) if use.argument_count == spelled else None
        if cut is None:
            return None
        edits.append(Edit(cut, ""))
        harmless = harmless and all(a and has_no_effect(a) for a in use.arguments[keep:])
    return edits, harmless


def shorten_declaration(declaration: Declaration, keep: int) -> Edit | None:
    """The edit that leaves the first ``keep`` parameters of a declaration (``void`` for none)."""
    span = _trailing(declaration.params, keep, declaration.name_span)
    return Edit(span, "" if keep else "void") if span else None


def caution(unit: Unit, violation: Violation, harmless: bool) -> str:
    """Why a fix is not safe whatever the kernels; empty where nothing speaks against it."""
    if not harmless:
        return "an argument that would be dropped does something"
    if violation.severity is not Severity.ERROR:
        return DEAD_CODE_WAKES
    return "some headers were not found" if unit.missing_headers else ""


def flavor(name: str) -> str:
    """The ``___flavor`` of an extern's name, empty without one."""
    return name[len(essential_name(name)) :]


def extern_statement(name: str, function: KernelFunction, weak: bool) -> str:
    """A declaration of ``function`` under ``name``, with the kernel's visible prototype."""
    return f"extern {prototype(name, function.prototype)[:-1]} {'__weak ' if weak else ''}__ksym;"


def is_editable(span: Span, unit: Unit) -> bool:
    """Whether a fix may change the place: it stands in the main file, not in a header that others share."""
    return span.file is unit.file
