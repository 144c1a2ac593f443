from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from tests.server.conftest import Begin
from tests.server.editor import PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = f"""{PRELUDE}\
struct task_struct {{ int x; }};
extern struct task_struct *bpf_task_from_vpid(int vpid) __ksym __attribute__((weak));
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __ksym;
#define DROP(p) bpf_task_release(p)
SEC("tc") int prog(struct bpf_wq *wq, void *f)
{{
	struct task_struct *p;
	/* é𝄞✓ */ bpf_wq_set_callback(wq, f, 0);
	p = bpf_task_from_vpid(1);
	if (p)
		DROP(p);
	return 0;
}}
"""


def _at(editor: Editor, uri: str, part: str, after: str = "") -> dict[str, object]:
    place = editor.range(TEXT, part, after).start
    return {"text_document": types.TextDocumentIdentifier(uri), "position": place}


async def test_the_declaration_is_the_extern(editor: Editor) -> None:
    uri = editor.open(TEXT)
    params = types.DeclarationParams(**_at(editor, uri, "bpf_wq_set_callback", "✓ */ "))  # type: ignore[arg-type]
    found = await editor.client.text_document_declaration_async(params)
    assert found == [types.Location(uri, editor.range(TEXT, "bpf_wq_set_callback"))]


async def test_the_definition_is_a_page_that_cannot_be_written_to(editor: Editor) -> None:
    uri = editor.open(TEXT)
    params = types.DefinitionParams(**_at(editor, uri, "DROP", "if (p)"))  # type: ignore[arg-type]
    found = await editor.client.text_document_definition_async(params)
    assert isinstance(found, types.Location)
    path = Path(to_fs_path(found.uri) or "")
    assert not os.stat(path).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    lines = path.read_text().splitlines()
    assert lines[found.range.start.line] == "void bpf_task_release(struct task_struct *p);"


async def test_the_definition_is_in_the_kernels_source_where_that_is_known(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "kernel" / "bpf").mkdir(parents=True)
    (tmp_path / "kernel" / "loop").symlink_to(tmp_path / "kernel")
    os.mkfifo(tmp_path / "kernel" / "bpf" / "a.c")
    source = tmp_path / "kernel" / "bpf" / "helpers.c"
    source.write_text("/* bpf_task_release(p) */\n\n__bpf_kfunc void bpf_task_release(struct task_struct *p)\n{\n}\n")
    editor = await settled({"kernels": ["7.3"], "kernel-source": str(tmp_path)})
    uri = editor.open(TEXT)
    params = types.DefinitionParams(**_at(editor, uri, "DROP", "if (p)"))  # type: ignore[arg-type]
    found = await editor.client.text_document_definition_async(params)
    start, end = types.Position(2, 17), types.Position(2, 33)
    assert found == types.Location(from_fs_path(str(source)) or "", types.Range(start, end))


async def test_references_and_highlights(editor: Editor) -> None:
    uri = editor.open(TEXT)
    here = _at(editor, uri, "bpf_task_release")
    context = types.ReferenceContext(include_declaration=True)
    found = await editor.client.text_document_references_async(types.ReferenceParams(context, **here))  # type: ignore[arg-type]
    places = [editor.range(TEXT, "bpf_task_release"), editor.range(TEXT, "DROP", "if (p)")]
    assert [location.range for location in found or () if location.uri == uri] == places
    marks = await editor.client.text_document_document_highlight_async(types.DocumentHighlightParams(**here))  # type: ignore[arg-type]
    assert [mark.range for mark in marks or ()] == places


async def test_what_belongs_to_others_is_left_to_them(vscode: Editor) -> None:
    uri = vscode.open(TEXT)
    for part in ("prog(", "struct bpf_wq *wq, ", "p = "):
        params = types.DefinitionParams(**_at(vscode, uri, part, "SEC("))  # type: ignore[arg-type]
        assert await vscode.client.text_document_definition_async(params) is None


async def test_the_symbols_of_a_document_are_its_kfuncs(vscode: Editor) -> None:
    document = types.TextDocumentIdentifier(vscode.open(TEXT))
    found = await vscode.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert {symbol.name: [child.name for child in symbol.children or ()] for symbol in found or ()} == {  # type: ignore[union-attr]
        "bpf_wq_set_callback": ["prog"],
        "bpf_task_from_vpid": ["prog"],
        "bpf_task_release": ["prog"],
    }


async def test_a_symbol_is_in_the_program_as_it_was_named(vscode: Editor) -> None:
    text = "extern void bpf_rcu_read_lock(void);\nint ____prog(void *ctx)\n{\n\tbpf_rcu_read_lock();\n\treturn 0;\n}\n"
    document = types.TextDocumentIdentifier(vscode.open(text))
    (found,) = await vscode.client.text_document_document_symbol_async(types.DocumentSymbolParams(document)) or ()
    assert [child.name for child in found.children or ()] == ["prog"]  # type: ignore[union-attr]


