"""textDocument/hover: what the kernels say of the function under the cursor."""

from __future__ import annotations

from lsprotocol import types

from kfunc_lsp.describe import describe
from kfunc_lsp.server.cursor import word_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.render import markup
from kfunc_lsp.server.session import Session


def hover(session: Session, document: Document, params: types.HoverParams) -> types.Hover | None:
    """The description of the identifier at the position; ``None`` where no selected kernel has such a function."""
    word = word_at(document, document.lines.offset(params.position))
    if not word.text:
        return None
    description = describe(word.text, session.selection(document).kernels)
    if description is None:
        return None
    return types.Hover(
        contents=markup(description, session.client.hover_markdown), range=document.lines.range(word.start, word.end)
    )
