"""kfunc-lsp/matrix, as an editor's panel shows it."""

from __future__ import annotations

import re

import pytest

from tests.server.editor import IMPL_CALLED, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _page(editor: Editor, uri: str) -> str | None:
    answer = await editor.client.protocol.send_request_async("kfunc-lsp/matrix", {"uri": uri})  # type: ignore[no-untyped-call]
    assert answer is None or isinstance(answer, str)
    return answer


async def test_the_text_in_the_editor_counts_on_every_bundled_kernel(editor: Editor) -> None:
    page = await _page(editor, editor.open(IMPL_CALLED))
    assert page is not None
    assert re.findall(r"<button>(\d[\d.]*)</button>", page)[:2] == ["6.12", "6.16"]
    assert '<td class="loads">up to 6.19</td>' in page


async def test_of_a_document_that_is_not_open_there_is_no_page(editor: Editor) -> None:
    assert await _page(editor, "file:///nowhere/closed.bpf.c") is None
    assert await _page(editor, "") is None
