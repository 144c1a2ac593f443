from __future__ import annotations

import pytest
from lsprotocol import types

from kfunc_lsp.describe import describe
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.server.render import markup
from tests.server.editor import CURSOR, PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _text(editor: Editor, name: str) -> str:
    found = await editor.hover(f"{PRELUDE}/* é𝄞✓ */ {name[:3]}{CURSOR}{name[3:]}();\n")
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


async def test_a_kfunc_with_implicit_arguments(vscode: Editor) -> None:
    text = await _text(vscode, "bpf_stream_vprintk")
    assert text.startswith("**`bpf_stream_vprintk`** · kfunc with implicit arguments · 7.3\n\n")
    visible, rest = text.split("```c\n")[1].split("```")[0].split("\n\n")
    assert "aux" not in visible
    assert "struct bpf_prog_aux *aux /* the verifier passes this */" in rest
    assert "`len__sz`: size in bytes of the argument before it" in text
    assert "`KF_PERFMON` needs CAP_PERFMON" in text
    assert "6.18: absent; `bpf_stream_vprintk_impl` is the kfunc there" in text


async def test_the_range_is_the_identifier(editor: Editor) -> None:
    line = "/* é𝄞✓ */ bpf_wq_init(0, 0, 0);\n"
    found = await editor.hover(line.replace("bpf_wq", f"bpf_{CURSOR}wq"))
    assert found is not None
    assert found.range == editor.range(line, "bpf_wq_init")


@pytest.mark.parametrize("at", [0, len("bpf_wq_init")])
async def test_either_end_of_the_identifier(vscode: Editor, at: int) -> None:
    assert await vscode.hover("bpf_wq_init"[:at] + CURSOR + "bpf_wq_init"[at:] + "(0);") is not None


async def test_an_impl_that_is_in_btf_only(vscode: Editor) -> None:
    text = await _text(vscode, "bpf_wq_set_callback_impl")
    assert "exists in BTF only, never callable · 7.3" in text
    assert "**Never call it; call `bpf_wq_set_callback`**" in text
    assert "Flags" not in text
    assert "6.18: kfunc whose name ends in \\_impl: `int bpf_wq_set_callback_impl(" in text


async def test_a_legacy_impl(vscode: Editor) -> None:
    text = await _text(vscode, "bpf_obj_new_impl")
    assert "**Still callable; new programs call `bpf_obj_new`**" in text
    assert "`KF_RET_NULL` may return NULL; check before use" in text
    assert "the verifier passes this" not in text


async def test_a_flavor_is_what_it_binds_to(vscode: Editor) -> None:
    text = await _text(vscode, "bpf_wq_init___compat")
    assert text.startswith("**`bpf_wq_init___compat`** · kfunc · binds to `bpf_wq_init` · 7.3\n")


@pytest.mark.parametrize("word", ["printk", "return", "12345", "bpf_nothing_impl"])
async def test_any_other_word(vscode: Editor, word: str) -> None:
    assert await vscode.hover(f"int f(void) {{ {word[:2]}{CURSOR}{word[2:]}; }}") is None


async def test_between_words(vscode: Editor) -> None:
    assert await vscode.hover(f"bpf_wq_init( {CURSOR} )") is None


async def test_plain_text_has_no_marks() -> None:
    description = describe("bpf_wq_set_callback_impl", [resolve("7.3")])
    assert description is not None
    content = markup(description, markdown=False)
    assert content.kind is types.MarkupKind.PlainText
    assert "Never call it; call bpf_wq_set_callback\n" in content.value
    assert not {"`", "*"} & set(content.value.split("\n")[0])
