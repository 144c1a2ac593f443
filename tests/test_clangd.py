"""A ``.clangd`` changes compiler flags here as it does in clangd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfunc_lsp.clangd import read_clangd
from kfunc_lsp.errors import SourceError
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.source.flags import Flags
from tests.programs import source


def flags(folder: Path, name: str = "a.bpf.c") -> Flags:
    return Project(Disk()).flags(str(folder / name))


def write(folder: Path, clangd: str, arguments: list[str]) -> None:
    (folder / ".clangd").write_text(clangd)
    entry = {"directory": str(folder), "file": "a.bpf.c", "arguments": ["clang", *arguments, "-c", "a.bpf.c"]}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))


def test_flags_are_removed_then_added(tmp_path: Path) -> None:
    clangd = "CompileFlags:\n  Remove: [-I, -DOLD*, -Winvalid]\n  Add: [-Inew, -DADDED=2]\n"
    write(tmp_path, clangd, ["-I", "old", "-Iolder", "-DOLD=1", "-DOLDER", "-DKEPT", "-Winvalid"])
    found = flags(tmp_path)
    assert found.include_paths.angle == (str(tmp_path / "new"),)
    assert found.defines == ("KEPT", "ADDED=2")


def test_a_fragment_is_for_the_files_that_it_names(tmp_path: Path) -> None:
    clangd = (
        "CompileFlags: {Add: -DALL}\n---\nIf: {PathMatch: [sub/.*\\.c, other], PathExclude: .*/b.*}\n"
        "CompileFlags: {Add: -DSUB}\n"
    )
    write(tmp_path, clangd, [])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".clangd").write_text("CompileFlags: {Add: [-DINNER]}\n")
    assert flags(tmp_path).defines == ("ALL",)
    assert flags(tmp_path, "sub/a.c").defines == ("ALL", "SUB", "INNER")
    assert flags(tmp_path, "sub/b.c").defines == ("ALL", "INNER")


def test_it_chooses_the_compilation_database(tmp_path: Path) -> None:
    build = tmp_path / "out"
    build.mkdir()
    write(tmp_path, "CompileFlags: {CompilationDatabase: out}\n", ["-DHERE"])
    entry = {"directory": str(tmp_path), "file": "a.bpf.c", "arguments": ["clang", "-DOUT", "a.bpf.c"]}
    (build / "compile_commands.json").write_text(json.dumps([entry]))
    assert flags(tmp_path).defines == ("OUT",)
    (tmp_path / ".clangd").write_text("CompileFlags: {CompilationDatabase: None}\n")
    assert flags(tmp_path).defines == ()


def test_it_adds_to_a_guess(tmp_path: Path) -> None:
    (tmp_path / ".clangd").write_text("CompileFlags: {Add: [-DONLY]}\n")
    assert flags(tmp_path).defines == ("ONLY",)


@pytest.mark.parametrize(
    "text",
    [
        "CompileFlags: [",
        "CompileFlags: 3",
        "If: {PathMatch: '('}",
        "CompileFlags: {Add: [[x]]}",
        "x",
        "!!python/object:os.x {}",
    ],
)
def test_a_broken_one_is_named(text: str) -> None:
    with pytest.raises(SourceError, match=r"^/p/\.clangd: cannot be understood"):
        read_clangd(source("/p/.clangd", text))


@given(st.text(alphabet="ICompileFlags:AdRemvtPathMc{}[]-&*!|>'\"\n \t\\x00é(+", max_size=80))
def test_any_text_gives_fragments_or_the_one_error(text: str) -> None:
    try:
        fragments = read_clangd(source("/p/.clangd", text))
    except SourceError:
        return
    for fragment in fragments:
        assert fragment.concerns("/p/a.c") in (True, False)
        assert all(isinstance(flag, str) for flag in fragment.apply(["-I", "x", "-I"]))
