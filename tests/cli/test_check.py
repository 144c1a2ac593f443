"""``kfunc-lsp check`` as teams run it: folders, formats, baselines, fixes, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import EXAMPLE, ROOT, run
from tests.test_files import git

NEW = "extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags"
PROGRAM = f"""#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
{NEW}, struct bpf_prog_aux *aux) __ksym;
SEC("tc")
int p(struct bpf_wq *wq, void *call)
{{
	return bpf_wq_set_callback(wq, call, 0, NULL);
}}
"""
FIXED = PROGRAM.replace(", struct bpf_prog_aux *aux)", ")").replace(", 0, NULL)", ", 0)")
K = ("-k", "7.3", "-I", str(ROOT / "tests" / "include"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two programs, one with a finding that has a safe fix."""
    (tmp_path / "bad.bpf.c").write_text(PROGRAM)
    (tmp_path / "good.bpf.c").write_text(FIXED)
    return tmp_path


def test_without_a_file_the_current_folder_is_checked(folder: Path) -> None:
    answer = run("check", *K, cwd=folder)
    assert answer.returncode == 1
    assert "1 finding in 2 programs (1 error)" in answer.stdout
    assert "--> bad.bpf.c:3:12" in answer.stdout


def test_processes_change_nothing(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.bpf.c").write_text(PROGRAM if number % 3 else FIXED)
    (tmp_path / "17.bpf.c").write_bytes(b"\0")
    answers = [run("check", *K, "--format", "jsonl", "-j", jobs, cwd=tmp_path) for jobs in ("1", "3")]
    assert answers[0].stdout == answers[1].stdout
    assert answers[0].stderr == answers[1].stderr
    paths = [json.loads(line).get("place", {}).get("path") for line in answers[0].stdout.splitlines()[:-1]]
    assert paths == sorted(paths)
    assert len(paths) == 25
    assert answers[0].returncode == answers[1].returncode == 2


def test_standard_input_under_a_name(folder: Path) -> None:
    answer = run("check", "-", "--stdin-filename", "good.bpf.c", *K, cwd=folder, stdin=PROGRAM)
    assert answer.returncode == 1
    assert "--> good.bpf.c:3:12" in answer.stdout


def test_several_reports_at_once(folder: Path) -> None:
    answer = run("check", *K, "--format", "text", "--format", "sarif:a.sarif", "--format", "junit:b.xml", cwd=folder)
    assert "error[implicit-argument-passed]" in answer.stdout
    assert json.loads((folder / "a.sarif").read_text())["version"] == "2.1.0"
    assert (folder / "b.xml").read_text().startswith("<?xml")
    answer = run("check", *K, "--format", "json", "--output-file", "c.json", cwd=folder)
    assert answer.stdout == ""
    assert len(json.loads((folder / "c.json").read_text())["findings"]) == 1
    answer = run("check", *K, "--format", "json", "--format", "sarif", cwd=folder)
    assert answer.returncode == 2
    assert "two formats for standard output" in answer.stderr


@pytest.mark.parametrize(
    ("environment", "begin"),
    [({"GITHUB_ACTIONS": "true"}, "::error file=bad.bpf.c"), ({"GITLAB_CI": "true"}, "error["), ({}, "error[")],
)
def test_the_format_that_the_ci_reads(folder: Path, environment: dict[str, str], begin: str) -> None:
    clean = {"GITHUB_ACTIONS": "", "GITLAB_CI": ""}
    answer = run("check", *K, "--format", "auto", cwd=folder, **{**clean, **environment})
    assert answer.stdout.startswith(begin)


def test_what_is_no_program_by_its_name_is_said_and_the_rest_is_checked(folder: Path) -> None:
    names = ["readme.txt", "noending", "odd.inc", "good.bpf.c.in"]
    for name in names:
        (folder / name).write_text(PROGRAM)
    answer = run("check", *K, *names, cwd=folder)
    assert answer.returncode == 2
    assert answer.stderr == (
        "kfunc-lsp: readme.txt: a .txt file is no program; give C source (.c), objects (.o), archives of them (.a), or "
        "folders; C of any name is read from `-`\n"
    )
    assert "3 findings in 3 programs" in answer.stdout


def test_a_report_that_cannot_be_written_leaves_what_was_there(folder: Path) -> None:
    answer = run("check", *K, "--format", "json:/dev/full", cwd=folder)
    assert answer.returncode == 2
    assert answer.stderr == "kfunc-lsp: /dev/full: no space left on device\n"
    answer = run("check", *K, "--output-file", "no/such/folder.txt", cwd=folder)
    assert answer.returncode == 2
    assert "no/such/folder.txt: no such file or directory; nothing was written" in answer.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["bad.bpf.c", "good.bpf.c"]


def test_a_baseline_hides_what_is_known_and_shows_what_is_new(folder: Path) -> None:
    answer = run("check", *K, "--baseline", "known.json", cwd=folder)
    assert answer.returncode == 2
    assert "known.json: no such file or directory; write it with --update-baseline" in answer.stderr
    answer = run("check", *K, "--baseline", "known.json", "--update-baseline", cwd=folder)
    assert answer.returncode == 0
    assert "known.json: has 1 finding now" in answer.stdout
    (folder / "bad.bpf.c").write_text("/* moved */\n\n" + PROGRAM)
    answer = run("check", *K, "--baseline", "known.json", cwd=folder)
    assert answer.returncode == 0
    assert "no findings · 2 programs · 1 known finding not shown" in answer.stdout
    (folder / "good.bpf.c").write_text(PROGRAM)
    answer = run("check", *K, "--baseline", "known.json", cwd=folder)
    assert answer.returncode == 1
    assert "--> good.bpf.c" in answer.stdout
    assert "--> bad.bpf.c" not in answer.stdout
    (folder / "good.bpf.c").write_text(FIXED)
    (folder / "bad.bpf.c").write_text(FIXED)
    answer = run("check", *K, "--baseline", "known.json", cwd=folder)
    assert "known.json: 1 of it not found any more; --update-baseline takes them out" in answer.stdout


def test_a_broken_baseline_is_one_clear_error(folder: Path) -> None:
    for text, words in (("x", "not JSON"), ('{"version": 2}', "no baseline of version 1"), ("[1]", "version 1")):
        (folder / "known.json").write_text(text)
        answer = run("check", *K, "--baseline", "known.json", cwd=folder)
        assert answer.returncode == 2
        assert words in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_rules_are_chosen_by_name_and_pattern(folder: Path) -> None:
    assert run("check", *K, "--ignore", "implicit-*", cwd=folder).returncode == 0
    assert run("check", *K, "--select", "unflagged-impl-called", cwd=folder).returncode == 0
    assert run("check", *K, "--select", "unflagged-impl-called,implicit-*", cwd=folder).returncode == 1
    answer = run("check", *K, "--select", "implicit-argument-past", cwd=folder)
    assert answer.returncode == 2
    assert "did you mean `implicit-argument-passed`?" in answer.stderr
    (folder / "kfunc-lsp.toml").write_text('ignore = ["implicit-*"]\n')
    assert run("check", *K, cwd=folder).returncode == 0
    assert "fails" not in run("matrix", *K, cwd=folder).stdout


def test_severity_and_exit_codes(folder: Path) -> None:
    assert run("check", *K, "--exit-zero", cwd=folder).returncode == 0
    answer = run("check", EXAMPLE, "-k", "7.3", "--severity", "error")
    assert "1 finding in 1 program (1 error)" in answer.stdout
    assert run("check", *K, "--update-baseline", cwd=folder).returncode == 2


def test_fixes_are_applied_and_what_is_left_is_reported(folder: Path) -> None:
    before = (folder / "bad.bpf.c").read_text()
    answer = run("check", *K, "--diff", cwd=folder)
    assert answer.returncode == 1
    assert "-\treturn bpf_wq_set_callback(wq, call, 0, NULL);" in answer.stdout
    assert "1 finding would be fixed in 1 file" in answer.stderr
    assert (folder / "bad.bpf.c").read_text() == before
    answer = run("check", *K, "--fix", cwd=folder)
    assert answer.returncode == 0
    assert "1 finding fixed in 1 file" in answer.stderr
    assert "no findings · 2 programs" in answer.stdout
    assert (folder / "bad.bpf.c").read_text() == FIXED
    assert run("check", *K, "--diff", cwd=folder).returncode == 0


def test_fixes_that_come_to_be_possible_are_made_at_once(folder: Path) -> None:
    both = (*K, "-k", "6.18")
    assert run("check", *both, "--fix", "bad.bpf.c", cwd=folder).returncode == 0
    fixed = (folder / "bad.bpf.c").read_text()
    assert "bpf_ksym_exists(bpf_wq_set_callback) ? bpf_wq_set_callback(wq, call, 0) : " in fixed
    assert run("check", *both, "--diff", "bad.bpf.c", cwd=folder).stdout == ""


def test_a_diff_is_one_that_git_applies(folder: Path) -> None:
    (folder / "bad.bpf.c").write_text(PROGRAM.rstrip("\n"))
    git(folder, "init", "-q")
    (folder / "d.patch").write_text(run("check", *K, "--diff", cwd=folder).stdout)
    git(folder, "apply", "d.patch")
    assert (folder / "bad.bpf.c").read_text() == FIXED.rstrip("\n")


def test_unsafe_fixes_only_when_asked(tmp_path: Path) -> None:
    program = tmp_path / "snooper.bpf.c"
    program.write_text(EXAMPLE.read_text())
    assert run("check", program, "-k", "6.18", "-k", "7.3", "--fix-only").returncode == 0
    assert program.read_text() == EXAMPLE.read_text()
    assert run("check", program, "-k", "7.3", "--fix-only", "--unsafe-fixes").returncode == 0
    assert run("check", program, "-k", "7.3").returncode == 0


def test_only_what_a_change_touches(folder: Path) -> None:
    (folder / "common.h").write_text("/* */\n")
    (folder / "good.bpf.c").write_text('#include "common.h"\n' + FIXED)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "1")
    answer = run("check", *K, "--changed-since", "HEAD", cwd=folder)
    assert answer.returncode == 0
    assert answer.stdout.startswith("nothing checked")
    (folder / "common.h").write_text("/* changed */\n")
    assert run("check", *K, "--changed-since", "HEAD", cwd=folder).stdout.startswith("no findings · 1 program ·")
    unknown = run("check", *K, "--changed-since", "gone", cwd=folder)
    assert (unknown.returncode, unknown.stderr) == (2, "kfunc-lsp: --changed-since: git says: bad revision 'gone'\n")
    (folder / "bad.bpf.c").write_text(PROGRAM + "\n")
    answer = run("check", *K, "--changed-since", "HEAD", cwd=folder)
    assert "1 finding in 2 programs" in answer.stdout


def test_the_matrix_is_of_all_bundled_kernels_unless_told(folder: Path) -> None:
    include = ("-I", str(ROOT / "tests" / "include"))
    answer = run("matrix", *include, cwd=folder)
    assert answer.returncode == 0
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[0] == "6.12 6.16 6.17 6.18 6.19 7.0 7.1 7.2 7.3 loads on".split()
    assert lines[1][0] == "bad.bpf.c"
    assert lines[1][-4] == "fails"
    answer = run(
        "matrix", *include, "-k", "7.3", "--format", "html", "--output-file", "m.html", "gone.bpf.c", ".", cwd=folder
    )
    assert answer.returncode == 2
    assert "Not read: " in (folder / "m.html").read_text()
