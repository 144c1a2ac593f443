"""Every rule against its fixtures: each expected finding stands on its line, nothing else is found, fixes hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kfunc_lsp import rules
from kfunc_lsp.check import check, known_names
from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.functions import Functions
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Finding
from tests.btfbuilder import BtfBuilder
from tests.programs import applied, unit

HERE = Path(__file__).parent
OF_OBJECTS = {"extern-without-btf"}
"""Rules that no C source can break; ``tests/cli/test_objects.py`` has them."""
FIXTURES = sorted(HERE.glob("*/*.bpf.c"))
WANT = re.compile(r'// want (\w+) "(.*)"$')
_kernels: dict[str, Kernel] = {}


def _functions() -> Functions:
    """What images have beyond the bundled packs, as far as fixtures name it. A fixture asks for it with ``7.3+``."""
    builder = BtfBuilder()
    builder.function("schedule_timeout", builder.integer("long", 8), [("timeout", builder.integer("long", 8))])
    return Functions(builder.build)


def kernels_of(text: str) -> list[Kernel]:
    """The kernels that a fixture names; those of ``7.2~`` have their program types from another."""
    match = re.search(r"^// kernels: (.*)$", text, re.M)
    assert match, "a fixture names its kernels"
    for name in match.group(1).split():
        if name not in _kernels:
            kernel = resolve(name.rstrip("+~"))
            kernel = replace(kernel, others=_functions()) if name.endswith("+") else kernel
            _kernels[name] = replace(kernel, hooks_of="another kernel") if name.endswith("~") else kernel
    return [_kernels[name] for name in match.group(1).split()]


def findings(text: str, rule: str) -> list[Finding]:
    kernels = kernels_of(text)
    return [f for f in check(unit(text, known_names(kernels)), kernels) if f.rule.name == rule]


def said(finding: Finding) -> str:
    foreseen = {s.foreseen for s in finding.standings if s.foreseen}
    return "\n".join([finding.message, finding.violation.why, *sorted(foreseen)])


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_findings_stand_where_they_are_wanted(path: Path) -> None:
    text = path.read_text()
    wanted = {}
    for number, line in enumerate(text.splitlines()):
        if match := WANT.search(line):
            wanted[number] = match.groups()
    found = {f.span.file.position(f.span.start)[0]: f for f in findings(text, path.parent.name)}
    assert found.keys() == wanted.keys()
    for number, (severity, words) in wanted.items():
        assert found[number].severity.word == severity
        assert words in said(found[number])


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_fixes_leave_nothing_to_find_and_do_nothing_twice(path: Path) -> None:
    text = path.read_text()
    fixes = [f.fix for f in findings(text, path.parent.name) if f.fix]
    golden = path.with_suffix(".fixed")
    fixed = applied(text, fixes)
    assert fixed == (golden.read_text() if golden.exists() else text)
    if fixes:
        assert not findings(re.sub(r"// want.*", "", fixed), path.parent.name)


def test_every_rule_has_violations_and_lookalikes() -> None:
    for rule in rules.ALL:
        if rule.name in OF_OBJECTS:
            continue
        here = [p for p in FIXTURES if p.parent.name == rule.name]
        assert any(WANT.search(line) for p in here for line in p.read_text().splitlines())
        assert any("want" not in p.read_text() for p in here)


def test_pages_have_the_headings_that_people_look_for() -> None:
    for rule in rules.ALL:
        headings = re.findall(r"^## (.*)$", rule.page, re.M)
        assert headings == [
            "What it does",
            "Why is this bad?",
            "Example",
            "Use instead",
            "What libbpf or the kernel says",
            "Fix safety",
            "References",
        ]


def test_the_documentation_is_the_rules_own() -> None:
    folder = HERE.parents[1] / "docs" / "rules"
    assert {p.stem: p.read_text() for p in folder.glob("*.md")} == {
        rule.name: f"# {rule.name}\n{rule.page}" for rule in rules.ALL
    }
