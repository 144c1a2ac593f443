"""Edits that several rules make: dropping trailing arguments and parameters, rewriting a declaration."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.kernel.libbpf import essential_name
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.model import Edit
from kfunc_lsp.unit.model import Declaration, Span, Unit, Use, UseKind

DEAD_CODE_WAKES = "code that is dead now would run"
"""Why a fix is not safe that makes a guard true which was never true before."""

_PLAIN_VALUE = re.compile(
    r"\(*\s*(?:\(\s*(?:const\s+)?(?:struct\s+\w+|void|\w+)\s*\*\s*\)\s*)?[\w.]+(?:->\w+)*\s*\)*\Z"
)


def has_no_effect(argument: Span) -> bool:
    """Whether dropping an argument drops no action: a name, a member, a literal, with or without a cast."""
    return bool(_PLAIN_VALUE.match(argument.text.strip()))


def trailing(items: Iterable[Span | None], keep: int, opening: Span) -> Span | None:
    """The span from behind item ``keep`` - 1 (or behind ``(`` after ``opening``) to the end of the last item.

    ``None`` where a macro wrote one of the items, so that the text cannot be edited.
    """
    spans = list(items)
    if any(span is None for span in spans[max(keep - 1, 0) :]):
        return None
    last = spans[-1]
    assert last is not None
    before = spans[keep - 1] if keep else None
    if before is not None:
        return Span(last.file, before.end, last.end)
    bracket = last.file.text.find("(", opening.end)
    return Span(last.file, bracket + 1, last.end) if 0 <= bracket < last.start else None


def shorten_call(use: Use, keep: int) -> Edit | None:
    """The edit that leaves the first ``keep`` arguments of a call; ``None`` where a macro wrote the call."""
    if use.macro or use.kind is not UseKind.CALL:
        return None
    span = trailing(use.arguments, keep, use.span)
    return Edit(span, "") if span else None


def shorten_declaration(declaration: Declaration, keep: int) -> Edit | None:
    """The edit that leaves the first ``keep`` parameters of a declaration (``void`` for none)."""
    span = trailing(declaration.params, keep, declaration.name_span)
    return Edit(span, "" if keep else "void") if span else None


def flavor(name: str) -> str:
    """The ``___flavor`` of an extern's name, empty without one."""
    return name[len(essential_name(name)) :]


def extern_statement(name: str, function: KernelFunction, weak: bool) -> str:
    """A declaration of ``function`` under ``name``, with the kernel's visible prototype."""
    return f"extern {prototype(name, function.prototype)[:-1]} {'__weak ' if weak else ''}__ksym;"


def is_editable(span: Span, unit: Unit) -> bool:
    """Whether a fix may change the place: it stands in the main file, not in a header that others share."""
    return span.file is unit.file
