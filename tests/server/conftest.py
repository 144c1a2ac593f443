"""One server for each encoding, shared by all tests; each test opens documents of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from lsprotocol import types

from tests.server.editor import Editor, start, stop

Begin = Callable[..., Awaitable[Editor]]
"""Starts a server with settings of its own."""

OPTIONS = {"kernels": ["7.3", "6.18"]}


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
