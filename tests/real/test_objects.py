"""The corpus and the verdict cases as clang-19 compiles them: what an object says is what was compiled and loaded."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.compile_objects import build_all, build_cases
from kfunc_lsp.btf.types import Array, Float, FuncProto, Int, Ptr, Type, skip_modifiers_and_typedefs
from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.libbpf import Outcome, essential_name
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.programs import read_units
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Finding, Severity
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind
from tests.programs import SHARED
from tests.real.conftest import Corpus, load
from tests.real.test_corpus import is_to_fail
from tests.real.test_verdicts import ON_PATHS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("clang-19") is None or shutil.which("bpftool") is None, reason="needs clang-19"),
]

REFERENCES = SHARED / "data" / "corpus" / "object_calls.json.xz"


@pytest.fixture(scope="module")
def objects(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The corpus's programs that refer to ksyms compiled, and every tenth of the others, by program."""
    refers = load(REFERENCES)["objects"]
    commands = {
        name: (arguments, folder)
        for index, (name, (arguments, folder, _)) in enumerate(sorted(corpus.commands.items()))
        if index % 10 == 0 or (name in refers and refers[name]["refs"])
    }
    return build_all(corpus.root, commands, tmp_path_factory.mktemp("objects"))


def row(unit: Unit, use: Use, root: Path) -> tuple[object, ...]:
    """A use as ``object_calls.json`` has it."""
    file = use.expansion.file
    line, column = file.position(use.expansion.start)
    declaration = unit.declaration(use.name)
    return (
        use.name,
        "addr" if use.kind is UseKind.REFERENCE else "call",
        "func" if declaration is not None and declaration.prototype is not None else "var",
        use.function,
        unit.is_weak(use.name),
        os.path.relpath(file.path, root),
        line + 1,
        column + 1,
    )


def test_every_relocation_of_every_object_is_a_use_at_its_line(corpus: Corpus, objects: dict[str, Path]) -> None:
    expected = load(REFERENCES)["objects"]
    assert {name for name, found in expected.items() if found["refs"]} <= set(objects)
    for name, path in objects.items():
        unit = read_units(corpus.project, str(path), frozenset())[0]
        ours = Counter(row(unit, use, corpus.root) for use in unit.uses)
        assert ours == Counter(tuple(ref) for ref in expected[name]["refs"]), name
        assert not unit.problems, name


JUDGE = ("-O1", "/usr/lib/x86_64-linux-gnu/libbpf.a")
"""libbpf as a static library, which has functions that it does not export."""

PROGS = "linux/tools/testing/selftests/bpf/progs"
DIFFERENT = {
    # of several uses without a declaration in a program's own files, the first stands elsewhere in the object
    (f"{PROGS}/cb_refs.c", "missing-kfunc", "bpf_kfunc_call_test_acquire"),
    # through a function that the compiler has inlined: certain in the object, a warning in the source
    (f"{PROGS}/ksock_lsm_verifier.c", "not-allowed-in-program-type", "bpf_ksock_send"),
    (f"{PROGS}/ksock_lsm_verifier.c", "not-allowed-in-program-type", "bpf_ksock_release"),
    # inlined several times into a large function: over one of them the conditions grow too large to be followed
    ("linux/tools/sched_ext/scx_qmap.bpf.c", "unguarded-weak-call", "scx_bpf_dispatch___compat"),
    # behind a test of what a kfunc returned: certain in the object, a warning in the source
    (f"{PROGS}/cpumask_failure.c", "scalar-for-pointer", "bpf_cpumask_populate"),
    (f"{PROGS}/linked_list_fail.c", "null-not-allowed", "bpf_list_push_front"),
    # what a variable may hold is told by the text, not by the registers before the call
    (f"{PROGS}/dynptr_fail.c", "constant-required", "bpf_dynptr_slice_rdwr"),
    # and registers tell what an expression, or assembly, passes; of two arguments refused each names one
    (f"{PROGS}/stream_fail.c", "constant-string-required", "bpf_stream_vprintk"),
    (f"{PROGS}/stream_fail.c", "null-not-allowed", "bpf_stream_vprintk"),
    (f"{PROGS}/verifier_ref_tracking.c", "null-not-allowed", "bpf_key_put"),
    # a hint, at a call of which a rule on paths says something worse
    (f"{PROGS}/linked_list_fail.c", "legacy-impl", "bpf_obj_new_impl"),
}
"""Programs, rules and functions where source and object do not get the same finding at the same line on 7.3.

The rules on paths are left out: they need the function's text, which an object does not have.
"""


