"""``--help``, the man page and completion, which are made from one parser."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfunc_lsp.cli import main, make_parser

ROOT = Path(__file__).parents[2]


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from commands(command)


def test_every_command_teaches_by_example_and_fits_a_page() -> None:
    for parser in [make_parser(), *commands(make_parser())]:
        if parser.prog.count(" ") < 2:
            assert f"  {parser.prog}" in (parser.epilog or "").split("examples:\n")[-1]
        assert max(map(len, (parser.epilog or "").splitlines()), default=0) <= 112


def test_every_example_is_understood() -> None:
    parser = make_parser()
    for command in commands(parser):
        for line in (command.epilog or "").splitlines():
            if line.startswith("  kfunc-lsp "):
                words = re.split(r" {2,}| && | > |#", line.strip())[0].split()
                parser.parse_args(words[1:])


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("check a.bpf.c -k 7.3 b.bpf.c", "files", ["a.bpf.c", "b.bpf.c"]),
        ("check -k 7.3 a.bpf.c -k 6.18 b.bpf.c", "kernels", ["7.3", "6.18"]),
        ("check -k 7.3", "files", ["."]),
        ("check a.bpf.c --fix -- -b.bpf.c", "files", ["a.bpf.c", "-b.bpf.c"]),
        ("kernel show ./7.3.btf --btf-ids ./ids bpf_obj_new", "name", "bpf_obj_new"),
    ],
)
def test_options_stand_anywhere(line: str, name: str, value: object) -> None:
    assert getattr(make_parser().parse_args(line.split()), name) == value


def test_the_man_page_is_the_parsers_own(tmp_path: Path) -> None:
    page = tmp_path / "kfunc-lsp.1"
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "man-page", page],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
    assert page.read_text() == (ROOT / "docs" / "kfunc-lsp.1").read_text()


COMPLETE = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p kfunc-lsp | sed 's/.*-F \([^ ]*\).*/\1/')
$function kfunc-lsp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash."""
    path = tmp_path_factory.mktemp("completion") / "bash"
    path.write_text(completion("bash"))
    return path


def completion(shell: str) -> str:
    command = [sys.executable, "-m", "kfunc_lsp", "completion", shell]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["ch"], {"check"}),
        (["check", "--ker"], {"--kernel"}),
        (["check", "--kernel", "7."], {"7.0", "7.1", "7.2", "7.3"}),
        (["check", "-k", "7.3", "--ignore", "guard-"], {"guard-never-true", "guard-always-true"}),
        (["check", "examp"], {"examples"}),
        (["check", "--format", "sa"], {"sarif"}),
        (["matrix", "--format", "h"], {"html"}),
        (["kernel", "diff", "6.18", "7.3"], {"7.3"}),
        (["explain", "shadow"], {"shadowed-flavor"}),
    ],
)
def test_bash_completes(script: Path, words: list[str], answers: set[str]) -> None:
    command = ["bash", "-c", COMPLETE, "bash", str(script), "kfunc-lsp", *words]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert set(answer.stdout.split()) == answers


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_theirs(shell: str, tmp_path: Path) -> None:
    text = completion(shell)
    assert "6.18" in text
    if shutil.which(shell) is not None:
        (tmp_path / "script").write_text(text)
        subprocess.run([shell, "-n", tmp_path / "script"], timeout=60, check=True)


def test_a_shell_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "tcsh"])
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_alone(environment: dict[str, str], coloured: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "kfunc_lsp", "check", "examples/snooper.bpf.c", "-k", "7.3"],
        cwd=ROOT,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**clean, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 1 << 16):
            seen += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 1
    assert (b"\x1b[" in seen) is coloured
    assert b"unflagged-impl-called" in seen
