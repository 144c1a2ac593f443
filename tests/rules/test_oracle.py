"""The fixtures as real kernels judge them: what a fixture expects is what libbpf or the kernel answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from kfunc_lsp import check as checks
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Severity, Stage
from tests.programs import SHARED, unit
from tests.rules.test_fixtures import FIXTURES, kernels_of

ORACLE = SHARED / "tools" / "oracle" / "ask-kernel"
KERNELS = {"6.12": "6.12.107", "6.18": "6.18.15", "7.0": "7.0.13", "7.3": "7.3.4"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not ORACLE.exists() or not all(map(shutil.which, ("qemu-system-x86_64", "clang-19", "bpftool"))),
        reason="needs ../shared/tools/oracle, qemu, clang-19 and bpftool",
    ),
]


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.name}"


def ask(kernel: str, files: list[Path]) -> tuple[dict[str, list[dict[str, str]]], str]:
    """Answers by object name, and what the compiler said of files that do not compile."""
    run = subprocess.run([ORACLE, "--json", KERNELS[kernel], *files], capture_output=True, text=True, timeout=300)
    answers: dict[str, list[dict[str, str]]] = {}
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            answers.setdefault(Path(row["obj"]).name, []).append(row)
    return answers, run.stdout + run.stderr


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_answer_what_the_fixtures_expect(kernel: str, tmp_path: Path) -> None:
    files = {}
    for fixture in FIXTURES:
        if kernel in {k.name for k in kernels_of(fixture.read_text())}:
            files[fixture] = tmp_path / named(fixture)
            shutil.copy(fixture, files[fixture])
    answers, printed = ask(kernel, list(files.values()))
    index = resolve(kernel)
    for fixture, file in files.items():
        read = unit(fixture.read_text(), checks.known_names([index]))
        found = checks.check(read, [index])
        errors = [f.violation for f in found if f.severity is Severity.ERROR]
        foreseen = [f.violation.foreseen for f in found if f.violation.foreseen]
        rows = answers.get(file.name.removesuffix(".c") + ".o", [])
        if any(e.stage is Stage.COMPILE for e in errors):
            assert not rows
            assert errors[0].foreseen in printed
            continue
        assert rows, (fixture.name, printed[-2000:])
        refused = {row["prog"]: json.dumps(row) for row in rows if row["verdict"] != "ok"}
        for prog, said in refused.items():
            assert any(first_words(words) in said for words in foreseen), (fixture.name, prog, said[:2000])
        failing = {use.function for use in read.uses for e in errors if e.span == use.span}
        assert failing & {row["prog"] for row in rows} <= refused.keys(), fixture.name
        if errors:
            said = " ".join(refused.values())
            assert any(first_words(e.foreseen) in said for e in errors), (fixture.name, said[:2000])


def first_words(foreseen: str) -> str:
    """A message up to its type ids, which differ by kernel."""
    return foreseen.split(" [..]")[0]
