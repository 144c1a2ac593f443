"""The program that editors are driven over: what is found in it, and that its fixes leave nothing to find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.cli import main
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.programs import read_units
from kfunc_lsp.project import Disk, Project

ROOT = Path(__file__).parents[2]
INCLUDE = str(ROOT / "tests" / "include")
FIXED = [
    "missing-ksym",
    "incompatible-prototype",
    "implicit-argument-passed",
    "undeclared-kfunc",
    "unflagged-impl-called",
]


def test_each_finding_has_a_fix_and_all_fixes_leave_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = str(shutil.copy(ROOT / "editors" / "fixture" / "fixes.bpf.c", tmp_path))
    kernels = [resolve("7.3")]
    (unit,) = read_units(Project(Disk(), (INCLUDE,), ()), program, known_names(kernels))
    findings = check(unit, kernels)
    assert sorted(finding.rule.name for finding in findings) == sorted(FIXED)
    assert all(finding.fix for finding in findings)
    arguments = ["check", program, "--kernel", "7.3", "--include", INCLUDE]
    main([*arguments, "--fix-only", "--unsafe-fixes"])
    assert main(arguments) == 0, capsys.readouterr().out
