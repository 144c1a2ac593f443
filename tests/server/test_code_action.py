from __future__ import annotations

from collections.abc import Sequence

import pytest
from lsprotocol import types

from tests.server.conftest import Begin
from tests.server.editor import ARGUMENT_PASSED, IMPL_CALLED, PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

Whole = types.TextDocumentContentChangeWholeDocument


def _edits(editor: Editor, action: types.CodeAction, uri: str, version: int) -> Sequence[object]:
    """The edits of an action, which are all in the one document, with versions unless it is Neovim 0.11."""
    assert action.edit is not None
    if editor.encoding == "utf-8":
        assert action.edit.document_changes is None
        assert list(action.edit.changes or ()) == [uri]
        return (action.edit.changes or {})[uri]
    assert action.edit.changes is None
    (change,) = action.edit.document_changes or ()
    assert isinstance(change, types.TextDocumentEdit)
    assert change.text_document == types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    return change.edits


CHOICE = "return (bpf_wq_set_callback ? bpf_wq_set_callback(wq, cb, 0) : bpf_wq_set_callback_impl(wq, cb, 0, 0));"


async def test_the_fixed_text_has_no_diagnostics(editor: Editor) -> None:
    uri = editor.open(IMPL_CALLED)
    (found,) = await editor.diagnostics(uri, 1)
    action, _ = await editor.actions(uri, found.range)
    assert action.kind == types.CodeActionKind.QuickFix
    fixed = editor.applied(IMPL_CALLED, _edits(editor, action, uri, 1))
    assert CHOICE in fixed
    assert "é𝄞✓" in fixed
    editor.change(uri, 2, Whole(text=fixed))
    assert await editor.diagnostics(uri, 2) == []


async def test_the_diagnostic_of_an_action_is_the_one_published(vscode: Editor) -> None:
    uri = vscode.open(IMPL_CALLED)
    (found,) = await vscode.diagnostics(uri, 1)
    for action in await vscode.actions(uri, found.range):
        assert list(action.diagnostics or ()) == [found]


async def test_a_fix_that_a_kernel_speaks_against_is_not_preferred(vscode: Editor) -> None:
    """6.18's bpf_wq_set_callback_impl takes a ``void *``."""
    text = IMPL_CALLED.replace("void *aux__prog", "struct bpf_prog_aux *aux")
    actions = await vscode.actions(vscode.open(text), vscode.range(text, "bpf_wq_set_callback_impl"))
    assert [action.is_preferred for action in actions[:2]] == [True, False]
    assert "7.3: the function is another one there" in actions[1].title