async def test_the_symbols_of_the_workspace_are_the_kernels_kfuncs(vscode: Editor) -> None:
    found = await vscode.client.workspace_symbol_async(types.WorkspaceSymbolParams("wqsetcall"))
    names = [symbol.name for symbol in found or ()]
    assert names[0] == "bpf_wq_set_callback"
    assert await vscode.client.workspace_symbol_async(types.WorkspaceSymbolParams("no_such_thing")) is None


async def test_a_lens_says_which_kernels_a_program_fits(editor: Editor) -> None:
    uri = editor.open(TEXT)
    document = types.TextDocumentIdentifier(uri)
    (lens,) = await editor.client.text_document_code_lens_async(types.CodeLensParams(document)) or ()
    assert lens.command is not None
    assert lens.command.title == "fits 7.3 · not 6.18 (bpf_wq_set_callback)"
    assert lens.range == editor.range(TEXT, "prog", after='SEC("tc") int ')


async def test_hints_are_off_until_they_are_wanted(vscode: Editor, settled: Begin) -> None:
    whole = types.Range(types.Position(0, 0), types.Position(1_000, 0))
    document = types.TextDocumentIdentifier(vscode.open(TEXT))
    assert await vscode.client.text_document_inlay_hint_async(types.InlayHintParams(document, whole)) is None
    editor = await settled({"kernels": ["7.3"], "inlay-hints": True})
    document = types.TextDocumentIdentifier(editor.open(TEXT))
    hints = await editor.client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    assert [hint.label for hint in hints or ()] == ["+ aux by the verifier", "acquires · may be NULL"]
    assert hints is not None
    assert hints[0].position == editor.range(TEXT, "(wq, f, 0)").end


async def test_hover_on_section_guard_macro_and_parameter(vscode: Editor) -> None:
    guarded = TEXT.replace("	/* é", "	if (!bpf_wq_set_callback)\n		return 0;\n	/* é")

    async def shown(part: str, after: str = "") -> str:
        at = guarded.index(part, guarded.index(after)) + 1
        found = await vscode.hover(guarded[:at] + "‸" + guarded[at:])
        assert found is not None
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    section = await shown('tc"')
    assert "`tc`: a program of type `BPF_PROG_TYPE_SCHED_CLS`. On 7.3 it may call " in section
    assert "`bpf_dynptr_from_skb`" in section
    assert "`bpf_xdp_metadata_rx_hash`" not in section
    assert "The guard on `bpf_wq_set_callback` holds on 7.3, not on 6.18." in await shown("bpf_wq", "if (!")
    assert await vscode.hover(guarded.replace("extern void bpf_task", "extern void x(int le‸n__sz); void bpf_task"))


async def test_kfuncs_are_coloured_by_what_is_particular_about_them(vscode: Editor) -> None:
    legend = vscode.initialized.capabilities.semantic_tokens_provider
    assert isinstance(legend, types.SemanticTokensOptions)
    text = f"""{PRELUDE}extern int bpf_wq_set_callback(struct bpf_wq *wq, void *cb, unsigned int flags) __ksym;
extern void *bpf_obj_new_impl(unsigned long id, void *meta) __ksym __attribute__((weak));
int other(void);
SEC("tc") int prog(struct bpf_wq *wq)
{{
\t/* é𝄞✓ */ bpf_wq_set_callback(wq, 0, bpf_wq_set_callback(wq, 0, 0));
\tif (bpf_obj_new_impl)
\t\treturn other();
\treturn 0;
}}
"""
    document = types.TextDocumentIdentifier(vscode.open(text))
    found = await vscode.client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
    assert found is not None
    lines = text.split("\n")
    line = character = 0
    told = []
    for down, right, length, kind, bits in zip(*(found.data[at::5] for at in range(5)), strict=True):
        line, character = line + down, right if down else character + right
        name = lines[line].encode("utf-16-le")[2 * character : 2 * (character + length)].decode("utf-16-le")
        assert legend.legend.token_types[kind] == "function"
        told.append((name, {m for at, m in enumerate(legend.legend.token_modifiers) if bits >> at & 1}))
    assert told == [
        ("bpf_wq_set_callback", {"declaration", "absent", "implicit"}),
        ("bpf_obj_new_impl", {"declaration", "weak"}),
        ("bpf_wq_set_callback", {"absent", "implicit"}),
        ("bpf_wq_set_callback", {"absent", "implicit"}),
        ("bpf_obj_new_impl", {"weak"}),
    ]
