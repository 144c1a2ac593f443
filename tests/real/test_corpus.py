"""1,076 real BPF programs: every call that clang sees is seen, and what loads gets no error."""

from __future__ import annotations

import random

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.rules.model import Severity
from kfunc_lsp.source.flags import parse_arguments
from kfunc_lsp.unit.model import UseKind
from tests.programs import SHARED
from tests.real.conftest import Corpus, load
from tests.real.test_verdicts import ON_PATHS
from tests.rules.test_evidence import agree

pytestmark = pytest.mark.slow

Site = tuple[str, int]


@pytest.fixture(scope="module")
def clang_calls() -> dict[str, list[list[object]]]:
    answer: dict[str, list[list[object]]] = load(SHARED / "data" / "corpus" / "ast_calls.json.xz")["files"]
    return answer


def test_calls_are_those_that_clang_sees(corpus: Corpus, clang_calls: dict[str, list[list[object]]]) -> None:
    known = known_names([resolve("7.3")])
    wrong = []
    total = 0
    for name in corpus.commands:
        unit = corpus.unit(name, known)
        ours = {
            (use.name, unit.file.position(use.span.start)[0] + 1, use.argument_count, use.function)
            for use in unit.uses
            if use.kind is UseKind.CALL and use.span.file is unit.file
        }
        theirs = {(row[0], row[1], row[3], row[4]) for row in clang_calls[name]}
        total += len(theirs)
        wrong += [(name, call) for call in ours ^ theirs]
    assert total > 3500
    assert len(wrong) <= 8, wrong


def is_to_fail(name: str, text: str) -> bool:
    """Whether programs of a file are there to be refused, as annotations say or their harness."""
    by_harness = ("/linked_list_fail.c", "/non_scx_kfunc_deny.bpf.c", "/test_log_fixup.c")
    return "__failure" in text or "__msg" in text or name.endswith(by_harness)


def test_no_error_in_what_the_kernel_accepts_and_no_crash(corpus: Corpus) -> None:
    kernels = [resolve(release) for release in bundled()]
    known = known_names(kernels)
    seven_three = [kernel for kernel in kernels if kernel.name.startswith("7.3")]
    for name in corpus.commands:
        unit = corpus.unit(name, known)
        check(unit, kernels)
        errors = [f.message for f in check(unit, seven_three) if f.severity is Severity.ERROR]
        assert not errors or is_to_fail(name, unit.file.text), (name, errors)
        assert not unit.problems, name


def test_paths_are_refused_only_in_programs_that_are_there_to_be_refused(corpus: Corpus) -> None:
    kernel = resolve("7.3")
    known = known_names([kernel])
    by_harness = ("/rcu_read_lock.c", "/test_spin_lock_fail.c", "/rbtree_btf_fail__wrong_node_type.c")
    found = 0
    for name in corpus.commands:
        unit = corpus.unit(name, known)
        wrong = [f.message for f in check(unit, [kernel]) if f.rule.name in ON_PATHS]
        found += len(wrong)
        assert not wrong or is_to_fail(name, unit.file.text) or name.endswith(by_harness), (name, wrong)
    assert found > 40


def test_what_a_check_remembers_changes_no_finding(corpus: Corpus, clang_calls: dict[str, list[list[object]]]) -> None:
    kernels = [resolve("6.12"), resolve("7.3")]
    users = [name for name, rows in clang_calls.items() if len(rows) > 3]
    for name in random.Random(20261128).sample(users, 40):
        file = corpus.project.disk.program(str(corpus.root / name))
        agree(file, corpus.project.headers, parse_arguments(*corpus.commands[name]), kernels, 20, name)