async def test_a_safe_fix_is_preferred(settled: Begin) -> None:
    editor = await settled({"kernels": ["7.3"]})
    uri = editor.open(IMPL_CALLED)
    action, ignoring = await editor.actions(uri, editor.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return "))
    assert (action.is_preferred, ignoring.is_preferred) == (True, False)
    assert action.title == "Call `bpf_wq_set_callback`, without the arguments that the verifier supplies"


async def test_an_empty_range_inside_is_enough_and_outside_is_none(editor: Editor) -> None:
    uri = editor.open(IMPL_CALLED)
    place = editor.range(IMPL_CALLED, "_set_callback_impl(wq", after="return ").start
    assert len(await editor.actions(uri, types.Range(start=place, end=place))) == 2
    assert await editor.actions(uri, editor.range(IMPL_CALLED, "struct bpf_wq")) == []


async def test_the_fix_is_offered_at_the_call_when_the_declaration_is_marked(vscode: Editor) -> None:
    uri = vscode.open(ARGUMENT_PASSED)
    place = vscode.range(ARGUMENT_PASSED, "bpf_wq_set_callback", after="return ")
    action, guard = await vscode.actions(uri, place, ["quickfix"])
    assert action.title == "Let the verifier supply the last argument"
    assert guard.title == "Call `bpf_wq_set_callback` only where the kernel has it"


@pytest.mark.parametrize(
    ("only", "count"),
    [
        (["quickfix"], 2),
        ([""], 3),
        (["refactor", "quickfix"], 2),
        (["source.fixAll"], 1),
        (["quickfix.other"], 0),
        ([], 0),
    ],
)
async def test_the_kinds_that_are_asked_for(vscode: Editor, only: list[str], count: int) -> None:
    uri = vscode.open(IMPL_CALLED)
    place = vscode.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return ")
    assert len(await vscode.actions(uri, place, only)) == count


async def test_actions_are_of_the_newest_text(vscode: Editor) -> None:
    """The request comes right behind the edit, before any check of it."""
    uri = vscode.open("")
    vscode.change(uri, 2, Whole(text=IMPL_CALLED))
    place = vscode.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return ")
    action, _ = await vscode.actions(uri, place)
    assert _edits(vscode, action, uri, 2)


async def test_a_finding_is_ignored_where_it_stands(editor: Editor) -> None:
    """Last of the quick fixes, as it mends nothing; the comment is one that is not reported as idle."""
    uri = editor.open(IMPL_CALLED)
    (found,) = await editor.diagnostics(uri, 1)
    *_, action = await editor.actions(uri, found.range, ["quickfix"])
    assert action.title == "Ignore unflagged-impl-called here"
    quiet = editor.applied(IMPL_CALLED, _edits(editor, action, uri, 1))
    assert quiet == IMPL_CALLED.replace("0, 0);", "0, 0); // kfunc-lsp: ignore[unflagged-impl-called]")
    editor.change(uri, 2, Whole(text=quiet))
    assert await editor.diagnostics(uri, 2) == []


_GUARDED = f"""{PRELUDE}\
#define bpf_ksym_exists(name) (!!(name))
#define NULL ((void *)0)
extern void *bpf_obj_new(unsigned long type) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __ksym;
SEC("tc") int prog(struct bpf_wq *wq, void *f)
{{
\tvoid *p; int n = 0;
BODY
\treturn n;
}}
"""
_CALL = "bpf_wq_set_callback(wq, f, 0)"
_IF = "if (bpf_ksym_exists(bpf_wq_set_callback))"


async def _guard(editor: Editor, uri: str, place: types.Range) -> types.CodeAction:
    (found,) = [action for action in await editor.actions(uri, place) if "only where" in action.title]
    return found


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (f"\t{_CALL};", f"\t{_IF}\n\t\t{_CALL};"),
        (f"\t/* é𝄞✓ */ {_CALL};", f"\t/* é𝄞✓ */ {_IF}\n\t\t{_CALL};"),
        (f"\tif (n)\n\t\t{_CALL};", f"\tif (n) {{\n\t\t{_IF}\n\t\t\t{_CALL};\n\t}}"),
        (f"\tfor (;;) {_CALL};", f"\tfor (;;) {{\n\t\t{_IF}\n\t\t\t{_CALL};\n\t}}"),
        (
            f"\tif (n)\n\t\t{_CALL};\n\telse\n\t\tn = 2;",
            f"\tif (n) {{\n\t\t{_IF}\n\t\t\t{_CALL};\n\t}} else\n\t\tn = 2;",
        ),
        (f"\tif (n)\n\t\tn = 2;\n\telse\n\t\t{_CALL};", f"\tif (n)\n\t\tn = 2;\n\telse {_IF}\n\t\t{_CALL};"),
        (
            f"\tswitch (n) {{\n\tcase 1:\n\t\t{_CALL};\n\t}}",
            f"\tswitch (n) {{\n\tcase 1:\n\t\t{_IF}\n\t\t\t{_CALL};\n\t}}",
        ),
        # On a line with others, the next one would look guarded too.
        (
            f"\tswitch (n) {{\n\tcase 1: {_CALL}; break;\n\t}}",
            f"\tswitch (n) {{\n\tcase 1: {_IF} {{ {_CALL}; }} break;\n\t}}",
        ),
        (f"\tdo\n\t\t{_CALL};\n\twhile (n);", f"\tdo {_IF}\n\t\t{_CALL};\n\twhile (n);"),
        (f"#if 1\n\t{_CALL};\n#endif", f"#if 1\n\t{_IF}\n\t\t{_CALL};\n#endif"),
        (f"\tn = {_CALL};", f"\tn = bpf_ksym_exists(bpf_wq_set_callback) ? {_CALL} : 0;"),
        (f"\treturn {_CALL};", f"\treturn bpf_ksym_exists(bpf_wq_set_callback) ? {_CALL} : 0;"),
        (
            f"\tif ({_CALL} < 0)\n\t\tn = 1;",
            f"\tif ((bpf_ksym_exists(bpf_wq_set_callback) ? {_CALL} : 0) < 0)\n\t\tn = 1;",
        ),
        (
            f"\tfor (n = 0; {_CALL};)\n\t\tn++;",
            f"\tfor (n = 0; (bpf_ksym_exists(bpf_wq_set_callback) ? {_CALL} : 0);)\n\t\tn++;",
        ),
    ],
)
async def test_a_call_that_some_kernels_lack_is_guarded(vscode: Editor, body: str, wanted: str) -> None:
    before = _GUARDED.replace("BODY", body)
    uri = vscode.open(before)
    action = await _guard(vscode, uri, vscode.range(before, _CALL))
    assert action.title == "Call `bpf_wq_set_callback` only where the kernel has it"
    assert action.kind == types.CodeActionKind.QuickFix
    assert action.diagnostics
    fixed = vscode.applied(before, _edits(vscode, action, uri, 1))
    declared = "unsigned int flags) __ksym"
    assert fixed == _GUARDED.replace("BODY", wanted).replace(
        declared, declared.replace("__ksym", "__attribute__((weak)) __ksym")
    )
    vscode.change(uri, 2, Whole(text=fixed))
    assert await vscode.diagnostics(uri, 2) == []


async def test_a_pointer_that_is_used_is_null_without_the_kfunc(vscode: Editor) -> None:
    before = _GUARDED.replace("BODY", "\tp = bpf_obj_new(1);")
    uri = vscode.open(before)
    action = await _guard(vscode, uri, vscode.range(before, "bpf_obj_new(1)"))
    assert "p = bpf_ksym_exists(bpf_obj_new) ? bpf_obj_new(1) : NULL;" in vscode.applied(
        before, _edits(vscode, action, uri, 1)
    )


async def test_a_call_of_what_two_headers_declare_is_guarded(vscode: Editor) -> None:
    """As vmlinux.h and the program itself do; one weak declaration is enough."""
    extern = "extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags)"
    again = f"{extern} __attribute__((weak)) __ksym;\n"
    before = _GUARDED.replace("BODY", f"\t{_CALL};").replace('SEC("tc")', f'{again}SEC("tc")')
    uri = vscode.open(before)
    action = await _guard(vscode, uri, vscode.range(before, _CALL))
    fixed = vscode.applied(before, _edits(vscode, action, uri, 1))
    assert fixed == before.replace(f"\t{_CALL};", f"\t{_IF}\n\t\t{_CALL};")


async def test_a_guard_that_no_finding_asks_for_is_a_refactoring(settled: Begin) -> None:
    editor = await settled({"kernels": ["6.18", "7.3"], "ignore": ["missing-kfunc"]})
    text = _GUARDED.replace("BODY", f"\t{_CALL};")
    uri = editor.open(text)
    action = await _guard(editor, uri, editor.range(text, _CALL))
    assert action.kind == types.CodeActionKind.RefactorRewrite
    assert not action.diagnostics
