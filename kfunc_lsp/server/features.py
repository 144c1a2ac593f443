"""The table of requests and notifications that the server answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from lsprotocol import types

from kfunc_lsp.server.code_action import code_actions
from kfunc_lsp.server.code_lens import code_lenses
from kfunc_lsp.server.completion import completion, resolve
from kfunc_lsp.server.definition import declaration, definition
from kfunc_lsp.server.diagnostics import report
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.hover import hover
from kfunc_lsp.server.inlay_hint import inlay_hints
from kfunc_lsp.server.kernels import kernels
from kfunc_lsp.server.matrix import matrix_page
from kfunc_lsp.server.references import highlights, references
from kfunc_lsp.server.semantic_tokens import semantic_tokens
from kfunc_lsp.server.server import Server
from kfunc_lsp.server.session import Session
from kfunc_lsp.server.signature_help import signature_help
from kfunc_lsp.server.symbols import document_symbols, workspace_symbols


class _OnDocument(Protocol):
    """Parameters that name a document."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier: ...


_TYPED = (types.TEXT_DOCUMENT_HOVER, types.TEXT_DOCUMENT_COMPLETION, types.TEXT_DOCUMENT_SIGNATURE_HELP)
"""What is asked while a person types."""

_P = TypeVar("_P", bound=_OnDocument)
_R = TypeVar("_R")


def make_server() -> Server:
    """A server with all its requests."""
    server = Server()

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await server.warm()
        await server.at_once(_rehearse, server)

    @server.feature(types.EXIT)
    def leaving(params: None) -> None:
        server.leaving()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.saved(params)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        server.files_changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(params: types.DidChangeConfigurationParams) -> None:
        await server.configured(params.settings)

    @server.feature("kfunc-lsp/kernels")
    async def offered(params: Any) -> list[dict[str, object]]:
        return await server.work(kernels, server.session, str(getattr(params, "uri", "") or ""))

    @server.feature("kfunc-lsp/matrix")
    async def programs_by_kernels(params: Any) -> str | None:
        document = server.document(str(getattr(params, "uri", "") or ""))
        return None if document is None else await server.work(matrix_page, server.session, document)

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC)
    async def reported(params: types.DocumentDiagnosticParams) -> dict[str, object] | None:
        document = server.document(params.text_document.uri)
        return None if document is None else await server.work(report, server.session, document)

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolved(params: types.CompletionItem) -> types.CompletionItem:
        return await server.work(resolve, server.session, params)

    @server.feature(types.WORKSPACE_SYMBOL)
    async def symbols(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol] | None:
        return await server.work(workspace_symbols, server.session, params)

    _answer(server, types.TEXT_DOCUMENT_DEFINITION, definition)
    _answer(server, types.TEXT_DOCUMENT_DECLARATION, declaration)
    _answer(server, types.TEXT_DOCUMENT_REFERENCES, references)
    _answer(server, types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, highlights)
    _answer(server, types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, document_symbols)
    _answer(server, types.TEXT_DOCUMENT_CODE_LENS, code_lenses)
    _answer(server, types.TEXT_DOCUMENT_INLAY_HINT, inlay_hints)
    _answer(server, types.TEXT_DOCUMENT_CODE_ACTION, code_actions)
    _answer(server, types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, semantic_tokens)
    _answer(server, types.TEXT_DOCUMENT_HOVER, hover, server.at_once)
    _answer(server, types.TEXT_DOCUMENT_COMPLETION, completion, server.at_once)
    _answer(server, types.TEXT_DOCUMENT_SIGNATURE_HELP, signature_help, server.at_once)
    return server


def _rehearse(server: Server) -> None:
    """Have ready what the first answers to a person who types would wait for."""
    server.protocol.prepare(*_TYPED)
    document = server.session.somewhere()
    position = document.lines.position(0)
    completion(server.session, document, types.CompletionParams(types.TextDocumentIdentifier(""), position))


def _answer(
    server: Server,
    method: str,
    answer: Callable[[Session, Document, _P], _R | None],
    run: Callable[..., Awaitable[_R | None]] | None = None,
) -> None:
    """Register ``answer`` for requests on an open document; on any other the answer is ``null``.

    ``run`` is where it runs: ``Server.work`` unless told.
    """

    async def handler(params: _P) -> _R | None:
        document = server.document(params.text_document.uri)
        if document is None:
            return None
        return await (run or server.work)(answer, server.session, document, params)

    server.feature(method)(handler)
