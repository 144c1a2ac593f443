"""What all rules share: one finding for one cause, kernels that answer alike asked once, errors from own facts only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from benchmarks.bench_fleet import variants
from kfunc_lsp import rules
from kfunc_lsp.check import check, known_names
from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.functions import Functions
from kfunc_lsp.kernel.model import Fact, FunctionClass, Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.rules.fleet import Fleet, listed
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Finding, Rule, Severity, Stage, Violation
from tests.btfbuilder import BtfBuilder
from tests.programs import unit

TEXT = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern void bpf_a(void) __ksym;
SEC("tc") int p(void *ctx) { bpf_a(); return 0; }
"""


def kernel(name: str = "7.3", *functions: str, flags: int = 0) -> Kernel:
    builder = BtfBuilder()
    for function in functions or ("bpf_a",):
        builder.kfunc(function, flags=flags)
    return builder.kernel(name)


def rule(name: str, stage: Stage | None, severity: Severity = Severity.ERROR, at: str = "use", **more: object) -> Rule:
    def of(load: Load, _: str) -> Iterator[Violation]:
        function = load.bound("bpf_a")
        if function is not None:
            use = load.unit.uses_by_name["bpf_a"][0]
            declaration = load.unit.declarations["bpf_a"][0]
            span = use.span if at == "use" else declaration.name_span
            yield Violation(severity, span, name, str(function.flags), stage, name, subject="bpf_a", **more)  # type: ignore[arg-type]

    return Rule(name, "", of)


