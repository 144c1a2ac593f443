"""Small programs as real kernels judged them: no error in what loads, and the refusals foreseen word for word."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Severity
from kfunc_lsp.source.flags import Flags, parse_arguments
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
    plain = ["-O2", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-DBPF_NO_KFUNC_PROTOTYPES", *includes]
    project = Project(Disk())
    known = known_names(kernels.values())
    paths = {case: VERDICTS / "cases" / f"{case}.bpf.c" for case, _ in rows}
    return {
        case: read_unit(project.disk.program(str(path)), project.headers, flags_of(path, plain), known)
        for case, path in paths.items()
        if path.exists()
    }


def flags_of(path: Path, plain: list[str]) -> Flags:
    """A case's flags: ``plain``, and those that it names itself."""
    own = re.search(r"^// cflags:(.*)$", path.read_text(), re.M)
    return parse_arguments([*plain, *shlex.split(own[1] if own else "")], "/")


FORESEEN = (
    "wasn't resolved",
    "cannot find address",
    "failed to find the address",
    "cannot find function",
    "is not allowed",
    "program must be sleepable",
    "non-GPL compatible",
    "known constant",
    "isn't map pointer",
    "map_value or socket",
    "must be referenced or trusted",
    "const string",
    "irq flag on stack",
    "is scalar expected",
    "Possibly NULL pointer",
)
"""What every refusal for is found, beside all that libbpf says when it resolves externs."""


def test_no_error_where_the_kernel_accepts(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    judged = 0
    for (case, release), answers in rows.items():
        if case in units and all(row["verdict"] == "ok" for row in answers):
            errors = [f.message for f in check(units[case], [kernels[release]]) if f.severity is Severity.ERROR]
            assert not errors, (case, release)
            judged += 1
    assert judged > 200


def test_what_libbpf_and_the_first_look_refuse_is_foreseen_word_for_word(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    judged = 0
    for (case, release), answers in rows.items():
        for row in answers:
            said = IDS.sub("[..]", row["key_message"])
            if case in units and (row["stage"] == "ksym" or any(text in said for text in FORESEEN)):
                findings = check(units[case], [kernels[release]])
                foreseen = {f.violation.foreseen for f in findings if f.severity is not Severity.HINT}
                assert any(text and text in said for text in foreseen), (case, release, said)
                judged += 1
    assert judged > 490


ON_PATHS = {
    "unchecked-null-return": ("Possibly NULL pointer passed", "_or_null'"),
    "unreleased-reference": ("Unreleased reference",),
    "unowned-release": ("expects refe", "must point to scalar", "expected pointer to allocated object"),
    "unpaired-iterator": ("initialized iter_",),
    "unpaired-lock": ("-ed region", "is missing", "unmatched"),
    "rcu-protected-outside": ("requires RCU critical section", "expected an RCU CS"),
    "sleepable-in-critical-section": ("is sleepable within",),
}
"""Rules about the paths through a function, and what the kernel says where they hold."""


def test_paths_are_refused_where_the_kernel_refuses_them_and_nowhere_else(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    met = 0
    missed = []
    for (case, release), answers in rows.items():
        if case not in units:
            continue
        found = [f for f in check(units[case], [kernels[release]]) if f.rule.name in ON_PATHS]
        if all(row["verdict"] == "ok" for row in answers):
            assert not found, (case, release)
        for row in answers:
            said = row["key_message"]
            if row["verdict"] != "rejected" or not any(text in said for texts in ON_PATHS.values() for text in texts):
                continue
            met += 1
            if found:
                assert any(f.violation.foreseen in said for f in found), (case, release, said)
            else:
                missed.append((case, release, said))
    assert met > 60
    assert len(missed) <= 0.4 * met, missed


def test_a_weak_unresolved_call_is_reached_exactly_where_the_kernel_meets_it(
    units: dict[str, Unit], kernels: dict[str, Kernel], rows: dict[tuple[str, str], list[Row]]
) -> None:
    met = 0
    for (case, release), answers in rows.items():
        if case not in units or any(row["stage"] == "ksym" for row in answers):
            continue
        unit, load = units[case], Load.alone(units[case], kernels[release])
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
