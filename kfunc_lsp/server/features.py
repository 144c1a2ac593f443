"""The table of requests and notifications that the server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from lsprotocol import types

from kfunc_lsp.server.code_action import KINDS, code_actions
from kfunc_lsp.server.completion import completion, resolve
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.hover import hover
from kfunc_lsp.server.kernels import kernels
from kfunc_lsp.server.matrix import matrix_page
from kfunc_lsp.server.server import Server
from kfunc_lsp.server.session import Session
from kfunc_lsp.server.signature_help import TRIGGERS, signature_help


class _OnDocument(Protocol):
    """Parameters that name a document."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier: ...


_P = TypeVar("_P", bound=_OnDocument)
_R = TypeVar("_R")


def make_server() -> Server:
    """A server with all its requests."""
    server = Server()

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.start_session(params)

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await server.warm()

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

    @server.feature(types.COMPLETION_ITEM_RESOLVE)
    async def resolved(params: types.CompletionItem) -> types.CompletionItem:
        return await server.work(resolve, server.session, params)

    _answer(server, types.TEXT_DOCUMENT_HOVER, hover)
    _answer(
        server,
        types.TEXT_DOCUMENT_COMPLETION,
        completion,
        types.CompletionOptions(
            resolve_provider=True,
            completion_item=types.ServerCompletionItemOptions(label_details_support=True),
        ),
    )
    _answer(
        server,
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        signature_help,
        types.SignatureHelpOptions(trigger_characters=list(TRIGGERS), retrigger_characters=[")"]),
    )
    _answer(
        server,
        types.TEXT_DOCUMENT_CODE_ACTION,
        code_actions,
        types.CodeActionOptions(code_action_kinds=list(KINDS)),
    )
    return server


def _answer(
    server: Server, method: str, answer: Callable[[Session, Document, _P], _R | None], options: Any = None
) -> None:
    """Register ``answer`` for requests on an open document; on any other the answer is ``null``."""

    async def handler(params: _P) -> _R | None:
        document = server.document(params.text_document.uri)
        if document is None:
            return None
        return await server.work(answer, server.session, document, params)

    server.feature(method, options)(handler)
