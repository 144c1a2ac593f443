"""textDocument/semanticTokens/full: the names of kfuncs, and what is particular about each, as modifiers.

Nothing else is coloured, so that a client which puts the tokens of several servers together keeps those of clangd.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsprotocol import types

from kfunc_lsp.describe import is_superseded, newest
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.server.capabilities import TOKEN_MODIFIERS
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.places import places
from kfunc_lsp.server.session import Analysis, Session


def semantic_tokens(session: Session, document: Document, params: types.SemanticTokensParams) -> dict[str, Any]:
    """The ``SemanticTokens`` of the file: kfuncs that it uses, where they are declared and where their names stand."""
    analysis = session.analysis(document)
    unit = analysis.unit
    found: dict[int, tuple[str, int]] = {}
    for name in unit.uses_by_name:
        modifiers = sum(1 << TOKEN_MODIFIERS.index(modifier) for modifier in _modifiers(analysis, name))
        for place in places(analysis, name):
            span = place.span
            if span.file is unit.file and span.text == name:
                found[span.start] = (name, modifiers | place.is_declaration)
    data: list[int] = []
    line = character = 0
    for start in sorted(found):
        name, modifiers = found[start]
        at = document.lines.place(start)
        character = at["character"] - (character if at["line"] == line else 0)
        data += [at["line"] - line, character, len(name), 0, modifiers]
        line, character = at["line"], at["character"]
    return {"data": data}


def _modifiers(analysis: Analysis, name: str) -> Iterator[str]:
    kernels = analysis.selection.kernels
    target = analysis.selection.loader.target(name)
    if analysis.unit.is_weak(name):
        yield "weak"
    if any((function := kernel.get(target)) is None or not function.callable for kernel in kernels):
        yield "absent"
    known = newest(target, kernels)
    if known is not None:
        if is_superseded(known[1], kernels):
            yield "deprecated"
        if known[1].klass in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
            yield "implicit"
