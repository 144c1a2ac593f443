"""What only real editors have shown, each with the client that it was seen in. The numbers keep them together."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import client_capabilities

from tests.server.conftest import Begin
from tests.server.editor import CURSOR, IMPL_CALLED, PRELUDE, Editor
from tests.server.test_lifecycle import INITIALIZE, Raw, _item

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_1_the_active_parameter_stands_on_both_levels(editor: Editor) -> None:
    """VS Code highlights nothing where the inner one is ``null``."""
    found = await editor.signature(f"{PRELUDE}int f(void)\n{{\n\tbpf_wq_set_callback(wq, {CURSOR}\n}}\n")
    assert found is not None
    assert [found.active_parameter, *(one.active_parameter for one in found.signatures)] == [1, 1]


async def test_2_a_client_that_pulls_and_can_be_told_to_is_not_pushed_to(fresh: Begin) -> None:
    announced = client_capabilities("neovim")
    assert announced.text_document is not None
    assert announced.workspace is not None
    announced.text_document.diagnostic = types.DiagnosticClientCapabilities()
    announced.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    editor = await fresh({"kernels": ["7.3"]}, capabilities=announced)
    assert editor.initialized.capabilities.diagnostic_provider is not None
    document = types.TextDocumentIdentifier(editor.open(IMPL_CALLED))
    answer = await editor.client.text_document_diagnostic_async(types.DocumentDiagnosticParams(document))
    assert isinstance(answer, types.RelatedFullDocumentDiagnosticReport)
    assert [found.code for found in answer.items] == ["unflagged-impl-called"]
    assert editor.published == {}


async def test_2_a_client_that_only_pulls_is_pushed_to(fresh: Begin) -> None:
    """Neovim 0.10 and 0.11: whoever answered them while kernels are being read would show nothing."""
    announced = client_capabilities("neovim")
    assert announced.text_document is not None
    announced.text_document.diagnostic = types.DiagnosticClientCapabilities()
    editor = await fresh({"kernels": ["7.3"]}, capabilities=announced)
    assert editor.initialized.capabilities.diagnostic_provider is None
    assert len(await editor.diagnostics(editor.open(IMPL_CALLED), 1)) == 1


async def test_3_positions_are_in_the_clients_units(editor: Editor) -> None:
    """In Neovim UTF-8, in VS Code UTF-16, in Emacs UTF-32; ``é𝄞✓`` is of another length in each."""
    (found,) = await editor.diagnostics(editor.open(IMPL_CALLED), 1)
    column = {"utf-8": 24, "utf-16": 19, "utf-32": 18}[editor.encoding]
    assert found.range.start.character == column
    assert found.range.end.character == column + len("bpf_wq_set_callback_impl")


async def test_4_the_diagnostics_that_come_with_a_request_are_not_believed(vscode: Editor) -> None:
    """ALE sends its own nearest error, in columns of its own, or none."""
    uri = vscode.open(IMPL_CALLED)
    place = vscode.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return ")
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 1))
    titles = []
    for sent in ([], [types.Diagnostic(nowhere, "another's", code="unflagged-impl-called", source="kfunc-lsp")]):
        answer = await vscode.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), place, types.CodeActionContext(sent))
        )
        titles.append([action.title for action in answer or ()])
    assert titles[0] == titles[1] != []


async def test_5_headers_that_come_as_another_language_are_checked(vscode: Editor) -> None:
    """VS Code, Neovim and Helix send headers as C++."""
    uri = vscode.open(IMPL_CALLED, "file:///nowhere/client5.bpf.h", "cpp")
    assert len(await vscode.diagnostics(uri, 1)) == 1


async def test_6_a_session_without_a_root_is_served(vscode: Editor) -> None:
    """Neovim and Helix where no marker of a root was found, VS Code with a single file."""
    assert len(await vscode.diagnostics(vscode.open(IMPL_CALLED, "untitled:client6"), 1)) == 1


async def test_7_no_hint_says_what_clangd_says(vscode: Editor, settled: Begin) -> None:
    """Names of parameters would stand there twice: hints are off, and none is one when they are on."""
    text = IMPL_CALLED.replace("_impl", "").replace(", 0, 0)", ", 0)")
    whole = types.Range(types.Position(0, 0), types.Position(100, 0))
    params = types.InlayHintParams(types.TextDocumentIdentifier(vscode.open(text)), whole)
    assert await vscode.client.text_document_inlay_hint_async(params) is None
    editor = await settled({"kernels": ["7.3"], "inlay-hints": True})
    params = types.InlayHintParams(types.TextDocumentIdentifier(editor.open(text)), whole)
    hints = await editor.client.text_document_inlay_hint_async(params)
    assert hints
    assert not [hint for hint in hints if str(hint.label).endswith(":")]


@pytest.mark.parametrize("is_shown", [True, False])
async def test_8_progress_is_for_those_who_show_it_and_findings_do_not_wait_for_its_end(is_shown: bool) -> None:
    """Emacs 28 does not announce it. Every kernel but the first is slow here."""
    script = "from kfunc_lsp.server import serve, settings; settings._PATIENCE = 0.0; serve()"
    raw = await Raw.start([sys.executable, "-c", script])
    capabilities = {"window": {"workDoneProgress": is_shown}}
    options = {"kernels": ["7.3", "6.18"]}
    await raw.ask("initialize", {**INITIALIZE, "capabilities": capabilities, "initializationOptions": options}, 1)
    raw.send("textDocument/didOpen", {"textDocument": _item("untitled:a", IMPL_CALLED)})
    raw.send("initialized", {})
    seen: list[Any] = []
    async for message in raw.messages():
        if message.get("method") == "textDocument/publishDiagnostics":
            seen.append("6.18: fine" in message["params"]["diagnostics"][0]["message"])
        elif message.get("method") == "$/progress":
            seen.append(message["params"]["value"]["kind"])
        elif message.get("method") == "window/workDoneProgress/create":
            seen.append("create")
            raw.answered(message["id"])
        if seen and seen[-1] is True:
            break
    assert seen[0] is False
    assert seen[1:-1] == (["create", "begin", "end"] if is_shown else [])
    raw.stdin.close()
    assert await raw.exit_code() == 0


WITHOUT_TYPES = """
import sys
sys.modules["lsprotocol"] = None
from kfunc_lsp.server import opening, serve
opening._SOON = 60
try:
    serve()
