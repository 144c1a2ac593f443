from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types

from tests.server.conftest import Begin
from tests.server.editor import CURSOR, IMPL_CALLED, PATIENCE, PRELUDE, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _kernels(editor: Editor) -> str:
    """The kernels that the diagnostics speak of."""
    (found,) = await editor.diagnostics(editor.open(IMPL_CALLED), 1)
    return found.message.splitlines()[0].partition(" on ")[2]


def _shown(editor: Editor) -> list[str]:
    return [message.message for message in editor.client.messages]


async def test_a_bad_setting_is_shown_once_and_the_others_count(settled: Begin) -> None:
    editor = await settled({"kernels": ["7.3"], "include": 5, "kernel": ["6.18"]})
    assert await _kernels(editor) == "7.3"
    assert await _kernels(editor) == "7.3"
    await editor.hover(f"bpf_wq{CURSOR}_init")
    assert _shown(editor) == [
        "kfunc-lsp: editor settings: `include` must be a list of strings. It is not used.",
        "kfunc-lsp: editor settings: unknown option `kernel`; did you mean `kernels`? It is not used.",
    ]


async def test_settings_that_are_no_object(settled: Begin) -> None:
    editor = await settled("7.3")
    await editor.diagnostics(editor.open(IMPL_CALLED), 1)
    (message,) = _shown(editor)
    names = "kernels, loader, include, define, select, ignore, kernel-source, inlay-hints"
    names += ", per-file-ignores, severities, targets"
    assert message == f"kfunc-lsp: editor settings: expected an object with {names}. They are not used."


async def test_rules_that_are_not_wanted_are_not_heard_of(settled: Begin) -> None:
    editor = await settled({"kernels": ["7.3"], "ignore": ["unflagged-impl-called"]})
    assert await editor.diagnostics(editor.open(IMPL_CALLED), 1) == []


async def test_a_rule_that_does_not_exist_is_shown_and_all_are_used(settled: Begin) -> None:
    editor = await settled({"kernels": ["7.3"], "select": ["no-such-rule-at-all"]})
    assert await _kernels(editor) == "7.3"
    (message,) = _shown(editor)
    assert message.startswith("kfunc-lsp: no-such-rule-at-all: there is no such rule")
    assert message.endswith("All rules are used.")


async def test_a_missing_kernel_is_shown_once_and_the_rest_is_used(settled: Begin) -> None:
    editor = await settled({"kernels": ["9.9", "/nowhere/vmlinux", "7.3"]})
    assert await _kernels(editor) == "7.3"
    assert await _kernels(editor) == "7.3"
    first, second = _shown(editor)
    assert first.startswith("kfunc-lsp: there is no kernel '9.9'.")
    assert second.startswith("kfunc-lsp: /nowhere/vmlinux: ")
    assert first.endswith("Checking against: 7.3.")


async def test_a_folder_for_headers_that_is_not_there_is_shown_once(settled: Begin, tmp_path: Path) -> None:
    editor = await settled({"kernels": ["7.3"], "include": ["gone", "."]}, tmp_path.as_uri())
    for name in ("a.bpf.c", "b.bpf.c"):
        await editor.diagnostics(editor.open("int x;", (tmp_path / name).as_uri()), 1)
    assert _shown(editor) == [f"kfunc-lsp: no such folder to search for headers: {tmp_path}/gone"]


async def test_no_kernel_of_those_named_can_be_read(settled: Begin) -> None:
    editor = await settled({"kernels": ["9.9"]})
    assert await editor.hover(f"bpf_iter_num{CURSOR}_new(0);") is not None
    (message,) = _shown(editor)
    assert "Checking against: " in message
    assert not message.endswith("none.")


@pytest.mark.parametrize(
    ("place", "settings", "line", "words"),
    [
        ("options", {"kernels": ["9.9"]}, "", "there is no kernel '9.9'."),
        ("configuration", {"kernels": 5}, "", "`kernels` must be a list of strings."),
        ("options and configuration", {"kernels": ["9.9"]}, "", "there is no kernel '9.9'."),
        ("file", {}, 'kernel = ["6.18"]', "unknown option `kernel`; did you mean `kernels`?"),
    ],
)
async def test_what_is_wrong_is_shown_once_wherever_it_was_said(
    fresh: Begin, tmp_path: Path, place: str, settings: dict[str, object], line: str, words: str
) -> None:
    if line:
        (tmp_path / "kfunc-lsp.toml").write_text(f"{line}\n")
    options = settings if "options" in place else None
    asked: dict[str, object] = {"kfunc-lsp": settings if "configuration" in place else {}}
    editor = await fresh(options, tmp_path.as_uri(), "visual-studio-code", settings=asked)
    for name in ("a.bpf.c", "b.bpf.c"):
        await editor.diagnostics(editor.open(IMPL_CALLED, (tmp_path / name).as_uri()), 1)

    async def told() -> None:
        """The server asks for the configuration beside all else."""
        while not _shown(editor):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(told(), PATIENCE)
    await editor.ask("kfunc-lsp/kernels", {})
    (message,) = _shown(editor)
    assert words in message
    assert "Checking against: " in message
    assert not message.endswith("none.")


