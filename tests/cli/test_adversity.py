"""A disk that is full, a cache that cannot be written, a person who has had enough: nothing is lost or half."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kfunc_lsp.image import cache
from tests.btfbuilder import BtfBuilder
from tests.cli.command import ROOT, run
from tests.cli.test_check import PROGRAM, K

_MANY = 2_000


def on_a_full_disk(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run with files that cannot grow beyond a few bytes, which is what a full disk is to a writer."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "kfunc_lsp", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)),
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (("--output-file", "report.txt"), "report.txt"),
        (("--format", "sarif:report.sarif"), "report.sarif"),
        (("--baseline", "known.json", "--update-baseline"), "known.json"),
        (("--fix",), "bad.bpf.c"),
    ],
)
def test_a_full_disk_leaves_every_file_as_it_was(tmp_path: Path, arguments: tuple[str, ...], file: str) -> None:
    (tmp_path / "bad.bpf.c").write_text(PROGRAM)
    if file == "known.json":
        assert run("check", *K, *arguments, cwd=tmp_path).returncode == 0
    elif file != "bad.bpf.c":
        (tmp_path / file).write_text("the last report\n")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    answer = on_a_full_disk("check", *K, *arguments, cwd=tmp_path)
    assert answer.returncode == 2
    (line,) = [line for line in answer.stderr.splitlines() if "fixed" not in line]
    assert line.startswith(f"kfunc-lsp: {file if file != 'bad.bpf.c' else tmp_path / file}: file too large; nothing")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_init_on_a_full_disk_leaves_no_half_configuration(tmp_path: Path) -> None:
    answer = on_a_full_disk("init", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr == "kfunc-lsp: ./kfunc-lsp.toml: file too large; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/proc/nowhere", "file"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, place: str) -> None:
    builder = BtfBuilder()
    builder.implicit_kfunc("bpf_thing", builder.integer(), [])
    (tmp_path / "mine.btf").write_bytes(builder.build())
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    answer = run("check", "p.bpf.c", "-k", "./mine.btf", cwd=tmp_path, **{cache.VARIABLE: place})
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (tmp_path / "file").read_text() == "in the way"


def test_an_interrupted_run_ends_at_once_and_leaves_no_half_report(tmp_path: Path) -> None:
    # So many that it is not done before it is interrupted, however busy the machine.
    for number in range(_MANY):
        (tmp_path / f"{number:04}.bpf.c").write_text(PROGRAM.replace("int p(", f"int p{number}("))
    process = subprocess.Popen(
        [sys.executable, "-m", "kfunc_lsp", "check", *K, "-j", "2", "--output-file", "report.txt"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 30
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, err) == ("", "")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".c"] * _MANY
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
