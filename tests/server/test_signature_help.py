from __future__ import annotations

import pytest
from lsprotocol import types

from tests.server.editor import PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _help(editor: Editor, statement: str) -> types.SignatureHelp:
    found = await editor.signature(f'{PRELUDE}SEC("tc") int prog(void *ctx)\n{{\n\t/* é𝄞✓ */ {statement}\n}}\n')
    assert found is not None
    return found


def _active(found: types.SignatureHelp) -> str:
    """The text that a client highlights: by the inner level's index, which must be the outer one's."""
    signature = found.signatures[found.active_signature or 0]
    assert signature.active_parameter == found.active_parameter
    assert signature.active_parameter is not None
    assert signature.parameters is not None
    label = signature.parameters[signature.active_parameter].label
    return label if isinstance(label, str) else signature.label[label[0] : label[1]]


@pytest.mark.parametrize(
    ("statement", "active"),
    [
        ("bpf_stream_vprintk(‸", "int stream_id"),
        ("bpf_stream_vprintk(‸)", "int stream_id"),
        ("bpf_stream_vprintk(1, ‸", "const char *fmt__str"),
        ('bpf_stream_vprintk(1, "a, (b", ‸);', "const void *args"),
        ("bpf_stream_vprintk(1, f(2, 3), g[4, 5], ‸", "u32 len__sz"),
        ("bpf_stream_vprintk(/* , */ ‸", "int stream_id"),
        ("bpf_stream_vprintk(1,\n\n\t\tx.y->z‸\n\treturn 0;", "const char *fmt__str"),
        ("bpf_stream_vprintk((1 + 2‸", "int stream_id"),
        ("bpf_stream_vprintk(1, ({ int a; f(a, 2); }), ‸", "const void *args"),
        ("bpf_stream_vprintk(1,\n" + "\t\t({ f(1, 2);\n }) +\n" * 99 + "\t\t0, ‸", "const void *args"),
        ("broken( if (x) { bpf_stream_vprintk(1, ‸", "const char *fmt__str"),
    ],
)
async def test_the_active_parameter(editor: Editor, statement: str, active: str) -> None:
    assert _active(await _help(editor, statement)) == active


async def test_a_call_that_begins_in_the_first_line(vscode: Editor) -> None:
    found = await vscode.signature("int x = bpf_stream_vprintk(1,\n\t‸")
    assert found is not None
    assert _active(found) == "const char *fmt__str"


async def test_the_innermost_kfunc(vscode: Editor) -> None:
    found = await _help(vscode, "bpf_stream_vprintk(bpf_iter_num_next(‸")
    assert found.signatures[0].label.startswith("int *bpf_iter_num_next(")
    assert _active(await _help(vscode, "bpf_stream_vprintk(1, unknown(‸")) == "const char *fmt__str"


async def test_what_the_verifier_passes_is_not_counted(vscode: Editor) -> None:
    found = await _help(vscode, "bpf_wq_set_callback(‸")
    (signature,) = found.signatures
    assert len(signature.parameters or ()) == 3
    assert signature.label.endswith(" /* struct bpf_prog_aux *aux: by the verifier */")
    assert isinstance(signature.documentation, types.MarkupContent)
    assert "the verifier passes `struct bpf_prog_aux *aux` itself" in signature.documentation.value


async def test_annotated_parameters_are_explained(vscode: Editor) -> None:
    found = await _help(vscode, "bpf_stream_vprintk(‸")
    documentation = [p.documentation for p in found.signatures[0].parameters or ()]
    assert [d.value if isinstance(d, types.MarkupContent) else d for d in documentation] == [
        None,
        "a constant string in read-only data",
        None,
        "size in bytes of the argument before it",
    ]


async def test_an_argument_too_many_highlights_no_parameter(editor: Editor) -> None:
    found = await _help(editor, "bpf_wq_set_callback(wq, cb, 0, ‸")
    assert _active(found) == ")"
    last = (found.signatures[0].parameters or ())[-1].documentation
    assert isinstance(last, types.MarkupContent)
    assert last.value.replace("`", "") == (
        "too many arguments: bpf_wq_set_callback takes 3 arguments; the verifier passes struct bpf_prog_aux *aux itself"
    )


async def test_a_kfunc_without_arguments(vscode: Editor) -> None:
    found = await _help(vscode, "bpf_rcu_read_lock(‸")
    assert found.signatures[0].label == "void bpf_rcu_read_lock(void)"
    assert list(found.signatures[0].parameters or ()) == []
    assert found.active_parameter == found.signatures[0].active_parameter == 0


async def test_a_btf_only_impl_is_answered_with_what_to_call(vscode: Editor) -> None:
    found = await _help(vscode, "bpf_wq_set_callback_impl(wq, ‸")
    first, older = found.signatures
    assert first.label.startswith("int bpf_wq_set_callback(")
    assert isinstance(first.documentation, types.MarkupContent)
    assert "never callable; call `bpf_wq_set_callback`" in first.documentation.value
    assert "void *aux__prog" in older.label
    fourth = await _help(vscode, "bpf_wq_set_callback_impl(wq, cb, 0, ‸")
    assert fourth.active_signature == 1
    assert _active(fourth) == "void *aux__prog"


async def test_a_flavor(vscode: Editor) -> None:
    assert _active(await _help(vscode, "bpf_wq_start___old(wq, ‸")) == "unsigned int flags"


@pytest.mark.parametrize(
    "statement",
    ["‸", "printk(‸", "bpf_wq_start(wq, 0);‸", "bpf_wq_start(wq, 0)‸", "bpf_wq_start‸(wq)", "// bpf_wq_start(‸"],
)
async def test_outside_of_calls(vscode: Editor, statement: str) -> None:
    assert await vscode.signature(f"int prog(void *ctx)\n{{\n\t{statement}\n}}\n") is None
