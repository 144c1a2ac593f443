from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from tests.server.editor import ARGUMENT_PASSED, IMPL_CALLED, PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

Whole = types.TextDocumentContentChangeWholeDocument
Partial = types.TextDocumentContentChangePartial


async def test_an_impl_that_is_called(editor: Editor) -> None:
    uri = editor.open(IMPL_CALLED)
    (found,) = await editor.diagnostics(uri, 1)
    assert found.range == editor.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return ")
    assert (found.code, found.source) == ("unflagged-impl-called", "kfunc-lsp")
    assert found.severity is types.DiagnosticSeverity.Error
    assert found.message.startswith("`bpf_wq_set_callback_impl` cannot be called on 7.3\n")
    assert "libbpf will say (7.3): extern (func ksym) 'bpf_wq_set_callback_impl': func_proto" in found.message
    assert "6.18: fine (a kfunc of its own there)" in found.message


async def test_an_argument_that_the_verifier_passes(editor: Editor) -> None:
    uri = editor.open(ARGUMENT_PASSED)
    found, missing = await editor.diagnostics(uri, 1)
    assert found.range == missing.range == editor.range(ARGUMENT_PASSED, "bpf_wq_set_callback")
    assert (found.code, missing.code) == ("implicit-argument-passed", "missing-kfunc")
    assert missing.message.startswith("`bpf_wq_set_callback` is missing on 6.18\n")
    assert "libbpf will say (7.3): extern (func ksym) 'bpf_wq_set_callback'" in found.message


async def test_related_places_for_clients_that_show_them(vscode: Editor, emacs: Editor) -> None:
    uri = vscode.open(ARGUMENT_PASSED)
    found = (await vscode.diagnostics(uri, 1))[0]
    (related,) = found.related_information or ()
    call = vscode.range(ARGUMENT_PASSED, "bpf_wq_set_callback", after="return ")
    assert related.location == types.Location(uri=uri, range=call)
    found = (await emacs.diagnostics(emacs.open(ARGUMENT_PASSED), 1))[0]
    assert found.related_information is None


async def test_an_edit_takes_the_diagnostics_away_and_brings_them_back(editor: Editor) -> None:
    uri = editor.open(IMPL_CALLED)
    assert await editor.diagnostics(uri, 1)
    call = editor.range(IMPL_CALLED, "bpf_wq_set_callback_impl(wq, cb, 0, 0)", after="return ")
    editor.change(uri, 2, Partial(range=call, text="0"))
    assert await editor.diagnostics(uri, 2) == []
    after = types.Range(start=call.start, end=types.Position(line=call.start.line, character=call.start.character + 1))
    editor.change(uri, 3, Partial(range=after, text="bpf_wq_set_callback_impl(wq, cb, 0, 0)"))
    assert [d.range.start for d in await editor.diagnostics(uri, 3)] == [call.start]


async def test_an_edit_in_pieces(editor: Editor) -> None:
    """Each change counts in the text that the one before it left."""
    uri = editor.open(PRELUDE)
    text = PRELUDE
    version = 1
    for start in range(0, len(IMPL_CALLED), 7):
        version += 1
        end = editor.position(text, len(text))
        place = types.Range(start=end, end=end)
        piece = IMPL_CALLED[start : start + 7]
        first = Partial(range=place, text=piece)
        here = editor.position(text + piece, len(text + piece))
        nothing = Partial(range=types.Range(start=here, end=here), text="")
        editor.change(uri, version, first, nothing)
        text += piece
    (found,) = await editor.diagnostics(uri, version)
    assert found.range == editor.range(text, "bpf_wq_set_callback_impl", after="return ")


async def test_a_whole_text_in_one_change(vscode: Editor) -> None:
    uri = vscode.open("")
    vscode.change(uri, 2, Whole(text=IMPL_CALLED))
    assert len(await vscode.diagnostics(uri, 2)) == 1


