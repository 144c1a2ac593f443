"""The edits that guard a call of a kfunc which some kernels lack: an ``if`` before a statement, ``?:`` elsewhere."""

from __future__ import annotations

import re

from kfunc_lsp.btf.types import Ptr, Void, skip_modifiers_and_typedefs
from kfunc_lsp.rules.edits import call_span, is_editable
from kfunc_lsp.rules.model import Edit
from kfunc_lsp.server.settings import Selection
from kfunc_lsp.unit.guard import mentions
from kfunc_lsp.unit.model import Declaration, Span, Unit, Use, UseKind

_KSYM = re.compile(r"\b__ksym\b")


def guarded(unit: Unit, use: Use, selection: Selection) -> list[Edit] | None:
    """The edits; ``None`` where every kernel has the kfunc, a guard is there, or the text is not plain enough."""
    name = use.name
    is_everywhere = all(kernel.get(selection.loader.target(name)) for kernel in selection.kernels)
    if use.kind is not UseKind.CALL or use.macro or is_everywhere or not is_editable(use.span, unit):
        return None
    if any(name in mentions(guard) for guard in use.guards):
        return None
    declarations = [d for d in unit.declarations.get(name, ()) if d.ksym]
    call = call_span(use)
    if len(declarations) != 1 or call is None:
        return None
    weaken = [] if unit.is_weak(name) else _weakened(unit, declarations[0])
    if weaken is None:
        return None
    condition = f"bpf_ksym_exists({name})" if "bpf_ksym_exists" in unit.macros else name
    text = unit.file.text
    start = text.rfind("\n", 0, call.start) + 1
    indent = text[start : call.start]
    if not indent.strip() and text[call.end : call.end + 1] == ";" and text[:start].rstrip().endswith((";", "{", "}")):
        return [*weaken, Edit(Span(unit.file, call.start, call.start), f"if ({condition})\n{indent}\t")]
    prototype = declarations[0].prototype
    returns = skip_modifiers_and_typedefs(prototype.returns) if prototype else Void()
    if isinstance(returns, Void):
        return None
    nothing = "NULL" if isinstance(returns, Ptr) and "NULL" in unit.macros else "0"
    return [*weaken, Edit(call, f"({condition} ? {call.text} : {nothing})")]


def _weakened(unit: Unit, declaration: Declaration) -> list[Edit] | None:
    """The edit that makes an extern weak."""
    span = declaration.span
    at = _KSYM.search(span.text)
    if not is_editable(span, unit) or at is None:
        return None
    weak = "__weak" if "__weak" in unit.macros else "__attribute__((weak))"
    place = span.start + at.start()
    return [Edit(Span(span.file, place, place), f"{weak} ")]