def names(*some: Rule, kernels: tuple[Kernel, ...], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    monkeypatch.setattr(rules, "ALL", some)
    return [(f.rule.name, f.severity.word) for f in check(unit(TEXT), kernels)]


def test_what_is_said_first_hides_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    late, early = rule("late", Stage.VERIFIER), rule("early", Stage.SCAN)
    assert names(late, early, kernels=(kernel(),), monkeypatch=monkeypatch) == [("early", "error")]
    refused = rule("refused", Stage.RESOLVE, at="declaration")
    assert names(late, early, refused, kernels=(kernel(),), monkeypatch=monkeypatch) == [("refused", "error")]
    doubted = rule("doubted", Stage.RESOLVE, Severity.WARNING, at="declaration")
    assert ("early", "error") in names(late, early, doubted, kernels=(kernel(),), monkeypatch=monkeypatch)


def test_a_hint_never_hides_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    hint, late = rule("hint", Stage.COMPILE, Severity.HINT), rule("late", Stage.VERIFIER)
    assert names(hint, late, kernels=(kernel(),), monkeypatch=monkeypatch) == [("late", "error")]


def test_no_error_rests_on_another_kernels_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    lent = replace(kernel(), hooks_of="7.2.1")
    hooks, types = rule("hooks", None, fact=Fact.HOOKS), rule("types", None, at="declaration")
    found = names(hooks, types, kernels=(lent,), monkeypatch=monkeypatch)
    assert sorted(found) == [("hooks", "warning"), ("types", "error")]
    (finding,) = [f for f in check(unit(TEXT), (lent,)) if f.rule is hooks]
    assert finding.standings[0].source == "7.2.1"


def test_what_must_hold_everywhere_is_said_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = rule("everywhere", None, shared_by=1)
    assert names(everywhere, kernels=(kernel(), kernel("7.2")), monkeypatch=monkeypatch)
    assert not names(everywhere, kernels=(kernel(), kernel("7.2", "bpf_b")), monkeypatch=monkeypatch)


def test_kernels_that_answer_alike_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def of(load: Load, name: str) -> Iterator[Violation]:
        asked.append(load.function("bpf_a"))
        yield from rule("any", None).check(load, "")

    monkeypatch.setattr(rules, "ALL", (Rule("any", "", of),))
    fleet = [kernel(f"7.{i}", "bpf_a", f"bpf_{i}", flags=1 << (i % 2)) for i in range(40)]
    (finding,) = check(unit(TEXT), [*fleet, kernel("8.0", "bpf_b")])
    assert len(asked) == 3
    assert [(len(s.kernels), s.comment) for s in finding.standings] == [
        (20, "1"),
        (20, "2"),
        (1, "no kfunc `bpf_a` there"),
    ]
    assert finding.message == "any on 7.0, 7.1, 7.2, 7.3, 7.4, 7.5, 7.6 and 33 more"


FIXTURES = list({p.parent: p for p in sorted(Path(__file__).parent.glob("rules/*/*.bpf.c"))}.values())
"""One of each rule."""


def standings(findings: Iterable[Finding]) -> dict[str, set[object]]:
    """By kernel, what is said of it; less what is said of all kernels or of none."""
    found: dict[str, set[object]] = {}
    for finding in findings:
        v = finding.violation
        if v.shared_by or finding.rule.name == "unused-ignore":
            continue
        for s in finding.standings:
            if s.fails:
                place = (finding.rule.name, v.span.start, v.span.file.path, v.subject)
                said = (*place, s.severity, s.stage, s.speaker, s.foreseen, s.comment, s.source)
                for name in s.kernels:
                    found.setdefault(name, set()).add(said)
    return found


def test_a_fleet_is_told_of_each_kernel_what_it_is_told_alone() -> None:
    released = [resolve(name) for name in bundled()]
    kernels = [*released, *variants(released, 2 * len(released)), replace(released[0], name="lent", hooks_of="7.0")]
    known = known_names(kernels)
    said = 0
    for number, fixture in enumerate(FIXTURES):
        read = unit(fixture.read_text(), known)
        together = standings(check(read, kernels))
        for kernel in kernels[number % len(released) :: len(released)]:
            alone = standings(check(read, [kernel]))
            assert together.get(kernel.name, set()) == alone.get(kernel.name, set()), (fixture.name, kernel.name)
            said += len(alone)
    assert said > 50


def test_nothing_is_said_of_the_arguments_of_what_cannot_be_called() -> None:
    """Where types are not known, an extern may fit; the kernel refuses its name before it looks at arguments."""
    text = """#include "not-there.h"
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    struct bpf_prog_aux *aux) __weak __ksym;
static int cb(void *map, int *key, void *value) { return 0; }
SEC("tc") int p(struct bpf_wq *wq)
{
        if (bpf_wq_set_callback)
                return bpf_wq_set_callback(wq, cb, 0);
        return bpf_wq_set_callback_impl(wq, cb, 0, NULL);
}
"""
    target = resolve("7.3")
    found = check(unit(text, known_names([target])), [target])
    assert {f.rule.name for f in found if f.violation.subject == "bpf_wq_set_callback_impl"} == {
        "unflagged-impl-called"
    }


def test_a_fleet_gives_each_different_function_once() -> None:
    fleet = Fleet([kernel("a"), kernel("b", flags=2), kernel("c"), kernel("d", "bpf_b")])
    answers = [(f and f.flags, kernels) for f, kernels in fleet.functions("bpf_a")]
    assert answers == [(0, ("a", "c")), (2, ("b",)), (None, ("d",))]
    assert listed(["x"] * 8) == ", ".join("x" * 8)


def test_libbpf_finds_functions_that_are_no_kfuncs() -> None:
    builder = BtfBuilder()
    builder.function("schedule", builder.integer())
    builder.kfunc("bpf_a")
    pack = builder.kernel()
    image = replace(pack, others=Functions(builder.build))
    assert pack.find("schedule") is None
    assert not pack.is_whole
    found = image.find("schedule")
    assert found is not None
    assert found.klass is FunctionClass.FUNCTION
    assert image.find("bpf_a") is image.get("bpf_a")
    assert image.get("schedule") is None
    module = replace(next(iter(pack.functions.values())), name="schedule", module="m")
    shadowed = replace(image, functions={**image.functions, "schedule": module})
    assert (found := shadowed.find("schedule")) is not None
    assert found.klass is FunctionClass.FUNCTION


def test_a_kfunc_of_a_module_has_its_advice_and_no_look_alike() -> None:
    other = kernel("7.3", "bpf_task_release")
    (found,) = check(unit(TEXT.replace("bpf_a", "bpf_ct_release"), known_names([other])), [other])
    assert found.violation.advice.startswith("load the module first")
