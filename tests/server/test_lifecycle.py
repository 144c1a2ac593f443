from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcInternalError, JsonRpcMethodNotFound

from kfunc_lsp.server.features import make_server
from tests.server.editor import COMMAND, ENVIRONMENT, IMPL_CALLED, PATIENCE, ROOT, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


INITIALIZE: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}


class Raw:
    """A server spoken to byte by byte."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout

    @staticmethod
    async def start(command: Sequence[str] = COMMAND) -> Raw:
        pipe = asyncio.subprocess.PIPE
        return Raw(
            await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT, cwd=ROOT
            )
        )

    def send(self, method: str, params: object, id_: int | None = None) -> None:
        self.stdin.write(_message(method, params, id_))

    def answered(self, id_: int | str) -> None:
        """Answer a request of the server with ``null``."""
        self.stdin.write(_framed({"id": id_, "result": None}))

    async def answer(self, id_: int) -> dict[str, Any]:
        """The answer to request ``id_``; every byte on the way must be of the protocol."""
        async for message in self.messages():
            if message.get("id") == id_ and "method" not in message:
                return message
        raise AssertionError

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """The server's messages as they come."""
        while True:
            header = await asyncio.wait_for(self.stdout.readuntil(b"\r\n\r\n"), PATIENCE)
            assert header.startswith(b"Content-Length: ")
            length = int(header.split(b"\r\n")[0].split(b":")[1])
            yield json.loads(await self.stdout.readexactly(length))

    async def ask(self, method: str, params: object, id_: int) -> dict[str, Any]:
        self.send(method, params, id_)
        return await self.answer(id_)

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


def _message(method: str, params: object, id_: int | None = None) -> bytes:
    return _framed({"method": method, "params": params, **({} if id_ is None else {"id": id_})})


