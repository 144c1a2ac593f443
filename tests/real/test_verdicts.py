"""Small programs as five real kernels judged them: an error exactly where one of our causes stops the load."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.libbpf import essential_name
from kfunc_lsp.kernel.model import FunctionClass, Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Severity
from kfunc_lsp.source.flags import parse_arguments
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, UseKind
from tests.programs import SHARED
from tests.real.conftest import Corpus, load

pytestmark = pytest.mark.slow

VERDICTS = SHARED / "data" / "verdicts"
Row = dict[str, Any]
IDS = re.compile(r"\[\d+\]")


@pytest.fixture(scope="module")
def kernels() -> dict[str, Kernel]:
    return {release.split("+")[0]: resolve(release) for release in bundled()}


@pytest.fixture(scope="module")
def rows(kernels: dict[str, Kernel]) -> dict[tuple[str, str], list[Row]]:
    """Rows by case and kernel, of kernels that are bundled and programs that compiled."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in load(VERDICTS / "verdicts.json"):
        if row["kernel"] in kernels and row["verdict"] != "compile_error":
            found[row["case"], row["kernel"]].append(row)
    return found


@pytest.fixture(scope="module")
def units(corpus: Corpus, kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]) -> dict[str, Unit]:
    """The cases, read with a vmlinux.h that has no kfunc prototypes, as they were compiled."""
    includes = [f"-I{corpus.root / 'inc'}", f"-I{VERDICTS / 'cases'}"]
    flags = parse_arguments(["-O2", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-DBPF_NO_KFUNC_PROTOTYPES", *includes], "/")
    project = Project(Disk())
    known = known_names(kernels.values())
    paths = {case: VERDICTS / "cases" / f"{case}.bpf.c" for case, _ in rows}
    return {
        case: read_unit(project.disk.program(str(path)), project.headers, flags, known)
        for case, path in paths.items()
        if path.exists()
    }


def is_ours(row: Row, unit: Unit, kernel: Kernel) -> bool:
    """Whether a refusal has one of the two rules' causes: what it names is implicit, or a BTF-only ``_impl``."""
    for name in re.findall(r"'?\b([A-Za-z_]\w+)\b'?", row["key_message"]):
        function = kernel.get(essential_name(name))
        declaration = unit.declaration(name)
        if function is None or declaration is None or declaration.prototype is None:
            continue
        if function.klass is FunctionClass.BTF_ONLY_IMPL:
            return True
        excess = len(declaration.prototype.params) - len(function.prototype.params)
        if function.klass is FunctionClass.IMPLICIT and 0 < excess <= len(function.implicit):
            return True
    return False


def test_an_error_exactly_where_a_kernel_refuses_for_our_causes(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    judged = 0
    for (case, release), answers in rows.items():
        if case not in units:
            continue
        errors = [
            f
            for f in check(units[case], [kernels[release]])
            if f.severity is Severity.ERROR and f.rule.name in ("implicit-argument-passed", "unflagged-impl-called")
        ]
        if all(row["verdict"] == "ok" for row in answers):
            assert not errors, (case, release)
        ours = [row for row in answers if row["verdict"] != "ok" and is_ours(row, units[case], kernels[release])]
        for row in ours:
            foreseen = {IDS.sub("[..]", e.violation.foreseen) for e in errors}
            said = IDS.sub("[..]", row["key_message"])
            assert any(text and text in said for text in foreseen), (case, release, said)
        if errors:
            assert ours, (case, release)
        judged += 1
    assert judged > 500


def test_a_weak_unresolved_call_is_reached_exactly_where_the_kernel_meets_it(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    met = 0
    for (case, release), answers in rows.items():
        if case not in units or any(row["stage"] == "ksym" for row in answers):
            continue
        unit, load = units[case], Load(units[case], kernels[release])
        unresolved = [
            use
            for use in unit.uses
            if use.kind is UseKind.CALL and unit.is_weak(use.name) and load.resolves(use.name) is False
        ]
        reached = any(load.reach(use) is Truth.TRUE for use in unresolved)
        if any("wasn't resolved" in row["key_message"] for row in answers):
            assert reached, (case, release)
            met += 1
        elif all(row["verdict"] == "ok" for row in answers):
            assert not reached, (case, release)
    assert met >= 40