except ImportError:
    sys.stdin.read()  # what has been said gets out
    raise
"""


@pytest.mark.parametrize("is_asked", [False, True])
async def test_9_the_first_answers_do_not_wait_for_the_protocols_types(is_asked: bool) -> None:
    """Importing them takes longer than all else at a start: the first diagnostics are pushed, or pulled, before."""
    raw = await Raw.start([sys.executable, "-c", WITHOUT_TYPES])
    pulling = {"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": True}}}
    params = {**INITIALIZE, "capabilities": pulling if is_asked else {}}
    params["initializationOptions"] = {"kernels": ["7.3"]}
    assert (await raw.ask("initialize", params, 1))["result"]["serverInfo"]["name"] == "kfunc-lsp"
    raw.send("initialized", {})
    raw.send("textDocument/didOpen", {"textDocument": _item("untitled:a", IMPL_CALLED)})
    raw.send("textDocument/codeLens", {"textDocument": {"uri": "untitled:a"}}, 2)
    if is_asked:
        found = (await raw.ask("textDocument/diagnostic", {"textDocument": {"uri": "untitled:a"}}, 3))["result"][
            "items"
        ]
    else:
        messages = [m["params"] async for m in _until_published(raw)]
        assert (messages[-1]["uri"], messages[-1]["version"]) == ("untitled:a", 1)
        found = messages[-1]["diagnostics"]
    assert found[0]["code"] == "unflagged-impl-called"
    raw.stdin.close()
    assert await raw.exit_code() == 1


async def _until_published(raw: Raw) -> AsyncIterator[dict[str, Any]]:
    async for message in raw.messages():
        yield message
        if message.get("method") == "textDocument/publishDiagnostics":
            return