def _framed(message: dict[str, object]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


async def test_what_the_server_offers(vscode: Editor) -> None:
    offered = vscode.initialized.capabilities
    assert isinstance(offered.text_document_sync, types.TextDocumentSyncOptions)
    assert offered.text_document_sync.change is types.TextDocumentSyncKind.Incremental
    assert offered.text_document_sync.open_close
    assert offered.hover_provider
    assert offered.completion_provider is not None
    assert offered.completion_provider.resolve_provider
    assert offered.signature_help_provider is not None
    assert offered.signature_help_provider.trigger_characters == ("(", ",")
    assert isinstance(offered.code_action_provider, types.CodeActionOptions)
    assert offered.code_action_provider.code_action_kinds == (
        types.CodeActionKind.QuickFix,
        types.CodeActionKind.RefactorRewrite,
        "source.fixAll.kfunc-lsp",
    )


async def test_diagnostics_are_pushed_only(editor: Editor) -> None:
    """A client that could pull as well would show them twice, or, without a refresh, not at all."""
    assert editor.initialized.capabilities.diagnostic_provider is None


async def test_the_encoding_is_the_clients_choice(editor: Editor) -> None:
    assert editor.initialized.capabilities.position_encoding == editor.encoding


async def test_an_unknown_request_is_refused_and_an_unknown_notification_ignored(vscode: Editor) -> None:
    vscode.client.protocol.notify("kfunc-lsp/nothing", {"a": 1})
    with pytest.raises(JsonRpcMethodNotFound):
        await vscode.client.protocol.send_request_async("kfunc-lsp/nothing", {"a": 1})  # type: ignore[no-untyped-call]
    assert len(await vscode.diagnostics(vscode.open(IMPL_CALLED), 1)) == 1


async def test_requests_on_a_document_that_is_not_open(vscode: Editor) -> None:
    document = types.TextDocumentIdentifier(uri="file:///nowhere/closed.c")
    place = types.Position(line=0, character=0)
    assert await vscode.client.text_document_hover_async(types.HoverParams(document, place)) is None
    vscode.change(document.uri, 2, types.TextDocumentContentChangeWholeDocument(text="int x;"))
    vscode.close(document.uri)
    assert await vscode.client.text_document_completion_async(types.CompletionParams(document, place)) is None


async def test_a_session_by_the_book_exits_with_0(tmp_path: Path) -> None:
    """And its log has no word of the program."""
    file = tmp_path / "server.log"
    raw = await Raw.start([*COMMAND, "--log-file", str(file), "--log-level", "info"])
    early = await raw.ask("textDocument/hover", _hover("untitled:a"), 1)
    assert early["error"]["code"] == types.ErrorCodes.ServerNotInitialized
    result = (await raw.ask("initialize", INITIALIZE, 2))["result"]
    assert result["capabilities"]["positionEncoding"] == "utf-16"
    raw.send("initialized", {})
    raw.send("textDocument/didOpen", {"textDocument": _item("untitled:a", "int bpf_wq_init, secret_word;")})
    found = await raw.ask("textDocument/hover", _hover("untitled:a"), 3)
    assert found["result"]["contents"]["kind"] == "plaintext"
    malformed = await raw.ask("textDocument/hover", {"position": "secret_word"}, 4)
    assert malformed["error"]["code"] == types.ErrorCodes.InvalidParams
    assert (await raw.ask("initialize", INITIALIZE, 5))["error"]["code"] == types.ErrorCodes.InvalidRequest
    assert (await raw.ask("textDocument/hover", _hover("untitled:a"), 6))["result"] == found["result"]
    emptied = {"textDocument": {"uri": "untitled:a", "version": 2}, "contentChanges": [{"text": ""}]}
    asked = _message("textDocument/hover", _hover("untitled:a"), 9)
    raw.stdin.write(asked + _message("textDocument/didChange", emptied))
    assert (await raw.answer(9))["result"] == found["result"], "the text at the time of the request counts"
    assert (await raw.ask("textDocument/hover", _hover("untitled:a"), 10))["result"] is None
    assert (await raw.ask("shutdown", None, 7))["result"] is None
    late = await raw.ask("textDocument/hover", _hover("untitled:a"), 8)
    assert late["error"]["code"] == types.ErrorCodes.InvalidRequest
    raw.send("exit", None)
    assert await raw.exit_code() == 0
    assert await raw.stdout.read() == b""
    assert "has been answered" in file.read_text()
    assert "secret_word" not in file.read_text()


async def test_an_internal_error_tells_no_trace() -> None:
    server = make_server()

    def fail() -> None:
        raise ZeroDivisionError("/home/someone/secret.py")

    with pytest.raises(JsonRpcInternalError) as caught:
        await server.work(fail)
    error = caught.value.to_response_error()
    assert error.data is None
    assert "ZeroDivisionError" in error.message
    assert "secret" not in error.message
    assert await server.work(lambda: 1) == 1
    server.shutdown()


FAULTY = """
from kfunc_lsp.server import publisher, serve, session

def broken(owner, name, error, is_met=lambda *arguments: True):
    sound = getattr(owner, name)
    def fail(*arguments):
        if is_met(*arguments):
            raise error("of ours")
        return sound(*arguments)
    setattr(owner, name, fail)

broken(session.Session, "analysis", IndexError)
broken(session.Session, "refresh", KeyError)
broken(session.Session, "open", ZeroDivisionError, lambda session, uri, *more: "unopened" in uri)
broken(publisher.Publisher, "_start", RecursionError, lambda publisher, uri: "untimed" in uri)
serve()
"""


async def test_faults_of_ours_are_shown_once_and_logged() -> None:
    """On the worker thread for somebody and for nobody, in a notification's handler, in a timer."""
    raw = await Raw.start([sys.executable, "-c", FAULTY])
    await raw.ask("initialize", INITIALIZE, 1)
    raw.send("initialized", {})
    for name in ("a", "unopened", "untimed", "b", "unopened", "untimed"):
        raw.send("textDocument/didOpen", {"textDocument": _item(f"file:///nowhere/{name}.bpf.c", "int x;")})
    kinds = {"IndexError", "KeyError", "ZeroDivisionError", "RecursionError"}
    shown: list[str] = []
    logged: list[str] = []
    async for message in raw.messages():
        if message.get("method") in ("window/showMessage", "window/logMessage"):
            assert message["params"]["type"] == types.MessageType.Error
            (shown if message["method"] == "window/showMessage" else logged).append(message["params"]["message"])
        if len(shown) == len(kinds) and len(logged) >= len(kinds):
            break
    assert set(shown) == {f"kfunc-lsp: internal error ({kind}); the server's log has more" for kind in kinds}
    assert all("in fail" in trace for trace in logged)
    raw.send("shutdown", None, 2)
    assert "window/showMessage" not in [m.get("method") async for m in _until(raw, 2)]
    raw.send("exit", None)
    assert await raw.exit_code() == 0
    assert raw.process.stderr is not None
    errors = (await raw.process.stderr.read()).decode()
    assert all(kind in errors for kind in kinds)


async def _until(raw: Raw, id_: int) -> AsyncIterator[dict[str, Any]]:
    async for message in raw.messages():
        if message.get("id") == id_:
            return
        yield message


def _item(uri: str, text: str) -> dict[str, object]:
    return {"uri": uri, "languageId": "c", "version": 1, "text": text}


def _hover(uri: str) -> dict[str, object]:
    return {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 8}}
