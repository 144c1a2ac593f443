"""Edits that several rules make: dropping trailing arguments and parameters, rewriting a declaration."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.model import Edit, Severity, Violation
from kfunc_lsp.unit.model import Declaration, Span, Unit, Use, UseKind

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
    if violation.severity is Severity.WARNING:
        return DEAD_CODE_WAKES
    return "some headers were not found" if unit.missing_headers else ""


def extern_statement(unit: Unit, name: str, function: KernelFunction, weak: bool) -> str:
    """A declaration of ``function`` under ``name`` for ``unit``, with the kernel's visible prototype."""
    attributes = [("__weak", "weak"), ("__ksym", 'section(".ksyms")')][not weak :]
    words = [macro if macro in unit.macros else f"__attribute__(({plain}))" for macro, plain in attributes]
    return f"extern {prototype(name, function.prototype)[:-1]} {' '.join(words)};"


def is_editable(span: Span, unit: Unit) -> bool:
    """Whether a fix may change the place: it stands in the main file, not in a header that others share."""
    return span.file is unit.file


def call_span(use: Use) -> Span | None:
    """A call from its name to its ``)``; ``None`` where that is not plain text."""
    file = use.span.file
    if any(argument is None for argument in use.arguments):
        return None
    opening = file.text.find("(", use.span.end)
    last = use.arguments[-1] if use.arguments else None
    closing = file.text.find(")", last.end if last else opening)
    if opening < 0 or closing < 0 or file.text[use.span.end : opening].strip():
        return None
    between = file.text[(last.end if last else opening + 1) : closing]
    span = Span(file, use.span.start, closing + 1)
    return None if between.strip() or "//" in span.text or "/*" in span.text or "#" in span.text else span


def whole_line(span: Span) -> Span:
    """``span`` with the line end behind it."""
    text = span.file.text
    return Span(span.file, span.start, span.end + (text[span.end : span.end + 1] == "\n"))


def is_free(unit: Unit, name: str) -> bool:
    """Whether ``name`` can be used for the kfunc: it is that already, or the file holds nothing of this name."""
    if name in unit.macros or name in unit.functions:
        return False
    return name in unit.declarations or not re.search(rf"\b{re.escape(name)}\b", unit.file.text)


_INCLUDE = re.compile(r"^[ \t]*#[ \t]*(include\b|if|endif)[^\n]*\n", re.M)


def insertion(unit: Unit, statement: str) -> Edit | None:
    """The edit that puts a declaration behind the includes of the main file; ``None`` where that is no plain place."""
    text = unit.file.text
    first = min((f.span.start for f in unit.functions.values() if f.span.file is unit.file), default=len(text))
    depth = at = 0
    for match in _INCLUDE.finditer(text, 0, first):
        if match[1] == "include" and not depth:
            at = match.end()
        depth += (match[1] == "if") - (match[1] == "endif")
    if not at or text.count("/*", 0, at) != text.count("*/", 0, at):
        return None
    return Edit(Span(unit.file, at, at), statement + "\n")
