"""textDocument/references and textDocument/documentHighlight: where a kfunc is declared, called and guarded."""

from __future__ import annotations

from lsprotocol import types

from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.places import location, name_at, places
from kfunc_lsp.server.session import Session


def references(session: Session, document: Document, params: types.ReferenceParams) -> list[types.Location] | None:
    """The uses of the kfunc at the position in every open program, and in the headers that these include."""
    name = name_at(session, document, params.position)
    if not name:
        return None
    found: dict[tuple[str, int, int], types.Location] = {}
    for other in (document, *(d for d in list(session.documents.values()) if d is not document)):
        if name not in other.file.text:
            continue
        for place in places(session.analysis(other), name):
            if params.context.include_declaration or not place.is_declaration:
                span = place.span
                found.setdefault((span.file.path, span.start, span.end), location(session, span))
    return list(found.values()) or None


def highlights(
    session: Session, document: Document, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight] | None:
    """The same in this file alone."""
    name = name_at(session, document, params.position)
    if not name:
        return None
    kinds = {True: types.DocumentHighlightKind.Write, False: types.DocumentHighlightKind.Read}
    return [
        types.DocumentHighlight(document.lines.range(place.span.start, place.span.end), kinds[place.is_declaration])
        for place in places(session.analysis(document), name)
        if place.span.file is document.file
    ] or None
