from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from tests.server.conftest import Begin
from tests.server.editor import CURSOR, PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_TYPING = types.CompletionTriggerKind.TriggerCharacter


def _in_body(statement: str) -> str:
    return f'{PRELUDE}SEC("tc") int prog(void *ctx)\n{{\n\t{statement}\n}}\n'


def _edit(item: types.CompletionItem) -> types.TextEdit:
    assert isinstance(item.text_edit, types.TextEdit)
    return item.text_edit


async def test_an_item(vscode: Editor) -> None:
    items = await vscode.completion(_in_body(f"bpf_wq_set{CURSOR}"))
    item = items["bpf_wq_set_callback"]
    assert item.label_details == types.CompletionItemLabelDetails(
        detail="(wq, callback_fn, flags)", description="kfunc · implicit · not on 6.18"
    )
    assert item.insert_text_format is types.InsertTextFormat.Snippet
    assert _edit(item).new_text == "bpf_wq_set_callback(${1:wq}, ${2:callback_fn}, ${3:flags})$0"
    assert item.filter_text == "bpf_wq_set_callback"
    assert item.documentation is None


async def test_the_edit_covers_the_identifier(editor: Editor) -> None:
    text = _in_body("/* é𝄞✓ */ bpf_wq_x;")
    items = await editor.completion(text.replace("bpf_wq_x", f"bpf_wq{CURSOR}_x"))
    assert _edit(items["bpf_wq_init"]).range == editor.range(text, "bpf_wq_x")


async def test_only_names_with_the_prefix(vscode: Editor) -> None:
    items = await vscode.completion(_in_body(f"bpf_iter_num{CURSOR}"))
    assert sorted(items) == ["bpf_iter_num_destroy", "bpf_iter_num_new", "bpf_iter_num_next"]


async def test_what_no_kernel_can_call_is_not_offered(vscode: Editor) -> None:
    items = await vscode.completion(_in_body(f"scx_bpf_kick_cp{CURSOR}"))
    assert sorted(items) == ["scx_bpf_kick_cpu"]


async def test_the_older_form_comes_last_and_is_struck_out_where_all_kernels_have_the_newer(
    vscode: Editor, settled: Begin
) -> None:
    items = await vscode.completion(_in_body(f"bpf_obj_new{CURSOR}"))
    assert items["bpf_obj_new_impl"].tags is None
    editor = await settled({"kernels": ["7.3"]})
    items = await editor.completion(_in_body(f"bpf_obj_new{CURSOR}"))
    old, new = items["bpf_obj_new_impl"], items["bpf_obj_new"]
    assert list(old.tags or ()) == [types.CompletionItemTag.Deprecated]
    assert new.tags is None
    assert (new.sort_text or "") < (old.sort_text or "")


async def test_the_name_alone_where_a_bracket_stands_already(vscode: Editor) -> None:
    items = await vscode.completion(_in_body(f"bpf_wq_ini{CURSOR}(wq);"))
    assert _edit(items["bpf_wq_init"]).new_text == "bpf_wq_init"


@pytest.mark.parametrize("statement", ["if (bpf_ksym_exists(bpf_wq_ini‸)) return 0;", "f = &bpf_wq_ini‸;"])
async def test_the_name_alone_where_it_is_not_called(vscode: Editor, statement: str) -> None:
    items = await vscode.completion(_in_body(statement))
    assert _edit(items["bpf_wq_init"]).new_text == "bpf_wq_init"
    assert items["bpf_wq_init"].insert_text_format is types.InsertTextFormat.PlainText


async def test_the_whole_declaration_behind_extern(vscode: Editor) -> None:
    items = await vscode.completion(f"{PRELUDE}extern bpf_wq_set{CURSOR}\nint x;\n")
    assert _edit(items["bpf_wq_set_callback"]).new_text == (
        "int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *), unsigned int flags)"
        " __weak __ksym;"
    )
    items = await vscode.completion(f"{PRELUDE}extern int bpf_wq_ini{CURSOR}\n")
    assert _edit(items["bpf_wq_init"]).new_text == "bpf_wq_init"


@pytest.mark.parametrize(
    "statement",
    [
        "// bpf_wq‸",
        "/* bpf_wq‸",
        "/* a\n bpf_wq‸ */",
        'x = "bpf_wq‸";',
        'x = "bpf_wq‸',
        "x = 'bpf_wq‸",
        "p.bpf_wq‸",
        "p->bpf_wq‸ = 1;",
        "struct bpf_wq‸",
        "x = 0bpf_wq‸",
        "1.bpf_wq‸",
        "\n#bpf_wq‸",
        '\n#include "bpf_wq‸',
        "\n#include <bpf_wq‸",
        "\n#define bpf_wq‸",
        "\n#ifdef bpf_wq‸",
    ],
)
async def test_places_where_no_name_fits(vscode: Editor, statement: str) -> None:
    assert await vscode.completion(_in_body(statement)) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "if (a || bpf_wq_ini‸",
        "return bpf_wq_ini‸\n\treturn 0;",
        "f(1, bpf_wq_ini‸",
        'printk("a", bpf_wq_ini‸)',
        "/* done */ bpf_wq_ini‸",
        "{ { ( [ bpf_wq_ini‸",
        "\n#define START(wq) \\\n\tbpf_wq_ini‸",
        "é = bpf_wq_ini‸",
    ],
)
async def test_half_typed_places(vscode: Editor, statement: str) -> None:
    assert list(await vscode.completion(_in_body(statement))) == ["bpf_wq_init"]


