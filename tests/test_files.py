"""Which files are meant: folders, what git ignores (git is asked, too), compilation databases, revisions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kfunc_lsp.files import SelectionError, changed_since, programs


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tree(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("int x;\n")


def test_a_folder_is_its_programs_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "b.bpf.c", "a.bpf.c", "sub/c.bpf.c", "user.c", "sub/h.h", "x.bpf.o")
    monkeypatch.chdir(tmp_path)
    assert programs(["."]) == ["a.bpf.c", "b.bpf.c", "sub/c.bpf.c"]
    assert programs(["sub", "b.bpf.c", "sub/c.bpf.c"]) == ["sub/c.bpf.c", "b.bpf.c"]
    assert programs(["user.c", "not-there"]) == ["user.c", "not-there"]


IGNORED = {
    ".gitignore": "*.gen.bpf.c\n/top.bpf.c\nout/\n!keep.gen.bpf.c\nvendor/**/deep/\n",
    "sub/.gitignore": "local.bpf.c\n!back.gen.bpf.c\n",
}


def test_what_git_ignores_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        *("top.bpf.c", "sub/top.bpf.c", "a.gen.bpf.c", "keep.gen.bpf.c", "sub/back.gen.bpf.c", "sub/local.bpf.c"),
        *("out/o.bpf.c", "sub/out/o.bpf.c", "vendor/x/deep/d.bpf.c", "vendor/deep/d.bpf.c", "vendor/x/d.bpf.c"),
    ]
    tree(tmp_path, *names)
    for name, text in IGNORED.items():
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    theirs = git(tmp_path, "ls-files", "--others", "--exclude-standard", "--", "*.bpf.c").split()
    assert programs(["."]) == sorted(theirs)
    assert programs(["sub"]) == sorted(name for name in theirs if name.startswith("sub/"))


def test_a_folder_that_is_ignored_itself_is_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "out/o.bpf.c")
    (tmp_path / ".gitignore").write_text("out/\n")
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    assert programs(["out"]) == ["out/o.bpf.c"]


def test_what_a_compilation_database_compiles_for_bpf_is_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "src/one.c", "src/two.c", "src/user.c", "other/three.c")
    entries: list[dict[str, object]] = [
        {"file": "one.c", "directory": str(tmp_path / "src"), "arguments": ["clang", "-target", "bpf", "-c", "one.c"]},
        {"file": str(tmp_path / "src/two.c"), "directory": "/", "command": "clang --target=bpfeb -c two.c"},
        {"file": "user.c", "directory": str(tmp_path / "src"), "command": "cc -c user.c"},
        {"file": str(tmp_path / "other/three.c"), "directory": "/", "command": "clang -target bpfel"},
    ]
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "compile_commands.json").write_text(json.dumps(entries))
    monkeypatch.chdir(tmp_path)
    assert programs(["src"]) == ["src/one.c", "src/two.c"]
    assert programs(["."]) == ["other/three.c", "src/one.c", "src/two.c"]


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match=r"has no program: looked for \*\.bpf\.c"):
        programs([str(tmp_path)])
    tree(tmp_path, "x.bpf.o")
    with pytest.raises(SelectionError, match=r"name those: kfunc-lsp check .*x\.bpf\.o"):
        programs([str(tmp_path)])


def test_what_has_changed_since_a_revision(tmp_path: Path) -> None:
    tree(tmp_path, "same.bpf.c", "changed.bpf.c", "gone.bpf.c", "staged.bpf.c")
    (tmp_path / ".gitignore").write_text("ignored.bpf.c\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "1")
    (tmp_path / "changed.bpf.c").write_text("int y;\n")
    (tmp_path / "staged.bpf.c").write_text("int y;\n")
    git(tmp_path, "add", "staged.bpf.c")
    (tmp_path / "gone.bpf.c").unlink()
    tree(tmp_path, "new é.bpf.c", "ignored.bpf.c", "sub/x.bpf.c")
    found = changed_since("HEAD", str(tmp_path / "sub"))
    names = {str(Path(path).relative_to(tmp_path)) for path in found}
    assert names == {"changed.bpf.c", "gone.bpf.c", "new é.bpf.c", "staged.bpf.c", "sub/x.bpf.c"}


def test_revisions_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="not a git repository"):
        changed_since("HEAD", str(tmp_path))
    git(tmp_path, "init", "-q")
    with pytest.raises(SelectionError, match="nonsense"):
        changed_since("nonsense", str(tmp_path))
    with pytest.raises(SelectionError, match="is no revision"):
        changed_since("--output=x", str(tmp_path))