def said(corpus: Corpus, finding: Finding) -> tuple[str, str, str, str, int]:
    span = finding.span
    path = os.path.relpath(span.file.path, corpus.root)
    return (
        finding.rule.name,
        finding.violation.subject,
        finding.severity.word,
        path,
        span.file.position(span.start)[0],
    )


def test_source_and_object_get_the_same_findings(corpus: Corpus, objects: dict[str, Path]) -> None:
    kernels = [resolve("7.3")]
    known = known_names(kernels)
    same = 0
    different = set()
    for name, path in objects.items():
        built = {said(corpus, f) for unit in read_units(corpus.project, str(path), known) for f in check(unit, kernels)}
        source = {said(corpus, f) for f in check(corpus.unit(name, known), kernels)}
        same += len(built & source)
        different |= {(name, rule, subject) for rule, subject, *_ in built ^ source if rule not in ON_PATHS}
    assert different <= DIFFERENT
    assert same > 220


def test_what_loads_on_its_kernel_gets_no_error(corpus: Corpus, objects: dict[str, Path]) -> None:
    kernels = [resolve("7.3")]
    known = known_names(kernels)
    for name, path in objects.items():
        for unit in read_units(corpus.project, str(path), known):
            errors = [f.message for f in check(unit, kernels) if f.severity is Severity.ERROR]
            assert not errors or is_to_fail(name, (corpus.root / name).read_text("latin-1")), (name, errors)


