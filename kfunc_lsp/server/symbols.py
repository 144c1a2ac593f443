"""textDocument/documentSymbol and workspace/symbol: the kfuncs that a program uses, and those that there are."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from kfunc_lsp.describe import newest
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.pages import page
from kfunc_lsp.server.places import location
from kfunc_lsp.server.session import Session
from kfunc_lsp.unit.model import Use

_MOST = 64
"""Symbols of the kernel in one answer; pickers ask again with each character."""


def document_symbols(
    session: Session, document: Document, params: types.DocumentSymbolParams
) -> Sequence[types.DocumentSymbol] | Sequence[types.SymbolInformation] | None:
    """Each kfunc that the file uses, and below it its uses by the function that they are in."""
    analysis = session.analysis(document)
    found: dict[str, list[Use]] = {}
    for use in analysis.unit.uses:
        if use.span.file is document.file:
            found.setdefault(use.name, []).append(use)
    if not found:
        return None
    if not session.client.symbol_trees:
        return [
            types.SymbolInformation(
                location(session, use.span), name, types.SymbolKind.Function, container_name=_holder(use)
            )
            for name, uses in found.items()
            for use in uses
        ]
    symbols = []
    for name, uses in found.items():
        known = newest(analysis.selection.loader.target(name), analysis.selection.kernels)
        whole = document.lines.range(min(u.span.start for u in uses), max(u.span.end for u in uses))
        children = [_child(document, use) for use in uses]
        detail = known[1].klass.words if known else "on no selected kernel"
        first = children[0].selection_range
        symbols.append(types.DocumentSymbol(name, types.SymbolKind.Interface, whole, first, detail, children=children))
    return symbols


def _child(document: Document, use: Use) -> types.DocumentSymbol:
    place = document.lines.range(use.span.start, use.span.end)
    words = "guard" if use.is_guard else f"by macro {use.macro}" if use.macro else use.kind.value
    return types.DocumentSymbol(_holder(use) or use.name, types.SymbolKind.Function, place, place, words)


def _holder(use: Use) -> str:
    """The function that a use is in, as a person has named it: ``BPF_PROG`` and its like put the body into another."""
    return use.function.removeprefix("____")


def workspace_symbols(session: Session, params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol] | None:
    """The callable kfuncs of the selected kernels whose name holds the characters of the query, in order."""
    query = params.query.lower()
    document = session.somewhere()
    kernels = session.selection(document).kernels
    names = {name for kernel in kernels for name, f in kernel.functions.items() if f.callable and _has(name, query)}
    ordered = sorted(names, key=lambda name: (query not in name, len(name), name))[:_MOST]
    found = []
    for name in ordered:
        place = page(session, document, name)
        known = newest(name, kernels)
        if place is not None and known is not None:
            container = f"kfunc of {known[0].name}"
            found.append(types.WorkspaceSymbol(place, name, types.SymbolKind.Function, container_name=container))
    return found or None


def _has(name: str, query: str) -> bool:
    """Whether the characters of ``query`` stand in ``name`` in this order."""
    at = 0
    for character in query:
        at = name.find(character, at) + 1
        if not at:
            return False
    return True
