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
from tests.programs import SHARED, applied, unit
from tests.rules.test_fixtures import FIXTURES, kernels_of

ORACLE = SHARED / "tools" / "oracle" / "ask-kernel"
KERNELS = {"6.12": "6.12.107", "6.18": "6.18.15", "7.0": "7.0.13", "7.3": "7.3.4"}

WRONG_OTHERWISE = {"kinds.bpf.c", "two.bpf.c"}
"""Fixtures that pass what the verifier refuses once the declarations are right."""

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
    run = subprocess.run([ORACLE, "--json", KERNELS[kernel], *files], capture_output=True, text=True, timeout=1800)
    answers: dict[str, list[dict[str, str]]] = {}
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            answers.setdefault(Path(row["obj"]).name, []).append(row)
    return answers, run.stdout + run.stderr


def fixtures_on(kernel: str) -> list[Path]:
    """Fixtures for this kernel, or for its image (``7.3+``). No kernel knows what a comment ignores."""
    judged = (path for path in FIXTURES if path.parent.name != "unused-ignore")
    return [path for path in judged if kernel in {k.name for k in kernels_of(path.read_text())}]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_answer_what_the_fixtures_expect(kernel: str, tmp_path: Path) -> None:
    files = {fixture: tmp_path / named(fixture) for fixture in fixtures_on(kernel)}
    for fixture, file in files.items():
        shutil.copy(fixture, file)
    answers, printed = ask(kernel, list(files.values()))
    for fixture, file in files.items():
        (index,) = (k for k in kernels_of(fixture.read_text()) if k.name == kernel)
        read = unit(fixture.read_text(), checks.known_names([index]))
        found = checks.check(read, [index])
        errors = [f.violation for f in found if f.severity is Severity.ERROR]
        foreseen = [f.violation.foreseen for f in found if f.violation.foreseen]
        rows = answers.get(file.name.removesuffix(".c") + ".o", [])
        if any(e.stage is Stage.COMPILE for e in errors):
            assert not rows
            assert all(e.foreseen in printed for e in errors if e.stage is Stage.COMPILE)
            continue
        assert rows, (file.name, printed[-2000:])
        refused = {row["prog"]: json.dumps(row) for row in rows if row["verdict"] != "ok"}
        for prog, said in refused.items():
            assert any(is_said(words, said) for words in foreseen), (file.name, prog, said[:2000])
        failing = {use.function for use in read.uses for e in errors if e.span == use.span}
        assert failing & {row["prog"] for row in rows} <= refused.keys(), file.name
        if errors:
            said = " ".join(refused.values())
            assert any(is_said(e.foreseen, said) for e in errors), (file.name, said[:2000])


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_accept_what_safe_fixes_have_mended(kernel: str, tmp_path: Path) -> None:
    files: dict[Path, Path] = {}
    for fixture in fixtures_on(kernel):
        text = fixture.read_text()
        kernels = kernels_of(text)
        fixes = [f.fix for f in checks.check(unit(text, checks.known_names(kernels)), kernels) if f.fix]
        if fixes and all(fix.is_safe for fix in fixes):
            files[fixture] = tmp_path / named(fixture)
            files[fixture].write_text(applied(text, fixes))
    answers, printed = ask(kernel, list(files.values()))
    index = resolve(kernel)
    for fixture, file in files.items():
        rows = answers.get(file.name.removesuffix(".c") + ".o", [])
        assert rows, (fixture, printed[-2000:])
        text = file.read_text()
        left = checks.check(unit(text, checks.known_names([index])), [index])
        if fixture.name not in WRONG_OTHERWISE and all(f.severity is Severity.HINT for f in left):
            assert {row["verdict"] for row in rows} == {"ok"}, (fixture, rows)


def is_said(foreseen: str, said: str) -> bool:
    """Whether an answer holds a message; type ids, for which it has ``[..]``, differ by kernel."""
    return all(part in said for part in json.dumps(foreseen)[1:-1].split("[..]"))