async def test_without_a_prefix_only_by_hand(vscode: Editor) -> None:
    marked = _in_body(f"return {CURSOR};")
    assert await vscode.completion(marked, BY_TYPING) == {}
    items = await vscode.completion(marked)
    assert 250 < len(items) <= 400
    assert "bpf_wq_set_callback" in items


async def test_a_client_that_announces_nothing(fresh: Begin) -> None:
    editor = await fresh({"kernels": ["7.3"]}, capabilities=types.ClientCapabilities())
    items = await editor.completion(_in_body(f"bpf_wq_ini{CURSOR}"))
    item = items["bpf_wq_init"]
    assert _edit(item).new_text == "bpf_wq_init"
    assert item.label_details is None
    assert item.detail == "(wq, p__const_map, flags) kfunc"


async def test_resolving_adds_the_documentation(editor: Editor) -> None:
    items = await editor.completion(_in_body(f"bpf_wq_set{CURSOR}"))
    item = items["bpf_wq_set_callback"]
    resolved = await editor.client.completion_item_resolve_async(item)
    assert resolved.label == item.label
    plain = isinstance(resolved.documentation, str)
    assert plain == (editor.encoding == "utf-32"), "this Emacs announces no format of documentation"
    text = resolved.documentation
    assert "the verifier passes this" in (text.value if isinstance(text, types.MarkupContent) else text or "")
    assert resolved.detail == (
        "int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *), unsigned int flags)"
    )


@pytest.mark.parametrize("data", [None, 3, {"name": 1}, {"uri": "file:///closed.c", "name": "bpf_wq_init"}])
async def test_resolving_what_was_not_offered(vscode: Editor, data: object) -> None:
    item = types.CompletionItem(label="other", data=data)
    assert (await vscode.client.completion_item_resolve_async(item)).documentation is None


async def _typed(editor: Editor, text: str, uri: str = "") -> tuple[str, dict[str, types.CompletionItem]]:
    """The items at the mark of a text that has been analysed, and its URI."""
    place = editor.position(text, text.index(CURSOR))
    uri = editor.open(text.replace(CURSOR, ""), uri)
    await editor.diagnostics(uri, 1)
    context = types.CompletionContext(trigger_kind=types.CompletionTriggerKind.Invoked)
    answer = await editor.client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(uri=uri), place, context=context)
    )
    assert isinstance(answer, types.CompletionList)
    return uri, {item.label: item for item in answer.items}


def _kind(item: types.CompletionItem) -> str:
    return (item.label_details and item.label_details.description) or item.detail or ""


async def test_in_a_helper_its_callers_count(vscode: Editor) -> None:
    """What one of them may call is on offer; ``bpf_sock_destroy`` is for iterators, ``bpf_xdp_…`` for XDP alone."""
    helper = f"static int through(void *p)\n{{\n\tbpf_xdp_metadata_rx_h{CURSOR}\n\treturn 0;\n}}\n"
    middle = "static int middle(void *p) { return through(p); }\n"
    xdp = 'SEC("xdp") int one(void *ctx)\n{\n\treturn middle(ctx);\n}\n'
    tracing = 'SEC("fentry/x") int two(void *ctx)\n{\n\treturn middle(ctx);\n}\n'
    _, items = await _typed(vscode, PRELUDE + helper + middle + tracing)
    assert "not for fentry" in _kind(items["bpf_xdp_metadata_rx_hash"])
    assert (items["bpf_xdp_metadata_rx_hash"].sort_text or "").startswith("1")
    _, items = await _typed(vscode, PRELUDE + helper + middle + tracing + xdp)
    assert "not for" not in _kind(items["bpf_xdp_metadata_rx_hash"])


async def test_in_a_member_of_struct_ops_the_operation_counts(vscode: Editor) -> None:
    """scx_bpf_dsq_insert is for ops.enqueue and others, not for ops.init_task."""

    def text(member: str) -> str:
        body = f"{{\n\tscx_bpf_dsq_inser{CURSOR}\n}}\n"
        program = f'SEC("struct_ops/work") void work(struct task_struct *p)\n{body}'
        return f'{PRELUDE}{program}SEC(".struct_ops.link") struct sched_ext_ops ops = {{ .{member} = (void *)work }};\n'

    _, items = await _typed(vscode, text("enqueue"))
    assert "not for" not in _kind(items["scx_bpf_dsq_insert"])
    _, items = await _typed(vscode, text("init_task"))
    assert "not for sched_ext_ops.init_task" in _kind(items["scx_bpf_dsq_insert"])


async def test_a_header_of_the_project_that_declares_it_is_included(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "ours.h").write_text("extern int bpf_iter_num_new(int *it, int start,\n\tint end) __ksym;\n")
    (tmp_path / "other.h").write_text("static int f(void) { return bpf_iter_num_next(0); }\n")
    editor = await settled({"kernels": ["7.3"]}, tmp_path.as_uri())
    text = f'#include "first.h"\n{_in_body(f"bpf_iter_num_ne{CURSOR}")}'
    uri, items = await _typed(editor, text, (tmp_path / "a.bpf.c").as_uri())

    async def brought(name: str) -> types.TextEdit:
        (edit,) = (await editor.client.completion_item_resolve_async(items[name])).additional_text_edits or ()
        return edit

    edit = await brought("bpf_iter_num_new")
    assert edit == types.TextEdit(types.Range(types.Position(1, 0), types.Position(1, 0)), '#include "ours.h"\n')
    edit = await brought("bpf_iter_num_next")
    assert edit.new_text.startswith("extern ")
    assert "bpf_iter_num_next(" in edit.new_text
    editor.close(uri)
