"""Edits that guard a call of a kfunc which some kernels lack: an ``if`` before a statement, ``?:`` in an expression."""

from __future__ import annotations

import re

from kfunc_lsp.btf.types import Ptr, Void, skip_modifiers_and_typedefs
from kfunc_lsp.rules.edits import call_span, is_editable
from kfunc_lsp.rules.model import Edit
from kfunc_lsp.server.settings import Selection
from kfunc_lsp.source.text import blank
from kfunc_lsp.unit.guard import mentions
from kfunc_lsp.unit.model import Declaration, Span, Unit, Use, UseKind

_KSYM = re.compile(r"\b__ksym\b")
_FREE = re.compile(r"[;{}]\s*\Z|(?:\bcase\b[^;{}?]*|[;{}]\s*\w+\s*):\s*\Z")
"""Before a statement that no other holds: behind another one, or a label."""
_WHOLE = re.compile(r"(?:[^=!<>]=|\breturn)\s*\Z")
"""Before an expression that stands for itself: what is assigned, or returned."""
_HEADERS = ("if", "while", "for")
_DIRECTIVE = re.compile(r"^[ \t]*#.*$", re.M)


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
    if not declarations or call is None:
        return None
    # One weak declaration is enough.
    own = next((d for d in declarations if is_editable(d.span, unit)), declarations[0])
    weaken = [] if unit.is_weak(name) else _weakened(unit, own)
    if weaken is None:
        return None
    condition = f"bpf_ksym_exists({name})" if "bpf_ksym_exists" in unit.macros else name
    edits = _statement(call, condition)
    if edits is None:
        edits = _expression(unit, call, condition, declarations[0])
    return [*weaken, *edits] if edits is not None else None


def _statement(call: Span, condition: str) -> list[Edit] | None:
    """An ``if`` before a call that is a statement, in braces where it is another's body; ``None`` where it is none."""
    text = _DIRECTIVE.sub(lambda match: " " * len(match[0]), blank(call.file.text))
    end = call.end + 1
    if text[call.end : end] != ";":
        return None
    before = text[: call.start].rstrip()
    opened = max(before.rfind("{"), before.rfind("}"), 0)
    if before.count("(", opened) != before.count(")", opened):  # in the head of a `for`
        return None
    indent = _indent(call.file.text, call.start)
    if _FREE.search(before):
        if _is_alone(text, call.start, end):
            return [Edit(Span(call.file, call.start, call.start), f"if ({condition})\n{indent}\t")]
        return [Edit(Span(call.file, call.start, end), f"if ({condition}) {{ {call.text}; }}")]
    if re.search(r"\b(?:else|do)\Z", before):
        return [Edit(Span(call.file, len(before), len(before)), f" if ({condition})")]
    header = _header(before)
    # A comment between the two would be lost.
    if header is None or call.file.text[len(before) : call.start].strip():
        return None
    # Without braces an `else` behind it would be taken for one of the guard.
    outer = _indent(call.file.text, header)
    body = f" {{\n{outer}\tif ({condition})\n{outer}\t\t{call.text};\n{outer}}}"
    follows = re.compile(r"\s*(?=else\b)").match(call.file.text, end)
    behind = follows.end() if follows else end
    return [Edit(Span(call.file, len(before), behind), f"{body} " if follows else body)]


def _header(before: str) -> int | None:
    """Where the ``if``, ``while`` or ``for`` begins whose condition ends ``before``; ``None`` where none does."""
    if not before.endswith(")"):
        return None
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        depth += (before[at] == ")") - (before[at] == "(")
        if not depth:
            word = re.search(r"(\w+)\s*\Z", before[:at])
            return word.start() if word and word[1] in _HEADERS else None
    return None


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the lines of ``[start, end)``."""
    line, following = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return not text[line:start].strip() and not text[end : following if following >= 0 else len(text)].strip()


def _indent(text: str, at: int) -> str:
    """The white space at the beginning of the line of ``at``."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _expression(unit: Unit, call: Span, condition: str, declaration: Declaration) -> list[Edit] | None:
    """``?:`` around a call whose value is used; ``None`` where it has none."""
    prototype = declaration.prototype
    returns = skip_modifiers_and_typedefs(prototype.returns) if prototype else Void()
    if isinstance(returns, Void):
        return None
    nothing = "NULL" if isinstance(returns, Ptr) and "NULL" in unit.macros else "0"
    choice = f"{condition} ? {call.text} : {nothing}"
    text = call.file.text
    is_whole = text[call.end : call.end + 1] == ";" and _WHOLE.search(text, 0, call.start)
    return [Edit(call, choice if is_whole else f"({choice})")]


def _weakened(unit: Unit, declaration: Declaration) -> list[Edit] | None:
    """The edit that makes an extern weak."""
    span = declaration.span
    at = _KSYM.search(span.text)
    if not is_editable(span, unit) or at is None:
        return None
    weak = "__weak" if "__weak" in unit.macros else "__attribute__((weak))"
    place = span.start + at.start()
    return [Edit(Span(span.file, place, place), f"{weak} ")]
