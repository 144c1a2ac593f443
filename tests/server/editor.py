"""An editor as the tests drive it: a pytest-lsp client that counts positions in its own way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "kfunc_lsp", "serve"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
CURSOR = "‸"
PATIENCE = 60
"""Seconds until an answer that does not come fails a test."""

PRELUDE = """\
#define __ksym __attribute__((section(".ksyms")))
#define SEC(name) __attribute__((section(name), used))
struct bpf_wq { long opaque[2]; };
struct bpf_prog_aux { int x; };
"""

IMPL_CALLED = f"""{PRELUDE}\
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    void *aux__prog) __ksym;
SEC("tc") int prog(struct bpf_wq *wq, void *cb)
{{
	/* é𝄞✓ */ return bpf_wq_set_callback_impl(wq, cb, 0, 0);
}}
"""

ARGUMENT_PASSED = f"""{PRELUDE}\
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                               struct bpf_prog_aux *aux) __ksym;
SEC("tc") int prog(struct bpf_wq *wq, void *cb)
{{
	/* é𝄞✓ */ return bpf_wq_set_callback(wq, cb, 0, 0);
}}
"""


class Editor:
    """One client and its server."""

    def __init__(self, client: LanguageClient, encoding: str) -> None:
        self.client = client
        self.encoding = encoding
        self.initialized: types.InitializeResult
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self._news = asyncio.Event()
        self._opened = 0

    def receive(self, params: types.PublishDiagnosticsParams) -> None:
        self.published[params.uri] = params
        self._news.set()

    async def diagnostics(self, uri: str, version: int | None = None) -> list[types.Diagnostic]:
        """The diagnostics of ``uri`` as soon as they are those of ``version``."""

        async def newest() -> list[types.Diagnostic]:
            while uri not in self.published or self.published[uri].version != version:
                self._news.clear()
                await self._news.wait()
            return list(self.published[uri].diagnostics)

        return await asyncio.wait_for(newest(), PATIENCE)

    def open(self, text: str, uri: str = "", language: str = "c") -> str:
        """Open ``text`` under a name of its own; the answer is its URI."""
        self._opened += 1
        uri = uri or f"file:///nowhere/program{self._opened}.bpf.c"
        document = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=document))
        return uri

    async def ask(self, method: str, params: object) -> Any:
        """The answer to a request that is not of the protocol."""
        return await self.client.protocol.send_request_async(method, params)  # type: ignore[no-untyped-call]

    def change(self, uri: str, version: int, *changes: types.TextDocumentContentChangeEvent) -> None:
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=document, content_changes=list(changes))
        )

    def close(self, uri: str) -> None:
        document = types.TextDocumentIdentifier(uri=uri)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(text_document=document))

    def watched(self, uri: str) -> None:
        """Tell the server that a file on disk has changed."""
        event = types.FileEvent(uri=uri, type=types.FileChangeType.Changed)
        self.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))

    def position(self, text: str, offset: int) -> types.Position:
        """The position of a character of ``text``, counted as this client counts."""
        line = text.count("\n", 0, offset)
        before = text[text.rfind("\n", 0, offset) + 1 : offset]
        return types.Position(line=line, character=_length(before, self.encoding))

    def range(self, text: str, part: str, after: str = "") -> types.Range:
        """Where ``part`` stands in ``text``, the first time behind ``after``."""
        start = text.index(part, text.index(after) + len(after))
        return types.Range(start=self.position(text, start), end=self.position(text, start + len(part)))

    def applied(self, text: str, edits: Sequence[Any]) -> str:
        """``text`` after an answer's edits."""
        lines = text.split("\n")

        def offset(position: types.Position) -> int:
            line = lines[position.line]
            column = next(n for n in range(len(line) + 1) if _length(line[:n], self.encoding) == position.character)
            return sum(len(before) + 1 for before in lines[: position.line]) + column

        pieces = sorted(((offset(e.range.start), offset(e.range.end), e.new_text) for e in edits), reverse=True)
        for start, end, new in pieces:
            text = text[:start] + new + text[end:]
        return text

    def open_at(self, marked: str) -> tuple[str, str, types.Position]:
        """Open ``marked`` without its cursor mark: the URI, the text, and where the mark stood."""
        offset = marked.index(CURSOR)
        text = marked.replace(CURSOR, "", 1)
        return self.open(text), text, self.position(text, offset)

    async def hover(self, marked: str) -> types.Hover | None:
        uri, _, position = self.open_at(marked)
        document = types.TextDocumentIdentifier(uri=uri)
        return await self.client.text_document_hover_async(types.HoverParams(document, position))

    async def signature(self, marked: str) -> types.SignatureHelp | None:
        uri, _, position = self.open_at(marked)
        document = types.TextDocumentIdentifier(uri=uri)
        return await self.client.text_document_signature_help_async(types.SignatureHelpParams(document, position))

    async def completion(
        self, marked: str, kind: types.CompletionTriggerKind = types.CompletionTriggerKind.Invoked
    ) -> dict[str, types.CompletionItem]:
        """The items on offer at the mark, by label."""
        uri, _, position = self.open_at(marked)
        answer = await self.client.text_document_completion_async(
            types.CompletionParams(
                types.TextDocumentIdentifier(uri=uri), position, context=types.CompletionContext(trigger_kind=kind)
            )
        )
        if answer is None:
            return {}
        assert isinstance(answer, types.CompletionList)
        assert not answer.is_incomplete
        return {item.label: item for item in answer.items}

    async def actions(
        self, uri: str, place: types.Range, only: Sequence[types.CodeActionKind | str] | None = None
    ) -> list[types.CodeAction]:
        answer = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                text_document=types.TextDocumentIdentifier(uri=uri),
                range=place,
                context=types.CodeActionContext(diagnostics=[], only=only),
            )
        )
        return [action for action in answer or () if isinstance(action, types.CodeAction)]


def _length(text: str, encoding: str) -> int:
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    return len(text.encode("utf-8" if width == 1 else f"{encoding}-le")) // width


async def start(
    kind: str,
    encoding: str,
    options: object,
    root: str | None = None,
    capabilities: types.ClientCapabilities | None = None,
    settings: dict[str, object] | None = None,
) -> Editor:
    """An editor whose server has answered ``initialize``; ``settings`` are what it answers when asked for them."""

    def make() -> LanguageClient:
        client = LanguageClient(converter_factory=default_converter)
        features = {**DEFAULT_CLIENT_FEATURES, types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: receive}
        features[types.CLIENT_REGISTER_CAPABILITY] = lambda params: None
        register_lsp_features(client, features)
        return client

    def receive(params: types.PublishDiagnosticsParams) -> None:
        editor.receive(params)

    config = ClientServerConfig(server_command=COMMAND, client_factory=make, server_env=ENVIRONMENT)
    client = await config.start()
    assert isinstance(client, LanguageClient)
    editor = Editor(client, encoding)
    client.set_configuration(settings or {})
    announced = capabilities or client_capabilities(kind)
    item = announced.text_document and announced.text_document.completion
    if kind == "visual-studio-code" and item and item.completion_item:
        # The recorded capabilities are of 1.65, which did not announce it yet.
        item.completion_item.label_details_support = True
    announced.general = announced.general or types.GeneralClientCapabilities()
    announced.general.position_encodings = [encoding]
    editor.initialized = await client.initialize_session(
        types.InitializeParams(capabilities=announced, root_uri=root, initialization_options=options)
    )
    return editor


async def stop(editor: Editor) -> None:
    await editor.client.shutdown_session()
    await editor.client.stop()  # type: ignore[no-untyped-call]
