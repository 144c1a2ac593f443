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


_OPERATIONS = f"""{PRELUDE}\
struct task_struct;
SEC("struct_ops/enqueue") void enqueue(struct task_struct *p)
{{
	helper(p);
}}
SEC("struct_ops/both") void both(struct task_struct *p)
{{
}}
SEC("struct_ops/alone") void alone(struct task_struct *p)
{{
}}
SEC("lsm/socket_sendmsg") int sent(void *ctx)
{{
}}
SEC("lsm/file_open") int opened(void *ctx)
{{
}}
SEC("freplace/main") int extension(void *ctx)
{{
}}
SEC("nonsense") int nonsense(void *ctx)
{{
}}
SEC(".struct_ops.link") struct sched_ext_ops ops = {{
	.enqueue = (void *)enqueue,
	.dump_cpu = both,
	.dump_task = (void *)both,
}};
"""


async def _at(editor: Editor, part: str) -> str:
    uri = editor.open(_OPERATIONS)
    await editor.diagnostics(uri, 1)
    document = types.TextDocumentIdentifier(uri)
    place = editor.range(_OPERATIONS, part).start
    params = types.HoverParams(document, types.Position(place.line, place.character + 1))
    found = await editor.client.text_document_hover_async(params)
    return found.contents.value if found and isinstance(found.contents, types.MarkupContent) else ""


async def test_a_section_of_struct_ops_tells_what_its_operation_may_call(vscode: Editor) -> None:
    enqueue = await _at(vscode, "struct_ops/enqueue")
    assert enqueue.startswith(
        "`struct_ops/enqueue`: a program of type `BPF_PROG_TYPE_STRUCT_OPS`, `sched_ext_ops.enqueue`."
    )
    assert "`scx_bpf_dsq_insert`" in enqueue
    assert "`scx_bpf_create_dsq`" not in enqueue
    assert "`bpf_qdisc_skb_drop`" not in enqueue
    assert "depends" not in enqueue
    both = await _at(vscode, "struct_ops/both")
    assert "of several operations of `sched_ext_ops`" in both
    certain, unsure = both.split("depends on the operation: ")
    assert "`scx_bpf_dsq_insert`" not in certain
    assert "`scx_bpf_dsq_insert`" in unsure
    assert "qdisc" not in both


async def test_a_section_of_struct_ops_that_no_map_uses(vscode: Editor) -> None:
    alone = await _at(vscode, "struct_ops/alone")
    assert ", of a structure that is not known." in alone
    certain, unsure = alone.split("depends on the operation: ")
    assert "`scx_bpf_dsq_insert`" not in certain
    assert "`bpf_qdisc_skb_drop`" in unsure


async def test_a_section_tells_of_the_hook_of_an_lsm_program(vscode: Editor) -> None:
    assert "`bpf_ksock_acquire`" in await _at(vscode, "lsm/file_open")
    assert "`bpf_ksock_acquire`" not in await _at(vscode, "lsm/socket_sendmsg")
    assert await _at(vscode, "nonsense") == 'libbpf makes no program of `SEC("nonsense")`'


async def test_an_extension_may_call_what_its_target_may(vscode: Editor) -> None:
    assert (await _at(vscode, "freplace/main")).endswith("It may call what the program that it extends may call.")
    assert await _at(vscode, "extension(") == ""


@pytest.mark.parametrize("part", ["enqueue(", "enqueue =", "enqueue,"])
async def test_a_program_and_the_member_that_takes_it_tell_what_it_is(vscode: Editor, part: str) -> None:
    text = await _at(vscode, part)
    assert text.startswith(
        'Program `enqueue`, `SEC("struct_ops/enqueue")`, `sched_ext_ops.enqueue`. On 7.3 it may call '
    )
    assert text.endswith(" kfuncs.")


async def test_what_is_no_program_is_left_to_others(vscode: Editor) -> None:
    assert await _at(vscode, "helper") == ""
    assert await _at(vscode, "nonsense(") == ""
    assert await _at(vscode, "sched_ext_ops") == ""
