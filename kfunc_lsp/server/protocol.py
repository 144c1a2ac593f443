"""What this server does otherwise than pygls: its own text store, and an answer to every request.

A malformed request gets "Invalid Params", and one after ``shutdown`` "Invalid Request"; pygls leaves both unanswered,
so that a client waits for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcInvalidRequest
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method
from pygls.protocol.json_rpc import JsonRPCNotification

from kfunc_lsp.server.pipes import Json, Outgoing

if TYPE_CHECKING:
    from kfunc_lsp.server.server import Server

_T = TypeVar("_T")
_IGNORED = JsonRPCNotification(method="$/ignored", jsonrpc="2.0", params=None)
"""Stands for a message that has been dealt with; notifications in ``$/`` may be ignored."""


CONVERTER: Converter = default_converter()  # type: ignore[no-untyped-call]
"""Between JSON and the protocol's types; made once, as it takes long."""


def structured(message: object, kind: type[_T]) -> _T:
    """``message`` as one of the protocol's types. Raises what cattrs raises where it is none."""
    return CONVERTER.structure(message, kind)


class Protocol(LanguageServerProtocol):
    """The protocol with this server's text synchronisation."""

    writer: Outgoing

    @property
    def server(self) -> Server:
        """The server that this belongs to."""
        return cast("Server", self._server)

    @property
    def was_shut_down(self) -> bool:
        """Whether the client has said ``shutdown``."""
        return bool(self._shutdown)

    def prepare(self, *methods: str) -> None:
        """Make the code that reads requests and writes answers of ``methods``; else the first of each waits for it."""
        for method in methods:
            CONVERTER.get_structure_hook(self.get_message_type(method))
            CONVERTER.get_unstructure_hook(self.get_result_type(method))

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> NoReturn:
        """A second ``initialize``; the first was answered by ``handshake``."""
        raise JsonRpcInvalidRequest("`initialize` has been answered")

    @lsp_method(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def lsp_workspace__did_change_workspace_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        """Folders were added or removed."""
        self.server.folders_changed(params.event)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """A document was opened."""
        self.server.opened(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """A document was edited."""
        self.server.changed(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """A document was closed."""
        self.server.closed(params)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The typed message of a JSON object (called for every object inside of it, too)."""
        try:
            return super().structure_message(data)
        except JsonRpcInvalidParams:
            if "id" not in data or "method" not in data:
                raise
            error = JsonRpcInvalidParams(f"the parameters of {data['method']} are not those of the protocol")
            self._send_response(data["id"], error=error.to_response_error())
            return _IGNORED

    def _send_response(self, msg_id: str | int, result: Any | None = None, error: Any | None = None) -> None:
        """Answer a request. What is JSON already is not looked through for the protocol's types."""
        if error is None and isinstance(result, dict | Json):
            self.writer.send({"id": msg_id, "result": result})
        else:
            super()._send_response(msg_id, result, error)

    def handle_message(self, message: Any) -> None:
        """Deal with one message."""
        if self._shutdown and hasattr(message, "id") and hasattr(message, "method"):
            error = JsonRpcInvalidRequest("the server is shutting down")
            self._send_response(message.id, error=error.to_response_error())
            return
        super().handle_message(message)