async def test_a_damaged_kernel(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(b"\x9f\xeb\x01" + bytes(40))
    editor = await settled({"kernels": [str(tmp_path / "vmlinux"), "7.3"]})
    assert await _kernels(editor) == "7.3"
    assert len(_shown(editor)) == 1


async def test_the_configuration_file_counts_and_the_editor_overrides_it(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = ["7.0"]\ninclude = ["inc"]\n')
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "names.h").write_text("#define NAME bpf_wq_set_callback_impl\n")
    text = "#include <names.h>\nint f(void) { return NAME(0, 0, 0, 0); }\n"
    editor = await settled(None, tmp_path.as_uri())
    (found,) = await editor.diagnostics(editor.open(text, (tmp_path / "a.bpf.c").as_uri()), 1)
    assert found.message.splitlines()[0].endswith(" on 7.0")
    editor = await settled({"kernels": ["7.3"]}, tmp_path.as_uri())
    (found,) = await editor.diagnostics(editor.open(text, (tmp_path / "a.bpf.c").as_uri()), 1)
    assert found.message.splitlines()[0].endswith(" on 7.3")
    assert _shown(editor) == []


async def test_a_configuration_file_that_changes(settled: Begin, tmp_path: Path) -> None:
    file = tmp_path / "kfunc-lsp.toml"
    file.write_text('kernels = ["6.18"]\n')
    editor = await settled(None, tmp_path.as_uri())
    uri = editor.open(IMPL_CALLED, (tmp_path / "a.bpf.c").as_uri())
    assert await editor.diagnostics(uri, 1) == []
    editor.published.clear()
    file.write_text('kernels = ["7.3"]\n')
    editor.watched(file.as_uri())
    assert len(await editor.diagnostics(uri, 1)) == 1


async def test_damaged_project_files_are_shown_once(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text("kernels = [")
    (tmp_path / "compile_commands.json").write_text("{")
    editor = await settled({"kernels": ["7.3"]}, tmp_path.as_uri())
    for name in ("a.bpf.c", "b.bpf.c"):
        assert len(await editor.diagnostics(editor.open(IMPL_CALLED, (tmp_path / name).as_uri()), 1)) == 1
    toml, database = _shown(editor)
    assert "kfunc-lsp.toml:1: is no TOML" in toml
    assert "compile_commands.json: is no compilation database" in database


async def test_headers_that_are_not_found_are_told_in_the_log(settled: Begin) -> None:
    editor = await settled({"kernels": ["7.3"]})
    await editor.diagnostics(editor.open('#include "absent.h"\n' + IMPL_CALLED), 1)
    await editor.diagnostics(editor.open("", "untitled:other"), 1)
    notes = [note.message for note in editor.client.log_messages]
    assert [note.partition(": ")[2] for note in notes] == ["not found: absent.h; types from there are unknown"]
    assert _shown(editor) == []


async def _configure(editor: Editor, settings: object) -> None:
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=settings))


@pytest.mark.parametrize("settings", [{"kernels": ["6.18"]}, {"kfunc-lsp": {"kernels": ["6.18"], "include": []}}])
async def test_another_kernel_is_chosen_while_editing(settled: Begin, settings: object) -> None:
    editor = await settled({"kernels": ["7.3"]})
    uri = editor.open(IMPL_CALLED)
    assert len(await editor.diagnostics(uri, 1)) == 1
    editor.published.clear()
    await _configure(editor, settings)
    assert await editor.diagnostics(uri, 1) == []
    editor.published.clear()
    await _configure(editor, None)
    assert len(await editor.diagnostics(uri, 1)) == 1


async def test_a_client_that_wants_to_be_asked_is_asked(fresh: Begin, tmp_path: Path) -> None:
    """At the beginning, when it may have told nothing yet, and whenever its settings change."""
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = ["7.3"]\n')
    editor = await fresh(None, root=tmp_path.as_uri(), settings={"kfunc-lsp": {"kernels": ["6.18"]}})
    uri = editor.open(IMPL_CALLED, (tmp_path / "a.bpf.c").as_uri())
    while await editor.diagnostics(uri, 1):
        editor.published.clear()
    editor.client.set_configuration({"kfunc-lsp": {"kernels": ["7.3"]}})
    editor.published.clear()
    await _configure(editor, {})
    assert len(await editor.diagnostics(uri, 1)) == 1


async def test_the_kernels_on_offer(settled: Begin, tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = ["fleet"]\n[targets]\nfleet = ["6.18", "7.3"]\n')
    editor = await settled({})
    uri = (tmp_path / "a.bpf.c").as_uri()
    offered = await editor.ask("kfunc-lsp/kernels", {"uri": uri})
    found = {item["name"]: item for item in offered}
    assert (found["fleet"]["selected"], found["fleet"]["detail"]) == (True, "target: 6.18, 7.3")
    bundled = [name for name, item in found.items() if str(item["detail"]).startswith("bundled ")]
    assert bundled[0].startswith("7.3")
    assert bundled[-1].startswith("6.12")
    assert not found[bundled[0]]["selected"]


async def test_a_loader_that_cuts_no_flavors_is_asked_everywhere(settled: Begin) -> None:
    """What it does not find is no kfunc: for it there is nothing to tell."""
    text = f"""{PRELUDE}extern int bpf_wq_init___old(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
int f(struct bpf_wq *wq)
{{
\treturn bpf_wq_init___old(wq, 0, 0);
}}
"""
    hovered = text.replace("return bpf_wq", f"return bpf_wq{CURSOR}")
    called = text.replace("___old(wq, ", f"___old(wq, {CURSOR}", 1)
    told: dict[str, list[object]] = {}
    for loader in ("libbpf", "cilium-ebpf"):
        editor = await settled({"kernels": ["7.3"], "loader": loader})
        document = types.TextDocumentIdentifier(editor.open(text))
        (symbol,) = await editor.client.text_document_document_symbol_async(types.DocumentSymbolParams(document)) or ()
        assert isinstance(symbol, types.DocumentSymbol)
        told[loader] = [
            symbol.detail, await editor.hover(hovered) is not None, await editor.signature(called) is not None
        ]  # fmt: skip
    assert told == {"libbpf": ["kfunc", True, True], "cilium-ebpf": ["on no selected kernel", False, False]}