@pytest.mark.parametrize("character", ["\f", "\u2028", "\x85"])
async def test_edits_behind_what_only_python_takes_for_a_line_end(vscode: Editor, character: str) -> None:
    text = f"// {character}\n{IMPL_CALLED}"
    uri = vscode.open(text)
    call = vscode.range(text, "bpf_wq_set_callback_impl(wq, cb, 0, 0)", after="return ")
    vscode.change(uri, 2, Partial(range=call, text="0"))
    assert await vscode.diagnostics(uri, 2) == []


async def test_lines_that_end_in_carriage_returns(editor: Editor) -> None:
    uri = editor.open(IMPL_CALLED.replace("\n", "\r\n"))
    (found,) = await editor.diagnostics(uri, 1)
    assert found.range == editor.range(IMPL_CALLED, "bpf_wq_set_callback_impl", after="return ")


async def test_positions_out_of_range(vscode: Editor) -> None:
    uri = vscode.open(IMPL_CALLED)
    beyond = types.Position(line=10_000, character=10_000)
    vscode.change(uri, 2, Partial(range=types.Range(start=beyond, end=beyond), text="\n// end"))
    assert len(await vscode.diagnostics(uri, 2)) == 1


async def test_closing_clears(vscode: Editor) -> None:
    uri = vscode.open(IMPL_CALLED)
    assert await vscode.diagnostics(uri, 1)
    vscode.close(uri)
    assert await vscode.diagnostics(uri, None) == []


async def test_a_check_that_ends_after_closing_publishes_nothing(vscode: Editor) -> None:
    slow = IMPL_CALLED + "".join(f"int f{n}(void) {{ return {n}; }}\n" for n in range(5_000))
    uri = vscode.open(slow)
    vscode.close(uri)
    await vscode.diagnostics(vscode.open(IMPL_CALLED), 1)
    assert list(vscode.published[uri].diagnostics) == []


@pytest.mark.parametrize(
    ("uri", "language"),
    [
        ("untitled:Untitled-1", "c"),
        ("git:/src/tree/prog.bpf.c?ref", "c"),
        ("file:///nowhere/a%20folder/prog%2B.bpf.h", "cpp"),
        ("file:///nowhere/no-language.c", ""),
    ],
)
async def test_any_uri_and_any_language(vscode: Editor, uri: str, language: str) -> None:
    vscode.open(IMPL_CALLED, uri, language)
    assert len(await vscode.diagnostics(uri, 1)) == 1


async def test_what_is_found_in_a_header_is_not_published_for_the_program(vscode: Editor, tmp_path: Path) -> None:
    (tmp_path / "compat.h").write_text(IMPL_CALLED)
    uri = vscode.open('#include "compat.h"\n', (tmp_path / "prog.bpf.c").as_uri())
    assert await vscode.diagnostics(uri, 1) == []


async def test_an_unsaved_header_counts(vscode: Editor, tmp_path: Path) -> None:
    declaration, _, body = IMPL_CALLED.partition('SEC("tc")')
    header = (tmp_path / "decl.h").as_uri()
    vscode.open(PRELUDE, header, "cpp")
    uri = vscode.open('#include "decl.h"\nSEC("tc")' + body, (tmp_path / "prog.bpf.c").as_uri())
    before = await vscode.diagnostics(uri, 1)
    assert [found.code for found in before] == ["undeclared-kfunc", "unflagged-impl-called"]
    vscode.published.pop(uri)
    vscode.change(header, 2, Whole(text=declaration))
    (after,) = await vscode.diagnostics(uri, 1)
    (related,) = after.related_information or ()
    assert related.location.uri == header
    vscode.close(header)


async def test_only_the_newest_of_many_edits_is_published(vscode: Editor) -> None:
    uri = vscode.open(IMPL_CALLED)
    for version in range(2, 60):
        vscode.change(uri, version, Whole(text=IMPL_CALLED if version % 2 else PRELUDE))
    assert len(await vscode.diagnostics(uri, 59)) == 1
