"""textDocument/definition and textDocument/declaration: the kernel's side of a kfunc, and the program's.

The declaration is the extern in the project. The definition is the kernel's source where ``kernel-source`` is set, else
a page that shows what the kernel has (``pages``). Functions of the program are left to others.
"""

from __future__ import annotations

from lsprotocol import types

from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.pages import page
from kfunc_lsp.server.places import location, name_at
from kfunc_lsp.server.session import Session


def declaration(
    session: Session, document: Document, params: types.DeclarationParams
) -> list[types.Location] | types.Location | None:
    """The externs of the kfunc at the position; the kernel's page where the program declares none."""
    name = name_at(session, document, params.position)
    found = session.analysis(document).unit.declarations.get(name, ()) if name else ()
    return [location(session, d.name_span) for d in found] or (page(session, document, name) if name else None)


def definition(session: Session, document: Document, params: types.DefinitionParams) -> types.Location | None:
    """The kernel's definition of the kfunc at the position."""
    name = name_at(session, document, params.position)
    return page(session, document, name) if name else None
