"""Setting a project up: ``init``, ``config`` and ``doctor`` in folders as people have them."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from kfunc_lsp.cli import main
from kfunc_lsp.config import Config, load
from kfunc_lsp.image import cache
from tests.cli.command import EXAMPLE, ROOT
from tests.test_files import git


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in ``src``, and its vmlinux.h where no guess looks."""
    (tmp_path / "src").mkdir()
    (tmp_path / "gen").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "src")
    shutil.copy(ROOT / "tests" / "include" / "vmlinux.h", tmp_path / "gen")
    shutil.copytree(ROOT / "tests" / "include" / "bpf", tmp_path / "src" / "bpf")
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_writes_what_it_found_and_check_uses_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "vmlinux.h is not found, for 1 program" in said
    assert 'try: include = ["gen"] in kfunc-lsp.toml, or -I gen' in said
    assert main(["init"]) == 0
    assert "kfunc-lsp.toml: written, for 1 program; next: kfunc-lsp check ." in capsys.readouterr().out
    text = (project / "kfunc-lsp.toml").read_text()
    assert tomllib.loads(text) == {"kernels": ["7.3"], "include": ["gen"]}
    assert "1 program (sched_cls 1)" in text
    assert max(map(len, text.splitlines())) <= 120
    assert main(["check"]) == 1
    assert "note" not in capsys.readouterr().out
    assert main(["doctor"]) == 0
    assert "every one that is included" in capsys.readouterr().out


def test_every_option_is_explained_and_its_example_can_be_used(project: Path) -> None:
    assert main(["init"]) == 0
    path = project / "kfunc-lsp.toml"
    lines = path.read_text().splitlines()
    examples = [line for option in Config.options().values() for line in option.example.split("\n")]
    uncommented = [line.removeprefix("# ") if line.removeprefix("# ") in examples else line for line in lines]
    path.write_text("\n".join(uncommented))
    assert set(load(str(project)).origins) == set(Config.options())


def test_kernels_in_the_project_are_taken(project: Path) -> None:
    (project / "kernels").mkdir()
    assert main(["kernel", "export", "7.0", "-o", "kernels/ours.kpack"]) == 0
    (project / "compile_flags.txt").write_text("-Igen\n-Isrc\n")
    assert main(["init"]) == 0
    text = (project / "kfunc-lsp.toml").read_text()
    assert tomllib.loads(text) == {"kernels": ["./kernels/ours.kpack"]}
    assert "flags from compile_flags.txt" in text
    assert main(["check", "--exit-zero"]) == 0


def test_init_overwrites_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("kfunc-lsp.toml", ""), ("pyproject.toml", "[tool.kfunc-lsp]\n")):
        (project / name).write_text(text)
        assert main(["init"]) == 2
        assert f"{project / name}: is there already, and is left alone" in capsys.readouterr().err
        assert (project / name).read_text() == text
        (project / name).unlink()
    (project / "pyproject.toml").write_text("[project]\n")
    assert main(["init", "src"]) == 0
    assert main(["init"]) == 0
    assert main(["init", "no-such-folder"]) == 2
    assert "no-such-folder: is no folder" in capsys.readouterr().err


def test_config_shows_values_and_what_has_set_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert "no configuration file; `kfunc-lsp init` writes one" in capsys.readouterr().out
    (project / "kfunc-lsp.toml").write_text('\nkernels = [\n  "fleet"]\n[targets]\nfleet = ["7.*"]\n')
    assert main(["config", "src", "-D", "A=1"]) == 0
    shown = capsys.readouterr().out
    assert 'kernels = ["fleet"]  # kfunc-lsp.toml:2' in shown
    assert 'define = ["A=1"]  # command line' in shown
    assert 'targets = { fleet = ["7.*"] }  # kfunc-lsp.toml:4' in shown
    assert "# ignore is not set: none" in shown
    assert tomllib.loads(shown) == {"kernels": ["fleet"], "define": ["A=1"], "targets": {"fleet": ["7.*"]}}
    assert main(["config", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == str(project / "kfunc-lsp.toml")
    assert document["options"]["kernels"] == {"value": ["fleet"], "origin": f"{project}/kfunc-lsp.toml:2"}
    assert document["options"]["select"] == {"value": [], "origin": None}
    assert main(["config", "no/such/folder"]) == 2
    assert capsys.readouterr() == ("", "kfunc-lsp: no/such/folder: no such file or folder\n")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('define = ["A"]\n\nkernel = "7.3"', ":3: unknown option `kernel`; did you mean `kernels`?"),
        ("kernels = [\n7.3\n]", ":1: `kernels` must be a list of strings"),
        ("[targets]\n# x\nfleet = [\n1]", ":3: `targets.fleet` must be a list of strings"),
        ('[targets]\n"6.*" = "7.3"', ":2: `targets`: '6.*' is no name for a target"),
        (
            '\nselect = "missing-kfun"',
            ":2: `select`: missing-kfun: there is no such rule; did you mean `missing-kfunc`?",
        ),
        ('ignore = "x"', ":1: `ignore`: x: there is no such rule"),
        ('\nkernels = ["9.9"]', ":2: `kernels`: there is no kernel '9.9'"),
        ('kernels = ["7.3", "lab"]\n[targets]\nlab = "9.9"', ":3: `targets.lab`: there is no kernel '9.9'"),
        ('kernels = "lab"\n[targets]\nlab = []', ":3: `targets.lab`: the target `lab` names no kernel"),
    ],
)
@pytest.mark.parametrize("name", ["kfunc-lsp.toml", "pyproject.toml"])
def test_what_is_wrong_in_a_file_is_said_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, config: str, words: str
) -> None:
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    if name == "pyproject.toml":
        line, rest = words[1:].split(":", 1)
        words = f":{int(line) + 1}:{rest}"
        config = "[tool.kfunc-lsp]\n" + config.replace("[targets]", "[tool.kfunc-lsp.targets]")
    (tmp_path / name).write_text(config)
    assert main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"kfunc-lsp: {tmp_path / name}{words}")


def test_doctor_names_each_thing_that_is_wrong_and_goes_on(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "kfunc-lsp.toml").write_text('kernels = ["9.9", "7.3"]\n')
    (project / "src" / "bad.bpf.c").write_bytes(b"\0")
    (project / "src" / "odd.bpf.c").write_text('__attribute__((section("odd"))) int f(void) { return 0; }\n')
    monkeypatch.setenv(cache.VARIABLE, "/proc/nothing")
    monkeypatch.setenv("PATH", "")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "there is no kernel '9.9'" in said
    assert "bad.bpf.c: is no C source in UTF-8" in said
    assert "does not know odd" in said
    assert "/proc/nothing: " in said
    assert "try: export KFUNC_LSP_CACHE=FOLDER" in said
    assert "clangd          not found" in said
    assert "\x1b" not in said
    (project / "kfunc-lsp.toml").write_text("kernels = [\n")
    assert main(["doctor"]) == 1
    assert "kfunc-lsp.toml:2: is no TOML" in capsys.readouterr().out
    empty = project / "empty"
    empty.mkdir()
    assert main(["doctor", "empty"]) == 1
    assert "none in empty: no *.bpf.c" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.chmod(0o500)
    assert main(["init"]) == 2
    assert "permission denied; nothing was written" in capsys.readouterr().err