@pytest.fixture(scope="module")
def cases(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """The verdict cases compiled, by case and kernel."""
    return build_cases(SHARED, corpus.root / "inc", tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def rows(cases: dict[tuple[str, str], Path]) -> dict[tuple[str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for answer in load(SHARED / "data" / "verdicts" / "verdicts.json"):
        if (answer["case"], answer["kernel"]) in cases and answer["verdict"] != "compile_error":
            found.setdefault((answer["case"], answer["kernel"]), []).append(answer)
    return found


def refused(load_: Load) -> list[str]:
    """Strong externs that libbpf does not resolve, in its order; without functions that are no kfuncs."""
    return sorted(
        name
        for name in load_.unit.declarations
        if not load_.unit.is_weak(name)
        and load_.resolution(name).outcome in (Outcome.ABSENT, Outcome.INCOMPATIBLE)
        and essential_name(name) != "schedule_timeout"
    )


def test_cases_are_judged_as_libbpf_and_the_verifier_did(
    corpus: Corpus, cases: dict[tuple[str, str], Path], rows: dict[tuple[str, str], list[dict[str, str]]]
) -> None:
    kernels: dict[str, Kernel] = {release.split("+")[0]: resolve(release) for release in bundled()}
    known = known_names(kernels.values())
    met = refusals = 0
    for (case, release), answers in rows.items():
        unit = read_units(corpus.project, str(cases[case, release]), known)[0]
        load_ = Load.alone(unit, kernels[release])
        said = {match[1] for r in answers if r["stage"] == "ksym" and (match := re.search("'(.*?)'", r["key_message"]))}
        assert set(refused(load_)[:1]) == said, (case, release)
        refusals += bool(said)
        if all(answer["verdict"] == "ok" for answer in answers):
            errors = [f.message for f in check(unit, [kernels[release]]) if f.severity is Severity.ERROR]
            assert errors == [], (case, release)
        if said or any(answer["stage"] == "open" for answer in answers):
            continue
        unresolved = [
            load_.reach(use)
            for use in unit.uses
            if use.kind is UseKind.CALL and unit.is_weak(use.name) and load_.resolves(use.name) is False
        ]
        if any("wasn't resolved" in answer["key_message"] for answer in answers):
            assert Truth.TRUE in unresolved, (case, release)
            met += 1
        elif all(answer["verdict"] == "ok" for answer in answers):
            assert Truth.TRUE not in unresolved, (case, release)
    assert refusals > 200
    assert met >= 40


def kinds(t: Type) -> object:
    """A type as libbpf compares it: kinds and names of structs, without modifiers and typedefs."""
    t = skip_modifiers_and_typedefs(t)
    match t:
        case FuncProto():
            return "FUNC_PROTO", kinds(t.returns), [kinds(p.type) for p in t.params], t.variadic
        case Ptr():
            return "PTR", kinds(t.target)
        case Array():
            return "ARRAY", kinds(t.element), t.count
        case Int() | Float():
            return type(t).__name__
        case _:
            return t


def test_declarations_are_what_clang_emits(corpus: Corpus, objects: dict[str, Path]) -> None:
    """Name, number of parameters, kinds (FWD and STRUCT told apart) and weakness of every extern function."""
    known = known_names([resolve("7.3")])
    compared, different = 0, []
    for name, path in objects.items():
        compiled = read_units(corpus.project, str(path), frozenset())[0]
        externs = {n: d for n in compiled.declarations if (d := compiled.declaration(n)) and d.prototype}
        if externs:
            written = corpus.unit(name, known)
            for extern, declaration in externs.items():
                compared += 1
                ours = written.declaration(extern)
                if ours is None or (kinds(ours.type), written.is_weak(extern)) != (
                    kinds(declaration.type),
                    compiled.is_weak(extern),
                ):
                    different.append((name, extern))
    print(compared)
    assert compared > 1400
    assert different == []


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The raw BTF of real kernels."""
    folder = tmp_path_factory.mktemp("btf")
    for packed in sorted((SHARED / "data" / "kernels").glob("*.btf.xz")):
        (folder / packed.name.removesuffix(".btf.xz")).write_bytes(lzma.decompress(packed.read_bytes()))
    return sorted(folder.iterdir())


@pytest.mark.skipif(not Path(JUDGE[-1]).exists() or shutil.which("cc") is None, reason="needs libbpf-dev and cc")
def test_every_extern_resolves_as_libbpf_resolves_it(
    corpus: Corpus,
    objects: dict[str, Path],
    cases: dict[tuple[str, str], Path],
    raw: list[Path],
    tmp_path: Path,
) -> None:
    judge = tmp_path / "judge"
    source = Path(__file__).parent / "libbpf_judge.c"
    subprocess.run(["cc", "-o", judge, source, *JUDGE, "-lelf", "-lz"], check=True)
    kernels = [resolve(str(path)) for path in raw]
    assert len(kernels) == 5
    listed = "\n".join(map(str, [*objects.values(), *cases.values()]))
    run = subprocess.run([judge, *raw], input=listed, capture_output=True, text=True, check=True)
    theirs: dict[str, dict[tuple[str, int], str]] = {}
    for line in run.stdout.splitlines():
        path, name, kernel, answer = line.split("\t")
        theirs.setdefault(path, {})[name, int(kernel)] = answer
    answers: Counter[str] = Counter()
    for path, expected in theirs.items():
        (unit,) = read_units(corpus.project, path, frozenset())
        loads = [Load.alone(unit, kernel) for kernel in kernels]
        ours = {(name, kernel): loads[kernel].resolution(name).outcome.value for name, kernel in expected}
        assert ours == expected, path
        answers.update(ours.values())
    assert answers.total() > 8000
    assert min(answers[outcome.value] for outcome in (Outcome.RESOLVED, Outcome.ABSENT, Outcome.INCOMPATIBLE)) > 100
