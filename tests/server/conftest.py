"""Servers that tests share: one for each encoding, and one whose settings each test makes its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import client_capabilities

from tests.server.editor import Editor, start, stop

Begin = Callable[..., Awaitable[Editor]]
"""Starts a server with settings of its own, or gives one these settings."""

OPTIONS = {"kernels": ["7.3", "6.18"]}
NONE: dict[str, object] = {"kernels": []}
"""Settings that leave everything alone; where there are none at all, those count that the session began with."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vscode() -> AsyncIterator[Editor]:
    editor = await start("visual-studio-code", "utf-16", OPTIONS)
    yield editor
    await stop(editor)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def neovim() -> AsyncIterator[Editor]:
    editor = await start("neovim", "utf-8", OPTIONS)
    yield editor
    await stop(editor)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emacs() -> AsyncIterator[Editor]:
    editor = await start("emacs", "utf-32", OPTIONS)
    yield editor
    await stop(editor)


@pytest.fixture(params=["vscode", "neovim", "emacs"])
def editor(request: pytest.FixtureRequest, vscode: Editor, neovim: Editor, emacs: Editor) -> Editor:
    """Each client in turn: UTF-16, UTF-8 and UTF-32."""
    return {"vscode": vscode, "neovim": neovim, "emacs": emacs}[request.param]


@pytest_asyncio.fixture(loop_scope="session")
async def fresh() -> AsyncIterator[Begin]:
    """Starts servers with settings of their own, and ends them after the test."""
    started: list[Editor] = []

    async def begin(
        options: object,
        root: str | None = None,
        kind: str = "neovim",
        capabilities: types.ClientCapabilities | None = None,
        settings: dict[str, object] | None = None,
    ) -> Editor:
        started.append(await start(kind, "utf-8", options, root, capabilities, settings))
        return started[-1]

    yield begin
    for one in started:
        await stop(one)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _settling(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, list[str]]]:
    announced = client_capabilities("neovim")
    assert announced.workspace is not None
    announced.workspace.configuration = False
    root = tmp_path_factory.mktemp("root").as_uri()
    editor = await start("neovim", "utf-8", {"kernels": ["7.3"]}, root, announced)
    yield editor, [root]
    await stop(editor)


@pytest.fixture
def settled(_settling: tuple[Editor, list[str]], tmp_path: Path) -> Begin:
    """Gives the one server that is told of its settings those of a test, and a root; it has nothing open then."""
    editor, roots = _settling

    async def settle(options: object, root: str | None = None) -> Editor:
        for uri, known in editor.published.items():
            if known.version is not None:
                editor.close(uri)
        editor.client.messages.clear()
        editor.client.log_messages.clear()
        folders = [[types.WorkspaceFolder(uri=uri, name="")] for uri in (root or tmp_path.as_uri(), roots.pop())]
        roots.append(folders[0][0].uri)
        event = types.WorkspaceFoldersChangeEvent(added=folders[0], removed=folders[1])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=event))
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=options or NONE))
        await editor.ask("kfunc-lsp/kernels", {})
        editor.published.clear()
        return editor

    return settle
