"""Compiler flags from a compilation database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kfunc_lsp.errors import SourceError
from kfunc_lsp.project import Disk, Project


def write(folder: Path, *entries: object) -> None:
    (folder / "compile_commands.json").write_text(json.dumps(entries))


def defines(path: Path) -> tuple[str, ...]:
    return Project(Disk()).flags(str(path)).defines


def test_an_entry_has_arguments_or_a_command(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"directory": str(tmp_path), "file": "a.bpf.c", "arguments": ["clang", "-DA=1 2"]},
        {"file": str(tmp_path / "sub" / ".." / "b.bpf.c"), "command": "clang '-DB=1 2' -c b.bpf.c"},
        {"directory": str(tmp_path / "sub"), "file": "c.bpf.c", "command": "clang -DÉ"},
    )
    assert defines(tmp_path / "a.bpf.c") == ("A=1 2",)
    assert defines(tmp_path / "b.bpf.c") == ("B=1 2",)
    assert defines(tmp_path / "sub" / "new.bpf.c") == ("É",), "that of the nearest file"


def test_what_is_wrong_with_another_entry_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, {"file": "a.bpf.c", "command": "clang -DA"}, {"file": "b.bpf.c", "command": "clang '-DB"})
    assert defines(tmp_path / "a.bpf.c") == ("A",)
    with pytest.raises(SourceError, match=r"is no compilation database \(No closing quotation\)"):
        defines(tmp_path / "b.bpf.c")


def test_a_database_without_entries_is_none(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, {"file": "a.bpf.c", "command": "clang -DA"})
    write(tmp_path / "sub")
    assert defines(tmp_path / "sub" / "b.bpf.c") == ("A",)
